"""The passphrase keyring: root keys in one small file, opened by a passphrase, kept off the store.

argon2id turns the passphrase into the key that seals the root keys. The file alone opens nothing
without the passphrase, and the store alone opens nothing without the file. Losing either loses the
warehouse, so the file needs a backup elsewhere. One keyring serves one warehouse: ``forget``
destroys what older root keys wrapped, whoever needed it. ``destroy`` leaves a tombstone in place of
the file; copies of the file made before still open with the passphrase, and it reaches none.

Does not protect a weak passphrase from a thief of the file for ever: a guess costs about 0.3 s and
64 MiB. Where a passphrase comes from is ``passphrase_source``'s work, given here as well.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import IntegrityError, KeyDestroyedError, LaennecError
from laennec.vault.keyring_file import (
    NONCE_BYTES,
    Argon2Cost,
    Lock,
    destroyed,
    locked,
    read_keyring,
    write_keyring,
    write_tombstone,
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

_VERSION_BYTES = 4
_ROOT_PURPOSE = "laennec/root-wrap/1"


class PassphraseKeyring:
    """A ``KeyHolder`` in a file of mode 0600; made by ``create`` and ``open``.

    Safe among threads and processes: a change locks and rereads the file, and what another process
    changed in it is seen at the next use.
    """

    def __init__(self, path: Path, *, lock: Lock, roots: Mapping[int, bytes]) -> None:
        self.path = path
        self._lock, self._roots = lock, dict(roots)
        self._guard = threading.RLock()
        self._stamp = _stamp(path)

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
        chosen = insecure_cost or cost or Argon2Cost()
        if insecure_cost is None:
            chosen.check_floor()
        lock = Lock.fresh(as_bytes(passphrase), cost=chosen)
        roots = {1: os.urandom(KEY_BYTES)}
        write_keyring(path, roots, lock, exclusive=True)
        return cls(path, lock=lock, roots=roots)

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
            KeyDestroyedError: its root keys were destroyed.
            FormatError: it is no keyring of a known version.
            KeyHolderError: it is absent, unreadable, or its cost is below the floor.
        """
        sealed = read_keyring(path)
        if sealed.cost != insecure_cost:
            sealed.cost.check_floor()
        lock = Lock.stretched(as_bytes(passphrase), salt=sealed.salt, cost=sealed.cost)
        return cls(path, lock=lock, roots=sealed.open(lock))

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root; see ``KeyHolder.wrap``."""
        roots = self._current()
        number = max(roots)
        root = roots[number]
        version, nonce = number.to_bytes(_VERSION_BYTES, "big"), os.urandom(NONCE_BYTES)
        cipher = AESGCM(derive_key(root, _ROOT_PURPOSE, purpose))
        return version + nonce + cipher.encrypt(nonce, key, _associated(purpose, version))

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``; see ``KeyHolder.unwrap``."""
        version, body = wrapped[:_VERSION_BYTES], wrapped[_VERSION_BYTES:]
        cipher = AESGCM(derive_key(self._root(version), _ROOT_PURPOSE, purpose))
        nonce, sealed = body[:NONCE_BYTES], body[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, sealed, _associated(purpose, version))
        except (InvalidTag, ValueError):
            raise _not_ours() from None

    def rotate(self) -> None:
        """Make a new root key; see ``KeyHolder.rotate``."""
        with self._guard, locked(self.path):
            roots = self._reread()
            self._replace(self._lock, {**roots, max(roots) + 1: os.urandom(KEY_BYTES)})

    def forget(self) -> None:
        """Destroy all roots but the newest; see ``KeyHolder.forget``.

        The file is replaced: its former blocks are freed, not overwritten, and copies of the file
        made earlier still hold the old roots. Destroy those copies too.
        """
        with self._guard, locked(self.path):
            roots = self._reread()
            newest = max(roots)
            self._replace(self._lock, {newest: roots[newest]})

    def change_passphrase(self, passphrase: bytes | str) -> None:
        """Seal the same root keys under a new passphrase and a new salt, at the same cost.

        Raises:
            KeyHolderError: the passphrase is empty, or the file cannot be written; the old
                passphrase still opens it.
        """
        lock = Lock.fresh(as_bytes(passphrase), cost=self._lock.cost)
        with self._guard, locked(self.path):
            self._replace(lock, self._reread())

    def destroy(self) -> None:
        """Put a tombstone in the keyring's place; see ``KeyHolder.destroy``.

        As with ``forget``, blocks are freed, not overwritten, and copies of the file keep the keys.
        """
        with self._guard, locked(self.path):
            try:
                roots = self._reread()
            except KeyDestroyedError:
                roots = {}
            if roots:
                write_tombstone(self.path, roots.keys())
            self._roots = {}

    def versions(self) -> tuple[int, ...]:
        """Return the versions in the file; see ``KeyHolder.versions``."""
        try:
            return tuple(sorted(self._reread()))
        except KeyDestroyedError:
            return ()

    def _root(self, version: bytes) -> bytes:
        """Return the root key of a version."""
        root = self._current().get(int.from_bytes(version, "big"))
        # Never fall back to another key: a host could have sealed its own head under it.
        if root is None:
            raise _not_ours()
        return root

    def _current(self) -> dict[int, bytes]:
        """Return the root keys, reread if the file is another one than before.

        A file that does not open now (moved away, or under a new passphrase) changes nothing of
        what this process already holds; a tombstone does.

        Raises:
            KeyDestroyedError: they were destroyed, by this process or another.
        """
        with self._guard:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._roots = self._reread()
                except KeyDestroyedError:
                    self._roots = {}
                except LaennecError:
                    pass  # the keys in memory are still right
            if not self._roots:
                raise destroyed(self.path)
            return self._roots

    def _reread(self) -> dict[int, bytes]:
        """Return the root keys that the file holds now."""
        return read_keyring(self.path).open(self._lock)

    def _replace(self, lock: Lock, roots: Mapping[int, bytes]) -> None:
        """Hold and store ``roots`` under ``lock``; memory follows the disk, never leads it."""
        write_keyring(self.path, roots, lock)
        self._lock, self._roots = lock, dict(roots)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells one file at ``path`` from the next; None when there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _associated(purpose: str, version: bytes) -> bytes:
    return encode_parts(_ROOT_PURPOSE, purpose, version)


def _not_ours() -> IntegrityError:
    return IntegrityError(
        "A wrapped key does not open: altered, of another keyring, or its root key is destroyed.",
        remedy="Check that this keyring belongs to this store; then run `laennec verify`.",
    )
