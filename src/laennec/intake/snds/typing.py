"""From what a file holds to what the catalogue says, column by column.

Forms in use, all told apart without guessing:

- numbers: with point or comma before the decimals (``12.5``, ``12,5``), whole numbers also with
  decimals that are zero (``1.0``). Thousands separators of any kind are refused by a rule of their
  own: in ``1.234`` and ``1,234`` nobody can tell them from a decimal sign, so none is taken.
- dates: ``dd/mm/yyyy``, ``yyyy-mm-dd``, ``ddmmyyyy``, ``yyyymmdd`` and SAS's ``01JAN2012``, each
  with midnight behind it or nothing. The two of eight digits exclude each other for the years 1600
  to 9999. A year before 1600 is refused (``01/02/19`` is no year 19).
- missing: empty, blank, and for numbers and dates ``.``, ``NA`` and ``NaN``. The dates 1600-01-01
  and 0001-01-01 mean that there is none.

Text loses the blanks around it and nothing else. Parquet's own types are taken where nothing is
lost. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from laennec.intake.fields import MISSING
from laennec.intake.snds.model import Fault
from laennec.snds.catalogue import POLARS, Kind

_MISSING = (*MISSING, ".")
_NO_DATES = (date(1600, 1, 1), date(1, 1, 1))
_FIRST_YEAR, _LAST_YEAR = 1600, 9999
_MIDNIGHT = r"[ T:]00:00(?::00(?:\.0{1,9})?)?Z?$"
_DATE_FORMS = (
    (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$", "%d/%m/%Y"),
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "%Y-%m-%d"),
    (r"^[0-9]{8}$", "%d%m%Y"),
    (r"^[0-9]{8}$", "%Y%m%d"),
    (r"^[0-9]{2}[A-Za-z]{3}[0-9]{4}$", "%d%b%Y"),
)
_WHOLE = r"^[+-]?[0-9]+(?:[.,]0*)?$"
_DECIMAL = r"^[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?$"
_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:[ \x{A0}\x{202F}'.,][0-9]{3})+(?:[.,][0-9]*)?$"
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class Misfit:
    """Values of one column that do not fit.

    Attributes:
        column: Its name.
        fault: Why they do not.
        rows: Boolean, one for each row, never null.
    """

    column: str
    fault: Fault
    rows: pl.Series


def type_rows(
    raw: pl.DataFrame, kinds: Mapping[str, Kind]
) -> tuple[pl.DataFrame, tuple[Misfit, ...]]:
    """Give each column its type.

    Args:
        raw: Has the columns of ``kinds``: text, or what Parquet or the CSV reader made of them.
        kinds: What they shall hold.

    Returns:
        The columns of ``kinds`` in that order with the types of ``POLARS``, null where a value does
        not fit; and the values that do not, in the order of the columns.
    """
    columns, misfits = [], []
    for name, kind in kinds.items():
        values, faults = _typed(raw[name], kind)
        columns.append(values)
        misfits += [Misfit(name, fault, rows) for fault, rows in faults]
    return pl.DataFrame(columns), tuple(misfits)


_Typed = tuple[pl.Series, list[tuple[Fault, pl.Series]]]


def _typed(raw: pl.Series, kind: Kind) -> _Typed:
    if raw.dtype == pl.Null:
        return raw.cast(POLARS[kind]), []
    if raw.dtype in _TEXTS:
        return _of_text(raw.cast(pl.String), kind)
    held = raw.to_frame().select(_from_typed(pl.col(raw.name), raw.dtype, kind)).to_series()
    there = raw.is_not_null() & raw.is_not_nan() if raw.dtype.is_float() else raw.is_not_null()
    wrong = there & held.is_null()
    if kind is Kind.DATE:
        held = _without_no_dates(held)
    return held, [(Fault.WRONG_TYPE, wrong)] if wrong.any() else []


def _from_typed(column: pl.Expr, held: pl.DataType, kind: Kind) -> pl.Expr:
    """Convert a column that has a type already; null what would lose something."""
    if held.is_decimal():
        column, held = column.cast(pl.Float64), pl.Float64()
    match kind:
        case Kind.INTEGER if held.is_integer():
            return column.cast(pl.Int64, strict=False)
        case Kind.INTEGER if held.is_numeric():
            return pl.when(column == column.floor()).then(column).cast(pl.Int64, strict=False)
        case Kind.DECIMAL if held.is_numeric():
            number = column.cast(pl.Float64)
            return pl.when(number.is_finite()).then(number)
        case Kind.DATE if held == pl.Date:
            return _in_calendar(column)
        case Kind.DATE if isinstance(held, pl.Datetime):
            day = column.dt.date()
            return _in_calendar(pl.when(column.dt.time() == pl.time(0, 0, 0)).then(day))
        case _:
            return pl.lit(None, POLARS[kind]).alias(column.meta.output_name())


def _of_text(raw: pl.Series, kind: Kind) -> _Typed:
    if kind is Kind.TEXT:
        text = raw.str.strip_chars()
        return (text if (text != "").all() else text.replace("", None)), []
    if kind is not Kind.DATE:
        plain = raw.cast(POLARS[kind], strict=False)
        if plain.null_count() == raw.null_count() and (kind is Kind.INTEGER or _finite(plain)):
            return plain, []
    return _each_once(raw, kind)


def _finite(numbers: pl.Series) -> bool:
    return bool(numbers.is_finite().all())


def _each_once(raw: pl.Series, kind: Kind) -> _Typed:
    """Convert every distinct text, and give the results to the rows."""
    distinct = raw.unique().drop_nulls().to_frame("spelt")
    text = pl.col("spelt").str.strip_chars()
    known = distinct.with_columns(value=_FORMS[kind](text), text=text).select(
        "spelt",
        pl.col("value") if kind is not Kind.DATE else _real_date(pl.col("value")),
        fault=pl.when(pl.col("value").is_not_null() | pl.col("text").is_in(_MISSING))
        .then(None)
        .when(pl.col("text").str.contains(_THOUSANDS) & pl.lit(kind is not Kind.DATE))
        .then(pl.lit(Fault.THOUSANDS_SEPARATOR.value))
        .otherwise(pl.lit(Fault.WRONG_TYPE.value)),
    )
    found = raw.to_frame("spelt").join(known, on="spelt", how="left", maintain_order="left")
    values = found["value"].alias(raw.name)
    if known["fault"].null_count() == len(known):
        return values, []
    masks = ((fault, found["fault"].eq_missing(fault.value)) for fault in _TYPE_FAULTS)
    return values, [(fault, mask) for fault, mask in masks if mask.any()]


_TYPE_FAULTS = (Fault.WRONG_TYPE, Fault.THOUSANDS_SEPARATOR)


def _whole(text: pl.Expr) -> pl.Expr:
    digits = text.str.replace(r"[.,]0*$", "")
    return pl.when(text.str.contains(_WHOLE)).then(digits).cast(pl.Int64, strict=False)


def _decimal(text: pl.Expr) -> pl.Expr:
    pointed = text.str.replace(",", ".", literal=True)
    number = pl.when(text.str.contains(_DECIMAL)).then(pointed).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _date(text: pl.Expr) -> pl.Expr:
    day = text.str.replace(_MIDNIGHT, "")
    return pl.coalesce(
        _in_calendar(pl.when(day.str.contains(form)).then(day).str.to_date(pattern, strict=False))
        for form, pattern in _DATE_FORMS
    )


_FORMS = {Kind.INTEGER: _whole, Kind.DECIMAL: _decimal, Kind.DATE: _date}


def _in_calendar(days: pl.Expr) -> pl.Expr:
    """Return the days of years that may be meant, and those that stand for no date."""
    meant = days.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR) | days.is_in(_NO_DATES)
    return pl.when(meant).then(days)


def _real_date(days: pl.Expr) -> pl.Expr:
    return pl.when(~days.is_in(_NO_DATES)).then(days)


def _without_no_dates(days: pl.Series) -> pl.Series:
    return days.to_frame().select(_real_date(pl.col(days.name))).to_series()
