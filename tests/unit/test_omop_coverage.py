"""Coverage: shares of codes and rows that reached a standard concept."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.omop.coverage import COUNTS_SCHEMA, COVERAGE_SCHEMA, UNKNOWN, coverage

Row = tuple[str | None, str | None, int | None, int]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COUNTS_SCHEMA, orient="row")


def is_mapped(row: Row) -> bool:
    return row[2] not in (None, 0) and int(row[2] or 0) < 2_000_000_000


def test_a_site_concept_is_no_standard_one() -> None:
    found = coverage(
        frame([("FR CIM10", "K250", 2_000_006_026, 3), ("FR CIM10", "K922", 192671, 1)])
    )
    assert found.rows() == [("FR CIM10", 2, 1, 0.5, 4, 1, 0.25)]


def test_codes_and_rows() -> None:
    found = coverage(
        frame(
            [
                ("CIM10", "K920", 192671, 6),
                ("CIM10", "K920", 0, 2),
                ("CIM10", "Z999", None, 2),
                ("CCAM", "HHFA001", 4198190, 5),
                (None, "?", 0, 1),
            ]
        )
    )
    assert found.rows() == [
        (UNKNOWN, 1, 0, 0.0, 1, 0, 0.0),
        ("CCAM", 1, 1, 1.0, 5, 5, 1.0),
        ("CIM10", 2, 1, 0.5, 10, 6, 0.6),
    ]


def test_nothing_gives_nothing() -> None:
    assert coverage(frame([])).schema == pl.Schema(COVERAGE_SCHEMA)


@pytest.mark.parametrize("rows", [0, -1, None])
def test_wrong_counts_are_refused(rows: int | None) -> None:
    counts = pl.DataFrame([("A", "a", 1, rows)], schema=COUNTS_SCHEMA, orient="row")
    with pytest.raises(ValueError, match="count of rows"):
        coverage(counts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "A", "B"]),
            st.sampled_from([None, "x", "y", "z"]),
            st.sampled_from([None, 0, 1, -5, 1_999_999_999, 2_000_000_000, 2**40]),
            st.integers(1, 9),
        ),
        max_size=15,
    )
)
def test_nothing_is_lost_and_order_does_not_matter(rows: list[Row]) -> None:
    found = coverage(frame(rows))
    assert coverage(frame(rows[::-1])).equals(found)
    assert found["rows"].sum() == sum(row[3] for row in rows)
    assert found["rows_mapped"].sum() == sum(row[3] for row in rows if is_mapped(row))
    assert found["codes"].sum() == len({row[:2] for row in rows})
    assert found["codes_mapped"].sum() == len({row[:2] for row in rows if is_mapped(row)})
    assert dict(found.schema) == COVERAGE_SCHEMA
