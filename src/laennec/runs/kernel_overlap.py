"""Persons in two cohorts and the days between their entries, on whole frames.

All pairs of cohorts come out of one join of stays with themselves by person. The rules are those of
``study.reference_overlap``.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_history import PERSON, collected
from laennec.study.model import CohortOverlap, CohortTiming
from laennec.study.partials import Key, Partial


def overlap(asked: CohortOverlap, enrolled: Mapping[str, Enrolment]) -> Partial:
    """Count the persons that any two cohorts share."""
    return Partial(_persons("overlap", asked, _firsts(_entries(asked.cohorts, enrolled))))


def timing(asked: CohortTiming, enrolled: Mapping[str, Enrolment]) -> Partial:
    """Count pairs of entries by the days between them, and the persons who have any."""
    entries = _entries(asked.cohorts, enrolled)
    firsts = _firsts(entries)
    pairs = _pairs(firsts if asked.first_entry else entries)
    counts = _persons("timing_persons", asked, firsts)
    days = pairs.group_by(
        "cohort", "cohort_right", days=pl.col("entry_right") - pl.col("entry")
    ).len()
    for one, other, between, number in collected(days).iter_rows():
        counts["timing", asked.name, asked.cohorts[one], asked.cohorts[other], between] = number
    return Partial(counts)


def _entries(cohorts: Sequence[str], enrolled: Mapping[str, Enrolment]) -> pl.LazyFrame:
    """Every stay: ``person_id, cohort, entry``; ``cohort`` is the place of its name."""
    stays = [
        enrolled[name].stays.lazy().select(PERSON, pl.lit(n).alias("cohort"), "entry")
        for n, name in enumerate(cohorts)
    ]
    return pl.concat(stays)


def _firsts(entries: pl.LazyFrame) -> pl.LazyFrame:
    return entries.group_by(PERSON, "cohort").agg(pl.col("entry").min())


def _pairs(entries: pl.LazyFrame) -> pl.LazyFrame:
    both = entries.join(entries, on=PERSON)
    return both.filter(pl.col("cohort") < pl.col("cohort_right"))


def _persons(
    kind: str, asked: CohortOverlap | CohortTiming, firsts: pl.LazyFrame
) -> dict[Key, int]:
    shared = collected(_pairs(firsts).group_by("cohort", "cohort_right").len())
    return {
        (kind, asked.name, asked.cohorts[one], asked.cohorts[other]): number
        for one, other, number in shared.iter_rows()
    }
