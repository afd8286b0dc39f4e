"""Observation periods and payer periods of one bucket."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laennec.snds import periods
from laennec.snds.lines import schema
from laennec.snds.periods import Base

BASE = Base(date(2015, 1, 1), date(2019, 12, 31))
PERSONS = pl.DataFrame(
    {"person_id": [1, 2], "year_of_birth": [1950, 2016], "month_of_birth": [None, 5]},
    schema_overrides={"month_of_birth": pl.Int64},
)
NO_DEATH = pl.DataFrame(schema={"person_id": pl.Int64, "death_date": pl.Date})


def care(person: int, first: date, last: date) -> pl.DataFrame:
    return pl.DataFrame({"person_id": [person], "first": [first], "last": [last]})


def observed(evidence: pl.DataFrame, died: date | None = None) -> list[tuple[date, date]]:
    deaths = NO_DEATH
    if died is not None:
        deaths = evidence.select("person_id", pl.lit(died).alias("death_date"))
    rows = periods.observation_periods(evidence, PERSONS, deaths, BASE)
    return rows.select("observation_period_start_date", "observation_period_end_date").rows()


@pytest.mark.parametrize(
    ("person", "first", "last", "died", "expected"),
    [
        (1, date(2016, 1, 1), date(2017, 1, 1), None, [(date(2016, 1, 1), date(2017, 1, 1))]),
        (1, date(2014, 1, 1), date(2020, 3, 1), None, [(BASE.first, BASE.last)]),
        (2, date(2016, 1, 1), date(2017, 1, 1), None, [(date(2016, 5, 1), date(2017, 1, 1))]),
        (
            1,
            date(2016, 1, 1),
            date(2017, 1, 1),
            date(2018, 6, 1),
            [(date(2016, 1, 1), date(2018, 6, 1))],
        ),
        (
            1,
            date(2016, 1, 1),
            date(2019, 1, 1),
            date(2018, 6, 1),
            [(date(2016, 1, 1), date(2018, 6, 1))],
        ),
        (1, date(2016, 1, 1), date(2016, 5, 1), date(2015, 6, 1), []),
        (1, date(2010, 1, 1), date(2014, 5, 1), None, []),
        (9, date(2016, 1, 1), date(2016, 5, 1), None, []),
    ],
)
def test_a_period_goes_from_the_first_care_to_the_last_or_to_death(
    person: int, first: date, last: date, died: date | None, expected: list[tuple[date, date]]
) -> None:
    assert observed(care(person, first, last), died) == expected


DAYS = st.integers(-400, 2500).map(lambda days: BASE.first + timedelta(days=days))


@given(DAYS, DAYS, st.one_of(st.none(), DAYS), st.sampled_from([1, 2]))
def test_a_period_lies_within_base_and_life(
    one: date, other: date, died: date | None, person: int
) -> None:
    found = observed(care(person, min(one, other), max(one, other)), died)
    assert len(found) <= 1
    for start, end in found:
        assert BASE.first <= start <= end <= BASE.last
        assert died is None or end <= died
        assert person == 1 or start >= date(2016, 5, 1)


def test_care_is_what_was_done_not_what_is_registered() -> None:
    day = date(2016, 2, 1)
    tables = {
        "visit_occurrence": pl.DataFrame(
            {"person_id": [1], "visit_start_date": [day], "visit_end_date": [date(2016, 2, 9)]}
        ),
        "drug_exposure": pl.DataFrame(
            {"person_id": [1, 2], "drug_exposure_start_date": [date(2016, 1, 3), day]}
        ),
        "condition_occurrence": pl.DataFrame(
            {"person_id": [3], "condition_start_date": [date(2000, 1, 1)]}
        ),
    }
    assert periods.care(tables).rows() == [
        (1, date(2016, 1, 3), date(2016, 2, 9)),
        (2, day, day),
    ]
    assert periods.care({}).is_empty()


def test_a_base_has_a_day() -> None:
    with pytest.raises(ValueError, match="first day"):
        Base(date(2019, 1, 2), date(2019, 1, 1))


def paid(person: int, first: date, last: date, plan: str | None = None) -> dict[str, object]:
    return {
        "person_id": person,
        "payer_plan_period_start_date": first,
        "payer_plan_period_end_date": last,
        "payer_source_value": "1",
        "plan_source_value": plan,
    }


def test_months_that_follow_each_other_are_one_period() -> None:
    rows = [
        paid(1, date(2016, 3, 1), date(2016, 3, 31)),
        paid(1, date(2016, 1, 1), date(2016, 1, 31)),
        paid(1, date(2016, 2, 1), date(2016, 2, 29)),
        paid(1, date(2016, 5, 1), date(2016, 5, 31)),
        paid(1, date(2016, 4, 1), date(2016, 4, 30), "CMU-C"),
        paid(2, date(2016, 4, 1), date(2016, 4, 30)),
    ]
    lines = pl.DataFrame(rows, schema=schema("payer_plan_period"))
    merged = periods.merged_payer_periods(lines)
    told = merged.select(
        "person_id",
        "payer_plan_period_start_date",
        "payer_plan_period_end_date",
        "plan_source_value",
    )
    assert told.rows() == [
        (1, date(2016, 1, 1), date(2016, 3, 31), None),
        (1, date(2016, 4, 1), date(2016, 4, 30), "CMU-C"),
        (1, date(2016, 5, 1), date(2016, 5, 31), None),
        (2, date(2016, 4, 1), date(2016, 4, 30), None),
    ]
    assert merged.schema == lines.schema


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=8)


@given(SPANS)
def test_merging_keeps_exactly_the_days_and_does_so_once(spans: list[tuple[int, int]]) -> None:
    first = BASE.first
    rows = [
        paid(1, first + timedelta(days=start), first + timedelta(days=start + length))
        for start, length in spans
    ]
    lines = pl.DataFrame(rows, schema=schema("payer_plan_period"))
    merged = periods.merged_payer_periods(lines)
    days = {start + one for start, length in spans for one in range(length + 1)}
    found = [
        ((start - first).days, (end - first).days)
        for start, end in merged.select(
            "payer_plan_period_start_date", "payer_plan_period_end_date"
        ).iter_rows()
    ]
    assert {one for start, end in found for one in range(start, end + 1)} == days
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(found))
    assert periods.merged_payer_periods(merged).equals(merged)
