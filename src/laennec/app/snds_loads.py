"""Loading the SNDS into a hub, here or on Spark, with a line for the operator's log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laennec.app.elsewhere import HubVault, check_unattended
from laennec.app.hub import Hub
from laennec.compute.executor import Executor, LocalExecutor
from laennec.compute.spark import SparkExecutor
from laennec.core.log import Message, say
from laennec.core.settings import Settings
from laennec.intake.snds.model import Variant
from laennec.intake.snds.report import SndsReport
from laennec.intake.snds.service import SndsIntake, SndsOptions


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
    check_unattended(settings)
    with SparkExecutor(spark) as executor:
        yield executor


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
