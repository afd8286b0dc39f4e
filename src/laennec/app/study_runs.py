"""Running a study in a hub, here or on Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laennec.app.elsewhere import HubSnapshot, HubVault, check_unattended
from laennec.app.hub import Hub
from laennec.compute.executor import Executor
from laennec.compute.spark import SparkExecutor
from laennec.runs.engines import WORTH_PROCESSES, Engine, LocalEngine, RemoteEngine
from laennec.runs.service import RunRecord
from laennec.study.model import Study


def run_study(
    hub: Hub, study: Study, *, folder: Path, snapshot: int | None = None, on: str | None = None
) -> RunRecord:
    """Run a study and keep its result; the contract is that of ``Runs.run``.

    Args:
        hub: In which.
        study: What is asked.
        folder: The hub's folder, where executors find its settings.
        snapshot: Which to read; the newest by default.
        on: Master of a Spark cluster to work on; None works in this process.

    Raises:
        SettingsError: the cluster cannot be used, or its executors could not open the hub, since
            its passphrase is asked for.
    """
    with _engine(hub, folder.resolve(), on) as engine:
        return hub.runs().run(study, snapshot=snapshot, engine=engine)


@contextmanager
def _engine(hub: Hub, folder: Path, on: str | None) -> Iterator[Engine]:
    if on is None:
        local_store = hub.settings.store.url is None
        yield LocalEngine(hub.workers, WORTH_PROCESSES if local_store else None)
        return
    check_unattended(hub.settings)
    with SparkExecutor(on) as executor:
        yield remote_engine(hub, folder, executor)


def remote_engine(hub: Hub, folder: Path, executor: Executor) -> RemoteEngine:
    """Return an engine whose processes open this hub's warehouse themselves.

    Args:
        hub: Which.
        folder: Of the hub, the same for each of the processes.
        executor: Carries tasks to them.
    """
    vault = hub.warehouse.vault
    return RemoteEngine(
        executor,
        lambda one: HubSnapshot(HubVault(folder, vault.seen), one.number, one.digest),
        vault.wrap_scratch_key,
    )
