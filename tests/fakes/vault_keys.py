"""A key holder in memory, and a cheap passphrase keyring."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import IntegrityError
from laennec.vault.passphrase import Argon2Cost, PassphraseKeyring

PASSPHRASE = "a passphrase"
CHEAP = Argon2Cost(time=1, memory_kib=64, lanes=1)


class MemoryKeys:
    """Keeps root keys in a list; behaves as ``KeyHolder`` promises."""

    def __init__(self) -> None:
        self._roots = [AESGCM.generate_key(256)]

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(self._roots[-1]).encrypt(nonce, key, purpose.encode())

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        for root in self._roots:
            try:
                return AESGCM(root).decrypt(wrapped[:12], wrapped[12:], purpose.encode())
            except (InvalidTag, ValueError):
                continue
        raise IntegrityError("A wrapped key does not open.", remedy="Use the right keys.")

    def rotate(self) -> None:
        self._roots.append(AESGCM.generate_key(256))

    def forget(self) -> None:
        del self._roots[:-1]


def cheap_keyring(path: Path, passphrase: bytes | str = PASSPHRASE) -> PassphraseKeyring:
    """Return a new keyring that opens in a millisecond; for tests only."""
    return PassphraseKeyring.create(path, passphrase, insecure_cost=CHEAP)


def reopened(path: Path, passphrase: bytes | str = PASSPHRASE) -> PassphraseKeyring:
    """Open what ``cheap_keyring`` made."""
    return PassphraseKeyring.open(path, passphrase, insecure_cost=CHEAP)
