"""From what a file holds to what the CDM says: each field typed, or its row refused with a reason.

Nothing is rounded, cut or guessed: ``12.0`` is the integer 12 (exports of missing values write it
so), ``12.5`` is no integer; a date with a time other than midnight is no date; infinity is no
number; ``NA``, ``NaN`` and the empty field are missing (in a text field only the empty one). What
becomes of a value never depends on other rows. The plain form of a type is tried on the whole
column first, strictly; only when something did not fit is the column looked at with the wider
forms, each distinct value once. ``docs/explanation/intake.md`` lists the forms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa

from laennec.intake.rules import Rule
from laennec.omop.cdm import Field, FieldType

_RULES = {
    FieldType.INTEGER: Rule.NOT_AN_INTEGER,
    FieldType.FLOAT: Rule.NOT_A_NUMBER,
    FieldType.DATE: Rule.NOT_A_DATE,
    FieldType.DATETIME: Rule.NOT_A_DATETIME,
    FieldType.TEXT: Rule.NOT_TEXT,
}
MISSING = ("", "NA", "NaN", "nan")
"""Texts, blanks around them apart, that say a value is missing where the field is not text."""

_DAY = r"^(?:([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2}))"
_MIDNIGHT = r"(?:[ T]00:00(?::00(?:\.0{1,9})?)?Z?)?$"
_TIME = r"(?:[ T]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,6})0{0,3})?)?Z?)?$"
_INTEGER = r"^[+-]?[0-9]+(?:\.0*)?$"
_PLAIN_LENGTHS = {FieldType.DATE: (10, 10), FieldType.DATETIME: (19, 26)}
_ARROW = {FieldType.DATE: pa.date32(), FieldType.DATETIME: pa.timestamp("us")}
_AS_TEXT = (pl.Boolean, pl.Date, pl.Datetime, pl.Time)
_EPOCH = date(1970, 1, 1)
_CALENDAR = ((date.min - _EPOCH).days, (date.max - _EPOCH).days)
"""The years 1 to 9999, which everybody's date type can hold, in days."""

_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Typed:
    """A block after typing.

    Attributes:
        rows: Columns of ``fields`` with the CDM's types, then the untouched further columns; a
            field of a refused row is null where it did not fit.
        refused: For each row, the position in ``fields`` of the first field that does not fit, or
            null for a good row; None when every row is good.
        missing: For each row as in ``refused``: whether the field is missing rather than wrong.
        reasons: For each position in ``fields``: the rule for a wrong value.
    """

    rows: pl.DataFrame
    refused: pl.Series | None
    missing: pl.Series | None
    reasons: tuple[Rule, ...]


def type_rows(raw: pl.DataFrame, fields: Sequence[Field]) -> Typed:
    """Give each field its type and find the rows that break a rule.

    Args:
        raw: Columns named as ``fields`` (text for CSV, any scalar type otherwise) and possibly
            others.
        fields: Fields of the CDM that ``raw`` has, in the order in which reasons are reported.
    """
    typed = raw.with_columns(_typed(one, raw[one.name]) for one in fields)
    loose = [one for one in fields if typed[one.name].null_count() != raw[one.name].null_count()]
    wrong = {one.name: _wrong(raw[one.name], typed[one.name]) for one in loose}
    required = [one for one in fields if one.required and typed[one.name].null_count()]
    reasons = tuple(_RULES[one.type] for one in fields)
    if not required and not any(mask.any() for mask in wrong.values()):
        return Typed(typed, None, None, reasons)
    return Typed(typed, *_first_faults(typed, fields, wrong), reasons)


def _first_faults(
    typed: pl.DataFrame, fields: Sequence[Field], wrong: dict[str, pl.Series]
) -> tuple[pl.Series, pl.Series]:
    """Return position of the first field at fault per row, and whether it is missing there."""
    nobody = pl.repeat(value=False, n=len(typed), dtype=pl.Boolean, eager=True)
    first = pl.repeat(None, n=len(typed), dtype=pl.UInt16, eager=True)
    missing = nobody
    for position, one in reversed([*enumerate(fields)]):
        is_wrong = wrong.get(one.name, nobody)
        is_missing = typed[one.name].is_null() & ~is_wrong if one.required else nobody
        here = is_wrong | is_missing
        if here.any():
            faults = pl.DataFrame({"here": here, "new": is_missing, "first": first, "old": missing})
            first, missing = faults.select(
                pl.when("here").then(pl.lit(position, pl.UInt16)).otherwise("first").alias("first"),
                pl.when("here").then("new").otherwise("old").alias("missing"),
            )
    return first, missing


def _wrong(raw: pl.Series, typed: pl.Series) -> pl.Series:
    """Tell which values are there in the file and fit no form of the type."""
    there = raw.is_not_null()
    if raw.dtype in (pl.String, pl.Categorical, pl.Enum) and typed.dtype != pl.String:
        there = there & ~raw.cast(pl.String).str.strip_chars().is_in(MISSING)
    if raw.dtype.is_float():
        there = there & raw.is_not_nan()
    return there & typed.is_null()


def _typed(field: Field, raw: pl.Series) -> pl.Series:
    """Return the column with the field's type, null where a value does not fit."""
    if raw.dtype in (pl.Categorical, pl.Enum):
        raw = raw.cast(pl.String)
    if raw.dtype != pl.String:
        typed = raw.to_frame().select(_from_typed(field, raw.dtype)).to_series()
        return _in_calendar(typed)
    plain = _plain(field.type, raw)
    if plain is None or plain.null_count() != raw.null_count():
        plain = _each_once(field.type, raw)
    return _in_calendar(plain)


def _plain(kind: FieldType, raw: pl.Series) -> pl.Series | None:
    """Return the quick conversion of text; None or with nulls if some value is not plain."""
    if kind is FieldType.TEXT:
        return raw
    if kind is FieldType.INTEGER:
        return raw.cast(pl.Int64, strict=False)
    if kind is FieldType.FLOAT:
        return _finite(raw.cast(pl.Float64, strict=False))
    shortest, longest = _PLAIN_LENGTHS[kind]
    if not raw.str.len_bytes().is_between(shortest, longest).all():
        return None
    try:
        return pl.Series(raw.name, raw.to_arrow().cast(_ARROW[kind]))
    except pa.ArrowInvalid:
        return None


def _each_once(kind: FieldType, raw: pl.Series) -> pl.Series:
    """Convert every distinct text by the wide forms, and give the results to the rows."""
    distinct = raw.unique()
    known = pl.DataFrame({"text": distinct, "value": _wide(kind, distinct.str.strip_chars())})
    found = raw.to_frame("text").join(
        known, on="text", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["value"].alias(raw.name)


def _wide(kind: FieldType, text: pl.Series) -> pl.Series:
    """Convert text in any accepted form; null for what is in none."""
    if kind is FieldType.INTEGER:
        whole = pl.when(text.str.contains(_INTEGER)).then(text.str.replace(r"\.0*$", ""))
        return pl.select(whole.cast(pl.Int64, strict=False)).to_series()
    if kind is FieldType.FLOAT:
        return _finite(text.cast(pl.Float64, strict=False))
    pattern = _DAY + (_MIDNIGHT if kind is FieldType.DATE else _TIME)
    held = text.to_frame("text").filter(pl.col("text").str.contains(pattern)).unique()
    parts = pl.col("text").str.extract_groups(pattern).struct
    day = [pl.coalesce(parts.field(f"{n}"), parts.field(f"{n + 3}")) for n in (1, 2, 3)]
    value = pl.concat_str(day, separator="-").str.to_date("%Y-%m-%d", strict=False)
    if kind is FieldType.DATETIME:
        clock = [parts.field(f"{n}").fill_null("0").cast(pl.Int64) for n in (7, 8, 9)]
        fraction = parts.field("10").fill_null("").str.pad_end(6, "0").cast(pl.Int64)
        value = value.cast(pl.Datetime("us")) + pl.duration(
            hours=clock[0], minutes=clock[1], seconds=clock[2], microseconds=fraction
        )
    values = held.with_columns(value.alias("value"))
    return text.to_frame("text").join(values, on="text", how="left", maintain_order="left")["value"]


def _from_typed(field: Field, held: pl.DataType) -> pl.Expr:
    """Convert a column that has a type already (Parquet), without loss; null what has no place."""
    column = pl.col(field.name)
    is_number = held.is_numeric()
    match field.type:
        case FieldType.INTEGER if held.is_integer():
            return column.cast(pl.Int64, strict=False)
        case FieldType.INTEGER if is_number:
            return pl.when(column == column.floor()).then(column).cast(pl.Int64, strict=False)
        case FieldType.FLOAT if is_number:
            number = column.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case FieldType.DATE if isinstance(held, pl.Datetime):
            at_midnight = column.dt.time() == pl.time(0, 0, 0)
            return pl.when(at_midnight).then(column.dt.date())
        case FieldType.DATETIME if isinstance(held, pl.Datetime):
            moment = column.dt.replace_time_zone(None)
            exact = moment.cast(pl.Datetime("us"))
            return pl.when(exact.cast(_without_zone(held)) == moment).then(exact)
        case FieldType.DATE if held == pl.Date:
            return column
        case FieldType.DATETIME if held == pl.Date:
            return column.cast(pl.Datetime("us"))
        case FieldType.TEXT if is_number or isinstance(held, _AS_TEXT):
            return column.cast(pl.String, strict=False)
        case _:
            return pl.lit(None, dtype=field.polars_type).alias(field.name)


def _without_zone(held: pl.Datetime) -> pl.Datetime:
    """Return the type without its time zone."""
    return pl.Datetime(held.time_unit)


def _finite(numbers: pl.Series) -> pl.Series:
    """Return the numbers with null for what is none."""
    if numbers.is_finite().all():
        return numbers
    kept = pl.when(pl.col(numbers.name).is_finite()).then(pl.col(numbers.name))
    return numbers.to_frame().select(kept).to_series()


def _in_calendar(values: pl.Series) -> pl.Series:
    """Return days and moments with null outside the years 1 to 9999."""
    if not values.dtype.is_temporal():
        return values
    unit = 1 if values.dtype == pl.Date else _DAY_US
    stored, (first, last) = values.to_physical(), _CALENDAR
    inside = stored.is_between(first * unit, (last + 1) * unit - 1) | stored.is_null()
    if inside.all():
        return values
    return values.to_frame().select(pl.when(inside).then(pl.col(values.name))).to_series()
