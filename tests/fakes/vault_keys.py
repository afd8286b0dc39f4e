"""A key holder in memory, and a cheap passphrase keyring."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import IntegrityError, KeyDestroyedError
from laennec.vault.passphrase import Argon2Cost, PassphraseKeyring

PASSPHRASE = "a passphrase"
CHEAP = Argon2Cost(time=1, memory_kib=64, lanes=1)


class MemoryKeys:
    """Keeps numbered root keys in memory; behaves as ``KeyHolder`` promises."""

    def __init__(self) -> None:
        self._roots = {1: AESGCM.generate_key(256)}

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(self._newest()).encrypt(nonce, key, purpose.encode())

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        self._newest()
        for root in self._roots.values():
            try:
                return AESGCM(root).decrypt(wrapped[:12], wrapped[12:], purpose.encode())
            except (InvalidTag, ValueError):
                continue
        raise IntegrityError("A wrapped key does not open.", remedy="Use the right keys.")

    def rotate(self) -> None:
        self._newest()
        self._roots[max(self._roots) + 1] = AESGCM.generate_key(256)

    def forget(self) -> None:
        newest = self._newest()
        self._roots = {max(self._roots): newest}

    def destroy(self) -> None:
        self._roots = {}

    def versions(self) -> tuple[int, ...]:
        return tuple(sorted(self._roots))

    def _newest(self) -> bytes:
        if not self._roots:
            raise KeyDestroyedError("The root keys were destroyed.", remedy="Nothing opens them.")
        return self._roots[max(self._roots)]


def cheap_keyring(path: Path, passphrase: bytes | str = PASSPHRASE) -> PassphraseKeyring:
    """Return a new keyring that opens in a millisecond; for tests only."""
    return PassphraseKeyring.create(path, passphrase, insecure_cost=CHEAP)


def reopened(path: Path, passphrase: bytes | str = PASSPHRASE) -> PassphraseKeyring:
    """Open what ``cheap_keyring`` made."""
    return PassphraseKeyring.open(path, passphrase, insecure_cost=CHEAP)
