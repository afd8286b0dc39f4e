"""Assessing a hub's data quality, here or on Spark."""

from pathlib import Path

from laennec.app.elsewhere import HubSnapshot, HubVault, check_unattended
from laennec.app.hub import Hub
from laennec.compute.executor import Executor
from laennec.compute.spark import SparkExecutor
from laennec.quality.engines import MachineEngine, RemoteEngine
from laennec.quality.service import QualityReport
from laennec.runs.engines import WORTH_PROCESSES
from laennec.warehouse.service import View


def assess_quality(
    hub: Hub,
    version: str,
    *,
    folder: Path,
    snapshot: int | None = None,
    everything: bool = False,
    on: str | None = None,
) -> QualityReport:
    """Answer every check; the contract is that of ``Quality.assess``.

    Args:
        hub: Of which.
        version: Of the CDM whose checks are asked.
        folder: The hub's folder, where executors find its settings.
        snapshot: Which to read; the newest by default.
        everything: Read all buckets, whatever is kept.
        on: Master of a Spark cluster to work on; None works on this machine.

    Raises:
        SettingsError: the cluster cannot be used, or its executors could not open the hub, since
            its passphrase is asked for.
    """
    if on is None:
        worth = WORTH_PROCESSES if hub.settings.store.url is None else None
        return hub.quality().assess(
            version,
            snapshot=snapshot,
            everything=everything,
            engine=lambda view: MachineEngine(hub.workers, view, worth),
        )
    check_unattended(hub.settings)
    with SparkExecutor(on) as executor:
        return assess_elsewhere(
            hub, version, executor, folder=folder, snapshot=snapshot, everything=everything
        )


def assess_elsewhere(
    hub: Hub,
    version: str,
    executor: Executor,
    *,
    folder: Path,
    snapshot: int | None = None,
    everything: bool = False,
) -> QualityReport:
    """Answer every check by processes that open this hub's warehouse themselves.

    Args:
        hub: Of which.
        version: Of the CDM whose checks are asked.
        executor: Carries tasks to the processes.
        folder: Of the hub, the same for each of them.
        snapshot: Which to read; the newest by default.
        everything: Read all buckets, whatever is kept.
    """
    vault = hub.warehouse.vault

    def engine(view: View) -> RemoteEngine:
        one = view.snapshot
        there = HubSnapshot(HubVault(folder.resolve(), vault.seen), one.number, one.digest)
        return RemoteEngine(executor, there, vault.wrap_scratch_key)

    return hub.quality().assess(version, snapshot=snapshot, everything=everything, engine=engine)
