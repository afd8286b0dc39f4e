"""Counts of a scan that need the rows of one table and nothing else.

Each says which columns it needs, and whether it is known without them that it is 0. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from laennec.quality.checks import Check
from laennec.quality.known import Known
from laennec.quality.plan import PERSON, Scan, needs_number

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Count:
    """A count of rows.

    Attributes:
        name: Under which it is written down.
        columns: Where one of them has no value, it is 0.
        rows: What is counted.
        none: Whether it is known to be 0.
    """

    name: str
    columns: tuple[str, ...]
    rows: pl.Expr
    none: bool = False


def counts(scan: Scan, known: Known) -> Mapping[str, Count]:
    """Return the counts of a table that may be more than 0, by name."""
    found = [
        one
        for checks in scan.checks.values()
        for check in checks
        for one in _counts(check, known)
        if not one.none and all(name in known.columns for name in one.columns)
    ]
    if not scan.cut:
        keys = [check.field for check in scan.of("isPrimaryKey")]
        found += [_repeated(key) for key in keys if key in known.columns]
    return {one.name: one for one in found}


def is_clocked(check: Check) -> bool:
    """Whether the limit of a check moves with the day on which it runs."""
    return "GETDATE" in check.value


def clock_limit(check: Check, today: date) -> int:
    """Return the limit that moves, as a day since 1970-01-01 or as a year: one after today."""
    limit = last_in_time(check, today)
    return (limit - _EPOCH).days if isinstance(limit, date) else limit


def last_in_time(check: Check, today: date) -> date | int:
    """Return the last day, or year, that is not beyond the limit that moves."""
    return today + timedelta(days=1) if check.is_dated else today.year + 1


def _day(field: str, known: Known) -> pl.Expr:
    """Return the day of a date or a moment."""
    value = pl.col(field)
    return value if known.kind(field) == pl.Date else value.cast(pl.Date, strict=False)


def _number(field: str, known: Known) -> pl.Expr:
    """Return a column of numbers; of a text, the numbers that it says."""
    written = known.kind(field) == pl.String
    return pl.col(field).cast(pl.Float64, strict=False) if written else pl.col(field)


def _untyped(check: Check, known: Known) -> list[Count]:
    kind = known.kind(check.field)
    if kind is None or kind.is_integer():
        return []
    value = pl.col(check.field)
    if kind.is_float():
        wrong = value.is_not_null() & (value != value.floor())
    elif kind == pl.String:
        wrong = value.is_not_null() & ~value.str.contains(r"^\s*[+-]?\d+\s*$")
    else:
        wrong = value.is_not_null()
    return [Count(f"untyped:{check.field}", (check.field,), wrong.sum())]


def _zero(check: Check, known: Known) -> list[Count]:
    field, name = check.field, f"zero:{check.field}"
    zero, none = _number(field, known) == 0, no_zero(field, known)
    if not needs_number(check):
        return [Count(name, (field,), zero.sum(), none=none)]
    both = (field, "value_as_number")
    return [Count(name, both, (zero & pl.col(both[1]).is_not_null()).sum(), none=none)]


def no_zero(field: str, known: Known) -> bool:
    """Whether it is known that no value of a column of whole numbers is 0."""
    span = known.span(field) if field in known.columns else None
    return span is not None and not span[0] <= 0 <= span[1]


def _low(check: Check, known: Known) -> list[Count]:
    value, limit = _comparable(check, known)
    none = known.none_below(check.field, limit)
    return [Count(f"low:{check.field}", (check.field,), (value < limit).sum(), none=none)]


def _high(check: Check, known: Known) -> list[Count]:
    if is_clocked(check):
        return []
    value, limit = _comparable(check, known)
    none = known.none_above(check.field, limit)
    return [Count(f"high:{check.field}", (check.field,), (value > limit).sum(), none=none)]


def _comparable(check: Check, known: Known) -> tuple[pl.Expr, date | float]:
    if check.is_dated:
        written = check.value.strip("'")
        limit = date(int(written[:4]), int(written[4:6]), int(written[6:]))
        return _day(check.field, known), limit
    return _number(check.field, known), float(check.value)


def _ordered(check: Check, known: Known) -> list[Count]:
    both = (check.field, check.other_field)
    first, last = (_day(name, known) for name in both)
    there = pl.col(both[0]).is_not_null() & pl.col(both[1]).is_not_null()
    return [
        Count(f"after_end:{check.field}", both, (first > last).sum()),
        Count(f"with_end:{check.field}", both, there.sum()),
    ]


def _before_other(check: Check, known: Known) -> list[Count]:
    if check.other_table == PERSON:
        return []
    both = (check.field, check.other_field)
    own, other = (_day(name, known) for name in both)
    return [Count(f"before:{check.field}", both, (other > own).sum())]


def _repeated(key: str) -> Count:
    several = pl.col(key).is_duplicated() & pl.col(key).is_not_null()
    return Count(f"repeated:{key}", (key,), several.sum())


Builder = Callable[[Check, Known], list[Count]]

_COUNTS: Mapping[str, Builder] = {
    "cdmDatatype": _untyped,
    "standardConceptRecordCompleteness": _zero,
    "sourceConceptRecordCompleteness": _zero,
    "plausibleValueLow": _low,
    "plausibleValueHigh": _high,
    "plausibleStartBeforeEnd": _ordered,
    "plausibleTemporalAfter": _before_other,
}


def _counts(check: Check, known: Known) -> list[Count]:
    build = _COUNTS.get(check.name)
    return [] if build is None else build(check, known)
