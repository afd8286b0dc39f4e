"""What footers settle without rows: never more than they say."""

from datetime import date, datetime

import polars as pl
import pytest

from laennec.quality.known import Known
from laennec.vault.summaries import Footer, Summary

DAY = date(2020, 6, 1)
KNOWN = Known.of(
    Footer(
        4,
        {
            "empty": Summary(pl.Int64(), 4),
            "untold": Summary(pl.Int64()),
            "same": Summary(pl.Int64(), 1, 7, 7),
            "number": Summary(pl.Float64(), 0, 2.5, 9.5),
            "day": Summary(pl.Date(), 0, DAY, DAY),
            "moment": Summary(
                pl.Datetime("us"),
                0,
                datetime.fromisoformat("2020-06-01T23:00"),
                datetime.fromisoformat("2020-06-02T01:00"),
            ),
            "text": Summary(pl.String(), 0),
        },
    )
)


def test_columns_without_a_value_are_left_out_and_untold_ones_are_not() -> None:
    assert "empty" not in KNOWN.columns
    assert KNOWN.untold() == ["untold"]
    assert KNOWN.kind("empty") is None
    assert KNOWN.kind("untold") == pl.Int64


def test_only_whole_numbers_are_constant() -> None:
    assert KNOWN.constant("same") == (7, 3)
    assert [KNOWN.constant(name) for name in ("untold", "day", "text")] == [None] * 3
    assert KNOWN.span("number") is None


@pytest.mark.parametrize(
    ("field", "limit", "below", "above"),
    [
        ("same", 7.0, True, True),
        ("same", 7.5, False, True),
        ("same", 6, True, False),
        # A footer does not say whether a number is NaN, which lies above any limit.
        ("number", 2.5, True, False),
        ("number", 10.0, False, False),
        ("day", DAY, True, True),
        ("day", date(2020, 6, 2), False, True),
        # A moment is of its day.
        ("moment", DAY, True, False),
        ("moment", date(2020, 6, 2), False, True),
        ("day", 5.0, False, False),
        ("untold", 5.0, False, False),
        ("text", 5.0, False, False),
        ("empty", 5.0, False, False),
    ],
)
def test_nothing_lies_beyond_a_limit_only_where_that_is_said(
    field: str, limit: float | date, below: bool, above: bool
) -> None:
    assert KNOWN.none_below(field, limit) is below
    assert KNOWN.none_above(field, limit) is above
