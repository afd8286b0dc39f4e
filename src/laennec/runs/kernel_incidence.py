"""Time at risk and outcomes of one bucket: the rules of ``study.reference_incidence``.

The reference walks a person's outcomes one by one. Here the walk is unrolled: between two outcomes
of a person lies a *gap*, and every stretch at risk is the overlap of a span with a gap:

    span          s ───────────────────────────────── e
    outcomes   ■■        ■■■            ■
    gap k       (after: end of the outcome before, until: start of the next one)
    stretch     [ max(s, after + washout + 1), min(e, until) ]   empty ones are dropped

A stretch ends on an outcome when ``until`` is within the span. ``after`` is null before the first
outcome, ``until`` is null after the last one, and null bounds nothing.
"""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_denominators import analyses, bounds, cut, spans_of
from laennec.runs.kernel_history import PERSON, Bucket, collected
from laennec.runs.kernel_rate_attrition import rate_attrition
from laennec.runs.kernel_strata import rate_strata, with_strata
from laennec.study.model import Incidence, Study
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_rate_attrition import AT_RISK, SEEN


def incidence(
    asked: Incidence,
    study: Study,
    bucket: Bucket,
    outcomes: pl.DataFrame,
    *,
    population: Enrolment | None,
    censor: Enrolment | None,
) -> Partial:
    """Count persons, days and outcomes at risk by sex, age group, stratum and calendar interval.

    Args:
        asked: What is asked.
        study: The study that asks it.
        bucket: The rows.
        outcomes: As ``kernel_outcomes.outcomes_of`` returns them.
        population: The cohort at risk; None takes everyone under observation.
        censor: The cohort whose first entry ends time at risk, if any.
    """
    seen = collected(spans_of(asked, bucket, population))
    spans = _censored(seen.lazy(), censor)
    stretches = collected(_stretches(asked, spans, _gaps(asked, outcomes)))
    counts: dict[Key, int] = {}
    labelled = rate_strata(asked, study, seen, bucket)
    for pieces in _by_interval(asked, stretches):
        counts |= _tally(asked, with_strata(pieces, labelled))
    steps = rate_attrition(asked, bucket, population, [(SEEN, seen), (AT_RISK, stretches)])
    return merge([Partial(counts, *bounds("incidence", asked, stretches)), steps])


def _censored(spans: pl.LazyFrame, censor: Enrolment | None) -> pl.LazyFrame:
    """End spans on the day of the first entry to the cohort, that day included."""
    if censor is None:
        return spans
    first = censor.stays.lazy().group_by(PERSON).agg(entered=pl.col("entry").min())
    return (
        spans.join(first, on=PERSON, how="left")
        .with_columns(end=pl.min_horizontal("end", "entered"))
        .filter(pl.col("start") <= pl.col("end"))
        .drop("entered")
    )


def _gaps(asked: Incidence, outcomes: pl.DataFrame) -> pl.LazyFrame:
    """Time free of outcomes, for persons who have one: ``person_id, after, until``."""
    same = pl.col(PERSON) == pl.col(PERSON).shift(1)
    after = pl.when(same).then(pl.col("end").shift(1))
    leading = outcomes.lazy().select(PERSON, after=after, until="start")
    if asked.washout is None:
        return leading.filter(pl.col("after").is_null())
    last = outcomes.lazy().group_by(PERSON).agg(after=pl.col("end").max())
    return pl.concat([leading, last.with_columns(until=pl.lit(None, dtype=pl.Int64))])


def _stretches(asked: Incidence, spans: pl.LazyFrame, gaps: pl.LazyFrame) -> pl.LazyFrame:
    """Time at risk: ``person_id, sex, group, start, end, has_outcome``."""
    free_from = pl.col("after") + (asked.washout or 0) + 1
    stretches = (
        spans.join(gaps, on=PERSON, how="left")
        .select(
            PERSON,
            "sex",
            "group",
            start=pl.max_horizontal("start", free_from),
            end=pl.min_horizontal("end", "until"),
            has_outcome=(pl.col("until") <= pl.col("end")).fill_null(value=False),
        )
        .filter(pl.col("start") <= pl.col("end"))
    )
    if asked.repeated:
        return stretches
    of = [PERSON, "group"]
    counted = stretches.filter("has_outcome").group_by(of).agg(first=pl.col("end").min())
    until_first = (pl.col("end") <= pl.col("first")).fill_null(value=True)
    return stretches.join(counted, on=of, how="left").filter(until_first).drop("first")


def _by_interval(asked: Incidence, stretches: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Yield the stretches cut by each kind of interval; an outcome stays on its last piece."""
    whole = stretches.with_columns(outcome=pl.when("has_outcome").then("end"))
    for kind in asked.intervals:
        for pieces in cut(whole, kind):
            yield pieces.with_columns(has_outcome=(pl.col("outcome") == pl.col("end")))


def _tally(asked: Incidence, pieces: pl.LazyFrame) -> dict[Key, int]:
    """Count persons, days and outcomes by sex, age group, stratum and interval."""
    counted = pieces.group_by("group", "sex", "stratum", "interval").agg(
        persons=pl.col(PERSON).n_unique().cast(pl.Int64),
        days=(pl.col("end") - pl.col("start") + 1).sum(),
        events=pl.col("has_outcome").fill_null(value=False).cast(pl.Int64).sum(),
    )
    counts: Counter[Key] = Counter()
    for group, its_sex, stratum, interval, *numbers in collected(counted).iter_rows():
        for analysis in analyses("incidence", asked, group, its_sex, stratum):
            for what, number in zip(("persons", "days", "events"), numbers, strict=True):
                counts[(*analysis, interval, what)] += number
    return {key: number for key, number in counts.items() if number}
