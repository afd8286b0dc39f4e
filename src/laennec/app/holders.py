"""The key holders of a hub, as the settings name them: one for the warehouse, one for the rest.

Two holders, so that shredding or destroying the warehouse takes nothing else with it: the second
wraps the vault of results and the ledger's signing key. Both are of one kind and, for a server or
a token, share one sign-in. Secrets are read here, from where the settings say, when they are
needed; they are in no setting, no argument and no error.
"""

import getpass
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from laennec.app.secrets import (
    check_private,
    create_keyrings,
    make_private,
    open_keyrings,
    open_warehouse_keyring,
    signing_key_file,
)
from laennec.core.clock import Clock
from laennec.core.errors import KeyHolderError, LaennecError, SettingsError
from laennec.core.settings import Settings
from laennec.vault.key_cache import CachedKeys
from laennec.vault.labels import encode_parts
from laennec.vault.passphrase_source import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
    read_passphrase,
)
from laennec.vault.ports import KeyHolder

Ask = Callable[[str], str]
"""Asks on the terminal, without echo."""


@dataclass(frozen=True)
class Holders:
    """The two key holders of a hub.

    Attributes:
        warehouse: Holds the root keys of the warehouse.
        hub: Holds those of results and of the ledger's signing key.
        signing_key: File with the ledger's signing key, wrapped by ``hub``; its name depends on the
            holder, so that two holders' files may lie side by side.
        again: Opens both anew, with a sign-in of their own, as another process would.
    """

    warehouse: KeyHolder
    hub: KeyHolder
    signing_key: Path
    again: Callable[[], "Holders"] = field(repr=False)


Pair = tuple[KeyHolder, KeyHolder]
"""The warehouse's holder and the hub's."""

_Secret = Callable[[], bytes]


def create_holders(
    settings: Settings,
    *,
    clock: Clock,
    ask: Ask = getpass.getpass,
    secret: bytes | None = None,
) -> Holders:
    """Make the root keys of a new hub, in the holder that the settings name.

    Args:
        settings: Of the new hub.
        clock: Bounds how long unwrapped keys are kept.
        ask: Asks for a passphrase or PIN, if the settings name no other place.
        secret: The passphrase, if it is not the one where the settings say it is.

    Raises:
        AlreadyExistsError: there are keys of these names already; they are untouched.
        SettingsError: the holder's settings are incomplete or its library is not installed.
        KeyHolderError: the holder does not answer or does not allow it, or others may read the
            folder of keys.
    """
    make_private(settings.keys.folder)
    read = _reader(settings, ask) if secret is None else lambda: secret
    return _holders(settings, clock, read, create=True)


def open_holders(
    settings: Settings,
    *,
    clock: Clock,
    ask: Ask = getpass.getpass,
    secret: bytes | None = None,
) -> Holders:
    """Open the key holders of a hub; a server or a token is not asked anything yet.

    Args:
        settings: Of the hub.
        clock: Bounds how long unwrapped keys are kept.
        ask: Asks for a passphrase or PIN, if the settings name no other place.
        secret: The passphrase, if it is not the one where the settings say it is.

    Raises:
        SettingsError: the holder's settings are incomplete or its library is not installed.
        WrongPassphraseError, KeyHolderError: the keys do not open, or others may read them.
    """
    check_private(settings.keys.folder)
    read = _reader(settings, ask) if secret is None else lambda: secret
    return _holders(settings, clock, read)


def open_warehouse_holder(
    settings: Settings, *, clock: Clock, ask: Ask = getpass.getpass
) -> KeyHolder:
    """Open the key holder of the warehouse alone; nothing of results or ledger has to be there.

    Arguments and errors are those of ``open_holders``.
    """
    check_private(settings.keys.folder)
    read = _reader(settings, ask)
    if settings.keys.holder == "passphrase":
        return open_warehouse_keyring(settings.keys.folder, read())
    return _holders(settings, clock, read).warehouse


def passphrase_source(settings: Settings) -> PassphraseSource:
    """Return where the settings say the passphrase is; the prompt if they say nothing."""
    return _source(settings.keys.passphrase_file, settings.keys.passphrase_env) or Prompt()


def _holders(settings: Settings, clock: Clock, read: _Secret, *, create: bool = False) -> Holders:
    """Make or open both holders, with a cache before what is slow to ask."""
    warehouse, hub = _KINDS[settings.keys.holder](settings, read, create)
    if settings.keys.holder != "passphrase":
        seconds = settings.keys.cache_seconds
        warehouse = CachedKeys(warehouse, seconds=seconds, clock=clock)
        hub = CachedKeys(hub, seconds=seconds, clock=clock)
    return Holders(
        warehouse,
        hub,
        signing_key_file(settings.keys.folder, _identity(settings)),
        lambda: _holders(settings, clock, read),
    )


def _reader(settings: Settings, ask: Ask) -> _Secret:
    """Return what reads the passphrase or PIN, once for a whole command."""
    if settings.keys.holder == "pkcs11":
        hsm = settings.pkcs11
        place = _source(hsm.pin_file, hsm.pin_env) or Prompt("PIN of the token: ")
        return cache(lambda: read_passphrase(place, ask=ask, what="PIN"))
    return cache(lambda: read_passphrase(passphrase_source(settings), ask=ask))


def _source(file: Path | None, variable: str | None) -> PassphraseSource | None:
    if file is not None:
        return PassphraseFile(file)
    return None if variable is None else PassphraseVariable(variable)


def _keyrings(settings: Settings, read: _Secret, create: bool) -> Pair:  # noqa: FBT001 - a table's form
    make = create_keyrings if create else open_keyrings
    return make(settings.keys.folder, read())


def _openbao(settings: Settings, read: _Secret, create: bool) -> Pair:  # noqa: ARG001, FBT001
    with _installed("openbao", "hvac"):
        from laennec.vault.openbao import OpenBaoKeys
        from laennec.vault.openbao_api import Api, AppRole, Server, Token
    bao = settings.openbao
    server = Server(bao.address, bao.ca_file, bao.namespace, bao.insecure_http)
    if bao.role_id is not None:
        secret_id = _given(bao.secret_id_file, bao.secret_id_env, "openbao.secret_id", "secret id")
        api = Api(server, AppRole(bao.role_id, secret_id))
    else:
        api = Api(server, Token(_given(bao.token_file, bao.token_env, "openbao.token", "token")))
    return _both(
        bao.key,
        lambda name: (OpenBaoKeys.create if create else OpenBaoKeys)(
            api, mount=bao.mount, key=name
        ),
        create=create,
    )


def _pkcs11(settings: Settings, read: _Secret, create: bool) -> Pair:  # noqa: FBT001
    with _installed("pkcs11", "pkcs11"):
        from laennec.vault.pkcs11 import Pkcs11Keys
        from laennec.vault.pkcs11_token import Token
    hsm = settings.pkcs11
    if hsm.module is None:
        raise SettingsError(
            "pkcs11.module is not set.", remedy="Set it to the library of the maker of your HSM."
        )
    token = Token(hsm.module, label=hsm.token, read_pin=lambda: _text(read(), "PIN"))
    return _both(
        hsm.key,
        lambda name: (Pkcs11Keys.create if create else Pkcs11Keys)(token, label=name),
        create=create,
    )


_KINDS: Mapping[str, Callable[[Settings, _Secret, bool], Pair]] = MappingProxyType(
    {"passphrase": _keyrings, "openbao": _openbao, "pkcs11": _pkcs11}
)
"""How each kind of holder is made or opened."""


def _both(key: str, holder: Callable[[str], KeyHolder], *, create: bool) -> Pair:
    """Return the two holders; of two that are to be made, none is left if one fails."""
    warehouse = holder(f"{key}-warehouse")
    try:
        return warehouse, holder(f"{key}-hub")
    except LaennecError:
        if create:
            with suppress(LaennecError):
                warehouse.destroy()
        raise


def _given(file: Path | None, variable: str | None, setting: str, what: str) -> Callable[[], str]:
    """Return what reads a secret that is never asked for, each time it is needed."""
    source = _source(file, variable)
    if source is None:
        raise SettingsError(
            f"Neither {setting}_file nor {setting}_env is set.",
            remedy="Set one of them to where the secret is; docs/how-to/hold-keys.md says which.",
        )
    return lambda: _text(read_passphrase(source, what=what), what)


def _text(secret: bytes, what: str) -> str:
    """Return a secret as the text that a header or a token takes."""
    if not secret.isascii() or any(not 0x20 < byte < 0x7F for byte in secret):
        raise KeyHolderError(
            f"The {what} has a space, a line break or a sign that is not ASCII.",
            remedy="Put the secret alone where the settings say.",
        )
    return secret.decode("ascii")


@contextmanager
def _installed(extra: str, library: str) -> Iterator[None]:
    """Say which extra of Laennec is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {library, "requests"}:
            raise
        raise SettingsError(
            f"keys.holder is {extra}, and the library for it is not installed.",
            remedy=f"Install it: pip install 'laennec[{extra}]'",
        ) from None


def _identity(settings: Settings) -> str | None:
    """Return what tells this holder from another; None for the keyrings in the folder itself."""
    bao, hsm = settings.openbao, settings.pkcs11
    where: Mapping[str, tuple[str, ...]] = {
        "openbao": (bao.address, bao.namespace or "", bao.mount, bao.key),
        "pkcs11": (hsm.token, hsm.key),
    }
    kind = settings.keys.holder
    if kind not in where:
        return None
    return f"{kind}-{hashlib.sha256(encode_parts(*where[kind])).hexdigest()[:8]}"
