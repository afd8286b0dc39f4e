"""Point and period prevalence of one bucket: the rules of ``study.reference_prevalence``.

Outcomes of a person share no day, so of all that begin by the end of some days the last one ends
last: it alone decides whether one of the days is a day of an outcome.
"""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from laennec.core.calendars import Interval
from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_denominators import analyses, bounds, cut, spans_of
from laennec.runs.kernel_history import PERSON, Bucket, collected, first_day_from, yyyymmdd
from laennec.runs.kernel_rate_attrition import rate_attrition
from laennec.runs.kernel_strata import rate_strata, with_strata
from laennec.study.model import (
    Level,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Study,
    TimePoint,
)
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_rate_attrition import SEEN, last_step

_ANALYSIS = ("group", "sex", "interval")


def prevalence(
    asked: Prevalence,
    study: Study,
    bucket: Bucket,
    outcomes: pl.DataFrame,
    population: Enrolment | None,
) -> Partial:
    """Count who is looked at, and who has the outcome, by sex, age group, stratum and interval.

    Args:
        asked: What is asked.
        study: The study that asks it.
        bucket: The rows.
        outcomes: ``person_id, start, end``, by person and day; no two share a day.
        population: The cohort looked at; None takes everyone under observation.
    """
    spans = collected(spans_of(asked, bucket, population))
    counts: dict[Key, int] = {}
    looked: list[pl.DataFrame] = []
    full = last_step(asked)
    labelled = rate_strata(asked, study, spans, bucket)
    for looks in _looks(asked, spans):
        counts |= _tally(asked, looks, outcomes, labelled)
        if full is not None:
            looked.append(collected(looks.select(PERSON, "sex", "group").unique()))
    steps = [(SEEN, spans)]
    if full is not None and looked:
        steps.append((full, pl.concat(looked)))
    left = rate_attrition(asked, bucket, population, steps)
    return merge([Partial(counts, *bounds("prevalence", asked, spans)), left])


def _looks(asked: Prevalence, spans: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Yield the spans cut by intervals, to the days on which outcomes count."""
    for kind in asked.intervals:
        for pieces in cut(spans, kind):
            if isinstance(asked, PointPrevalence):
                yield _on_point(pieces, kind, asked.time_point)
            elif asked.full_contribution:
                yield _whole(asked, pieces, kind)
            else:
                yield pieces


def _on_point(pieces: pl.LazyFrame, kind: Interval, time_point: TimePoint) -> pl.LazyFrame:
    day = pl.col("begins")
    if time_point is TimePoint.END:
        day = pl.col("ends")
    elif time_point is TimePoint.MIDDLE:
        day = _middle(kind)
    return pieces.filter(day.is_between(pl.col("start"), pl.col("end"))).with_columns(
        start=day, end=day
    )


def _middle(kind: Interval) -> pl.Expr:
    begins = pl.col("begins")
    match kind:
        case Interval.WEEKS:
            return begins + 3
        case Interval.MONTHS:
            return begins + 14
        case Interval.QUARTERS:
            return first_day_from(yyyymmdd(begins) + 114)
        case _:
            return first_day_from(yyyymmdd(begins) + 600)


def _whole(asked: PeriodPrevalence, pieces: pl.LazyFrame, kind: Interval) -> pl.LazyFrame:
    """Keep pieces that are all of their interval, between the dates of the study."""
    first = [] if kind is Interval.OVERALL else [pl.col("begins")]
    last = [] if kind is Interval.OVERALL else [pl.col("ends")]
    if asked.start is not None:
        first.append(pl.lit(asked.start.toordinal() - EPOCH))
    if asked.end is not None:
        last.append(pl.lit(asked.end.toordinal() - EPOCH))
    starts, ends = pl.max_horizontal(first), pl.min_horizontal(last)
    return pieces.filter((pl.col("start") == starts) & (pl.col("end") == ends))


def _tally(
    asked: Prevalence,
    looks: pl.LazyFrame,
    outcomes: pl.DataFrame,
    labelled: pl.DataFrame | None,
) -> dict[Key, int]:
    last = outcomes.lazy().select(PERSON, begun="start", ended="end").sort("begun")
    seen = looks.sort("end").join_asof(
        last, left_on="end", right_on="begun", by=PERSON, check_sortedness=False
    )
    having = (pl.col("ended") >= pl.col("start")).fill_null(value=False)
    records = seen.select(PERSON, *_ANALYSIS, having=having)
    if not (isinstance(asked, PeriodPrevalence) and asked.level is Level.RECORD):
        records = records.group_by(PERSON, *_ANALYSIS).agg(pl.col("having").any())
    counted = (
        with_strata(records, labelled)
        .group_by(*_ANALYSIS, "stratum")
        .agg(denominator=pl.len().cast(pl.Int64), outcomes=pl.col("having").cast(pl.Int64).sum())
    )
    counts: Counter[Key] = Counter()
    for group, its_sex, interval, stratum, *numbers in collected(counted).iter_rows():
        for analysis in analyses("prevalence", asked, group, its_sex, stratum):
            for what, number in zip(("denominator", "outcomes"), numbers, strict=True):
                counts[(*analysis, interval, what)] += number
    return {key: number for key, number in counts.items() if number}
