"""Loading the SNDS into a hub, here or on Spark, with a line for the operator's log."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from laennec.app.holders import open_holders
from laennec.app.hub import Hub
from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.clock import system_clock
from laennec.core.errors import KeyHolderError, SettingsError
from laennec.core.log import Message, say
from laennec.core.settings import Settings, read_settings
from laennec.intake.snds.executor import Executor, LocalExecutor
from laennec.intake.snds.model import Variant
from laennec.intake.snds.report import SndsReport
from laennec.intake.snds.service import SndsIntake, SndsOptions
from laennec.intake.snds.spark import SparkExecutor
from laennec.vault.manifest import Anchor
from laennec.vault.service import Vault


@dataclass(frozen=True)
class HubVault:
    """Opens a hub's warehouse in another process; holds no secret.

    Attributes:
        folder: The hub's folder, the same on every machine.
        seen: The newest head when the load began: no older state passes for the newest there.
    """

    folder: Path
    seen: Anchor

    def vault(self) -> Vault:
        """Return the vault, by the hub's own settings; opened once for each process.

        Raises:
            SettingsError: the hub is not there.
            KeyHolderError: its keys do not open there.
            RollbackError: the store serves an older state there.
        """
        return _opened(self)


@cache
def _opened(hub: HubVault) -> Vault:
    settings = read_settings(hub.folder)
    holders = open_holders(settings, clock=system_clock, ask=_nobody_to_ask)
    return Vault.open(
        store_of(settings.store, WAREHOUSE),
        holders.warehouse,
        clock=system_clock,
        anchor=hub.seen,
        padded=settings.store.padding,
    )


def load_snds(
    hub: Hub,
    source: Path,
    *,
    folder: Path,
    variant: Variant = Variant.STANDARD,
    encoding: str = "utf-8",
    workers: int = 0,
    spark: str | None = None,
) -> SndsReport:
    """Load a delivery of the SNDS; the contract is that of ``SndsIntake.load``.

    Args:
        hub: Into which.
        source: A folder, a zip or one file.
        folder: The hub's folder, where executors find its settings.
        variant: How the delivery names persons.
        encoding: Codec of CSV files.
        workers: Units or buckets worked on at once; 0 means as many as the settings say.
        spark: Master of a Spark cluster to work on; None works in this process.

    Raises:
        SettingsError: executors could not open the hub: its passphrase is asked for.
    """
    options = SndsOptions(
        scratch=hub.settings.runs.scratch,
        memory_bytes=hub.settings.runs.memory_mb << 20,
        workers=workers or hub.workers,
        variant=variant,
        encoding=encoding,
    )
    vault = hub.warehouse.vault
    with _executor(hub.settings, options.workers, spark) as executor:
        report = SndsIntake(
            vault,
            hub.ledger,
            source=HubVault(folder, vault.seen),
            executor=executor,
            reporter=hub.reporter,
            options=options,
        ).load(source)
    return _logged(report)


@contextmanager
def _executor(settings: Settings, workers: int, spark: str | None) -> Iterator[Executor]:
    if spark is None:
        yield LocalExecutor(workers)
        return
    _check_unattended(settings)
    with SparkExecutor(spark) as executor:
        yield executor


def _check_unattended(settings: Settings) -> None:
    """Refuse Spark where each executor would have to ask for a secret."""
    keys, hsm = settings.keys, settings.pkcs11
    places = {
        "passphrase": (keys.passphrase_file, keys.passphrase_env),
        "pkcs11": (hsm.pin_file, hsm.pin_env),
    }.get(keys.holder)
    if places is not None and not any(places):
        raise SettingsError(
            "Executors of Spark cannot ask for the passphrase or PIN of this hub.",
            remedy="Set keys.passphrase_file (or pkcs11.pin_file) to a file that they can read, or "
            "let OpenBao hold the keys.",
        )


def _nobody_to_ask(_: str) -> str:
    raise KeyHolderError(
        "An executor has nobody to ask for a passphrase.",
        remedy="Set keys.passphrase_file to a file that every executor can read.",
    )


def _logged(report: SndsReport) -> SndsReport:
    snapshot = {} if report.snapshot is None else {"snapshot": report.snapshot}
    say(
        Message.LOADED,
        files=len(report.files),
        rows_read=report.read,
        rows_kept=report.kept,
        rows_quarantined=report.quarantined,
        rows_dropped=report.dropped,
        **snapshot,
    )
    return report
