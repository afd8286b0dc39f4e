"""Days from cohort entry to the first outcome or the end of follow-up, on whole frames."""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_history import PERSON
from laennec.study.model import CumulativeIncidence
from laennec.study.partials import Key, Partial


def survival(
    asked: CumulativeIncidence,
    labels: Sequence[str],
    outcomes: pl.DataFrame,
    competing: pl.DataFrame | None,
    enrolled: Mapping[str, Enrolment],
) -> Partial:
    """Count members by day and end of follow-up; the rules are ``study.reference_survival``.

    Args:
        asked: What is asked.
        labels: The cohorts and strata to follow, by their keys in ``enrolled``.
        outcomes: As ``kernel_outcomes.outcomes_of`` returns them.
        competing: Outcomes that forestall them, if any.
        enrolled: Cohorts and strata.
    """
    counts: dict[Key, int] = {}
    censor = None if asked.censor is None else enrolled[asked.censor].stays
    for cohort in labels:
        seen = _follow_up(asked, enrolled[cohort].members, outcomes, competing, censor)
        why = seen.drop_nulls("left_out").group_by("left_out").len()
        for left_out, persons in why.iter_rows():
            counts["survival_left_out", asked.name, cohort, left_out] = persons
        followed = seen.filter(pl.col("left_out").is_null()).group_by("day", "ended_by").len()
        for day, ended_by, persons in followed.iter_rows():
            counts["survival", asked.name, cohort, day, ended_by] = persons
    return Partial(counts)


def _follow_up(
    asked: CumulativeIncidence,
    members: pl.DataFrame,
    outcomes: pl.DataFrame,
    competing: pl.DataFrame | None,
    censor: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row for each member: ``day, ended_by``, and why they are left out, if they are."""
    followed = _last_days(asked, members, censor).with_columns(
        censored=pl.col("day") < 0, ended_by=pl.lit("censored"), washout=pl.lit(value=False)
    )
    ends = [("events", outcomes, asked.washout), ("competing", competing, asked.competing_washout)]
    if asked.tie == "outcome":
        ends.reverse()
    # On one day the later of these wins.
    for ended_by, spans, washout in ends:
        if spans is None:
            continue
        theirs = spans.join(members.select(PERSON, "entry"), on=PERSON)
        later = theirs.filter(pl.col("start") >= pl.col("entry"))
        first = later.group_by(PERSON).agg(until=(pl.col("start") - pl.col("entry")).min())
        had = _had_before(washout, theirs).select(PERSON).unique()
        comes = (pl.col("until") <= pl.col("day")).fill_null(value=False)
        followed = (
            followed.join(had.with_columns(had=pl.lit(value=True)), on=PERSON, how="left")
            .join(first, on=PERSON, how="left")
            .with_columns(
                day=pl.when(comes).then("until").otherwise("day"),
                ended_by=pl.when(comes).then(pl.lit(ended_by)).otherwise("ended_by"),
                washout=pl.col("washout") | pl.col("had").fill_null(value=False),
            )
            .drop("until", "had")
        )
    return followed.select("day", "ended_by", left_out=_left_out(asked))


def _last_days(
    asked: CumulativeIncidence, members: pl.DataFrame, censor: pl.DataFrame | None
) -> pl.DataFrame:
    """The last day of follow-up of each member without outcomes, from entry: ``person_id, day``."""
    ends = [pl.col("period_end"), pl.col("entry") + asked.horizon]
    if asked.censor_on_exit:
        ends.append(pl.col("exit"))
    if asked.censor_on is not None:
        ends.append(pl.lit(asked.censor_on.toordinal() - EPOCH, dtype=pl.Int64))
    if censor is not None:
        first = censor.group_by(PERSON).agg(entered=pl.col("entry").min())
        members = members.join(first, on=PERSON, how="left")
        ends.append(pl.col("entered"))
    return members.select(PERSON, day=pl.min_horizontal(ends) - pl.col("entry"))


def _left_out(asked: CumulativeIncidence) -> pl.Expr:
    """Why a member is left out; null if they are followed."""
    too_short = pl.col("day") < asked.minimum_days
    return (
        pl.when("washout")
        .then(pl.lit("washout"))
        .when("censored")
        .then(pl.lit("censored"))
        .when(too_short)
        .then(pl.lit("too_short"))
    )


def _had_before(washout: int | None, theirs: pl.DataFrame) -> pl.DataFrame:
    """Outcomes that began before entry and lasted into the washout."""
    before = theirs.filter(pl.col("start") < pl.col("entry"))
    if washout is None:
        return before
    return before.filter((pl.col("end") >= pl.col("entry") - washout) & pl.lit(washout > 0))
