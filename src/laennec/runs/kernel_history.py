"""The rows of one bucket as frames of days: the ground on which the kernel stands.

Days are whole numbers counted from 1970-01-01, as ``Int64``: sums of narrower integers wrap without
a word in Polars, and a sum of days may leave the calendar. The rules are those of
``study.reference_history``, which says what each is for; the order of rows decides nothing.

Frames and their columns:

=============  ===========================================  =====================================
frame          columns                                      rows
=============  ===========================================  =====================================
``persons``    ``person_id, sex, birth``                    one per person; ``birth`` as yyyymmdd
``observed``   ``person_id, period_start, period_end``      periods of observation, joined
events         ``person_id, start, end``                    records, both days included
``whole``      the same, ``concept`` and, if read, ``source``  every record of a table
=============  ===========================================  =====================================

Periods and records may be of persons who have no row in ``person``; whoever counts starts from
``persons``, and so never meets them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from laennec.runs.plan import Plan, Scan
from laennec.runs.ports import BucketSource
from laennec.study.model import Events
from laennec.study.reference_history import SEX_BY_CONCEPT, UNKNOWN_SEX

PERSON = "person_id"

LINE = 2**32
"""More than the days between any two dates, which Polars keeps in 32 bits."""


@dataclass(frozen=True)
class Bucket:
    """All that a plan reads of one bucket; see the module for the columns."""

    persons: pl.DataFrame
    observed: pl.DataFrame
    records: Mapping[Events, pl.DataFrame]
    whole: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def load(plan: Plan, source: BucketSource, bucket: int) -> Bucket:
    """Read one bucket: each table once, rows of the needed concepts only.

    Raises:
        LaennecError: the source cannot read the rows.
    """
    tables = {scan.table: _read(scan, source, bucket) for scan in plan.scans}
    records = {
        events: tables[events.table]
        .filter(pl.col("concept").is_in(_literal(plan.concepts[events.concepts])))
        .select(PERSON, "start", "end")
        for events in plan.study.events()
    }
    persons = _persons(tables["person"])
    whole = {name: tables[name] for name in plan.study.whole_tables()}
    return Bucket(persons, observed(tables["observation_period"]), records, whole)


def joined(frame: pl.LazyFrame, *, start: str, end: str) -> pl.LazyFrame:
    """Join a person's spans that share a day; spans that only touch stay apart.

    One running maximum serves all persons: each is given a number line of their own, further up
    than every day of the persons before, so that a person's first span starts above all of these.

    Returns:
        ``person_id`` and the two columns, by person and day.
    """
    line = pl.col(PERSON).rle_id().cast(pl.Int64) * LINE
    latest_before = (line + pl.col(end)).cum_max().shift(1)
    begins = (line + pl.col(start) > latest_before).fill_null(value=True)
    return (
        frame.sort(PERSON, start)
        .with_columns(span=begins.cum_sum())
        .group_by("span", maintain_order=True)
        .agg(pl.col(PERSON).first(), pl.col(start).first(), pl.col(end).max())
        .select(PERSON, start, end)
    )


def collected(frame: pl.LazyFrame) -> pl.DataFrame:
    """Compute a frame, by the engine that is quickest on the little that one bucket holds."""
    return frame.collect(engine="in-memory")


def days(column: str) -> pl.Expr:
    """A column of dates as days from 1970-01-01."""
    return pl.col(column).cast(pl.Date).to_physical().cast(pl.Int64)


def yyyymmdd(day: pl.Expr) -> pl.Expr:
    """A day as the number whose digits are its year, month and day."""
    on = day.cast(pl.Int32).cast(pl.Date).dt
    year, month = on.year().cast(pl.Int64), on.month().cast(pl.Int64)
    return year * 10_000 + month * 100 + on.day().cast(pl.Int64)


def first_day_from(number: pl.Expr) -> pl.Expr:
    """The first day whose yyyymmdd is ``number`` or more; ``number`` need not be a day at all."""
    month, day = number // 100 % 100, number % 100
    year = (number // 10_000 + (month > 12).cast(pl.Int64)).cast(pl.Int32)
    first = pl.date(year, pl.when(month > 12).then(1).otherwise(month.clip(1, 12)), 1)
    length = first.dt.days_in_month().cast(pl.Int64)
    into = pl.when(month.is_between(1, 12)).then(pl.min_horizontal(day.clip(1) - 1, length))
    return first.to_physical().cast(pl.Int64) + into.otherwise(0)


def _read(scan: Scan, source: BucketSource, bucket: int) -> pl.DataFrame:
    if scan.events is None:
        return source.read(scan.table, bucket, columns=scan.columns, where=None)
    concept, start = pl.col(scan.events.concept), days(scan.events.start)
    end = start if scan.events.end is None else pl.max_horizontal(start, days(scan.events.end))
    where = None if scan.concepts is None else concept.is_in(_literal(scan.concepts))
    rows = source.read(scan.table, bucket, columns=scan.columns, where=where)
    named = {"concept": concept}
    if scan.events.source_concept in scan.columns:
        named["source"] = pl.col(scan.events.source_concept)
    columns = {name: one.cast(pl.Int64) for name, one in named.items()}
    return rows.select(pl.col(PERSON).cast(pl.Int64), start=start, end=end, **columns)


def _literal(concepts: tuple[int, ...] | frozenset[int]) -> pl.Expr:
    """A set of concepts for ``is_in``.

    A list within a series, not a plain list: Polars turns up to some hundred plain values into
    comparisons one by one inside the Parquet reader, at twice the time (``benchmarks/engines.py``).
    """
    return pl.lit(pl.Series([sorted(concepts)], dtype=pl.List(pl.Int64)))


def _persons(rows: pl.DataFrame) -> pl.DataFrame:
    part = {
        name: pl.col(f"{name}_of_birth").cast(pl.Int64).fill_null(1) for name in ("month", "day")
    }
    year = pl.col("year_of_birth").cast(pl.Int64)
    return rows.select(
        pl.col(PERSON).cast(pl.Int64),
        sex=pl.col("gender_concept_id")
        .cast(pl.Int64)
        .replace_strict(SEX_BY_CONCEPT, default=UNKNOWN_SEX, return_dtype=pl.String),
        birth=year * 10_000 + part["month"] * 100 + part["day"],
    )


def observed(rows: pl.DataFrame) -> pl.DataFrame:
    """Join periods of observation that share a day: ``person_id, period_start, period_end``."""
    periods = rows.lazy().select(
        pl.col(PERSON).cast(pl.Int64),
        period_start=days("observation_period_start_date"),
        period_end=days("observation_period_end_date"),
    )
    kept = periods.filter(pl.col("period_start") <= pl.col("period_end"))
    return collected(joined(kept, start="period_start", end="period_end"))
