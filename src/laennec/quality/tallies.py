"""Tallies of a scan: values that a vocabulary, another table or another day will judge.

Each says which columns it needs, so that what is known of a column without reading it need not be
read. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from laennec.quality.checks import Check
from laennec.quality.counts import clock_limit, is_clocked, last_in_time, no_zero
from laennec.quality.known import Known
from laennec.quality.plan import Scan
from laennec.quality.stretches import are_long, day_numbers, stretches

_SAMPLE = 4096
"""Rows by which it is decided how a column is counted, not what is counted."""

_DENSE = 1 << 16
"""Whole numbers that lie this close, or closer than there are rows, are counted by place."""


@dataclass(frozen=True)
class Tally:
    """Rows by value.

    Attributes:
        name: Under which it is written down.
        columns: What it needs, all with a value in some row.
        make: Returns it from rows with these columns.
    """

    name: str
    columns: tuple[str, ...]
    make: Callable[[pl.DataFrame], pl.DataFrame]


def tallies(scan: Scan, known: Known, *, today: date) -> Iterator[Tally]:
    """Return the tallies of a table that may have a row."""
    for field in scan.values:
        if field in known.columns:
            yield _value(field, known)
    for check in scan.of("plausibleValueHigh"):
        if is_clocked(check) and check.field in known.columns:
            yield from _late(check, known, today)
    for check in scan.of("sourceValueCompleteness"):
        yield _source(check, known)
    if units := scan.of("plausibleUnitConceptIds"):
        yield from _unit(units, known)


def _value(field: str, known: Known) -> Tally:
    """Count each value that is not missing."""
    name, one, span = f"value:{field}", known.constant(field), known.span(field)
    if one is not None:
        told = pl.DataFrame({"number": [one[0]], "rows": [one[1]]})
        return Tally(name, (), lambda _: told)
    if span is not None and span[1] - span[0] < max(_DENSE, known.rows):
        return Tally(name, (field,), lambda rows: _dense_values(rows[field], *span))
    return Tally(name, (field,), lambda rows: _values(rows[field]))


def _dense_values(values: pl.Series, least: int, most: int) -> pl.DataFrame:
    places = values.drop_nulls().to_numpy().astype(np.int64, copy=False) - least
    rows = np.bincount(places, minlength=most - least + 1)
    found = np.flatnonzero(rows)
    return pl.DataFrame({"number": found + least, "rows": rows[found]})


def _values(values: pl.Series) -> pl.DataFrame:
    """Return each value that is not missing with its rows."""
    to = "text" if values.dtype == pl.String else "number"
    there = values.drop_nulls().alias(to)
    # A column of one value, or of one for each person, is known as such by its first rows.
    first = there.head(_SAMPLE)
    if first.min() == first.max() and there.min() == there.max():
        return pl.DataFrame({to: [first[0]], "rows": [there.len()]})
    if there.dtype.is_integer() and are_long(first):
        return stretches(there).known().group_by(pl.col("key").alias(to)).agg(pl.sum("rows"))
    return there.value_counts(name="rows")


def _late(check: Check, known: Known, today: date) -> Iterator[Tally]:
    """Count each value beyond the limit of today: on a later day fewer of them are, none more."""
    field = check.field
    if known.none_above(field, last_in_time(check, today)):
        return
    yield Tally(f"late:{field}", (field,), lambda rows: _late_values(check, rows[field], today))


def _late_values(check: Check, values: pl.Series, today: date) -> pl.DataFrame:
    numbers = day_numbers(values) if check.is_dated else values.to_physical()
    late = numbers.filter(numbers > clock_limit(check, today))
    return late.alias("number").value_counts(name="rows")


def _source(check: Check, known: Known) -> Tally:
    """Count each source value, the missing one too, apart by whether its concept is 0."""
    texts = [check.field] if check.field in known.columns else []
    other = check.other_field
    zeros = [other] if other in known.columns and not no_zero(other, known) else []
    return Tally(
        f"source:{check.field}",
        (*texts, *zeros),
        lambda rows: _sources(rows, texts, zeros, height=known.rows),
    )


def _sources(
    rows: pl.DataFrame, texts: Sequence[str], zeros: Sequence[str], *, height: int
) -> pl.DataFrame:
    zero = _zeros(rows[zeros[0]]) if zeros else None
    if not texts:
        count = 0 if zero is None else int(zero.sum())
        sizes = {0: height - count, 1: count}
        return pl.DataFrame(
            [{"text": None, "number": flag, "rows": n} for flag, n in sizes.items() if n],
            schema={"text": pl.String, "number": pl.Int64, "rows": pl.Int64},
        )
    text = rows[texts[0]].cast(pl.String).alias("text")
    if zero is None or not zero.any():
        return text.value_counts(name="rows").with_columns(pl.lit(0).alias("number"))
    flagged = pl.DataFrame({"text": text, "number": zero.cast(pl.Int64)})
    return flagged.group_by("text", "number").agg(pl.len().alias("rows"))


def _zeros(concepts: pl.Series) -> pl.Series:
    return (concepts == 0).fill_null(value=False)


def _unit(checks: Sequence[Check], known: Known) -> Iterator[Tally]:
    """Count concept and unit of rows with a number and a unit as it was written."""
    needed = (checks[0].field, "value_as_number", "unit_source_value")
    if all(name in known.columns for name in needed):
        unit = tuple(name for name in ("unit_concept_id",) if name in known.columns)
        asked = [concept for check in checks for concept in check.concepts]
        yield Tally(f"unit:{needed[0]}", needed + unit, lambda rows: _units(rows, needed[0], asked))


def _units(rows: pl.DataFrame, field: str, asked: Sequence[int]) -> pl.DataFrame:
    unit = "unit_concept_id"
    second = pl.col(unit) if unit in rows.columns else pl.lit(None, dtype=pl.Int64)
    return (
        rows.lazy()
        .filter(
            pl.col("value_as_number").is_not_null()
            & pl.col("unit_source_value").is_not_null()
            & pl.col(field).is_in(asked)
        )
        .select(pl.col(field).alias("number"), second.alias("second"))
        .group_by("number", "second")
        .agg(pl.len().alias("rows"))
        .collect()
    )
