"""The passphrase keyring: root keys in one small file, opened by a passphrase, kept off the store.

argon2id turns the passphrase into a key-encrypting key; that wraps the root keys with AES-256-GCM.
The cost and the salt are authenticated with them. The file alone opens nothing without the
passphrase, and the store alone opens nothing without the file. Losing either loses the warehouse;
the file needs a backup elsewhere. Byte table: ``docs/reference/sealed-formats.md``.

Does not protect a weak passphrase from a thief of the file for ever: argon2id makes each guess cost
about 0.3 s and 64 MiB. Where a passphrase comes from is ``passphrase_source``'s work, whose public
names are given here as well.
"""

import base64
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import (
    AlreadyExistsError,
    FormatError,
    IntegrityError,
    KeyHolderError,
    WrongPassphraseError,
)
from laennec.vault.labels import KEY_BYTES, derive_key, encode_parts
from laennec.vault.passphrase_source import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
    as_bytes,
    read_passphrase,
)

__all__ = [
    "Argon2Cost",
    "PassphraseFile",
    "PassphraseKeyring",
    "PassphraseSource",
    "PassphraseVariable",
    "Prompt",
    "read_passphrase",
]

FORMAT = "laennec/keyring/1"
_NONCE_BYTES = 12
_VERSION_BYTES = 4
_ROOT_PURPOSE = "laennec/root-wrap/1"


@dataclass(frozen=True)
class Argon2Cost:
    """What one guess at the passphrase costs (RFC 9106).

    Attributes:
        time: Passes over the memory.
        memory_kib: Memory in KiB.
        lanes: Parallel lanes.
    """

    time: int = 3
    memory_kib: int = 65_536
    lanes: int = 4

    def check_floor(self) -> None:
        """Raise if a guess would be cheaper than RFC 9106's second recommended option.

        Raises:
            KeyHolderError: fewer than 3 passes over 64 MiB.
        """
        if self.time < 3 or self.memory_kib < 65_536:
            raise KeyHolderError(
                "The keyring's argon2id cost is below 3 passes over 64 MiB.",
                remedy="Use the default cost; somebody may have weakened the keyring file.",
            )


class PassphraseKeyring:
    """A ``KeyHolder`` in a file of mode 0600; every change replaces the file at once, durably.

    Made by ``create`` and ``open``. Thread-safe.
    """

    def __init__(
        self,
        path: Path,
        *,
        secret: bytes,
        salt: bytes,
        cost: Argon2Cost,
        roots: Mapping[int, bytes],
    ) -> None:
        self.path = path
        self._secret, self._salt, self._cost = secret, salt, cost
        self._roots = dict(roots)
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: bytes | str,
        *,
        cost: Argon2Cost | None = None,
        insecure_cost: Argon2Cost | None = None,
    ) -> "PassphraseKeyring":
        """Write a new keyring with one root key.

        Args:
            path: The file, on a disk that is not the store's host's.
            passphrase: At least one byte.
            cost: At or above the floor; about 0.3 s by default.
            insecure_cost: Any cost, for tests.

        Raises:
            AlreadyExistsError: the file exists.
            KeyHolderError: the cost is below the floor, or the file cannot be written.
        """
        chosen = _checked(cost, insecure_cost)
        salt = os.urandom(16)
        secret = _stretch(passphrase, salt, chosen)
        keyring = cls(path, secret=secret, salt=salt, cost=chosen, roots={1: os.urandom(KEY_BYTES)})
        keyring._save(exclusive=True)
        return keyring

    @classmethod
    def open(
        cls, path: Path, passphrase: bytes | str, *, insecure_cost: Argon2Cost | None = None
    ) -> "PassphraseKeyring":
        """Open an existing keyring.

        Args:
            path: The file.
            passphrase: The passphrase.
            insecure_cost: Accept exactly this cost although it is below the floor, for tests.

        Raises:
            WrongPassphraseError: the passphrase does not open it, or the file was altered.
            FormatError: it is no keyring of a known version.
            KeyHolderError: it is absent, unreadable, or its cost is below the floor.
        """
        with _translated(path):
            fields = _parse(path.read_bytes())
        cost = fields.cost
        if cost != insecure_cost:
            cost.check_floor()
        secret = _stretch(passphrase, fields.salt, cost)
        roots = _open_roots(fields, secret)
        return cls(path, secret=secret, salt=fields.salt, cost=cost, roots=roots)

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root; see ``KeyHolder.wrap``."""
        with self._lock:
            number = max(self._roots)
            root = self._roots[number]
        version, nonce = number.to_bytes(_VERSION_BYTES, "big"), os.urandom(_NONCE_BYTES)
        sealed = AESGCM(derive_key(root, _ROOT_PURPOSE, purpose)).encrypt(
            nonce, key, encode_parts(_ROOT_PURPOSE, purpose, version)
        )
        return version + nonce + sealed

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``; see ``KeyHolder.unwrap``."""
        version = wrapped[:_VERSION_BYTES]
        nonce = wrapped[_VERSION_BYTES : _VERSION_BYTES + _NONCE_BYTES]
        with self._lock:
            root = self._roots.get(int.from_bytes(version, "big"))
        if root is None:
            raise _not_ours()
        try:
            return AESGCM(derive_key(root, _ROOT_PURPOSE, purpose)).decrypt(
                nonce,
                wrapped[_VERSION_BYTES + _NONCE_BYTES :],
                encode_parts(_ROOT_PURPOSE, purpose, version),
            )
        except (InvalidTag, ValueError):
            raise _not_ours() from None

    def rotate(self) -> None:
        """Make a new root key; see ``KeyHolder.rotate``."""
        with self._lock:
            self._replace_roots({**self._roots, max(self._roots) + 1: os.urandom(KEY_BYTES)})

    def forget(self) -> None:
        """Destroy all roots but the newest; see ``KeyHolder.forget``.

        The file is replaced: its former blocks are freed, not overwritten, and copies of the file
        made earlier still hold the old roots. Destroy those copies too.
        """
        with self._lock:
            newest = max(self._roots)
            self._replace_roots({newest: self._roots[newest]})

    def change_passphrase(self, passphrase: bytes | str) -> None:
        """Seal the same root keys under a new passphrase and a new salt, at the same cost."""
        with self._lock:
            salt = os.urandom(16)
            secret = _stretch(passphrase, salt, self._cost)
            before = self._salt, self._secret
            self._salt, self._secret = salt, secret
            try:
                self._save()
            except KeyHolderError:
                self._salt, self._secret = before
                raise

    def _replace_roots(self, roots: Mapping[int, bytes]) -> None:
        """Keep ``roots`` from now on, once they are on disk."""
        before, self._roots = self._roots, dict(roots)
        try:
            self._save()
        except KeyHolderError:
            self._roots = before
            raise

    def _save(self, *, exclusive: bool = False) -> None:
        """Write the file whole under another name, flush it, then give it its name."""
        public = {
            "argon2id": asdict(self._cost),
            "format": FORMAT,
            "salt": base64.b64encode(self._salt).decode(),
        }
        nonce = os.urandom(_NONCE_BYTES)
        roots = {str(number): root.hex() for number, root in self._roots.items()}
        sealed = AESGCM(self._secret).encrypt(
            nonce, json.dumps(roots).encode(), _associated(public)
        )
        body = {**public, "sealed": base64.b64encode(nonce + sealed).decode()}
        with _translated(self.path):
            _write_atomically(self.path, json.dumps(body, indent=1).encode(), exclusive=exclusive)


def _not_ours() -> IntegrityError:
    return IntegrityError(
        "A wrapped key does not open: altered, of another keyring, or its root key is destroyed.",
        remedy="Check that this keyring belongs to this store; then run `laennec verify`.",
    )


@dataclass(frozen=True)
class _KeyringFile:
    public: Mapping[str, Any]
    cost: Argon2Cost
    salt: bytes
    sealed: bytes


def _parse(body: bytes) -> _KeyringFile:
    try:
        value = json.loads(body)
        sealed = base64.b64decode(value.pop("sealed"), validate=True)
        salt = base64.b64decode(value["salt"], validate=True)
        fields = _KeyringFile(value, Argon2Cost(**value["argon2id"]), salt, sealed)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged() from None
    if value.get("format") != FORMAT or value.keys() != {"argon2id", "format", "salt"}:
        raise _damaged()
    return fields


def _damaged() -> FormatError:
    return FormatError(
        "The keyring file is damaged, or of a version that this program does not know.",
        remedy="Restore it from its backup.",
    )


def _open_roots(fields: _KeyringFile, secret: bytes) -> dict[int, bytes]:
    nonce, body = fields.sealed[:_NONCE_BYTES], fields.sealed[_NONCE_BYTES:]
    try:
        opened = AESGCM(secret).decrypt(nonce, body, _associated(fields.public))
    except (InvalidTag, ValueError):
        raise WrongPassphraseError(
            "The passphrase does not open the keyring.",
            remedy="Check it; if it is right, the file was altered: restore its backup.",
        ) from None
    return {int(number): bytes.fromhex(root) for number, root in json.loads(opened).items()}


def _associated(public: Mapping[str, Any]) -> bytes:
    """Bind everything in the file that is not sealed: format, cost and salt."""
    return encode_parts(FORMAT, json.dumps(public, sort_keys=True, separators=(",", ":")))


def _stretch(passphrase: bytes | str, salt: bytes, cost: Argon2Cost) -> bytes:
    secret = as_bytes(passphrase)
    if not secret:
        raise KeyHolderError("The passphrase is empty.", remedy="Choose one of several words.")
    try:
        return hash_secret_raw(
            secret,
            salt,
            time_cost=cost.time,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
    except HashingError:
        raise FormatError(
            "The keyring's argon2id cost is not one that can be computed here.",
            remedy="Restore the keyring file from its backup, or use a machine with more memory.",
        ) from None


def _checked(cost: Argon2Cost | None, insecure_cost: Argon2Cost | None) -> Argon2Cost:
    if insecure_cost is not None:
        return insecure_cost
    chosen = Argon2Cost() if cost is None else cost
    chosen.check_floor()
    return chosen


def _write_atomically(path: Path, body: bytes, *, exclusive: bool) -> None:
    """Give ``path`` this content, whole or not at all; ``exclusive`` refuses an existing file."""
    staged = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            path.hardlink_to(staged)
        else:
            staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except FileExistsError:
        raise AlreadyExistsError(
            f"There is a keyring at {path} already.", remedy="Open it, or choose another path."
        ) from None
    except FileNotFoundError:
        raise KeyHolderError(
            f"There is no keyring at {path}.",
            remedy="Name the keyring file, or restore its backup.",
        ) from None
    except OSError as error:
        raise KeyHolderError(
            f"The keyring {path} cannot be read or written ({error.strerror}).",
            remedy="Check its permissions and the space on its disk.",
        ) from error
