"""Who counts: this machine, or processes elsewhere; each finds the same.

Elsewhere, such as on Spark, what travels out says how to open the hub and which tables of which
buckets are asked for, with no key and no row. What travels back are counts, source values and
primary keys, sealed under a key of this run for its question and its place: whoever carries an
answer can neither read it nor put it in the place of another. As in ``runs.remote``.
"""

import functools
import hashlib
import io
import struct
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

from laennec.compute.executor import Executor, LocalExecutor
from laennec.compute.processes import ProcessExecutor
from laennec.core.errors import EngineError
from laennec.quality.counting import Asked, Found, Survey, count, survey
from laennec.quality.ports import ViewSource
from laennec.quality.shelf import keys_from_bytes, keys_to_bytes
from laennec.runs.processes import ViewInHand
from laennec.runs.remote import TASKS_AT_MOST, new_key
from laennec.vault import sealed_bytes
from laennec.warehouse.service import View

Answer = tuple[Asked, Found]
Share = tuple[Asked, ...]
Sealed = tuple[Asked, bytes]

_LENGTH = struct.Struct("<Q")
_PURPOSE = "laennec/quality/1"
_ANSWER = "The answer of an executor"


class Engine(Protocol):
    """Counts tables of places."""

    def count(self, survey: Survey, asked: Sequence[Asked]) -> Generator[Answer, None, None]:
        """Yield what is found at each place, in no particular order.

        Closing it leaves undone what is not begun.

        Raises:
            EngineError: the computation failed.
            LaennecError: the rows cannot be read.
        """


@dataclass(frozen=True)
class LocalEngine:
    """Threads of this process.

    Attributes:
        workers: Places in work at the same time; each holds one table of one bucket.
    """

    workers: int

    def count(self, survey: Survey, asked: Sequence[Asked]) -> Generator[Answer, None, None]:
        """Yield what is found; see ``Engine``."""

        def one(place: Asked) -> Answer:
            return place, count(survey, place)

        yield from LocalExecutor(self.workers).map(one, asked)


@dataclass(frozen=True)
class MachineEngine:
    """This machine: threads, or further processes where there is much to count.

    Attributes:
        workers: Places in work at the same time.
        view: The rows.
        processes_from: Sealed bytes to read for each worker from which on there are processes; None
            for never, as where the store cannot be carried to them.
    """

    workers: int
    view: View
    processes_from: int | None

    def count(self, survey: Survey, asked: Sequence[Asked]) -> Generator[Answer, None, None]:
        """Yield what is found; see ``Engine``."""
        if not self._wants_processes(asked):
            yield from LocalEngine(self.workers).count(survey, asked)
            return
        reader = self.view.reader()
        there = ViewInHand(reader, self.view.snapshot)
        with ProcessExecutor(self.workers, modules=[__name__, ViewInHand.__module__]) as executor:
            yield from RemoteEngine(executor, there, reader.wrap_scratch_key).count(survey, asked)

    def _wants_processes(self, asked: Sequence[Asked]) -> bool:
        if self.processes_from is None or self.workers == 1:
            return False
        places = {(table, one.place) for one in asked for table in one.tables}
        files = self.view.snapshot.manifest.files
        size = sum(one.size for one in files if (one.table, one.bucket) in places)
        return size >= self.processes_from * self.workers


class SnapshotElsewhere(Protocol):
    """Opens one snapshot in another process; picklable without any secret."""

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> View:
        """Return the snapshot, opened once for each process; see ``runs.remote``."""

    def unwrap(self, wrapped: str) -> bytes:
        """Return the run's key; see ``runs.remote``."""


@dataclass(frozen=True)
class CountTask:
    """Counts tables of some places, wherever it is called.

    Attributes:
        place: Opens the rows there.
        version: Of the checks.
        today: Day on which a day counts as to come.
        wrapped: The run's key, wrapped by the warehouse's.
    """

    place: SnapshotElsewhere
    version: str
    today: date
    wrapped: str = field(repr=False)

    def __call__(self, share: Share) -> list[Sealed]:
        """Return the answer of each place, sealed.

        Raises:
            EngineError: the computation failed.
            LaennecError: the rows cannot be read.
        """
        key = self.place.unwrap(self.wrapped)
        return [(one, self._sealed(one, key)) for one in share]

    def _sealed(self, asked: Asked, key: bytes) -> bytes:
        buckets = [] if asked.place is None else [asked.place]
        view = self.place.source(tables=asked.tables, buckets=buckets)
        found = count(_survey(view, self.version, self.today), asked)
        return sealed_bytes.seal(
            found_to_bytes(found), key=key, place=_place(self.version, self.today, asked)
        )


@dataclass(frozen=True)
class RemoteEngine:
    """Processes of an executor, which open the warehouse themselves.

    Attributes:
        executor: Carries tasks to them, and does one again that was lost.
        place: Opens the snapshot there.
        wrap: Wraps the key of a run by the warehouse's.
    """

    executor: Executor
    place: SnapshotElsewhere
    wrap: Callable[[bytes], str]

    def count(self, survey: Survey, asked: Sequence[Asked]) -> Generator[Answer, None, None]:
        """Yield what is found; see ``Engine``.

        Raises:
            IntegrityError: an answer is not what a task of this run sealed, or rows are not.
        """
        key = new_key()
        task = CountTask(self.place, survey.version, survey.today, self.wrap(key))
        missing = set(asked)
        for answers in self.executor.map(task, _shares(asked)):
            for one, sealed in answers:
                if one not in missing:
                    raise _miscounted("The executors answered for a bucket twice.")
                missing.remove(one)
                place = _place(survey.version, survey.today, one)
                body = sealed_bytes.open_sealed(sealed, key=key, place=place, name=_ANSWER)
                yield one, found_from_bytes(body)
        if missing:
            raise _miscounted("The executors answered, but not every bucket did.")


def found_to_bytes(found: Found) -> bytes:
    """Return the serial form: the length of the keys, the keys, a Parquet file."""
    keys, out = keys_to_bytes(found.keys), io.BytesIO()
    found.measures.write_parquet(out, compression="zstd", compression_level=1)
    return _LENGTH.pack(len(keys)) + keys + out.getvalue()


def found_from_bytes(body: bytes) -> Found:
    """Return what ``body``, which a task of this program sealed, is the serial form of."""
    end = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    measures = pl.read_parquet(io.BytesIO(body[end:]))
    return Found(measures, keys_from_bytes(body[_LENGTH.size : end]))


def _shares(asked: Sequence[Asked]) -> list[Share]:
    """Deal the places out to tasks."""
    tasks = min(len(asked), TASKS_AT_MOST)
    return [tuple(asked[task::tasks]) for task in range(tasks)]


def _place(version: str, today: date, asked: Asked) -> sealed_bytes.Place:
    where = "" if asked.place is None else str(asked.place)
    tables = hashlib.sha256(" ".join(asked.tables).encode()).digest()
    return (_PURPOSE, version, today.isoformat(), where, tables)


def _miscounted(happened: str) -> EngineError:
    return EngineError(
        happened, remedy="Run again; if it stays so, this is a bug, or an executor is not honest."
    )


@functools.lru_cache(maxsize=2)
def _survey(view: View, version: str, today: date) -> Survey:
    return survey(version, ViewSource(view, version), today=today)
