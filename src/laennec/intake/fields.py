"""From what a file holds to what the CDM says: each field typed, or its row refused with a reason.

Nothing is rounded, cut or guessed: ``12.0`` is the integer 12 (exports of missing values write it
so), ``12.5`` is no integer; a date with a time other than midnight is no date; ``NA`` and the empty
field are missing. The plain form of a type is tried on the whole column first; only a column in
which something did not fit is looked at again with the wider forms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from laennec.intake.rules import Rule
from laennec.omop.cdm import Field, FieldType

_RULES = {
    FieldType.INTEGER: Rule.NOT_AN_INTEGER,
    FieldType.FLOAT: Rule.NOT_A_NUMBER,
    FieldType.DATE: Rule.NOT_A_DATE,
    FieldType.DATETIME: Rule.NOT_A_DATETIME,
    FieldType.TEXT: Rule.REQUIRED_MISSING,
}
_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00:00", "%Y-%m-%dT00:00:00", "%Y-%m-%dT00:00:00Z")
_DATETIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)


@dataclass(frozen=True)
class Typed:
    """A block after typing.

    Attributes:
        rows: Columns of ``fields`` with the CDM's types, then the untouched further columns; a
            field of a refused row is null where it did not fit.
        refused: For each row, the position in ``fields`` of the first field that does not fit, or
            null for a good row; None when every row is good.
        reasons: For each position in ``fields``: the rule for a wrong value.
        missing: For each row as in ``refused``: whether the field is missing rather than wrong.
    """

    rows: pl.DataFrame
    refused: pl.Series | None
    missing: pl.Series | None
    reasons: tuple[Rule, ...]


def type_rows(raw: pl.DataFrame, fields: Sequence[Field]) -> Typed:
    """Give each field its type and find the rows that break a rule.

    Args:
        raw: Columns named as ``fields`` (any types, text for CSV) and possibly others.
        fields: Fields of the CDM that ``raw`` has, in the order in which reasons are reported.
    """
    typed = raw.lazy().with_columns(_plain(one, raw.schema[one.name]) for one in fields).collect()
    loose = [one for one in fields if typed[one.name].null_count() != raw[one.name].null_count()]
    if loose:
        typed = typed.with_columns(_wide(one, raw[one.name]) for one in loose)
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
    at_fault = pl.DataFrame(
        {
            f"{position}": wrong.get(one.name, nobody)
            | (typed[one.name].is_null() if one.required else nobody)
            for position, one in enumerate(fields)
        }
    )
    first = at_fault.select(
        pl.coalesce(
            pl.when(pl.col(f"{position}")).then(pl.lit(position, dtype=pl.UInt16))
            for position in range(len(fields))
        ).alias("refused")
    )["refused"]
    missing = nobody
    for position, one in enumerate(fields):
        if one.name in wrong or one.required:
            is_missing = typed[one.name].is_null() & ~wrong.get(one.name, nobody)
            missing = missing | ((first == position).fill_null(value=False) & is_missing)
    return first, missing


def _wrong(raw: pl.Series, typed: pl.Series) -> pl.Series:
    """Tell which values are there in the file and fit no form of the type."""
    there = raw.is_not_null()
    if raw.dtype == pl.String:
        there = there & ~raw.str.strip_chars().is_in(["", "NA"])
    return there & typed.is_null()


def _plain(field: Field, held: pl.DataType) -> pl.Expr:
    """Return the quick conversion, null where the value has not the plain form."""
    column = pl.col(field.name)
    if held != pl.String:
        return _from_typed(field, held)
    match field.type:
        case FieldType.INTEGER | FieldType.FLOAT:
            return column.cast(field.polars_type, strict=False)
        case FieldType.DATE:
            return column.str.to_date(_DATES[0], strict=False)
        case FieldType.DATETIME:
            return column.str.to_datetime(_DATETIMES[0], time_unit="us", strict=False)
        case FieldType.TEXT:
            return column


def _wide(field: Field, raw: pl.Series) -> pl.Series:
    """Return the conversion that tries every accepted form."""
    if raw.dtype != pl.String:
        return raw.to_frame().select(_from_typed(field, raw.dtype)).to_series()
    text = raw.str.strip_chars()
    match field.type:
        case FieldType.INTEGER:
            return text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False).alias(field.name)
        case FieldType.FLOAT:
            return text.cast(pl.Float64, strict=False).alias(field.name)
        case FieldType.DATE:
            forms = [text.str.to_date(form, strict=False) for form in _DATES]
        case FieldType.DATETIME:
            days = [text.str.to_date(form, strict=False).cast(pl.Datetime("us")) for form in _DATES]
            moments = [
                text.str.to_datetime(form, time_unit="us", strict=False) for form in _DATETIMES
            ]
            forms = [*moments, *days]
        case FieldType.TEXT:
            return raw
    named = pl.DataFrame([form.alias(f"{n}") for n, form in enumerate(forms)])
    return named.select(pl.coalesce(pl.all()).alias(field.name)).to_series()


def _from_typed(field: Field, held: pl.DataType) -> pl.Expr:
    """Convert a column that has a type already (Parquet), without loss."""
    column = pl.col(field.name)
    match field.type:
        case FieldType.INTEGER if held.is_float() or held.is_decimal():
            return pl.when(column == column.floor()).then(column).cast(pl.Int64, strict=False)
        case FieldType.DATE if isinstance(held, pl.Datetime):
            at_midnight = column.dt.time() == pl.time(0, 0, 0)
            return pl.when(at_midnight).then(column.dt.date())
        case FieldType.DATETIME if isinstance(held, pl.Datetime):
            return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
        case FieldType.DATE | FieldType.DATETIME if held.is_numeric() or held == pl.Boolean:
            return pl.lit(None, dtype=field.polars_type).alias(field.name)
        case _:
            return column.cast(field.polars_type, strict=False)
