"""A hub in a folder: made once by ``create.create_hub``, opened for each command by ``open_hub``.

Everything is built here, from the settings, and handed its collaborators; nothing else in Laennec
reads settings or opens keys. Opening checks the warehouse against the ledger's newest anchor, and
ledger, warehouse and results against what was seen of them last (``seen``), so that none can go
back unseen.
"""

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from laennec.airlock.service import Airlock
from laennec.app.gate import StoreGate
from laennec.app.holders import Ask, Holders, open_holders
from laennec.app.secrets import open_signing_key
from laennec.app.seen import (
    check_heads,
    recall,
    remember,
    remember_heads,
    remembered,
    remembered_heads,
)
from laennec.app.stores import RESULTS, WAREHOUSE, store_of
from laennec.core.clock import Clock
from laennec.core.errors import KeyDestroyedError, LaennecError, SettingsError
from laennec.core.log import Message, recording, say
from laennec.core.progress import Reporter
from laennec.core.settings import Settings, read_settings
from laennec.disclosure.profiles import load_profile
from laennec.intake.service import Intake, Options
from laennec.ledger.model import Entry
from laennec.ledger.service import Ledger
from laennec.quality.service import Quality
from laennec.runs.service import Runs
from laennec.vault.ports import KeyHolder
from laennec.vault.service import Gate, Vault
from laennec.warehouse.anchor import anchor_of
from laennec.warehouse.service import Warehouse


@dataclass(frozen=True)
class Custody:
    """What a hub holds itself, opened without a look at the store, which is not trusted.

    Attributes:
        settings: As read, with absolute paths.
        holders: The key holders.
        ledger: The public log.
        clock, reporter: As given.
    """

    settings: Settings
    holders: Holders
    ledger: Ledger
    clock: Clock
    reporter: Reporter

    @property
    def warehouse_keys(self) -> KeyHolder:
        """The key holder of the warehouse."""
        return self.holders.warehouse

    @property
    def keys(self) -> KeyHolder:
        """The key holder of results and of the ledger's signing key."""
        return self.holders.hub


@dataclass(frozen=True)
class Hub:
    """An open hub.

    Attributes:
        custody: Settings, keys and ledger.
        warehouse: Patients' rows.
        results: Vault of results that are not released.
    """

    custody: Custody
    warehouse: Warehouse
    results: Vault

    @property
    def settings(self) -> Settings:
        """As read, with absolute paths."""
        return self.custody.settings

    @property
    def ledger(self) -> Ledger:
        """The public log."""
        return self.custody.ledger

    @property
    def clock(self) -> Clock:
        """Tells the time."""
        return self.custody.clock

    @property
    def reporter(self) -> Reporter:
        """Shows progress."""
        return self.custody.reporter

    @property
    def workers(self) -> int:
        """Person buckets worked on at once."""
        return self.settings.runs.workers or os.cpu_count() or 1

    def intake(self, *, encoding: str = "utf-8", keep_repeated: bool = False) -> Intake:
        """Return what loads data sets."""
        options = Options(
            scratch=self.settings.runs.scratch,
            memory_bytes=self.settings.runs.memory_mb << 20,
            workers=self.workers,
            encoding=encoding,
            keep_repeated=keep_repeated,
        )
        return Intake(self.warehouse.vault, self.ledger, reporter=self.reporter, options=options)

    def runs(self) -> Runs:
        """Return what runs studies."""
        return Runs(
            self.warehouse,
            self.results,
            self.ledger,
            cdm_name=self.settings.hub.name,
            workers=self.workers,
            clock=self.clock,
            reporter=self.reporter,
        )

    def quality(self) -> Quality:
        """Return what assesses the quality of the data."""
        return Quality(
            self.warehouse,
            self.results,
            self.ledger,
            hub=self.settings.hub.name,
            workers=self.workers,
            clock=self.clock,
            reporter=self.reporter,
        )

    def airlock(self) -> Airlock:
        """Return what releases results.

        Raises:
            SettingsError: there is no such disclosure profile.
        """
        profile = load_profile(self.settings.disclosure.profile)
        return Airlock(self.ledger, profile=profile, releases=self.settings.disclosure.releases)


@contextmanager
def open_hub(
    folder: Path,
    *,
    clock: Clock,
    reporter: Reporter,
    ask: Ask = getpass.getpass,
) -> Iterator[Hub]:
    """Open a hub for the time of a command.

    Args:
        folder: Where it is.
        clock: Dates what is done.
        reporter: Shows progress.
        ask: Asks for the passphrase on the terminal, if the settings name no other place.

    Raises:
        RollbackError: the host serves an older state, or another history, than the ledger or this
            hub's memory knows; or two commands were served different ones.
        IntegrityError: the newest head is not what was sealed.
        SettingsError, KeyHolderError, LedgerError: as ``open_custody``.
    """
    with open_custody(folder, clock=clock, reporter=reporter, ask=ask) as custody:
        gate = StoreGate(folder, custody.settings.store).shared
        folder_of_keys = custody.settings.keys.folder
        kept = remembered_heads(folder_of_keys)
        vaults = _open_vaults(custody, gate)
        check_heads(kept, vaults)
        with _at_end(lambda: remember_heads(folder_of_keys, vaults)):
            say(Message.OPENED, snapshot=vaults[WAREHOUSE].seen.number)
            yield Hub(custody, Warehouse(vaults[WAREHOUSE]), vaults[RESULTS])


def destroyed_at(ledger: Ledger, scope: str) -> Entry | None:
    """Return the newest entry by which the root keys of a part were destroyed, if any.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    entries = (one for one in ledger.entries() if one.name == "vault:key:destroy")
    return max(
        (one for one in entries if one.public.get("scope") == scope),
        key=lambda one: one.index,
        default=None,
    )


def _no_warehouse(ledger: Ledger) -> KeyDestroyedError | None:
    """Return the plain error for a hub whose warehouse was destroyed by its operator."""
    entry = destroyed_at(ledger, WAREHOUSE)
    if entry is None:
        return None
    return KeyDestroyedError(
        f"The warehouse of this hub was destroyed on {entry.time} (entry {entry.index} of the "
        "ledger); nobody can read it.",
        remedy="Ledger and releases can still be verified: `laennec verify`, `laennec log verify`.",
    )


def _open_vaults(custody: Custody, gate: Gate) -> Mapping[str, Vault]:
    """Open the warehouse, held to the ledger, and the vault of results."""
    store, clock = custody.settings.store, custody.clock
    try:
        warehouse = Vault.open(
            store_of(store, WAREHOUSE),
            custody.warehouse_keys,
            clock=clock,
            anchor=anchor_of(custody.ledger),
            gate=gate,
            padded=store.padding,
        )
    except KeyDestroyedError as error:
        raise _no_warehouse(custody.ledger) or error from None
    results = Vault.open(
        store_of(store, RESULTS), custody.keys, clock=clock, gate=gate, padded=store.padding
    )
    return {WAREHOUSE: warehouse, RESULTS: results}


@contextmanager
def _at_end(remember_it: Callable[[], None]) -> Iterator[None]:
    """Keep what was seen, also after a failure, of which the user has to hear first."""
    try:
        yield
    except BaseException:
        with suppress(LaennecError):
            remember_it()
        raise
    remember_it()


@contextmanager
def open_custody(
    folder: Path,
    *,
    clock: Clock,
    reporter: Reporter,
    ask: Ask = getpass.getpass,
    secret: bytes | None = None,
) -> Iterator[Custody]:
    """Open what the hub holds itself, whatever became of its store.

    Args:
        folder: Where the hub is.
        clock: Dates what is done.
        reporter: Shows progress.
        ask: Asks for the passphrase on the terminal, if the settings name no other place.
        secret: The passphrase, if it is not the one where the settings say it is.

    Raises:
        SettingsError: there is no hub, or its settings are wrong.
        WrongPassphraseError, KeyHolderError: the keys do not open, or others may read them.
        LedgerError: the ledger is damaged, another's, or older than it was.
    """
    settings = read_settings(folder)
    with recording(settings.log.file, clock=clock):
        load_profile(settings.disclosure.profile)
        custody = _custody(
            settings, open_holders(settings, clock=clock, ask=ask, secret=secret), clock, reporter
        )
        with _at_end(lambda: remember(settings.keys.folder, custody.ledger)):
            yield custody


def _custody(settings: Settings, holders: Holders, clock: Clock, reporter: Reporter) -> Custody:
    ledger = Ledger.open(
        settings.ledger.folder,
        signing_key=open_signing_key(holders.signing_key, holders.hub),
        clock=clock,
        remembered=recall(settings.keys.folder).checkpoint,
    )
    _check_origin(settings, ledger)
    return Custody(settings, holders, ledger, clock, reporter)


def open_ledger(folder: Path, *, clock: Clock, key: str | None = None) -> Ledger:
    """Open a hub's ledger for reading, without any secret.

    Args:
        folder: The hub's folder.
        clock: Is not asked for anything.
        key: The log's verifier key, from the hub's own publication; without it, the one kept beside
            the hub's keys, else the one in the ledger's own folder.

    Raises:
        SettingsError: there is no hub, or its settings are wrong.
        ProofError: the ledger is not that of the key.
        LedgerError: the ledger is damaged or older than it was.
    """
    settings = read_settings(folder)
    seen = remembered(settings.keys.folder)
    if key is None and seen is not None:
        key = seen.verifier_key
    return Ledger.open(
        settings.ledger.folder,
        signing_key=None,
        clock=clock,
        verifier_key=key,
        remembered=seen.checkpoint if seen else None,
    )


def _check_origin(settings: Settings, ledger: Ledger) -> None:
    """Refuse settings that call the ledger by another name than its own."""
    origin = ledger.verifier_key.partition("+")[0]
    if settings.hub.origin != origin:
        raise SettingsError(
            f"hub.origin is not the origin of the ledger, which is {origin}.",
            remedy="Correct hub.origin; the name of a ledger cannot change.",
        )
