"""Run a plan in other processes, such as those of a Spark cluster: a task takes some buckets.

What travels out is the plan and the numbers of buckets; the process that takes them opens the
sealed files by its own access to their keys. What travels back is a partial in Arrow, sealed under
a key of this run, for its plan and its buckets: whoever carries it can neither read a small count
nor put one answer in the place of another, and of its size learns a power of two alone. The run's
key travels wrapped by the warehouse's.

Partials merge here as they come, so that memory does not grow with the number of buckets.
"""

import functools
import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from laennec.compute.executor import Executor
from laennec.core.errors import EngineError
from laennec.core.progress import Task
from laennec.runs.local import RunningSum, evaluated
from laennec.runs.partial_arrow import from_arrow, to_arrow
from laennec.runs.plan import Plan
from laennec.runs.ports import BucketSource
from laennec.study.partials import Partial, merge
from laennec.vault.sealed_bytes import Place, open_sealed, seal

TASKS_AT_MOST = 1024
"""Tasks of one run: a killed machine loses what it works on, and progress moves by a task."""

_LEAST_BYTES = 16_384
"""Size of the answer of a usual task: whether a few persons have something does not show in it."""

_KEY_BYTES = 32
_PURPOSE = "laennec/partial/1"
_ANSWER = "The answer of an executor"

Buckets = tuple[int, ...]


class SourceElsewhere(Protocol):
    """Opens the rows of one snapshot in another process; picklable without any secret."""

    def source(self, *, tables: Sequence[str], buckets: Buckets) -> BucketSource:
        """Return the rows, opened once for each process.

        Args:
            tables: What will be read soon.
            buckets: Of which buckets.

        Raises:
            LaennecError: they cannot be opened there, or are not those of the run.
        """

    def unwrap(self, wrapped: str) -> bytes:
        """Return the run's key.

        Raises:
            LaennecError: it does not open there.
        """


@dataclass(frozen=True)
class BucketTask:
    """Evaluates a plan over some buckets, wherever it is called.

    Attributes:
        place: Opens the rows there.
        plan: As JSON.
        wrapped: The run's key, wrapped by the warehouse's.
    """

    place: SourceElsewhere
    plan: str = field(repr=False)
    wrapped: str = field(repr=False)

    def __call__(self, buckets: Buckets) -> tuple[Buckets, bytes]:
        """Return the buckets with their merged partial, sealed.

        Raises:
            EngineError: the computation of a bucket failed.
            LaennecError: the rows cannot be read.
        """
        plan = _read(self.plan)
        source = self.place.source(tables=plan.tables, buckets=buckets)
        partial = merge(evaluated(plan, source, bucket) for bucket in buckets)
        body, place = _evened(to_arrow(partial)), _place(self.plan, buckets)
        return buckets, seal(body, key=self.place.unwrap(self.wrapped), place=place)


@dataclass(frozen=True)
class RunKey:
    """The key that seals the partials of one run.

    Attributes:
        key: 256 bits, here only.
        wrapped: The same, wrapped by the warehouse's key.
    """

    key: bytes = field(repr=False)
    wrapped: str = field(repr=False)


def new_key() -> bytes:
    """Return a fresh key for one run."""
    return os.urandom(_KEY_BYTES)


def run_remotely(
    plan: Plan,
    buckets: Sequence[int],
    *,
    executor: Executor,
    place: SourceElsewhere,
    key: RunKey,
    progress: Task,
) -> Partial:
    """Evaluate a plan over every bucket in other processes.

    Args:
        plan: What to evaluate.
        buckets: The number of every bucket, each once.
        executor: Carries the tasks, and does one again that was lost.
        place: Opens the rows there.
        key: Of this run.
        progress: Advanced by 1 for each bucket done.

    Returns:
        What ``runs.local.run`` returns over the same rows, to the last person and in its order.

    Raises:
        EngineError: the computation of a bucket failed, or a task was given up.
        IntegrityError: an answer is not what a task of this run sealed, or rows are not.
        LaennecError: the rows cannot be read there.
    """
    text, shares = plan.to_json(), _shares(buckets)
    total, missing = RunningSum(), set(shares)
    with closing(executor.map(BucketTask(place, text, key.wrapped), shares)) as answers:
        for done, sealed in answers:
            if done not in missing:
                raise _miscounted("The executors answered for a bucket twice.")
            missing.remove(done)
            body = open_sealed(sealed, key=key.key, place=_place(text, done), name=_ANSWER)
            total.add(from_arrow(body))
            progress.advance(len(done))
    if missing:
        raise _miscounted("The executors answered, but not every bucket did.")
    return total.ordered()


def _miscounted(happened: str) -> EngineError:
    return EngineError(
        happened, remedy="Run again; if it stays so, this is a bug, or an executor is not honest."
    )


def _shares(buckets: Sequence[int]) -> list[Buckets]:
    """Cut the buckets into tasks that differ by one bucket at most."""
    tasks = min(len(buckets), TASKS_AT_MOST)
    ends = [len(buckets) * task // tasks for task in range(tasks + 1)]
    return [tuple(buckets[ends[task] : ends[task + 1]]) for task in range(tasks)]


def _evened(body: bytes) -> bytes:
    """Fill an Arrow stream, which ends by itself, to a power of two."""
    return body.ljust(max(_LEAST_BYTES, 1 << (len(body) - 1).bit_length()), b"\0")


def _place(plan: str, buckets: Buckets) -> Place:
    return (_PURPOSE, hashlib.sha256(plan.encode()).digest(), *map(str, buckets))


@functools.lru_cache(maxsize=2)
def _read(plan: str) -> Plan:
    return Plan.from_json(plan)
