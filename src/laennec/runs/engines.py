"""Engines of a run: this machine, or executors elsewhere; each gives the same partial."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from laennec.compute.executor import Executor
from laennec.compute.processes import ProcessExecutor
from laennec.core.progress import Task
from laennec.runs.local import run as run_locally
from laennec.runs.plan import Plan
from laennec.runs.processes import SnapshotInHand, ViewInHand
from laennec.runs.remote import RunKey, SourceElsewhere, new_key, run_remotely
from laennec.runs.skips import Skipped, SkippingSource, skipped
from laennec.study.partials import Partial
from laennec.vault.manifest import Snapshot
from laennec.warehouse.service import View


class Engine(Protocol):
    """Evaluates a plan over every bucket of a view."""

    def evaluate(self, plan: Plan, view: View, *, progress: Task) -> Partial:
        """Return the merged partial; the same whichever engine it is.

        Raises:
            EngineError: the computation failed.
            IntegrityError: the warehouse is not what was sealed.
        """


WORTH_PROCESSES = 64 << 20
"""Sealed bytes for each worker from which on processes gain more than their start costs: most of a
second of a processor, in which about so much is read and counted."""

PROCESS_MODULES = ("laennec.runs.remote", "laennec.runs.processes")
"""What processes load while the plan is made ready for them."""


@dataclass(frozen=True)
class LocalEngine:
    """This machine: threads of this process, or further processes where there is much to read.

    Attributes:
        workers: Buckets in work at the same time.
        processes_from: Sealed bytes to read for each worker from which on there are processes; None
            for never, as where the store cannot be carried to them.
    """

    workers: int
    processes_from: int | None = None

    def evaluate(self, plan: Plan, view: View, *, progress: Task) -> Partial:
        """Return the merged partial; see ``Engine``. Files without a row of the plan stay shut."""
        useless = skipped(plan.table_scans, view.snapshot.manifest.files)
        if self._wants_processes(plan, view, useless):
            return self._in_processes(plan, view, useless, progress)
        view.prefetch(plan.tables, but=useless)
        source = SkippingSource(view, useless)
        return run_locally(plan, source, workers=self.workers, progress=progress)

    def _in_processes(self, plan: Plan, view: View, useless: Skipped, progress: Task) -> Partial:
        reader = view.reader()
        with ProcessExecutor(self.workers, modules=PROCESS_MODULES) as executor:
            engine = RemoteEngine(
                executor,
                lambda snapshot: SnapshotInHand(ViewInHand(reader, snapshot), useless),
                reader.wrap_scratch_key,
            )
            return engine.evaluate(plan, view, progress=progress)

    def _wants_processes(self, plan: Plan, view: View, useless: Skipped) -> bool:
        if self.processes_from is None or self.workers == 1:
            return False
        files = (file for table in plan.tables for file in view.files(table))
        size = sum(one.size for one in files if (one.table, one.bucket) not in useless)
        return size >= self.processes_from * self.workers


@dataclass(frozen=True)
class RemoteEngine:
    """Processes of an executor, which open the warehouse themselves.

    Attributes:
        executor: Carries tasks to them.
        place: Tells them how to open a snapshot.
        wrap: Wraps the key of a run by the warehouse's.
    """

    executor: Executor
    place: Callable[[Snapshot], SourceElsewhere]
    wrap: Callable[[bytes], str]

    def evaluate(self, plan: Plan, view: View, *, progress: Task) -> Partial:
        """Return the merged partial; see ``Engine``."""
        key = new_key()
        return run_remotely(
            plan,
            view.buckets(),
            executor=self.executor,
            place=self.place(view.snapshot),
            key=RunKey(key, self.wrap(key)),
            progress=progress,
        )
