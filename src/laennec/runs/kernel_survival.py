"""Days from cohort entry to the first outcome or the end of follow-up, on whole frames."""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_history import PERSON
from laennec.study.model import CumulativeIncidence
from laennec.study.partials import Key, Partial


def survival(
    asked: CumulativeIncidence,
    labels: Sequence[str],
    outcomes: pl.DataFrame,
    enrolled: Mapping[str, Enrolment],
) -> Partial:
    """Count members by day and end of follow-up; the rules are ``study.reference_survival``.

    Args:
        asked: What is asked.
        labels: The cohorts and strata to follow, by their keys in ``enrolled``.
        outcomes: As ``kernel_outcomes.outcomes_of`` returns them.
        enrolled: Cohorts and strata.
    """
    counts: dict[Key, int] = {}
    for cohort in labels:
        members = enrolled[cohort].members.select(PERSON, "entry", "exit")
        seen = _follow_up(asked, members, outcomes)
        for day, has_outcome, persons in seen.group_by("day", "has_outcome").len().iter_rows():
            what = "events" if has_outcome else "censored"
            counts["survival", asked.name, cohort, day, what] = persons
    return Partial(counts)


def _follow_up(
    asked: CumulativeIncidence, members: pl.DataFrame, outcomes: pl.DataFrame
) -> pl.DataFrame:
    """One row for each member who is followed: ``day, has_outcome``."""
    theirs = outcomes.join(members, on=PERSON)
    later = theirs.filter(pl.col("start") >= pl.col("entry"))
    first = later.group_by(PERSON).agg(until=(pl.col("start") - pl.col("entry")).min())
    last = pl.min_horizontal(pl.col("exit") - pl.col("entry"), pl.lit(asked.horizon))
    followed = members.join(_had_before(asked.washout, theirs), on=PERSON, how="anti")
    has_outcome = (pl.col("until") <= last).fill_null(value=False)
    return followed.join(first, on=PERSON, how="left").select(
        day=pl.when(has_outcome).then("until").otherwise(last), has_outcome=has_outcome
    )


def _had_before(washout: int | None, theirs: pl.DataFrame) -> pl.DataFrame:
    """Outcomes that began before entry and lasted into the washout."""
    before = theirs.filter(pl.col("start") < pl.col("entry"))
    if washout is None:
        return before
    return before.filter((pl.col("end") >= pl.col("entry") - washout) & pl.lit(washout > 0))
