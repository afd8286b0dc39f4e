"""The keyring file: its bytes, the cost of a guess, and how it is replaced and locked.

The file is JSON: format, argon2id cost and salt in clear, and the root keys under AES-256-GCM with
all the rest as associated data. A change writes the whole file under another name, flushes it and
renames it, so a crash leaves the old file or the new one. A destroyed keyring leaves a tombstone in
its place, so that it is told from a lost file. Byte table:
``docs/reference/sealed-formats.md``.
"""

import base64
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
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
    KeyDestroyedError,
    KeyHolderError,
    WrongPassphraseError,
)
from laennec.vault.labels import KEY_BYTES, encode_parts

FORMAT = "laennec/keyring/1"
TOMBSTONE_FORMAT = "laennec/destroyed-keyring/1"
NONCE_BYTES = 12
_SALT_BYTES = 16


@dataclass(frozen=True)
class Argon2Cost:
    """What one guess at the passphrase costs; the default is RFC 9106's second recommendation.

    Attributes:
        time: Passes over the memory.
        memory_kib: Memory in KiB.
        lanes: Parallel lanes.
    """

    time: int = 3
    memory_kib: int = 65_536
    lanes: int = 4

    def check_floor(self) -> None:
        """Raise if a guess would be cheaper than the default.

        Raises:
            KeyHolderError: fewer than 3 passes over 64 MiB.
        """
        if self.time < 3 or self.memory_kib < 65_536:
            raise KeyHolderError(
                "The keyring's argon2id cost is below 3 passes over 64 MiB.",
                remedy="Use the default cost; somebody may have weakened the keyring file.",
            )


@dataclass(frozen=True)
class Lock:
    """What the passphrase became: the key that seals the root keys, and how it was made.

    Attributes:
        cost: Of argon2id.
        salt: 16 random bytes.
        secret: 256 bits.
    """

    cost: Argon2Cost
    salt: bytes
    secret: bytes

    def __repr__(self) -> str:
        return "Lock(...)"

    @classmethod
    def fresh(cls, passphrase: bytes, *, cost: Argon2Cost) -> "Lock":
        """Return a lock with a new salt."""
        return cls.stretched(passphrase, salt=os.urandom(_SALT_BYTES), cost=cost)

    @classmethod
    def stretched(cls, passphrase: bytes, *, salt: bytes, cost: Argon2Cost) -> "Lock":
        """Return the lock for a passphrase, by argon2id.

        Raises:
            KeyHolderError: the passphrase is empty, or argon2id cannot run at this cost here.
        """
        if not passphrase:
            raise KeyHolderError("The passphrase is empty.", remedy="Choose one of several words.")
        try:
            secret = hash_secret_raw(
                passphrase,
                salt,
                time_cost=cost.time,
                memory_cost=cost.memory_kib,
                parallelism=cost.lanes,
                hash_len=KEY_BYTES,
                type=Type.ID,
            )
        except HashingError:
            raise KeyHolderError(
                "The keyring's argon2id cost cannot be computed here.",
                remedy="Restore the keyring file from its backup, or use a larger machine.",
            ) from None
        return cls(cost, salt, secret)


@dataclass(frozen=True)
class SealedRoots:
    """A keyring file as read, not yet opened."""

    cost: Argon2Cost
    salt: bytes
    sealed: bytes

    def open(self, lock: Lock) -> dict[int, bytes]:
        """Return the root keys by version.

        Raises:
            WrongPassphraseError: the lock is not the one it was sealed with, or it was altered.
        """
        nonce, body = self.sealed[:NONCE_BYTES], self.sealed[NONCE_BYTES:]
        try:
            opened = AESGCM(lock.secret).decrypt(nonce, body, _associated(self.cost, self.salt))
        except (InvalidTag, ValueError):
            raise WrongPassphraseError(
                "The passphrase does not open the keyring.",
                remedy="Check it; if it is right, the file was altered: restore its backup.",
            ) from None
        return {int(version): bytes.fromhex(root) for version, root in json.loads(opened).items()}


def read_keyring(path: Path) -> SealedRoots:
    """Return the keyring at ``path``.

    Raises:
        KeyDestroyedError: its tombstone lies there.
        FormatError: it is no keyring of a known version.
        KeyHolderError: it is absent or unreadable.
    """
    with translated(path):
        body = path.read_bytes()
    try:
        value = json.loads(body)
        if value.get("format") == TOMBSTONE_FORMAT:
            raise destroyed(path)
        if value.keys() == {"format", "argon2id", "salt", "sealed"} and value["format"] == FORMAT:
            return SealedRoots(
                Argon2Cost(**value["argon2id"]),
                base64.b64decode(value["salt"], validate=True),
                base64.b64decode(value["sealed"], validate=True),
            )
    except (ValueError, TypeError, AttributeError):
        pass  # the same error as for unknown fields
    raise FormatError(
        "The keyring file is damaged, or of a version that this program does not know.",
        remedy="Restore it from its backup.",
    )


def write_keyring(
    path: Path, roots: Mapping[int, bytes], lock: Lock, *, exclusive: bool = False
) -> None:
    """Give ``path`` these root keys, whole or not at all, flushed to disk.

    Args:
        path: The file; mode 0600.
        roots: Root keys by version.
        lock: Seals them, under a fresh nonce.
        exclusive: Refuse an existing file.

    Raises:
        AlreadyExistsError: ``exclusive``, and the file exists.
        KeyHolderError: it cannot be written; the old file is unchanged.
    """
    nonce = os.urandom(NONCE_BYTES)
    clear = json.dumps({str(version): root.hex() for version, root in roots.items()}).encode()
    sealed = AESGCM(lock.secret).encrypt(nonce, clear, _associated(lock.cost, lock.salt))
    value = _public(lock.cost, lock.salt) | {"sealed": base64.b64encode(nonce + sealed).decode()}
    with translated(path):
        _write_atomically(path, json.dumps(value, indent=1).encode(), exclusive=exclusive)


def write_tombstone(path: Path, versions: Collection[int]) -> None:
    """Put a tombstone in the keyring's place, whole or not at all, flushed to disk.

    Args:
        path: The file.
        versions: Of the root keys that are destroyed by this, for whoever finds the file.

    Raises:
        KeyHolderError: it cannot be written; the keyring is unchanged.
    """
    value = {"format": TOMBSTONE_FORMAT, "destroyed_versions": sorted(versions)}
    with translated(path):
        _write_atomically(path, json.dumps(value, indent=1).encode(), exclusive=False)


def destroyed(path: Path) -> KeyDestroyedError:
    """Return the error for a keyring of which only the tombstone is left."""
    return KeyDestroyedError(
        f"The root keys of the keyring {path} were destroyed.",
        remedy="What they opened is unreadable for ever; nothing brings it back.",
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the keyring for one change, so that two processes do not undo each other's root keys."""
    with translated(path):
        guard = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
    finally:
        os.close(guard)


def _public(cost: Argon2Cost, salt: bytes) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "argon2id": asdict(cost),
        "salt": base64.b64encode(salt).decode(),
    }


def _associated(cost: Argon2Cost, salt: bytes) -> bytes:
    """Bind all that is not sealed, so that a weakened cost does not go unseen."""
    numbers = (str(number) for number in (cost.time, cost.memory_kib, cost.lanes))
    return encode_parts(FORMAT, *numbers, salt)


def _write_atomically(path: Path, body: bytes, *, exclusive: bool) -> None:
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
def translated(path: Path) -> Iterator[None]:
    """Turn the system's errors about the keyring file into ours."""
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
