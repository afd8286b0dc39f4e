"""Engines of a run: threads of this process, or other processes; each gives the same partial."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from laennec.compute.executor import Executor
from laennec.core.progress import Task
from laennec.runs.local import run as run_locally
from laennec.runs.plan import Plan
from laennec.runs.remote import RunKey, SourceElsewhere, new_key, run_remotely
from laennec.runs.skips import SkippingSource, skipped
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


@dataclass(frozen=True)
class LocalEngine:
    """Threads of this process.

    Attributes:
        workers: Buckets in work at the same time.
    """

    workers: int

    def evaluate(self, plan: Plan, view: View, *, progress: Task) -> Partial:
        """Return the merged partial; see ``Engine``. Files without a row of the plan stay shut."""
        useless = skipped(plan.table_scans, view.snapshot.manifest.files)
        view.prefetch(plan.tables, but=useless)
        source = SkippingSource(view, useless)
        return run_locally(plan, source, workers=self.workers, progress=progress)


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
