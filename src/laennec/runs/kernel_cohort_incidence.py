"""Time at risk of the stays of one bucket: the rules of ``study.reference_cohort_incidence``.

Outcomes of a person share no day, nor do excluded spans: of the spans that begin by a day the last
one alone decides whether the day is excluded.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_history import PERSON, Bucket, collected, joined, yyyymmdd
from laennec.runs.kernel_strata import between
from laennec.study.model import CohortIncidence, RiskBound
from laennec.study.model_cohort_incidence import ALL
from laennec.study.partials import Key, Partial

_WAYS = ("ages", "sex", "year")
_COUNTS: Mapping[str, pl.Expr] = {
    "persons_at_risk_pe": pl.col(PERSON).n_unique(),
    "persons_at_risk": pl.col(PERSON).filter(pl.col("excluded") < pl.col("length")).n_unique(),
    "persons_excluded_days": pl.col(PERSON).filter(pl.col("excluded") > 0).n_unique(),
    "person_days_pe": pl.col("length").sum(),
    "person_days": (pl.col("length") - pl.col("excluded")).sum(),
    "person_outcomes_pe": pl.col(PERSON).filter(pl.col("outcomes") > 0).n_unique(),
    "person_outcomes": pl.col(PERSON).filter(pl.col("counted") > 0).n_unique(),
    "outcomes_pe": pl.col("outcomes").sum(),
    "outcomes": pl.col("counted").sum(),
}


def cohort_incidence(
    asked: CohortIncidence,
    bucket: Bucket,
    outcomes: pl.DataFrame,
    enrolled: Mapping[str, Enrolment],
) -> Partial:
    """Count persons, days and outcomes at risk, by cohort, age group, sex and start year.

    Args:
        asked: What is asked.
        bucket: The rows.
        outcomes: As ``kernel_outcomes.outcomes_of`` returns them.
        enrolled: Every cohort, by name.
    """
    exclude = None if asked.exclude is None else enrolled[asked.exclude].stays
    closed = _closed(asked, outcomes, exclude)
    begun = _begun(outcomes, closed)
    counts: dict[Key, int] = {}
    for cohort in asked.cohorts:
        stretches = collected(_stretches(asked, bucket, enrolled[cohort].stays))
        numbered = stretches.with_row_index("stretch")
        risks = collected(_measured(asked, numbered, closed, begun, bucket))
        for labels, what, number in _tally(asked, risks):
            counts["cohort_incidence", asked.name, cohort, *labels, what] = number
    return Partial(counts)


def _stretches(asked: CohortIncidence, bucket: Bucket, stays: pl.DataFrame) -> pl.LazyFrame:
    """Time at risk, joined and within the study's dates: ``person_id, start, end``."""
    begins = pl.col("entry").is_between(pl.col("period_start"), pl.col("period_end"))
    start, end = (
        pl.min_horizontal(_day(bound), "period_end")
        for bound in (asked.risk_from, asked.risk_until)
    )
    spans = (
        stays.lazy()
        .join(bucket.observed.lazy(), on=PERSON)
        .filter(begins)
        .select(PERSON, start=start, end=end)
        .filter(pl.col("start") <= pl.col("end"))
    )
    stretches = joined(spans, start="start", end="end")
    if asked.end is not None:
        last = pl.lit(asked.end.toordinal() - EPOCH)
        stretches = stretches.with_columns(end=pl.min_horizontal("end", last))
    if asked.start is not None:
        stretches = stretches.filter(pl.col("start") >= asked.start.toordinal() - EPOCH)
    return stretches.filter(pl.col("start") <= pl.col("end"))


def _day(bound: RiskBound) -> pl.Expr:
    day = pl.col("entry" if bound.after == "start" else "exit") + bound.days
    return pl.max_horizontal(day, pl.lit(date.min.toordinal() - EPOCH))


def _closed(
    asked: CohortIncidence, outcomes: pl.DataFrame, exclude: pl.DataFrame | None
) -> pl.DataFrame:
    """Days that are no time at risk: ``person_id, start, end``, no two of which share a day."""
    cleaning = outcomes.lazy().select(
        PERSON, start=pl.col("start") + 1, end=pl.col("end") + asked.clean_window
    )
    spans = [cleaning.filter(pl.col("start") <= pl.col("end"))]
    if exclude is not None:
        spans.append(exclude.lazy().select(PERSON, start="entry", end="exit"))
    return collected(joined(pl.concat(spans), start="start", end="end"))


def _begun(outcomes: pl.DataFrame, closed: pl.DataFrame) -> pl.LazyFrame:
    """First days of outcomes, and whether they count: ``person_id, day, counts``."""
    spans = closed.lazy().select(PERSON, begins="start", until="end").sort("begins")
    return (
        outcomes.lazy()
        .select(PERSON, day="start")
        .sort("day")
        .join_asof(spans, left_on="day", right_on="begins", by=PERSON, check_sortedness=False)
        .select(PERSON, "day", counts=(pl.col("until") < pl.col("day")).fill_null(value=True))
    )


def _measured(
    asked: CohortIncidence,
    stretches: pl.DataFrame,
    closed: pl.DataFrame,
    begun: pl.LazyFrame,
    bucket: Bucket,
) -> pl.LazyFrame:
    """One row for each stretch: its person and groups, its days, and its outcomes."""
    theirs = stretches.lazy()
    spans = closed.lazy().rename({"start": "closes", "end": "opens"})
    shared = pl.min_horizontal("end", "opens") - pl.max_horizontal("start", "closes") + 1
    excluded = theirs.join(spans, on=PERSON).filter(shared > 0)
    inside = theirs.join(begun, on=PERSON).filter(pl.col("day").is_between("start", "end"))
    year = yyyymmdd(pl.col("start")) // 10_000
    bounds = [(one.minimum, one.maximum, one.label) for one in asked.age_groups]
    return (
        theirs.join(bucket.persons.lazy(), on=PERSON)
        .join(excluded.group_by("stretch").agg(excluded=shared.sum()), on="stretch", how="left")
        .join(
            inside.group_by("stretch").agg(
                outcomes=pl.len().cast(pl.Int64), counted=pl.col("counts").cast(pl.Int64).sum()
            ),
            on="stretch",
            how="left",
        )
        .select(
            PERSON,
            pl.col("excluded", "outcomes", "counted").fill_null(0),
            "sex",
            length=pl.col("end") - pl.col("start") + 1,
            ages=between(year - pl.col("birth") // 10_000, bounds) if bounds else pl.lit(None),
            year=year.cast(pl.String),
        )
    )


def _tally(
    asked: CohortIncidence, risks: pl.DataFrame
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Yield labels, what is counted and how many, in every combination of the ways to divide."""
    wanted = {*asked.groups()}
    for ways in {tuple(one != ALL for one in labels) for labels in wanted}:
        keys = [
            (pl.col(name) if divided else pl.lit(ALL)).alias(name)
            for name, divided in zip(_WAYS, ways, strict=True)
        ]
        counted = (
            risks.with_columns(keys)
            .group_by(_WAYS)
            .agg(one.cast(pl.Int64).alias(name) for name, one in _COUNTS.items())
        )
        for ages, sex, year, *numbers in counted.iter_rows():
            if (ages, sex, year) in wanted:
                for what, number in zip(_COUNTS, numbers, strict=True):
                    if number:
                        yield (ages, sex, year), what, number
