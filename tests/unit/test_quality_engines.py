"""Data quality in other processes: what travels, that it is sealed, and that it adds up."""

from collections.abc import Callable, Generator, Sequence
from datetime import date
from random import Random
from typing import cast

import polars as pl
import pytest

from fakes.compute_tasks import TEST_KEY, InProcess
from fakes.quality_source import FramePlace
from fakes.quality_tables import random_tables
from laennec.compute.executor import Item, Result
from laennec.core.errors import EngineError, IntegrityError
from laennec.core.progress import Quiet
from laennec.quality.counting import Asked
from laennec.quality.engines import (
    CountTask,
    Engine,
    LocalEngine,
    RemoteEngine,
    SnapshotElsewhere,
)
from laennec.quality.ports import ViewSource
from laennec.quality.run import Assessment, assess
from laennec.quality.shelf import Memory
from laennec.vault.sealed_bytes import MAGIC
from laennec.warehouse.service import View

TODAY = date(2026, 11, 28)


def place(seed: int, *, buckets: int = 4) -> FramePlace:
    return FramePlace(random_tables(Random(seed), "5.4"), buckets)


def elsewhere(one: FramePlace, executor: InProcess) -> RemoteEngine:
    return RemoteEngine(executor, cast("SnapshotElsewhere", one), bytes.hex)


def assessed(one: FramePlace, engine: Engine, shelf: Memory | None = None) -> Assessment:
    with Quiet().task("") as task:
        source = ViewSource(cast("View", one), "5.4")
        return assess("5.4", source, shelf or Memory(), today=TODAY, engine=engine, progress=task)


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_threads_of_this_process_find(seed: int) -> None:
    one, here, there = place(seed), Memory(), Memory()
    found = assessed(one, LocalEngine(2), here)
    assert assessed(one, elsewhere(one, InProcess()), there) == found
    assert there.places() == here.places()
    for where in here.places():
        assert there.keys(where) == here.keys(where)
        measures, kept = there.measures(where), here.measures(where)
        assert measures is not None
        assert kept is not None
        assert measures.equals(kept)


def test_what_is_kept_is_not_carried_anywhere() -> None:
    one, shelf, executor = place(2), Memory(), InProcess()
    first = assessed(one, elsewhere(one, executor), shelf)
    again = assessed(one, elsewhere(one, executor), shelf)
    assert (again.results, again.scanned) == (first.results, 0)


def test_a_task_that_is_done_twice_is_refused() -> None:
    one = place(1)
    with pytest.raises(EngineError, match="twice"):
        assessed(one, elsewhere(one, InProcess(lambda items: [*items, items[0]])))


def test_a_task_that_is_missing_fails_the_run() -> None:
    one = place(1)
    with pytest.raises(EngineError, match="not every bucket did"):
        assessed(one, elsewhere(one, InProcess(lambda items: items[1:])))


class Swapping(InProcess):
    """Gives each answer in the name of the next task."""

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        answers = list(super().map(task, items))
        for index, answer in enumerate(answers):
            other = answers[(index + 1) % len(answers)]
            yield [(answer[0][0], other[0][1])]  # type: ignore[index, misc]


def test_an_answer_in_anothers_place_is_refused() -> None:
    one = place(1)
    with pytest.raises(IntegrityError, match="answer of an executor"):
        assessed(one, elsewhere(one, Swapping()))


def test_an_answer_shows_no_value_and_the_key_does_not_travel() -> None:
    text = "source-value-4711"
    rows = pl.DataFrame({"person_id": [1], "gender_source_value": [text]})
    people = place(1).tables["person"].clear()
    one = FramePlace({"person": pl.concat([people, rows], how="diagonal")})
    keys, executor = list[bytes](), InProcess()

    def wrap(key: bytes) -> str:
        keys.append(key)
        return "wrapped"

    key = TEST_KEY.key
    task = CountTask(cast("SnapshotElsewhere", one), "5.4", TODAY, key.hex())
    assert key.hex() not in repr(task)
    [(asked, sealed)] = task((Asked(0, ("person",)),))
    assert asked.place == 0
    assert sealed.startswith(MAGIC)
    assert text.encode() not in sealed
    with pytest.raises(IntegrityError):
        assessed(one, RemoteEngine(executor, cast("SnapshotElsewhere", Shut(one.tables)), wrap))
    assert keys
    assert all(keys[0] not in carried for carried in executor.carried)
    assert all(keys[0].hex().encode() not in carried for carried in executor.carried)


class Shut(FramePlace):
    """A place where another key comes out of what was wrapped."""

    def unwrap(self, wrapped: str) -> bytes:
        return bytes(32)
