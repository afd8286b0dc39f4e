"""A hub in a folder: made once by ``create_hub``, opened for each command by ``open_hub``.

Everything is built here, from the settings, and handed its collaborators; nothing else in Laennec
reads settings or opens keys. Opening checks the warehouse against the ledger's newest anchor and
the ledger against the newest checkpoint seen before, so that neither can go back unseen.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from laennec import __version__
from laennec.airlock.service import Airlock
from laennec.app.secrets import (
    create_keyrings,
    create_signing_key,
    open_keyrings,
    open_signing_key,
)
from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, StoreError
from laennec.core.progress import Reporter
from laennec.core.settings import FILE_NAME, Settings, read_settings
from laennec.disclosure.profiles import load_profile
from laennec.intake.service import Intake, Options
from laennec.ledger.checkpoint import Checkpoint, open_checkpoint
from laennec.ledger.note import parse_verifier_key
from laennec.ledger.service import Ledger
from laennec.runs.service import Runs
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
    read_passphrase,
)
from laennec.vault.ports import KeyHolder
from laennec.vault.service import Vault
from laennec.warehouse.anchor import anchor_of
from laennec.warehouse.service import Warehouse

WAREHOUSE, RESULTS = "warehouse", "results"
_SEEN = "ledger.checkpoint"


@dataclass(frozen=True)
class Hub:
    """An open hub.

    Attributes:
        settings: As read, with absolute paths.
        keys: The key holder of results and of the ledger's signing key.
        warehouse: Patients' rows.
        results: Vault of results that are not released.
        ledger: The public log.
        clock, reporter: As given.
    """

    settings: Settings
    keys: KeyHolder
    warehouse: Warehouse
    results: Vault
    ledger: Ledger
    clock: Clock
    reporter: Reporter

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

    def airlock(self) -> Airlock:
        """Return what releases results.

        Raises:
            SettingsError: there is no such disclosure profile.
        """
        profile = load_profile(self.settings.disclosure.profile)
        return Airlock(self.ledger, profile=profile, releases=self.settings.disclosure.releases)


def create_hub(folder: Path, *, text: str, passphrase: PassphraseSource, clock: Clock) -> Settings:
    """Make a hub: settings file, keyrings, two empty vaults and a ledger.

    Args:
        folder: Its folder; made when missing. It may not hold a hub.
        text: The settings file.
        passphrase: Where the passphrase comes from.
        clock: Dates the first entries.

    Raises:
        AlreadyExistsError: the folder holds a hub.
        SettingsError: ``text`` is wrong; nothing else was made.
        KeyHolderError, StoreError: something could not be written.
    """
    if (folder / FILE_NAME).exists():
        raise AlreadyExistsError(
            f"{folder} holds a hub already.", remedy="Use it, or choose another folder."
        )
    secret = read_passphrase(passphrase)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror}.", remedy="Check its owner and rights."
        ) from None
    try:
        settings = read_settings(folder)
        load_profile(settings.disclosure.profile)
        warehouse_keys, hub_keys = create_keyrings(settings.keys.folder, secret)
    except BaseException:
        (folder / FILE_NAME).unlink()
        raise
    Vault.create(_store(settings, WAREHOUSE), warehouse_keys, clock=clock)
    Vault.create(_store(settings, RESULTS), hub_keys, clock=clock)
    ledger = Ledger.create(
        settings.ledger.folder,
        origin=settings.hub.origin,
        signing_key=create_signing_key(settings.keys.folder, hub_keys),
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
    _remember(settings, ledger)
    return settings


@contextmanager
def open_hub(folder: Path, *, clock: Clock, reporter: Reporter) -> Iterator[Hub]:
    """Open a hub for the time of a command.

    Raises:
        SettingsError: there is no hub, or its settings are wrong.
        WrongPassphraseError, KeyHolderError: the keys do not open.
        RollbackError: the host serves an older state than the ledger knows.
        IntegrityError: the newest head is not what was sealed.
        LedgerError: the ledger is damaged or older than it was.
    """
    settings = read_settings(folder)
    secret = read_passphrase(passphrase_source(settings))
    warehouse_keys, hub_keys = open_keyrings(settings.keys.folder, secret)
    memory = _remembered(settings)
    ledger = Ledger.open(
        settings.ledger.folder,
        signing_key=open_signing_key(settings.keys.folder, hub_keys),
        clock=clock,
        remembered=memory.checkpoint,
    )
    vault = Vault.open(
        _store(settings, WAREHOUSE), warehouse_keys, clock=clock, anchor=anchor_of(ledger)
    )
    results = Vault.open(_store(settings, RESULTS), hub_keys, clock=clock)
    hub = Hub(settings, hub_keys, Warehouse(vault), results, ledger, clock, reporter)
    try:
        yield hub
    finally:
        _remember(settings, ledger)


def open_ledger(folder: Path, *, clock: Clock) -> Ledger:
    """Open a hub's ledger for reading, without any key.

    Raises:
        SettingsError: there is no hub, or its settings are wrong.
        LedgerError: the ledger is damaged or older than it was.
    """
    settings = read_settings(folder)
    memory = _remembered(settings)
    return Ledger.open(
        settings.ledger.folder,
        signing_key=None,
        clock=clock,
        verifier_key=memory.verifier_key,
        remembered=memory.checkpoint,
    )


def passphrase_source(settings: Settings) -> PassphraseSource:
    """Return where the settings say the passphrase is; the prompt if they say nothing."""
    if settings.keys.passphrase_file is not None:
        return PassphraseFile(settings.keys.passphrase_file)
    if settings.keys.passphrase_env is not None:
        return PassphraseVariable(settings.keys.passphrase_env)
    return Prompt()


def _store(settings: Settings, part: str) -> LocalStore:
    return LocalStore(settings.store.folder / part)


@dataclass(frozen=True)
class _Memory:
    """What this hub saw of its ledger last: its verifier key and its newest checkpoint."""

    verifier_key: str | None = None
    checkpoint: Checkpoint | None = None


def _remember(settings: Settings, ledger: Ledger) -> None:
    """Keep the newest checkpoint beside the keys, out of the ledger's own folder."""
    fresh = settings.keys.folder / f"{_SEEN}.{os.getpid()}"
    try:
        text = f"{ledger.verifier_key}\n{ledger.signed_checkpoint()}"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(settings.keys.folder / _SEEN)
    except OSError as error:
        raise StoreError(
            f"{settings.keys.folder} cannot be written: {error.strerror}.",
            remedy="Check its owner and rights; the command itself has finished.",
        ) from None


def _remembered(settings: Settings) -> _Memory:
    try:
        text = (settings.keys.folder / _SEEN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return _Memory()
    key, _, note = text.partition("\n")
    return _Memory(key, open_checkpoint(note, log_key=parse_verifier_key(key)).checkpoint)
