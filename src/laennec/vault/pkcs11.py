"""Root keys in a hardware security module, or any token that speaks PKCS#11.

One AES-256 key object for each root key: made in the token, sensitive, not extractable, labelled
with the holder's name, its number as id. The token encrypts by AES-GCM under a random nonce, with
the purpose as associated data. ``forget`` and ``destroy`` destroy objects and read
back what is left.

The token is trusted. What is destroyed in it is still in the token's own backups.
"""

import os
from collections.abc import Sequence
from typing import Protocol, cast

import pkcs11 as vendor
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag, ObjectClass

from laennec.core.errors import (
    AlreadyExistsError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
)
from laennec.vault.labels import KEY_BYTES, encode_parts
from laennec.vault.pkcs11_token import Token

_VERSION_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 12, 16
_PURPOSE = "laennec/pkcs11-wrap/1"
_REFUSALS = (
    vendor.EncryptedDataInvalid,
    vendor.EncryptedDataLenRange,
    vendor.SignatureInvalid,
    vendor.SignatureLenRange,
    # SoftHSM and others say no more than this of a tag that is wrong.
    vendor.GeneralError,
    vendor.FunctionFailed,
    vendor.ArgumentsBad,
    vendor.DataInvalid,
    vendor.DataLenRange,
)
_KEPT = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.NEVER_EXTRACTABLE: True,
}
"""What the token has to say of a root key: it never left, and never will."""


class _Root(Protocol):
    """A key object of the token, with what the vendor's types do not say of it."""

    id: bytes

    def __getitem__(self, name: Attribute) -> object: ...
    def encrypt(self, body: bytes, *, mechanism: Mechanism, mechanism_param: object) -> bytes: ...
    def decrypt(self, body: bytes, *, mechanism: Mechanism, mechanism_param: object) -> bytes: ...
    def destroy(self) -> None: ...


class Pkcs11Keys:
    """A ``KeyHolder`` in a token; the token is not touched before the first use.

    Keeps no key and no handle of one: every call looks for the objects, so that what another
    process did is seen. Safe among threads.
    """

    def __init__(self, token: Token, *, label: str) -> None:
        """Take the token, and the label under which the root keys lie."""
        self._token, self._label = token, label

    def __repr__(self) -> str:
        return f"Pkcs11Keys({self._label})"

    @classmethod
    def create(cls, token: Token, *, label: str) -> "Pkcs11Keys":
        """Make the first root key.

        Raises:
            AlreadyExistsError: the token has keys of that label, which may be another hub's.
            KeyHolderError: the token is absent, does not open, or failed.
        """
        made = cls(token, label=label)
        with token.session() as session:
            if made._find(session):
                raise AlreadyExistsError(
                    f"The token has a key {label} already.",
                    remedy="Choose another name; never share a key between two hubs.",
                )
            made._generate(session, 1)
            made._check_kept(made._roots(session))
        return made

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root; see ``KeyHolder.wrap``."""
        nonce = os.urandom(_NONCE_BYTES)
        with self._token.session() as session:
            roots = self._roots(session)
            self._check_kept(roots)
            number = _number(roots[-1])
            version = number.to_bytes(_VERSION_BYTES, "big")
            how = GCMParams(nonce, _associated(purpose, version), _TAG_BYTES * 8)
            sealed = roots[-1].encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=how)
        return version + nonce + bytes(sealed)

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``; see ``KeyHolder.unwrap``."""
        version, body = wrapped[:_VERSION_BYTES], wrapped[_VERSION_BYTES:]
        nonce, sealed = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
        with self._token.session() as session:
            roots = self._roots(session)
            # Two processes that rotate at once may give two roots one number: try both.
            for root in roots:
                if len(sealed) > _TAG_BYTES and root.id == version:
                    key = _opened(root, nonce, sealed, _associated(purpose, version))
                    if key is not None:
                        return key
            _check_works(roots[-1])
        raise IntegrityError(
            "A wrapped key does not open: altered, of another token, or its root key is destroyed.",
            remedy="Check that this token belongs to this store; then run `laennec verify`.",
        )

    def rotate(self) -> None:
        """Make a new root key; see ``KeyHolder.rotate``."""
        with self._token.session() as session:
            self._generate(session, _number(self._roots(session)[-1]) + 1)

    def forget(self) -> None:
        """Destroy all objects but the newest; see ``KeyHolder.forget``."""
        with self._token.session() as session:
            roots = self._roots(session)
            newest = _number(roots[-1])
            for root in roots:
                if _number(root) != newest:
                    root.destroy()
            if any(_number(root) < newest for root in self._roots(session)):
                raise self._still_there()

    def destroy(self) -> None:
        """Destroy all objects; see ``KeyHolder.destroy``."""
        with self._token.session() as session:
            for root in self._find(session):
                root.destroy()
            if self._find(session):
                raise self._still_there()

    def versions(self) -> tuple[int, ...]:
        """Return the numbers of the objects that the token has; see ``KeyHolder.versions``."""
        with self._token.session() as session:
            return tuple(sorted({_number(root) for root in self._find(session)}))

    def _generate(self, session: vendor.Session, number: int) -> None:
        session.generate_key(
            KeyType.AES,
            KEY_BYTES * 8,
            id=number.to_bytes(_VERSION_BYTES, "big"),
            label=self._label,
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
            template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
            },
        )

    def _find(self, session: vendor.Session) -> list[_Root]:
        """Return the root keys, by number."""
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._label}
        # The whole list at once: an unfinished search would keep the session busy.
        found = cast("list[_Root]", list(session.get_objects(wanted)))
        return sorted(found, key=_number)

    def _roots(self, session: vendor.Session) -> list[_Root]:
        """Return the root keys, of which there has to be one."""
        roots = self._find(session)
        if not roots:
            raise KeyDestroyedError(
                f"The token has no key {self._label}: it was destroyed, or never there.",
                remedy="Check pkcs11.token and pkcs11.key; a destroyed key and what it opened are "
                "lost for ever.",
            )
        return roots

    def _check_kept(self, roots: Sequence[_Root]) -> None:
        """Refuse root keys that could be, or were, read out of the token."""
        if not all(root[name] is value for root in roots for name, value in _KEPT.items()):
            raise KeyHolderError(
                f"A key {self._label} of the token can be read out of it, or once could.",
                remedy="Let `laennec init` make the keys; never import them into the token.",
            )

    def _still_there(self) -> KeyHolderError:
        return KeyHolderError(
            f"The token still has root keys {self._label} that were to be destroyed.",
            remedy="Check that the user may destroy objects, then do it again.",
        )


def _number(root: _Root) -> int:
    return int.from_bytes(root.id, "big")


def _opened(root: _Root, nonce: bytes, sealed: bytes, bound: bytes) -> bytes | None:
    """Return what the token opens, or None when it refuses."""
    how = GCMParams(nonce, bound, _TAG_BYTES * 8)
    try:
        return bytes(root.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=how))
    except _REFUSALS:
        return None


def _check_works(root: _Root) -> None:
    """Tell a refusal from a token that fails: what it seals now, it has to open.

    Raises:
        KeyHolderError: it does not.
    """
    how = GCMParams(os.urandom(_NONCE_BYTES), None, _TAG_BYTES * 8)
    sealed = root.encrypt(bytes(KEY_BYTES), mechanism=Mechanism.AES_GCM, mechanism_param=how)
    if _opened(root, how.nonce, bytes(sealed), b"") != bytes(KEY_BYTES):
        raise KeyHolderError(
            "The token does not open what it sealed itself.",
            remedy="It fails, or its AES-GCM is not the usual one; ask its maker.",
        )


def _associated(purpose: str, version: bytes) -> bytes:
    return encode_parts(_PURPOSE, purpose, version)
