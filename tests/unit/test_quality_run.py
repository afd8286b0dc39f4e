"""What is kept is not counted again; what changed is; the day moves on."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest

from fakes.quality_source import FrameTables
from fakes.quality_tables import random_tables
from laennec.core.errors import EngineError, FormatError
from laennec.core.progress import Quiet
from laennec.quality.engines import LocalEngine
from laennec.quality.run import Assessment, assess
from laennec.quality.shelf import (
    Memory,
    keys_from_bytes,
    keys_to_bytes,
    measures_from_bytes,
    measures_to_bytes,
    total_from_bytes,
    total_to_bytes,
)

TODAY = date(2026, 11, 28)


def assessed(
    source: FrameTables, shelf: Memory, *, today: date = TODAY, everything: bool = False
) -> Assessment:
    source.read_places.clear()
    with Quiet().task("") as task:
        return assess(
            "5.4",
            source,
            shelf,
            today=today,
            engine=LocalEngine(2),
            progress=task,
            everything=everything,
        )


def source(seed: int, *, buckets: int = 4) -> FrameTables:
    return FrameTables(random_tables(Random(seed), "5.4"), buckets=buckets)


def with_person(rows: pl.DataFrame, person: int) -> pl.DataFrame:
    """Give the first row to a person."""
    first = pl.int_range(pl.len()) == 0
    column = pl.when(first).then(person).otherwise(pl.col("person_id")).alias("person_id")
    return rows.with_columns(column)


@pytest.mark.parametrize("seed", range(6))
def test_after_a_change_only_its_bucket_is_read_and_the_results_are_those_of_a_new_run(
    seed: int,
) -> None:
    data, shelf = source(seed), Memory()
    first = assessed(data, shelf)
    assert first.scanned == first.scans
    again = assessed(data, shelf)
    assert (again.results, again.scanned) == (first.results, 0)
    table = next(name for name in ("measurement", "note", "person") if name in data.tables)
    before = data.tables[table]
    data.tables[table] = pl.concat([before, before.clear(n=0), with_person(before[:1], 2)])
    changed = assessed(data, shelf)
    assert 0 < changed.scanned < changed.scans
    scanned = {place for _, place in data.read_places if place is not None}
    anew = Memory()
    assert changed.results == assessed(data, anew).results
    assert 2 in scanned
    total, total_anew = shelf.total(), anew.total()
    assert total is not None
    assert total_anew is not None
    assert total.measures.equals(total_anew.measures)


@pytest.mark.parametrize("seed", range(3))
def test_everything_is_counted_again_on_request(seed: int) -> None:
    data, shelf = source(seed), Memory()
    first = assessed(data, shelf)
    again = assessed(data, shelf, everything=True)
    assert (again.results, again.scanned) == (first.results, first.scans)


@pytest.mark.parametrize("seed", range(3))
def test_other_buckets_are_counted_anew_and_give_the_same(seed: int) -> None:
    shelf = Memory()
    first = assessed(source(seed, buckets=4), shelf)
    for buckets in (2, 5):
        again = assessed(source(seed, buckets=buckets), shelf)
        assert again.results == first.results
        assert len(shelf.places()) == buckets + 1


def test_a_later_day_needs_no_new_scan_and_an_earlier_one_does() -> None:
    data, shelf = source(3), Memory()
    assessed(data, shelf)
    for days in (1, 2, 900, 3000):
        later = TODAY + timedelta(days=days)
        kept = assessed(data, shelf, today=later)
        assert kept.scanned == 0
        assert kept.results == assessed(data, Memory(), today=later).results
    earlier = assessed(data, shelf, today=TODAY - timedelta(days=1))
    assert earlier.scanned == earlier.scans


def test_only_whole_numbers_with_a_fraction_or_no_number_are_of_a_wrong_type() -> None:
    rows = pl.DataFrame({"person_id": [1, 2, 3, 4], "year_of_birth": [1970.0, 1970.5, None, 3.0]})
    texts = rows.with_columns(pl.Series("month_of_birth", ["1", "x", "1.5", None]))
    data = FrameTables({"person": texts}, buckets=1)
    found = {one.check.check_id: one.outcome for one in assessed(data, Memory()).results}
    assert found["field_cdmdatatype_person_year_of_birth"].violated == 1
    assert found["field_cdmdatatype_person_month_of_birth"].violated == 2
    assert found["field_cdmdatatype_person_person_id"].violated == 0


def test_what_is_kept_survives_its_serial_form_and_nothing_else_is_read() -> None:
    data, shelf = source(1), Memory()
    assessed(data, shelf)
    for place in shelf.places():
        measures = shelf.measures(place)
        assert measures is not None
        assert measures_from_bytes(measures_to_bytes(measures)).equals(measures)
        assert keys_from_bytes(keys_to_bytes(shelf.keys(place))) == shelf.keys(place)
    total = shelf.total()
    assert total is not None
    again = total_from_bytes(total_to_bytes(total))
    assert again.counted == total.counted
    assert again.measures.equals(total.measures)
    for body in (b"", b"\x05\0\0\0\0\0\0\0nojso"):
        with pytest.raises(FormatError, match="--all"):
            total_from_bytes(body)


@pytest.mark.parametrize(
    ("failing", "place"),
    [
        ("counting.scan_table", "bucket 0"),
        ("run.merge", "all buckets together"),
        ("run.Lookups", "all buckets together"),
        ("run.outcome", "all buckets together"),
    ],
)
def test_a_failure_names_the_place_and_no_value(
    monkeypatch: pytest.MonkeyPatch, failing: str, place: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("secret value 4711")

    monkeypatch.setattr(f"laennec.quality.{failing}", fail)
    with pytest.raises(EngineError) as caught:
        assessed(source(1, buckets=1), Memory())
    assert "4711" not in str(caught.value)
    assert place in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
