"""Counts of the members of a cohort by what they are at entry, on whole frames."""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment, age_on, starting_in
from laennec.runs.kernel_history import Bucket
from laennec.study.model import Characteristics
from laennec.study.partials import Key, Partial

FEATURES: Mapping[str, pl.Expr] = {
    "sex": pl.col("sex"),
    "age": age_on("entry"),
    "prior_observation": pl.col("entry") - pl.col("period_start"),
    "future_observation": pl.col("period_end") - pl.col("entry"),
}
"""What is counted of every member; a member whose value is missing is not counted under it."""


def characteristics(
    asked: Characteristics,
    labels: Sequence[str],
    bucket: Bucket,
    enrolled: Mapping[str, Enrolment],
) -> Partial:
    """Count members by sex, age and days of observation, and those who have each covariate.

    Args:
        asked: What is asked.
        labels: The cohorts and strata to describe, by their keys in ``enrolled``.
        bucket: The rows.
        enrolled: Cohorts and strata.
    """
    counts: dict[Key, int] = {}
    for cohort in labels:
        members = enrolled[cohort].members
        for feature, value in FEATURES.items():
            tally = members.group_by(value=value).len().drop_nulls()
            for level, persons in tally.iter_rows():
                counts[feature, asked.name, cohort, level] = persons
        for covariate in asked.covariates:
            found = starting_in(covariate.window, members, bucket.records[covariate.events])
            if found.height:
                counts["covariate", asked.name, cohort, covariate.name] = found.n_unique()
    return Partial(counts)
