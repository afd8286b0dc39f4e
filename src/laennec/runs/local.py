"""Run a plan on this machine: a pool of threads takes buckets, their partials merge into one.

Polars releases the interpreter lock while it reads, decrypts and joins (``benchmarks/engines.py``
has the figures); where there is much to read, ``engines`` adds processes. Each worker holds one
bucket at a time, which bounds memory. Merging is exact and commutative, and
the keys are put in order at the end, so the result does not depend on which bucket came first.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock
from typing import TypeVar

import polars as pl

from laennec.core.errors import EngineError
from laennec.core.progress import Task
from laennec.core.spill import forbid_spill
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.plan import Plan
from laennec.runs.ports import BucketSource
from laennec.study.partials import Key, Partial, merge

Value = TypeVar("Value")

MERGE_EVERY = 16
"""Partials kept before they are merged: few enough to be small, enough that merging is rare."""

ENGINE_FAILURES = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    MemoryError,
    OverflowError,
)


def run(plan: Plan, source: BucketSource, *, workers: int, progress: Task) -> Partial:
    """Evaluate a plan over every bucket.

    Args:
        plan: What to evaluate.
        source: Where the rows are; it is read from ``workers`` threads at once.
        workers: Buckets in work at the same time, at least 1; memory grows with it.
        progress: Advanced by 1 for each bucket done.

    Returns:
        The merged partial, its keys in a fixed order; the same whatever ``workers`` is.

    Raises:
        EngineError: the computation of a bucket failed. Buckets not yet begun are not begun.
        LaennecError: the source cannot read a bucket.
        ValueError: ``workers`` is below 1.
    """
    if workers < 1:
        raise ValueError("a run needs at least one worker")
    forbid_spill()
    total, halted = RunningSum(), Event()

    def work(bucket: int) -> None:
        if halted.is_set():
            return
        try:
            total.add(evaluated(plan, source, bucket))
        except BaseException:
            halted.set()
            raise

    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="laennec-bucket")
    try:
        for done in as_completed([pool.submit(work, bucket) for bucket in source.buckets()]):
            done.result()
            progress.advance(1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return total.ordered()


def evaluated(plan: Plan, source: BucketSource, bucket: int) -> Partial:
    """Return the partial of one bucket; a failure of the engine is told without its words.

    Raises:
        EngineError: the computation failed.
        LaennecError: the source cannot read the bucket.
    """
    try:
        return evaluate_bucket(plan, source, bucket)
    except ENGINE_FAILURES as error:
        failure = type(error).__name__
    # Outside the handler, so that the engine's own message, which may quote a value from a row, is
    # not chained to ours.
    raise EngineError(
        f"The computation of bucket {bucket} failed ({failure}).",
        remedy="Run with fewer workers, or cut the warehouse into more buckets if memory is short.",
    )


class RunningSum:
    """A running merge of partials, added to by several threads."""

    def __init__(self) -> None:
        self._lock, self._parts = Lock(), list[Partial]()

    def add(self, partial: Partial) -> None:
        """Take one more partial into the sum."""
        with self._lock:
            self._parts.append(partial)
            if len(self._parts) >= MERGE_EVERY:
                self._parts = [merge(self._parts)]

    def ordered(self) -> Partial:
        """Return the sum, with its keys in order."""
        total = merge(self._parts)
        return Partial(_ordered(total.counts), _ordered(total.first), _ordered(total.last))


def _ordered(found: Mapping[Key, Value]) -> dict[Key, Value]:
    """Sort by key; in one place of a key numbers come before names."""
    return dict(sorted(found.items(), key=lambda item: [(isinstance(k, str), k) for k in item[0]]))
