"""What is accepted as a value of each type, against a naive reading value by value."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.intake_naive import NAIVE, WRONG
from laennec.intake.fields import MISSING, type_rows
from laennec.intake.rules import Rule
from laennec.omop.cdm import Field, FieldType


def field(kind: FieldType, *, name: str = "x", required: bool = False) -> Field:
    return Field(name, kind, required=required, primary_key=False)


RULE = {
    FieldType.INTEGER: Rule.NOT_AN_INTEGER,
    FieldType.FLOAT: Rule.NOT_A_NUMBER,
    FieldType.DATE: Rule.NOT_A_DATE,
    FieldType.DATETIME: Rule.NOT_A_DATETIME,
}

DAYS = st.one_of(
    st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str),
    st.dates(date(1, 1, 1), date(9999, 12, 31)).map(lambda day: str(day).replace("-", "")),
    st.from_regex(r"[0-9]{4}-[0-1][0-9]-[0-3][0-9]", fullmatch=True),
    st.from_regex(r"[0-9]{8}", fullmatch=True),
    st.sampled_from(["2020-1-5", "+2020-01-05", "-020-01-05", "0000-01-01", "20-01-05"]),
)
CLOCKS = st.one_of(
    st.just(""),
    st.just(" 00:00:00"),
    st.just("T00:00:00.000Z"),
    st.from_regex(r"[ T][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?Z?", fullmatch=True),
    st.sampled_from([" 10", " 1011", " 10:11:12.", " 10:11:12+02:00", "  10:11:12", " 24:00:00"]),
)
NUMBERS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.integers(-99, 99).map(lambda number: f"{number}.0"),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[+-]?[0-9]{0,4}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["inf", "-Infinity", "1_000", "0x10", "12,5", "--1", "+", "1e400", "١٢"]),
)
TEXTS = st.one_of(
    NUMBERS,
    st.tuples(DAYS, CLOCKS).map("".join),
    st.sampled_from(MISSING),
    st.text("0123456789-:. TZeN", max_size=12),
)
PADDED = st.tuples(st.sampled_from(["", "", " ", "\t"]), TEXTS, st.sampled_from(["", "", " "]))


@pytest.mark.parametrize("kind", NAIVE)
@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(st.none(), PADDED.map("".join)), min_size=1, max_size=8))
def test_text_is_read_as_value_by_value(kind: FieldType, texts: list[str | None]) -> None:
    typed = type_rows(pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)}), [field(kind)])
    expected = [
        None if text is None or text.strip() in MISSING else NAIVE[kind](text.strip())
        for text in texts
    ]
    assert typed.rows["x"].dtype == field(kind).polars_type
    assert typed.rows["x"].to_list() == [None if one is WRONG else one for one in expected]
    refused = [None] * len(texts) if typed.refused is None else typed.refused.to_list()
    assert refused == [0 if one is WRONG else None for one in expected]
    assert typed.reasons == (RULE[kind],)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "x", "", None]),
            st.sampled_from(["2020-01-01", "2020-02-30", "NA", None]),
            st.sampled_from(["text", "NA", None]),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_the_first_field_at_fault_gives_the_reason(rows: list[tuple[str | None, ...]]) -> None:
    fields = [
        field(FieldType.INTEGER, name="a", required=True),
        field(FieldType.DATE, name="b"),
        field(FieldType.TEXT, name="c", required=True),
    ]
    schema = dict.fromkeys("abc", pl.String)
    typed = type_rows(pl.DataFrame(rows, schema=schema, orient="row"), fields)
    for number, (a, b, c) in enumerate(rows):
        faults = [
            (0, False) if a == "x" else (0, True) if not a else None,
            (1, False) if b == "2020-02-30" else None,
            (2, True) if c is None else None,
        ]
        expected = next((fault for fault in faults if fault), None)
        if typed.refused is None or typed.missing is None:
            assert expected is None
        else:
            assert typed.refused[number] == (expected[0] if expected else None)
            assert expected is None or typed.missing[number] == expected[1]


def test_other_columns_are_left_alone() -> None:
    raw = pl.DataFrame({"x": ["12.0"], "$line": [7]})
    assert type_rows(raw, [field(FieldType.INTEGER)]).rows.row(0) == (12, 7)


MIDNIGHT, NOON = datetime(2020, 1, 5), datetime(2020, 1, 5, 12)  # noqa: DTZ001
DAY = date(2020, 1, 5)
ZONED = datetime(2020, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "series", "expected"),
    [
        (FieldType.INTEGER, pl.Series([1.0, -3.0, None]), [1, -3, None]),
        (FieldType.INTEGER, pl.Series([12.5, math.inf, 1e30]), [WRONG] * 3),
        (FieldType.INTEGER, pl.Series([math.nan]), [None]),
        (FieldType.INTEGER, pl.Series([Decimal("12.0"), Decimal("12.5")]), [12, WRONG]),
        (FieldType.INTEGER, pl.Series([2**63, 7], dtype=pl.UInt64), [WRONG, 7]),
        (FieldType.INTEGER, pl.Series([-(2**63), 2**63 - 1]), [-(2**63), 2**63 - 1]),
        (FieldType.INTEGER, pl.Series([DAY]), [WRONG]),
        (FieldType.INTEGER, pl.Series([NOON]), [WRONG]),
        (FieldType.INTEGER, pl.Series([True]), [WRONG]),
        (FieldType.INTEGER, pl.Series([None], dtype=pl.Null), [None]),
        (FieldType.INTEGER, pl.Series(["7", "x"], dtype=pl.Categorical), [7, WRONG]),
        (FieldType.INTEGER, pl.Series(["NA", "7"], dtype=pl.Enum(["7", "NA"])), [None, 7]),
        (FieldType.FLOAT, pl.Series([1, None]), [1.0, None]),
        (FieldType.FLOAT, pl.Series([1.5, math.nan, math.inf]), [1.5, None, WRONG]),
        (FieldType.FLOAT, pl.Series([Decimal("1.5")]), [1.5]),
        (FieldType.FLOAT, pl.Series([DAY]), [WRONG]),
        (FieldType.DATE, pl.Series([DAY, None]), [DAY, None]),
        (FieldType.DATE, pl.Series([MIDNIGHT, NOON]), [DAY, WRONG]),
        (FieldType.DATE, pl.Series([ZONED]), [DAY]),
        (FieldType.DATE, pl.Series([18000]), [WRONG]),
        (FieldType.DATE, pl.Series([4_000_000, -1_000_000]).cast(pl.Date), [WRONG, WRONG]),
        (FieldType.DATETIME, pl.Series([NOON]).cast(pl.Datetime("ms")), [NOON]),
        (FieldType.DATETIME, pl.Series([ZONED]), [MIDNIGHT]),
        (FieldType.DATETIME, pl.Series([DAY]), [MIDNIGHT]),
        (FieldType.DATETIME, pl.Series([1001, 2000]).cast(pl.Datetime("ns")), [WRONG, ...]),
        (FieldType.DATETIME, pl.Series([4 * 10**14]).cast(pl.Datetime("ms")), [WRONG]),
        (FieldType.DATETIME, pl.Series([18000]), [WRONG]),
        (FieldType.TEXT, pl.Series([12, None]), ["12", None]),
        (FieldType.TEXT, pl.Series([DAY]), ["2020-01-05"]),
        (FieldType.TEXT, pl.Series(["NA", ""]), ["NA", ""]),
        (FieldType.TEXT, pl.Series(["a"], dtype=pl.Categorical), ["a"]),
        (FieldType.TEXT, pl.Series([timedelta(1)]), [WRONG]),
    ],
)
def test_typed_columns_are_taken_without_loss(
    kind: FieldType, series: pl.Series, expected: list[object]
) -> None:
    typed = type_rows(series.to_frame("x"), [field(kind)])
    assert typed.rows["x"].dtype == field(kind).polars_type
    refused = [None] * len(series) if typed.refused is None else typed.refused.to_list()
    assert refused == [0 if one is WRONG else None for one in expected]
    for found, one in zip(typed.rows["x"].to_list(), expected, strict=True):
        assert one is ... or found == (None if one is WRONG else one)
