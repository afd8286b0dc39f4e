"""One pass over one table of one bucket: every count that its checks need.

A pure function of the scan, the rows and the day: whatever runs it, threads here or another
machine, gets the same partial. Columns without a value are left out of all but the count of missing
values, and columns of one value are not grouped, which is what most columns of a CDM are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from laennec.quality.checks import Check
from laennec.quality.context import Context, with_columns
from laennec.quality.joins import joined
from laennec.quality.keys import keys_of
from laennec.quality.partials import ROWS, Book, Partial
from laennec.quality.periods import overlaps
from laennec.quality.plan import PERIOD, PERSON, Scan, needs_number
from laennec.quality.stretches import Stretches, are_long, day_numbers, moments, stretches

_EPOCH = date(1970, 1, 1)
_SAMPLE = 4096
"""Rows by which it is decided how a column is counted, not what is counted."""


@dataclass(frozen=True)
class Count:
    """A count of rows: its name, the columns without a value in which it is 0, what is counted."""

    name: str
    columns: tuple[str, ...]
    rows: pl.Expr


def day(field: str, kind: pl.DataType) -> pl.Expr:
    """Return the day of a date or a moment."""
    return pl.col(field) if kind == pl.Date else pl.col(field).cast(pl.Date, strict=False)


def scan_table(scan: Scan, context: Context, *, today: date) -> Partial:
    """Count what the checks of one table need, in the bucket of ``context``.

    Args:
        scan: What to read and count.
        context: The bucket.
        today: Day on which days count as to come; see ``late``.

    Raises:
        LaennecError: the rows cannot be read.
    """
    rows = context.scanned(scan.table, scan.columns)
    book = Book(scan.table)
    if rows.is_empty():
        if scan.of("measurePersonCompleteness"):
            book.counts({"without": context.frame(PERSON)["person_id"].count()})
        return Partial(book.closed(), keys_of(pl.Series([], dtype=pl.Int64)) if scan.key else None)
    missing = {**dict.fromkeys(scan.columns, rows.height), **rows.null_count().row(0, named=True)}
    book.counts({ROWS: rows.height, **{f"missing:{name}": n for name, n in missing.items()}})
    filled = rows.select(name for name in rows.columns if missing[name] < rows.height)
    people = stretches(filled["person_id"]) if "person_id" in filled.columns else None
    if scan.of("measurePersonCompleteness"):
        book.counts({"without": _without(context.frame(PERSON), people)})
    _count(scan, filled, book)
    for name, tally in _tallies(scan, filled, today=today):
        book.tally(f"tally:{name}", tally)
    joined(scan, filled, people, context, book)
    if scan.of("measureObservationPeriodOverlap"):
        book.counts(overlaps(with_columns(rows, PERIOD)))
    if scan.table == "condition_occurrence" and scan.of("measureConditionEraCompleteness"):
        book.counts(_without_era(context, people))
    if scan.key is None:
        return Partial(book.closed())
    keys = keys_of(rows[scan.key] if scan.key in rows.columns else pl.Series([], dtype=pl.Int64))
    book.counts({f"repeated:{scan.key}": keys.repeated_rows})
    return Partial(book.closed(), keys)


def _without(persons: pl.DataFrame, people: Stretches | None) -> int:
    """Return the rows of ``person`` whose person has no row here."""
    ids = persons["person_id"].drop_nulls()
    return ids.len() if people is None else int((~ids.is_in(people.known["key"].implode())).sum())


def _without_era(context: Context, people: Stretches | None) -> Mapping[str, int]:
    none = pl.DataFrame(schema={"key": pl.Int64})
    ill = none if people is None else people.known.select("key").unique()
    eras = context.frame("condition_era").select(pl.col("person_id").alias("key"))
    return {"ill": ill.height, "ill:without_era": ill.join(eras, on="key", how="anti").height}


def _count(scan: Scan, rows: pl.DataFrame, book: Book) -> None:
    """Count all that needs no other table, in one pass."""
    known = rows.schema
    counts = {
        one.name: one.rows.alias(one.name)
        for checks in scan.checks.values()
        for check in checks
        for one in _counts(check, known)
        if all(name in known for name in one.columns)
    }
    if not scan.cut:
        keys = [check.field for check in scan.of("isPrimaryKey") if check.field in known]
        counts.update({f"repeated:{key}": _repeated(key) for key in keys})
    if counts:
        book.counts(rows.select(counts.values()).row(0, named=True))


def _untyped(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    kind = schema.get(check.field)
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


def _zero(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    zero = _number(check.field, schema) == 0
    if not needs_number(check):
        return [Count(f"zero:{check.field}", (check.field,), zero.sum())]
    both = (check.field, "value_as_number")
    return [
        Count(f"zero:{check.field}", both, (zero & pl.col(both[1]).is_not_null()).sum()),
    ]


def _low(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    value, limit = _comparable(check, schema)
    return [Count(f"low:{check.field}", (check.field,), (value < limit).sum())]


def _high(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    if is_clocked(check):
        return []
    value, limit = _comparable(check, schema)
    return [Count(f"high:{check.field}", (check.field,), (value > limit).sum())]


def _comparable(check: Check, schema: Mapping[str, pl.DataType]) -> tuple[pl.Expr, pl.Expr]:
    if check.is_dated:
        written = check.value.strip("'")
        limit = date(int(written[:4]), int(written[4:6]), int(written[6:]))
        return day(check.field, schema.get(check.field, pl.Date())), pl.lit(limit)
    return _number(check.field, schema), pl.lit(float(check.value))


def _number(field: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Return a column of numbers; of a text, the numbers that it says."""
    written = schema.get(field) == pl.String
    return pl.col(field).cast(pl.Float64, strict=False) if written else pl.col(field)


def is_clocked(check: Check) -> bool:
    """Whether the limit of a check moves with the day on which it runs."""
    return "GETDATE" in check.value


def clock_limit(check: Check, today: date) -> int:
    """Return the limit that moves, as a day since 1970-01-01 or as a year: one after today."""
    if check.is_dated:
        return (today + timedelta(days=1) - _EPOCH).days
    return today.year + 1


def _ordered(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    both = (check.field, check.other_field)
    first, last = (day(name, schema.get(name, pl.Date())) for name in both)
    known = pl.col(both[0]).is_not_null() & pl.col(both[1]).is_not_null()
    return [
        Count(f"after_end:{check.field}", both, (known & (first > last)).sum()),
        Count(f"with_end:{check.field}", both, known.sum()),
    ]


def _before_other(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    if check.other_table == PERSON:
        return []
    both = (check.field, check.other_field)
    own, other = (day(name, schema.get(name, pl.Date())) for name in both)
    return [Count(f"before:{check.field}", both, (other > own).sum())]


def _repeated(key: str) -> pl.Expr:
    several = pl.col(key).is_duplicated() & pl.col(key).is_not_null()
    return several.sum().alias(f"repeated:{key}")


Builder = Callable[[Check, Mapping[str, pl.DataType]], list[Count]]

_COUNTS: Mapping[str, Builder] = {
    "cdmDatatype": _untyped,
    "standardConceptRecordCompleteness": _zero,
    "sourceConceptRecordCompleteness": _zero,
    "plausibleValueLow": _low,
    "plausibleValueHigh": _high,
    "plausibleStartBeforeEnd": _ordered,
    "plausibleTemporalAfter": _before_other,
}


def _counts(check: Check, schema: Mapping[str, pl.DataType]) -> list[Count]:
    build = _COUNTS.get(check.name)
    return [] if build is None else build(check, schema)


def _tallies(scan: Scan, rows: pl.DataFrame, *, today: date) -> Iterator[tuple[str, pl.DataFrame]]:
    """Count the values that a vocabulary, another table or another day will judge."""
    for field in scan.values:
        if field in rows.columns:
            yield f"value:{field}", _values(rows[field])
    for check in scan.of("plausibleValueHigh"):
        if is_clocked(check) and check.field in rows.columns:
            late = _late(check, rows[check.field], today)
            yield f"late:{check.field}", late
    for check in scan.of("sourceValueCompleteness"):
        yield f"source:{check.field}", _sources(check, rows)
    if units := scan.of("plausibleUnitConceptIds"):
        yield f"unit:{units[0].field}", _units(units, rows)


def _values(values: pl.Series) -> pl.DataFrame:
    """Return each value that is not missing with its rows."""
    to = "text" if values.dtype == pl.String else "number"
    there = values.drop_nulls().alias(to)
    # A column of one value, or of one for each person, is known as such by its first rows.
    first = there.head(_SAMPLE)
    if first.min() == first.max() and there.min() == there.max():
        return pl.DataFrame({to: [first[0]], "rows": [there.len()]})
    if there.dtype.is_integer() and are_long(first):
        return stretches(there).known.group_by(pl.col("key").alias(to)).agg(pl.sum("rows"))
    return there.value_counts(name="rows")


def _late(check: Check, values: pl.Series, today: date) -> pl.DataFrame:
    """Return each value beyond the limit of today: on a later day fewer of them are, none more."""
    limit = clock_limit(check, today)
    numbers = day_numbers if check.is_dated else pl.Series.to_physical
    own = moments(values) if check.is_dated else values
    # Mostly there is none, which the last of them tells at a tenth of the cost.
    last = numbers(pl.Series([own.to_physical().max()]).cast(own.dtype))
    late = numbers(own if (last > limit).any() else own.clear())
    return late.filter(late > limit).alias("number").value_counts(name="rows")


def _sources(check: Check, rows: pl.DataFrame) -> pl.DataFrame:
    """Return each source value, the missing one included, apart by whether its concept is 0."""
    zero = _zeros(rows[check.other_field]) if check.other_field in rows.columns else None
    if check.field not in rows.columns:
        zeros = 0 if zero is None else int(zero.sum())
        sizes = {0: rows.height - zeros, 1: zeros}
        return pl.DataFrame(
            [{"text": None, "number": flag, "rows": n} for flag, n in sizes.items() if n],
            schema={"text": pl.String, "number": pl.Int64, "rows": pl.Int64},
        )
    text = rows[check.field].cast(pl.String).alias("text")
    if zero is None or not zero.any():
        return text.value_counts(name="rows").with_columns(pl.lit(0).alias("number"))
    flagged = pl.DataFrame({"text": text, "number": zero.cast(pl.Int64)})
    return flagged.group_by("text", "number").agg(pl.len().alias("rows"))


def _zeros(concepts: pl.Series) -> pl.Series:
    return (concepts == 0).fill_null(value=False)


def _units(checks: Sequence[Check], rows: pl.DataFrame) -> pl.DataFrame:
    """Return concept and unit of rows with a number and a unit as it was written."""
    field = checks[0].field
    if not {field, "value_as_number", "unit_source_value"} <= set(rows.columns):
        return pl.DataFrame(schema={"number": pl.Int64, "second": pl.Int64, "rows": pl.Int64})
    asked = [concept for check in checks for concept in check.concepts]
    unit = "unit_concept_id"
    known = pl.col(unit) if unit in rows.columns else pl.lit(None, dtype=pl.Int64)
    return (
        rows.lazy()
        .filter(
            pl.col("value_as_number").is_not_null()
            & pl.col("unit_source_value").is_not_null()
            & pl.col(field).is_in(asked)
        )
        .select(pl.col(field).alias("number"), known.alias("second"))
        .group_by("number", "second")
        .agg(pl.len().alias("rows"))
        .collect()
    )
