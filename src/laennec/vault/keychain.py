"""Warehouse keys: what wraps file keys, and how old ones open from the newest.

A warehouse key is 256 random bits with a random public id. File keys are wrapped by the current one
(AES key wrap, RFC 3394, which authenticates); a newer manifest carries the former keys wrapped by
the current one, so rotation re-wraps keys and never rewrites data. Keys live in memory only.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from laennec.core.errors import IntegrityError
from laennec.vault.labels import KEY_BYTES, derive_key

ID_BYTES = 16
_FILE_KEY = "laennec/file-key/1"
_SCRATCH_KEY = "laennec/scratch-key/1"
_FORMER_KEY = "laennec/former-key/1"


@dataclass(frozen=True)
class Keychain:
    """The current warehouse key and the former ones that still open.

    Attributes:
        current: Id of the key that wraps from now on, in hexadecimal.
        keys: Every key by id, ``current`` included.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def fresh(cls) -> "Keychain":
        """Return a keychain with one new random key."""
        return cls("", {}).renewed()

    def renewed(self) -> "Keychain":
        """Return this keychain with a new random key as the current one."""
        current = os.urandom(ID_BYTES).hex()
        return Keychain(current, {**self.keys, current: os.urandom(KEY_BYTES)})

    def knows(self, wrapped: str) -> bool:
        """Return whether the warehouse key that wrapped this file key is here."""
        return wrapped.partition(".")[0] in self.keys

    def secret(self, purpose: str, key_id: str | None = None) -> bytes:
        """Return the key for ``purpose``, derived from a warehouse key, by default the current.

        Raises:
            IntegrityError: there is no warehouse key of that id, or it was destroyed.
        """
        key = self.keys.get(self.current if key_id is None else key_id)
        if key is None:
            raise IntegrityError(
                "Something is sealed under a warehouse key that is not known or was destroyed.",
                remedy="Read a newer snapshot; what was shredded cannot be read again.",
            )
        return derive_key(key, purpose)

    def wrap(self, file_key: bytes) -> str:
        """Return ``file_key`` wrapped by the current key, as ``<key id>.<hexadecimal>``."""
        return f"{self.current}.{aes_key_wrap(self.secret(_FILE_KEY), file_key).hex()}"

    def unwrap(self, wrapped: str) -> bytes:
        """Return the file key in ``wrapped``.

        Raises:
            IntegrityError: it does not authenticate, or its warehouse key was destroyed.
        """
        key_id, _, body = wrapped.partition(".")
        return _unwrap(self.secret(_FILE_KEY, key_id), body)

    def wrap_scratch(self, key: bytes) -> str:
        """Return the key of scratch files wrapped as ``wrap`` does; it opens no stored file."""
        return f"{self.current}.{aes_key_wrap(self.secret(_SCRATCH_KEY), key).hex()}"

    def unwrap_scratch(self, wrapped: str) -> bytes:
        """Return the key that ``wrap_scratch`` wrapped.

        Raises:
            IntegrityError: it does not authenticate, or its warehouse key was destroyed.
        """
        key_id, _, body = wrapped.partition(".")
        return _unwrap(self.secret(_SCRATCH_KEY, key_id), body)

    def rewrap(self, wrapped: str) -> str:
        """Return the same file key wrapped by the current key; unchanged if it is already."""
        if wrapped.startswith(f"{self.current}."):
            return wrapped
        return self.wrap(self.unwrap(wrapped))

    def wrap_former(self) -> dict[str, str]:
        """Return every key but the current one, wrapped by the current one, by id."""
        secret = self.secret(_FORMER_KEY)
        return {
            key_id: aes_key_wrap(secret, key).hex()
            for key_id, key in self.keys.items()
            if key_id != self.current
        }

    def with_former(self, wrapped: Mapping[str, str]) -> "Keychain":
        """Return this keychain with the former keys that ``wrap_former`` gave.

        Raises:
            IntegrityError: one does not authenticate.
        """
        secret = self.secret(_FORMER_KEY)
        former = {key_id: _unwrap(secret, body) for key_id, body in wrapped.items()}
        return Keychain(self.current, {**former, **self.keys})


def _unwrap(secret: bytes, body: str) -> bytes:
    try:
        return aes_key_unwrap(secret, bytes.fromhex(body))
    except (InvalidUnwrap, ValueError):
        raise IntegrityError(
            "A wrapped key does not authenticate.",
            remedy="Run `laennec verify`, then restore the store from a copy.",
        ) from None
