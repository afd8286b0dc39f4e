"""The way to an OpenBao server: signing in, asking again, and errors that tell no secret.

Only TLS, unless ``insecure_http`` says otherwise; no redirect is followed, since the token would go
along; proxies and certificates of the environment are not used. A failed connection and a server's
own failure are tried again a few times; what the server refuses is not. Tokens and secret ids are
read again when a new sign-in is needed, and are in no error, no log and no text of these objects.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from hvac import exceptions  # type: ignore[import-untyped]
from hvac.adapters import JSONAdapter  # type: ignore[import-untyped]

from laennec.core.errors import KeyHolderError, SettingsError

Secret = Callable[[], str]
"""Reads a secret from where it is kept, each time it is needed."""

_TIMEOUT_S = 10.0
_PAUSES_S = (0.1, 0.4, 1.6)
_SELF = "auth/token/lookup-self"


class AbsentError(Exception):
    """The server has nothing under this path; the adapter says what is missing."""


class RefusedError(Exception):
    """The server refused what it was given; the adapter says what that means."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("refused")
        self._reasons = reasons

    def says(self, reason: str) -> bool:
        """Return whether one of the server's reasons is this one."""
        return reason in self._reasons


@dataclass(frozen=True)
class Server:
    """Where the server is.

    Attributes:
        address: ``https://…``; ``http://…`` only with ``insecure_http``.
        ca_file: Certificates that sign the server's; None means those of the system.
        namespace: Or None.
        insecure_http: Accept an address without TLS.
    """

    address: str
    ca_file: Path | None = None
    namespace: str | None = None
    insecure_http: bool = False


@dataclass(frozen=True)
class Token:
    """Sign in with a token.

    Attributes:
        read: Reads the token.
    """

    read: Secret


@dataclass(frozen=True)
class AppRole:
    """Sign in as a machine, with a short-lived token that is renewed by signing in again.

    Attributes:
        role_id: Which role; no secret.
        read: Reads the secret id.
        mount: Where the method is mounted.
    """

    role_id: str
    read: Secret
    mount: str = "approle"


class Api:
    """Requests to one server, signed in as one client; safe among threads."""

    def __init__(
        self,
        server: Server,
        sign_in: Token | AppRole,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take an address and a way to sign in; nothing is asked yet.

        Args:
            server: Where it is.
            sign_in: As whom.
            sleep: Waits between two attempts.

        Raises:
            SettingsError: the address is without TLS, and that was not allowed.
        """
        if not server.address.startswith("https://") and not server.insecure_http:
            raise SettingsError(
                "openbao.address is without TLS: whoever listens would have token and keys.",
                remedy="Use https, or set openbao.insecure_http for a server on this machine.",
            )
        session = requests.Session()
        # Nothing of the environment (proxy, certificates, .netrc) decides where the token goes.
        session.trust_env = False
        self._adapter = JSONAdapter(
            base_uri=server.address,
            token="",
            verify=True if server.ca_file is None else str(server.ca_file),
            namespace=server.namespace,
            timeout=_TIMEOUT_S,
            allow_redirects=False,
            session=_with_ca(session, server.ca_file),
        )
        self._address, self._sign_in, self._sleep = server.address, sign_in, sleep
        self._guard = threading.Lock()
        self._token: str | None = None

    def __repr__(self) -> str:
        return f"Api({self._address})"

    def get(self, path: str) -> dict[str, Any]:
        """Return what the server has at ``path``.

        Raises:
            AbsentError: it has nothing there.
            KeyHolderError: as ``post``.
        """
        return self._signed_in("get", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send ``body`` to ``path`` and return the answer, which may be empty.

        Raises:
            RefusedError: the server finds the content wrong.
            KeyHolderError: it does not answer, is sealed, has no such mount, or does not let this
                client do that.
        """
        try:
            return self._signed_in("post", path, body)
        except AbsentError:
            raise self._no_mount(path) from None

    def delete(self, path: str) -> None:
        """Delete what is at ``path``; what is not there is fine. Errors as ``post``."""
        with suppress(AbsentError):
            self._signed_in("delete", path, None)

    def _signed_in(
        self, method: str, path: str, body: Mapping[str, object] | None
    ) -> dict[str, Any]:
        """Ask with a token; when it is refused, sign in anew once, since tokens expire."""
        token = self._current_token()
        try:
            return self._ask(method, path, body, token)
        except exceptions.Forbidden:
            pass
        fresh = self._current_token(instead_of=token)
        try:
            return self._ask(method, path, body, fresh)
        except exceptions.Forbidden:
            raise self._forbidden(path, fresh) from None

    def _current_token(self, *, instead_of: str | None = None) -> str:
        """Return the token, a new one when the present one is ``instead_of``."""
        with self._guard:
            if self._token is None or self._token == instead_of:
                self._token = self._new_token()
            return self._token

    def _new_token(self) -> str:
        if isinstance(self._sign_in, Token):
            return self._sign_in.read()
        body = {"role_id": self._sign_in.role_id, "secret_id": self._sign_in.read()}
        try:
            answer = self._ask("post", f"auth/{self._sign_in.mount}/login", body, "", whole=True)
            return str(answer["auth"]["client_token"])
        except (RefusedError, exceptions.Forbidden, AbsentError, KeyError):
            raise KeyHolderError(
                "OpenBao does not accept this AppRole: role id or secret id is wrong or expired, "
                "or there is no such role.",
                remedy="Make a new secret id, and put it where openbao.secret_id_file or "
                "openbao.secret_id_env says.",
            ) from None

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        token: str,
        *,
        whole: bool = False,
    ) -> dict[str, Any]:
        """Send one request, again after a failure that may pass; return its ``data``."""
        for pause in _PAUSES_S:
            try:
                return self._once(method, path, body, token, whole=whole)
            except _MAY_PASS:
                self._sleep(pause)
        try:
            return self._once(method, path, body, token, whole=whole)
        except _MAY_PASS as error:
            raise self._no_answer(type(error).__name__) from None

    def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        token: str,
        *,
        whole: bool,
    ) -> dict[str, Any]:
        """Send one request; what the server refuses becomes ours, without its address and text."""
        headers = {"X-Vault-Token": token} if token else {}
        with self._translated(method, path):
            answer = self._adapter.request(method, f"v1/{path}", headers=headers, json=body)
        if isinstance(answer, dict):
            return answer if whole else answer.get("data") or {}
        if answer.status_code == requests.codes.no_content:
            return {}
        raise self._no_answer("an answer of another kind")

    @contextmanager
    def _translated(self, method: str, path: str) -> Iterator[None]:
        """Turn the errors of the libraries into ours, but those that may pass and a bad token."""
        try:
            yield
        except exceptions.InvalidRequest as error:
            raise RefusedError(tuple(error.errors or ())) from None
        except exceptions.InvalidPath as error:
            if error.errors and method == "get":
                # A path without a handler is explained; a key that is not there is not.
                raise self._no_mount(path) from None
            raise AbsentError from None
        except exceptions.VaultDown as error:
            if any("sealed" in one for one in error.errors or ()):
                raise KeyHolderError(
                    "The OpenBao server is sealed.", remedy="Unseal it, then try again."
                ) from None
            raise
        except requests.exceptions.SSLError as error:
            if not _of_the_certificate(error):
                # May pass: a PKCS#11 library leaves an error in OpenSSL's queue of a thread, which
                # Python takes for one of the line, once.
                raise
            raise KeyHolderError(
                f"The certificate of {self._address} is not one to trust.",
                remedy="Set openbao.ca_file to the certificate that signs the server's.",
            ) from None
        except OSError as error:
            if isinstance(error, _MAY_PASS):
                raise
            if isinstance(error, requests.RequestException):
                # Its text may quote a header, and the token with it.
                raise self._no_answer(type(error).__name__) from None
            raise SettingsError(
                "openbao.ca_file cannot be read.", remedy="Name an existing file of certificates."
            ) from None

    def _forbidden(self, path: str, token: str) -> KeyHolderError:
        """Tell a token that is not valid from one that may not do this."""
        try:
            self._ask("get", _SELF, None, token)
        except exceptions.Forbidden:
            return KeyHolderError(
                "OpenBao does not accept the token: it expired, was revoked, or is another's.",
                remedy="Put a new one where openbao.token_file or openbao.token_env says.",
            )
        return KeyHolderError(
            f"OpenBao does not let this client use {path}.",
            remedy="Give it the policy for this; docs/how-to/hold-keys.md has the text.",
        )

    def _no_mount(self, path: str) -> KeyHolderError:
        mount = path.partition("/")[0]
        return KeyHolderError(
            f"OpenBao has no transit engine at {mount}.",
            remedy="Correct openbao.mount or openbao.namespace, or enable the engine there.",
        )

    def _no_answer(self, kind: str) -> KeyHolderError:
        return KeyHolderError(
            f"The OpenBao server at {self._address} does not answer as it should ({kind}).",
            remedy="Check that it runs and that openbao.address is right; nothing was changed.",
        )


def _of_the_certificate(error: requests.exceptions.SSLError) -> bool:
    """Return whether the server's certificate was refused, and not another part of TLS."""
    reasons = (getattr(one, "reason", one) for one in error.args)
    causes = (cause for reason in reasons for cause in reason.args)
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


_MAY_PASS = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    exceptions.InternalServerError,
    exceptions.BadGateway,
    exceptions.VaultDown,
    exceptions.RateLimitExceeded,
    exceptions.UnexpectedError,
)
"""What another attempt may cure; to repeat is harmless, an extra root key at the worst."""


def _with_ca(session: requests.Session, ca_file: Path | None) -> requests.Session:
    session.verify = True if ca_file is None else str(ca_file)
    return session
