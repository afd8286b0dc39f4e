"""Root keys in OpenBao's transit engine: they are made in the server and never leave it.

One transit key (AES-256-GCM, not exportable) holds the numbered root keys of one vault. The purpose
is associated data, which the server authenticates. ``forget`` trims older versions, after which the
server has them no more; ``destroy`` deletes the transit key. Both read back what is left.

The server is trusted with the keys and with its answers; the way to it is not (``openbao_api``).
What is destroyed in the server is still in a backup of its storage, with its unseal keys.
"""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from laennec.core.errors import (
    AlreadyExistsError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
)
from laennec.vault.labels import encode_parts
from laennec.vault.openbao_api import AbsentError, Api, RefusedError

_VERSION_BYTES = 4
_PURPOSE = "laennec/openbao-wrap/1"
_PREFIX = "vault:v"
_TYPE = "aes256-gcm96"
_NO_KEY = "encryption key not found"
_FIXED = {"exportable": False, "allow_plaintext_backup": False, "derived": False}


class OpenBaoKeys:
    """A ``KeyHolder`` in one transit key; nothing is asked of the server before the first use.

    Keeps nothing in memory: every call asks the server, so that another process's rotation or
    destruction is seen at once. Safe among threads.
    """

    def __init__(self, api: Api, *, mount: str, key: str) -> None:
        """Take the way to the server.

        Args:
            api: Signed in as somebody who may do what is asked of this holder.
            mount: Where the transit engine is mounted.
            key: Name of the transit key.
        """
        self._api, self._mount, self._key = api, mount, key

    def __repr__(self) -> str:
        return f"OpenBaoKeys({self._mount}/{self._key})"

    @classmethod
    def create(cls, api: Api, *, mount: str, key: str) -> "OpenBaoKeys":
        """Make the transit key, with one root key.

        Raises:
            AlreadyExistsError: the server has a key of that name, which may be another hub's.
            KeyHolderError: the server does not answer, or does not allow it.
        """
        made = cls(api, mount=mount, key=key)
        if made._facts() is not None:
            raise AlreadyExistsError(
                f"The OpenBao server has a transit key {key} already.",
                remedy="Choose another name; never share a key between two hubs.",
            )
        made._post(made._path("keys"), {"type": _TYPE, **_FIXED})
        made._versions_of(made._existing())
        return made

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root; see ``KeyHolder.wrap``.

        The server would make a key that is not there, if the policy lets it; so it is asked for
        the key first, and then for this very version of it.
        """
        version = max(self._versions_of(self._existing()))
        answer = self._post(
            self._path("encrypt"),
            {
                "plaintext": _base64(key),
                "associated_data": _base64(_associated(purpose)),
                "key_version": version,
            },
        )
        _, _, text = str(answer.get("ciphertext", "")).partition(f"{_PREFIX}{version}:")
        return version.to_bytes(_VERSION_BYTES, "big") + _from_base64(text)

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``; see ``KeyHolder.unwrap``."""
        version = int.from_bytes(wrapped[:_VERSION_BYTES], "big")
        if not version:
            # To the server, version 0 would be the newest.
            raise _not_ours()
        sealed = _base64(wrapped[_VERSION_BYTES:])
        try:
            answer = self._api.post(
                self._path("decrypt"),
                {
                    "ciphertext": f"{_PREFIX}{version}:{sealed}",
                    "associated_data": _base64(_associated(purpose)),
                },
            )
        except RefusedError as error:
            if error.says(_NO_KEY):
                raise self._gone() from None
            raise _not_ours() from None
        return _from_base64(str(answer.get("plaintext", "")))

    def rotate(self) -> None:
        """Make a new root key; see ``KeyHolder.rotate``."""
        self._existing()
        self._post(self._path("keys", "rotate"), {})

    def forget(self) -> None:
        """Trim all versions but the newest; see ``KeyHolder.forget``."""
        newest = max(self._versions_of(self._existing()))
        self._post(
            self._path("keys", "config"),
            {"min_decryption_version": newest, "min_encryption_version": newest},
        )
        self._post(self._path("keys", "trim"), {"min_available_version": newest})
        left = self._existing()
        if left.get("min_available_version") != newest or min(self._versions_of(left)) != newest:
            raise self._still_there()

    def destroy(self) -> None:
        """Delete the transit key; see ``KeyHolder.destroy``."""
        if self._facts() is None:
            return
        self._post(self._path("keys", "config"), {"deletion_allowed": True})
        with suppress(
            RefusedError
        ):  # somebody else may have been quicker; what counts is what is left
            self._api.delete(self._path("keys"))
        if self._facts() is not None:
            raise self._still_there()

    def versions(self) -> tuple[int, ...]:
        """Return the versions that the server has; see ``KeyHolder.versions``."""
        facts = self._facts()
        return () if facts is None else self._versions_of(facts)

    def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send what the server has no reason to refuse."""
        try:
            return self._api.post(path, body)
        except RefusedError as error:
            if error.says(_NO_KEY):
                raise self._gone() from None
            raise KeyHolderError(
                f"OpenBao refused a change or a use of the transit key {self._key}.",
                remedy="Somebody may have changed it at the same time; try again, and see the "
                "server's audit log.",
            ) from None

    def _path(self, what: str, action: str = "") -> str:
        return "/".join(one for one in (self._mount, what, self._key, action) if one)

    def _facts(self) -> dict[str, Any] | None:
        """Return what the server says about the key; None when it has none of that name."""
        try:
            return self._api.get(self._path("keys"))
        except AbsentError:
            return None

    def _existing(self) -> dict[str, Any]:
        facts = self._facts()
        if facts is None:
            raise self._gone()
        return facts

    def _versions_of(self, facts: dict[str, Any]) -> tuple[int, ...]:
        """Return the versions in the server's answer, of a key that is what it has to be.

        Raises:
            KeyHolderError: it can be exported, backed up in clear or brought back once deleted, or
                is of another type.
        """
        fixed = all(facts.get(name) is value for name, value in _FIXED.items())
        versions = facts.get("keys")
        if facts.get("type") != _TYPE or not fixed or not isinstance(versions, dict):
            raise KeyHolderError(
                f"The transit key {self._key} is not of the kind that keeps root keys in OpenBao.",
                remedy=f"It has to be {_TYPE}, not exportable, without plaintext backup, not "
                "derived; let `laennec init` make it.",
            )
        if not versions or facts.get("soft_deleted"):
            raise KeyHolderError(
                f"The transit key {self._key} is marked as deleted, but OpenBao still has it.",
                remedy="Bring it back (soft-delete-restore), or destroy it for good.",
            )
        return tuple(sorted(int(version) for version in versions))

    def _gone(self) -> KeyDestroyedError:
        return KeyDestroyedError(
            f"The OpenBao server has no transit key {self._key}: it was destroyed, or never there.",
            remedy="Check openbao.address, openbao.mount and openbao.key; a destroyed key and what "
            "it opened are lost for ever.",
        )

    def _still_there(self) -> KeyHolderError:
        return KeyHolderError(
            f"OpenBao still has root keys of {self._key} that were to be destroyed.",
            remedy="Somebody may have made a new one meanwhile; do it again.",
        )


def _associated(purpose: str) -> bytes:
    return encode_parts(_PURPOSE, purpose)


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _from_base64(text: str) -> bytes:
    """Return the bytes in an answer of the server, which are never empty."""
    try:
        body = base64.b64decode(text, validate=True)
    except binascii.Error:
        body = b""
    if not body:
        raise KeyHolderError(
            "OpenBao answered something that Laennec does not understand.",
            remedy="Check that openbao.address is an OpenBao server.",
        )
    return body


def _not_ours() -> IntegrityError:
    return IntegrityError(
        "A wrapped key does not open: altered, of another holder, or its root key is destroyed.",
        remedy="Check that this key belongs to this store; then run `laennec verify`.",
    )
