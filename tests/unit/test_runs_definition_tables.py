"""Rows on the line: positions, periods, orders and joined spans, against their plain meaning."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laennec.omop.cdm import CURRENT, cdm
from laennec.runs.definition_columns import key_column, start_column
from laennec.runs.definition_tables import LINE, MISSING, People, Periods, in_order, table_of
from laennec.runs.definition_values import LOOKS, ByValue, Told, Whole
from laennec.study.definition import TABLES
from laennec.warehouse.layout import sort_keys

SMALL = st.lists(st.integers(0, 6), max_size=40)


def whole(values: list[int]) -> Whole:
    return np.array(values, np.int64)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_order_is_by_line_and_then_by_keys_and_keeps_what_lies_so(
    rows: list[tuple[int, int, int]],
) -> None:
    line, first, second = (whole([row[place] for row in rows]) for place in range(3))
    wanted = sorted(range(len(rows)), key=lambda row: rows[row])
    found = in_order(line, first, second)
    if found is None:
        assert wanted == list(range(len(rows)))
    else:
        assert found.tolist() == wanted


@given(SMALL, st.sets(st.integers(-2, 9)))
def test_a_number_is_found_for_each_person_in_any_order(asked: list[int], known: set[int]) -> None:
    people = People(whole(sorted(known)), pl.DataFrame())
    found = people.numbers(pl.Series(asked, dtype=pl.Int64)).tolist()
    assert found == [sorted(known).index(one) if one in known else -1 for one in asked]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=30))
def test_a_day_is_in_the_period_that_holds_it(asked: list[tuple[int, int]]) -> None:
    periods = [(0, 5, 9), (0, 20, 20), (0, 30, 39), (2, 0, 3), (3, 7, 7), (3, 8, 30)]
    person, start, end = (whole([one[place] for one in periods]) for place in range(3))
    days = (whole([one[place] for one in asked]) for place in range(2))
    place, holds = Periods(person, start, end).of(*days)
    for (who, day), at, held in zip(asked, place.tolist(), holds.tolist(), strict=True):
        there = [
            n for n, (one, first, last) in enumerate(periods) if one == who and first <= day <= last
        ]
        assert [at] * held == there


@given(
    st.lists(st.sampled_from([1, 2, 3, 70_000, MISSING]), max_size=80), st.sets(st.integers(0, 4))
)
def test_rows_of_few_and_of_many_are_found_alike(values: list[int], wanted: set[int]) -> None:
    right = [row for row, value in enumerate(values) if value in wanted]
    for more in (set(), {2}, {2**40}):
        told = Told(whole(sorted(wanted | more)))
        rows = ByValue(told, whole(values))
        answers = [rows.rows_of(whole(sorted(wanted))) for _ in range(LOOKS + 1)]
        assert all(one.tolist() == answers[0].tolist() for one in answers)
        found = answers[0]
        assert found.tolist() == right


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_order_of_a_sealed_file_is_that_of_events(name: str) -> None:
    """A definition takes rows that are told to be in order for events in order."""
    keys = ("person_id", start_column(name), key_column(name))
    assert sort_keys(cdm(CURRENT).tables[name]) == [*dict.fromkeys(filter(None, keys))]


@given(st.permutations(range(8)))
def test_rows_without_their_identifier_keep_the_order_of_the_file(order: list[int]) -> None:
    people = People(whole([1, 2]), pl.DataFrame())
    rows = pl.DataFrame(
        {"person_id": [1, 1, 1, 2, 2, 2, 9, 2], "measurement_date": [3, 3, 2, 1, None, 1, 1, 0]},
        schema={"person_id": pl.Int64, "measurement_date": pl.Int32},
    ).cast({"measurement_date": pl.Date})
    table = table_of("measurement", rows[order], people)
    assert (np.diff(table.person * LINE + table.start) >= 0).all()
    assert [order[one] for one in table.place.tolist()] == [
        row
        for who, day in ((1, 2), (1, 3), (2, 0), (2, 1))
        for row in order
        if rows.row(row)[0] == who and (rows["measurement_date"].to_physical()[row]) == day
    ]
