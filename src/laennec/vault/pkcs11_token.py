"""A PKCS#11 token with a user signed in: one session, used by one thread at a time.

A process has one library of each maker, and in it one sign-in for each token; so sessions to one
token share it, whoever opened them. The PIN is read when a sign-in is needed, and is in no error,
no log and no text of these objects. A sign-in that was refused is never tried again by itself:
tokens lock after a few wrong PINs.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pkcs11 as vendor

from laennec.core.errors import KeyHolderError, SettingsError

_LOST = (
    vendor.SessionClosed,
    vendor.SessionHandleInvalid,
    vendor.UserNotLoggedIn,
    vendor.DeviceRemoved,
    vendor.TokenNotPresent,
)
"""What ends a session; the next use opens another one."""


class Token:
    """One token; nothing is touched before the first use."""

    def __init__(self, module: Path, *, label: str, read_pin: Callable[[], str]) -> None:
        """Take where the token is and how to sign in.

        Args:
            module: Library of the maker.
            label: Of the token.
            read_pin: Reads the user's PIN; called once for each sign-in.
        """
        self._module, self._label, self._read_pin = module, label, read_pin
        self._guard = threading.RLock()
        self._session: vendor.Session | None = None

    def __repr__(self) -> str:
        return f"Token({self._label})"

    @contextmanager
    def session(self) -> Iterator[vendor.Session]:
        """Give the session to one thread.

        Raises:
            SettingsError: the library or the token is not there.
            KeyHolderError: the PIN is wrong or locked, or the token failed.
        """
        with self._guard:
            try:
                yield self._open()
            except _LOST:
                self._session = None
                raise self._failed("lost the session") from None
            except vendor.PKCS11Error as error:
                raise self._failed(type(error).__name__) from None

    def close(self) -> None:
        """End the session, and with the last one of the process the sign-in."""
        with self._guard:
            if self._session is not None:
                with suppress(vendor.PKCS11Error):
                    self._session.close()
            self._session = None

    def _open(self) -> vendor.Session:
        if self._session is None or not self._alive(self._session):
            self._session = self._signed_in(self._found())
        return self._session

    @staticmethod
    def _alive(session: vendor.Session) -> bool:
        """Return whether the token still knows the session, by the cheapest question."""
        try:
            session.generate_random(8)
        except vendor.PKCS11Error:
            return False
        return True

    def _found(self) -> vendor.Token:
        try:
            library = vendor.lib(str(self._module))
        except vendor.PKCS11Error:
            raise SettingsError(
                f"The PKCS#11 library {self._module} cannot be loaded.",
                remedy="Set pkcs11.module to the library of the maker of your HSM.",
            ) from None
        try:
            return library.get_token(token_label=self._label)
        except vendor.NoSuchToken:
            raise SettingsError(
                f"There is no token {self._label}.",
                remedy="Correct pkcs11.token, or connect the HSM.",
            ) from None
        except vendor.MultipleTokensReturned:
            raise SettingsError(
                f"There are several tokens {self._label}.", remedy="Give each its own label."
            ) from None

    def _signed_in(self, token: vendor.Token) -> vendor.Session:
        pin = self._read_pin()
        try:
            return token.open(rw=True, user_pin=pin)
        except vendor.UserAlreadyLoggedIn:
            # Another session of this process signed in; the token lends the sign-in to all.
            return token.open(rw=True)
        except (vendor.PinIncorrect, vendor.PinInvalid, vendor.PinLenRange):
            raise KeyHolderError(
                f"The PIN does not open the token {self._label}.",
                remedy="Check it before you try again: after a few wrong PINs the token locks.",
            ) from None
        except (vendor.PinLocked, vendor.PinExpired):
            raise KeyHolderError(
                f"The PIN of the token {self._label} is locked or expired.",
                remedy="The token's security officer has to set a new one.",
            ) from None

    def _failed(self, kind: str) -> KeyHolderError:
        return KeyHolderError(
            f"The token {self._label} failed ({kind}).",
            remedy="Check that it is connected and works; then try again.",
        )
