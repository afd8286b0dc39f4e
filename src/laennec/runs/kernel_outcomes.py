"""Outcomes of a bucket: the rules of ``study.reference_outcomes``, on whole frames."""

import polars as pl

from laennec.runs.kernel_history import PERSON, Bucket, collected, joined
from laennec.study.model import Events


def outcomes_of(events: Events, bucket: Bucket) -> pl.DataFrame:
    """Return outcomes as ``person_id, start, end``, by person and day; no two share a day."""
    inside = pl.col("start").is_between(pl.col("period_start"), pl.col("period_end"))
    records, observed = bucket.records[events].lazy(), bucket.observed.lazy()
    cut = (
        records.join(observed, on=PERSON)
        .filter(inside)
        .select(PERSON, "start", end=pl.min_horizontal("end", "period_end"))
    )
    return collected(joined(cut, start="start", end="end"))


def apart(stays: pl.DataFrame) -> pl.DataFrame:
    """Return stays of a cohort as outcomes: by person and day, those that share a day as one."""
    days = stays.lazy().select(PERSON, start="entry", end="exit")
    return collected(joined(days, start="start", end="end"))
