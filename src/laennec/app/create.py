"""Making a hub: everything of it, or nothing.

The settings file is written last, so a folder that has one is a whole hub. What was made before a
failure is removed; what a killed process leaves is refused by the next attempt and named.
"""

import getpass
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from laennec import __version__
from laennec.app.holders import Holders, create_holders, passphrase_source
from laennec.app.new_stores import new_stores
from laennec.app.secrets import create_signing_key
from laennec.app.seen import remember, remember_heads
from laennec.app.stores import RESULTS, WAREHOUSE
from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, LaennecError, SettingsError, StoreError
from laennec.core.settings import FILE_NAME, Settings, parse_settings
from laennec.disclosure.profiles import load_profile
from laennec.ledger.service import Ledger
from laennec.vault.passphrase import PassphraseSource, read_passphrase
from laennec.vault.ports import ObjectStore
from laennec.vault.service import Vault


def create_hub(
    folder: Path,
    *,
    text: str,
    passphrase: PassphraseSource | None,
    clock: Clock,
    ask: Callable[[str], str] = getpass.getpass,
) -> Settings:
    """Make a hub: settings file, root keys, two empty vaults and a ledger.

    Args:
        folder: Its folder; made when missing. It may not hold a hub.
        text: The settings file.
        passphrase: Where the passphrase comes from; None means where the settings say. Not read
            when another kind of key holder has the root keys.
        clock: Dates the first entries.
        ask: Asks for the passphrase or PIN on the terminal.

    Raises:
        AlreadyExistsError: the folder or the store holds a hub, or parts of one.
        SettingsError: ``text`` is wrong; nothing was made.
        KeyHolderError, StoreError, LedgerError: something could not be made, or the store cannot
            hold a warehouse (``vault.probe``); nothing is left.
    """
    if (folder / FILE_NAME).exists():
        raise AlreadyExistsError(
            f"{folder} holds a hub already.", remedy="Use it, or choose another folder."
        )
    settings = _settings(folder, text)
    parts = [settings.keys.folder, settings.ledger.folder]
    if settings.store.url is None:
        parts.append(settings.store.folder)
    _check_empty(parts)
    secret = None
    if settings.keys.holder == "passphrase":
        secret = read_passphrase(passphrase or passphrase_source(settings), ask=ask)
    with _nothing_left_of(parts, within=folder):
        _make(folder)
        with new_stores(settings.store) as stores:
            holders = create_holders(settings, clock=clock, ask=ask, secret=secret)
            with _no_keys_left_of(holders):
                _fill(settings, holders, clock, stores)
                _write_settings(folder, text)
    return settings


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _settings(folder: Path, text: str) -> Settings:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The new {FILE_NAME}: {error}.", remedy="Use other names.") from None
    settings = parse_settings(tree, base=folder.resolve(), name=f"The new {FILE_NAME}")
    load_profile(settings.disclosure.profile)
    return settings


def _fill(
    settings: Settings, holders: Holders, clock: Clock, stores: Mapping[str, ObjectStore]
) -> None:
    vaults = {
        part: Vault.create(stores[part], keys, clock=clock, padded=settings.store.padding)
        for part, keys in ((WAREHOUSE, holders.warehouse), (RESULTS, holders.hub))
    }
    ledger = Ledger.create(
        settings.ledger.folder,
        origin=settings.hub.origin,
        signing_key=create_signing_key(holders.signing_key, holders.hub),
        clock=clock,
    )
    ledger.append(
        "hub:hub:create",
        public={
            "hub": settings.hub.origin,
            "program_version": __version__,
            "key_holder": settings.keys.holder,
            "disclosure_profile": settings.disclosure.profile,
        },
    )
    for name in _weakenings(settings):
        ledger.append("settings:insecure:enable", public={"setting": name})
    remember(settings.keys.folder, ledger)
    remember_heads(settings.keys.folder, vaults)


def _weakenings(settings: Settings) -> Iterator[str]:
    """Yield the settings that weaken the hub and are switched on."""
    for section in Settings.model_fields:
        for key, value in getattr(settings, section):
            if key.startswith("insecure_") and value is True:
                yield f"{section}.{key}"


def _write_settings(folder: Path, text: str) -> None:
    fresh = folder / f".{FILE_NAME}.{os.getpid()}"
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(folder / FILE_NAME)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise _unwritable(folder, error) from None


def _check_empty(parts: Sequence[Path]) -> None:
    for part in parts:
        if part.is_dir() and any(part.iterdir()):
            raise AlreadyExistsError(
                f"{part} holds something already.",
                remedy="Choose another folder for the hub, or empty this one if it is what an "
                "interrupted `laennec init` left.",
            )


@contextmanager
def _no_keys_left_of(holders: Holders) -> Iterator[None]:
    """On any failure destroy the root keys just made, which nothing needs then."""
    try:
        yield
    except BaseException:
        for one in (holders.warehouse, holders.hub):
            with suppress(LaennecError):
                one.destroy()
        raise


@contextmanager
def _nothing_left_of(parts: Sequence[Path], *, within: Path) -> Iterator[None]:
    """On any failure, Ctrl-C included, remove what was made in folders that were empty."""
    there = {part for part in (*parts, within) if part.exists()}
    try:
        yield
    except BaseException:
        for part in parts:
            children = list(part.iterdir()) if part.is_dir() else []
            for child in children:
                shutil.rmtree(child) if child.is_dir() else child.unlink()
            if part not in there:
                shutil.rmtree(part, ignore_errors=True)
        if within not in there:
            with suppress(OSError):  # somebody else put something there meanwhile
                within.rmdir()
        raise


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{folder} cannot be written: {error.strerror}.", remedy="Check its owner and rights."
    )
