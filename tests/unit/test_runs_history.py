"""The kernel's arithmetic of days and spans, against plain Python."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.runs.kernel_history import days, first_day_from, joined, yyyymmdd
from laennec.study.reference_history import Span, merged

EPOCH = date(1970, 1, 1)
QUICK = settings(max_examples=150, deadline=None)
some_days = st.dates(date(1600, 1, 1), date(9999, 12, 31))


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


@QUICK
@given(st.lists(some_days, min_size=1))
def test_days_and_their_digits(dates: list[date]) -> None:
    frame = pl.DataFrame({"day": dates}).select(n=days("day"), digits=yyyymmdd(days("day")))
    assert frame["n"].to_list() == [(day - EPOCH).days for day in dates]
    assert frame["digits"].to_list() == [_number(day) for day in dates]
    assert frame.dtypes == [pl.Int64, pl.Int64]


@pytest.mark.parametrize(
    ("number", "day"),
    [
        (20200229, date(2020, 2, 29)),
        (20190229, date(2019, 3, 1)),  # 29 February is reached on 1 March
        (20190231, date(2019, 3, 1)),
        (20190431, date(2019, 5, 1)),
        (20191231, date(2019, 12, 31)),
        (20191232, date(2020, 1, 1)),
        (20191301, date(2020, 1, 1)),
        (20190001, date(2019, 1, 1)),
        (20190015, date(2019, 1, 1)),
        (20190500, date(2019, 5, 1)),
        (19000229, date(1900, 3, 1)),
        (20000229, date(2000, 2, 29)),
    ],
)
def test_the_first_day_from_any_number(number: int, day: date) -> None:
    found = pl.select(first_day_from(pl.lit(number, dtype=pl.Int64))).item()
    assert EPOCH + timedelta(days=found) == day
    assert _number(day) >= number > _number(day - timedelta(days=1))


spans = st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(lambda s: (s[0], s[0] + s[1]))
far = st.sampled_from([(-(2**31), 2**31 - 1), (2**31 - 1, 2**31 - 1), (-(2**31), -(2**31))])
persons = st.sampled_from([-(2**63), -1, 0, 2**63 - 1])


@QUICK
@given(st.lists(st.tuples(persons, st.one_of(spans, far)), max_size=15))
def test_spans_are_joined_within_a_person_only(rows: list[tuple[int, tuple[int, int]]]) -> None:
    frame = pl.DataFrame(
        [(person, start, end) for person, (start, end) in rows],
        schema={"person_id": pl.Int64, "start": pl.Int64, "end": pl.Int64},
        orient="row",
    )
    found = joined(frame.lazy(), start="start", end="end").collect().rows()
    assert found == [
        (person, span.start, span.end)
        for person in sorted({person for person, _ in rows})
        for span in merged(Span(*span) for who, span in rows if who == person)
    ]
