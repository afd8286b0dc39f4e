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
    for cohort in labels:
        members = enrolled[cohort].members.select(PERSON, "entry", "exit")
        seen = _follow_up(asked, members, outcomes, competing)
        for day, ended_by, persons in seen.group_by("day", "ended_by").len().iter_rows():
            counts["survival", asked.name, cohort, day, ended_by] = persons
    return Partial(counts)


def _follow_up(
    asked: CumulativeIncidence,
    members: pl.DataFrame,
    outcomes: pl.DataFrame,
    competing: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row for each member who is followed: ``day, ended_by``."""
    last = pl.min_horizontal(pl.col("exit") - pl.col("entry"), pl.lit(asked.horizon))
    followed = members.with_columns(day=last, ended_by=pl.lit("censored"))
    # On one day the later of these wins.
    for ended_by, spans in (("events", outcomes), ("competing", competing)):
        if spans is None:
            continue
        theirs = spans.join(members, on=PERSON)
        later = theirs.filter(pl.col("start") >= pl.col("entry"))
        first = later.group_by(PERSON).agg(until=(pl.col("start") - pl.col("entry")).min())
        comes = (pl.col("until") <= pl.col("day")).fill_null(value=False)
        followed = (
            followed.join(_had_before(asked.washout, theirs), on=PERSON, how="anti")
            .join(first, on=PERSON, how="left")
            .with_columns(
                day=pl.when(comes).then("until").otherwise("day"),
                ended_by=pl.when(comes).then(pl.lit(ended_by)).otherwise("ended_by"),
            )
            .drop("until")
        )
    return followed.select("day", "ended_by")


def _had_before(washout: int | None, theirs: pl.DataFrame) -> pl.DataFrame:
    """Outcomes that began before entry and lasted into the washout."""
    before = theirs.filter(pl.col("start") < pl.col("entry"))
    if washout is None:
        return before
    return before.filter((pl.col("end") >= pl.col("entry") - washout) & pl.lit(washout > 0))
