"""Large-scale characterisation of one bucket: every concept of a table in one pass.

All cohorts and windows of a table come out of one join of its rows with the members of all cohorts.
Windows share no day, so that an event lies in one of them at most and is found by its first day
alone. The rules are those of ``study.reference_large_scale``.
"""

from collections.abc import Mapping

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_history import PERSON, Bucket, collected
from laennec.study.model import LargeScaleCharacteristics, Window
from laennec.study.partials import Key, Partial

Found = Mapping[str, Enrolment]


def large_scale(asked: LargeScaleCharacteristics, bucket: Bucket, enrolled: Found) -> Partial:
    """Count members by concept and window, and those observed in each window."""
    members = _members(asked, enrolled)
    counts: dict[Key, int] = {}
    observed = pl.concat(
        members.filter(_meets(one, "period_start", "period_end")).select(
            "cohort", pl.lit(n).alias("window")
        )
        for n, one in enumerate(asked.windows)
    )
    for cohort, n, persons in collected(observed.group_by("cohort", "window").len()).iter_rows():
        counts["large_scale_observed", asked.name, asked.cohorts[cohort], n] = persons
    for table, kind in asked.analyses:
        rows = _rows(asked, bucket.whole[table], members)
        in_windows = _events(asked, rows) if kind == "event" else _episodes(asked, rows)
        persons_by = in_windows.unique().group_by("cohort", "window", "concept").len()
        for cohort, n, concept, persons in collected(persons_by).iter_rows():
            key = ("large_scale", asked.name, table, kind, asked.cohorts[cohort], n, concept)
            counts[key] = persons
    return Partial(counts)


def _members(asked: LargeScaleCharacteristics, enrolled: Found) -> pl.LazyFrame:
    """Members of all cohorts: ``person_id, cohort``, and days relative to entry."""
    parts = [
        enrolled[name]
        .members.lazy()
        .select(
            PERSON,
            pl.lit(n).alias("cohort"),
            "entry",
            period_start=pl.col("period_start") - pl.col("entry"),
            period_end=pl.col("period_end") - pl.col("entry"),
        )
        for n, name in enumerate(asked.cohorts)
    ]
    return pl.concat(parts)


def _rows(
    asked: LargeScaleCharacteristics, table: pl.DataFrame, members: pl.LazyFrame
) -> pl.LazyFrame:
    """Rows of members that share a day with the period of entry, in days relative to entry."""
    concept = pl.col("concept" if asked.concepts == "standard" else "source")
    counted = concept.is_not_null() & ~concept.is_in(list(asked.excluded))
    rows = table.lazy().filter(counted).select(PERSON, "start", "end", concept=concept)
    return (
        rows.join(members, on=PERSON)
        .with_columns(pl.col("start") - pl.col("entry"), pl.col("end") - pl.col("entry"))
        .filter(pl.col("start") <= pl.col("period_end"), pl.col("end") >= pl.col("period_start"))
        .select(PERSON, "cohort", "concept", "start", "end")
    )


def _events(asked: LargeScaleCharacteristics, rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each record whose first day is in a window."""
    window = pl.lit(None, dtype=pl.Int32)
    for n, one in enumerate(asked.windows):
        window = pl.when(_meets(one, "start", "start")).then(pl.lit(n)).otherwise(window)
    inside = rows.select(PERSON, "cohort", "concept", window=window)
    return inside.filter(pl.col("window").is_not_null())


def _episodes(asked: LargeScaleCharacteristics, rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each record and window that it lasts into."""
    return pl.concat(
        rows.filter(_meets(one, "start", "end")).select(
            PERSON, "cohort", "concept", window=pl.lit(n)
        )
        for n, one in enumerate(asked.windows)
    )


def _meets(window: Window, start: str, end: str) -> pl.Expr:
    within = [pl.lit(value=True)]
    if window.start is not None:
        within.append(pl.col(end) >= window.start)
    if window.end is not None:
        within.append(pl.col(start) <= window.end)
    return pl.all_horizontal(within)
