"""Running a plan over buckets: order, failure, silence about rows, and progress."""

import threading
import traceback
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from fakes.frame_source import FrameSource
from laennec.core.errors import EngineError, IntegrityError
from laennec.runs.local import run
from laennec.runs.plan import Plan, plan_study
from laennec.study.model import Cohort, ConceptItem, ConceptSet, Counts, Events, Study
from laennec.study.reference import evaluate

PERSONS = 40
ROWS: dict[str, list[dict[str, Any]]] = {
    "person": [
        {"person_id": n, "gender_concept_id": 8507, "year_of_birth": 1950} for n in range(PERSONS)
    ],
    "observation_period": [
        {
            "person_id": n,
            "observation_period_start_date": date(2019, 1, 1),
            "observation_period_end_date": date(2020, 12, 31),
        }
        for n in range(PERSONS)
    ],
    "condition_occurrence": [
        {
            "person_id": n,
            "condition_concept_id": 7,
            "condition_start_date": date(2020, 1, 1),
            "condition_end_date": None,
        }
        for n in range(0, PERSONS, 2)
    ],
}
CONCEPTS = {"ill": frozenset({7})}
STUDY = Study(
    name="s",
    title="S",
    concept_sets={"ill": ConceptSet(items=(ConceptItem(concept_id=7),))},
    cohorts=(Cohort(name="ill", entry=Events(table="condition_occurrence", concepts="ill")),),
    results=(Counts(name="flow", cohorts=("ill",)),),
)
SECRET = "1042-secret-of-a-row"


class Steps:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount


class FailingSource(FrameSource):
    """Raises in one bucket, as a broken file or engine would."""

    def __init__(self, error: Exception, *, count: int, fails: int = 0) -> None:
        super().__init__(ROWS, count=count)
        self._error, self._fails = error, fails

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        if bucket == self._fails:
            raise self._error
        return super().read(table, bucket, columns=columns, where=where)


def _plan() -> Plan:
    return plan_study(STUDY, CONCEPTS)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [1, 7, 40])
def test_buckets_and_workers_do_not_matter(workers: int, count: int) -> None:
    steps = Steps()
    found = run(_plan(), FrameSource(ROWS, count=count), workers=workers, progress=steps)
    assert found == evaluate(STUDY, ROWS, CONCEPTS)
    assert found.counts["attrition", "ill", 0] == PERSONS // 2
    assert steps.done == count


def test_each_table_is_read_once_per_bucket() -> None:
    source = FrameSource(ROWS, count=3)
    run(_plan(), source, workers=2, progress=Steps())
    assert sorted(source.reads) == sorted((table, n) for table in ROWS for n in range(3))


@pytest.mark.parametrize(
    "error",
    [
        pl.exceptions.ComputeError(f"conversion failed for {SECRET}"),
        pl.exceptions.InvalidOperationError(SECRET),
        MemoryError(SECRET),
        OverflowError(SECRET),
    ],
)
def test_a_failure_of_the_engine_says_nothing_of_a_row(error: Exception) -> None:
    with pytest.raises(EngineError) as caught:
        run(_plan(), FailingSource(error, count=2), workers=1, progress=Steps())
    shown = "".join(traceback.format_exception(caught.value))
    assert "bucket 0" in shown
    assert SECRET not in shown
    assert caught.value.__context__ is None


def test_a_row_of_the_wrong_type_is_a_failure_without_its_value() -> None:
    class Text(FrameSource):
        def read(
            self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
        ) -> pl.DataFrame:
            rows = super().read(table, bucket, columns=columns, where=None)
            return rows.with_columns(pl.lit(SECRET).alias("person_id"))

    with pytest.raises(EngineError) as caught:
        run(_plan(), Text(ROWS), workers=1, progress=Steps())
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_source_s_own_errors_pass_through() -> None:
    broken = IntegrityError("An object was altered.", remedy="Run `laennec verify`.")
    with pytest.raises(IntegrityError, match="altered"):
        run(_plan(), FailingSource(broken, count=4), workers=2, progress=Steps())


def test_after_an_error_no_further_bucket_begins() -> None:
    broken = IntegrityError("An object was altered.", remedy="Run `laennec verify`.")
    source = FailingSource(broken, count=PERSONS)
    with pytest.raises(IntegrityError):
        run(_plan(), source, workers=1, progress=Steps())
    assert source.reads == []


def test_no_worker_is_left_behind() -> None:
    run(_plan(), FrameSource(ROWS, count=5), workers=3, progress=Steps())
    assert not [one for one in threading.enumerate() if one.name.startswith("laennec-bucket")]


def test_a_run_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        run(_plan(), FrameSource(ROWS), workers=0, progress=Steps())


def test_no_buckets_give_an_empty_partial() -> None:
    found = run(_plan(), FrameSource(ROWS, count=0), workers=2, progress=Steps())
    assert found == evaluate(STUDY, {}, CONCEPTS)
