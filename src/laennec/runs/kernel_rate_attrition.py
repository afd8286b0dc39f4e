"""Who of one bucket is left at each step: the rules of ``study.reference_rate_attrition``."""

from collections import Counter
from collections.abc import Iterable

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_denominators import analyses
from laennec.runs.kernel_history import PERSON, Bucket
from laennec.study.model import Denominators
from laennec.study.partials import Key, Partial
from laennec.study.reference_history import UNKNOWN_SEX
from laennec.study.reference_rate_attrition import COMMON, OF_SEX


def rate_attrition(
    asked: Denominators,
    bucket: Bucket,
    population: Enrolment | None,
    steps: Iterable[tuple[int, pl.DataFrame]],
) -> Partial:
    """Count persons at the steps common to all analyses, of each sex, and of each analysis.

    Args:
        asked: What is asked.
        bucket: The rows.
        population: The cohort looked at; None takes everyone.
        steps: Further steps, each with frames of who passes: ``person_id, sex, group``, and more.
    """
    counts: Counter[Key] = Counter()
    passing = _common(asked, bucket, population)
    for step, left in zip(COMMON, passing, strict=True):
        counts["rate_attrition", asked.name, step] = left.height
    of_sex = passing[-1].select("sex").group_by("sex").len()
    for group in range(len(asked.age_groups)):
        for its_sex, persons in of_sex.iter_rows():
            _count(counts, asked, group, its_sex, OF_SEX, persons)
    for step, frame in steps:
        found = frame.group_by("group", "sex").agg(pl.col(PERSON).n_unique())
        for group, its_sex, persons in found.iter_rows():
            _count(counts, asked, group, its_sex, step, persons)
    return Partial({key: number for key, number in counts.items() if number})


def _count(
    counts: Counter[Key], asked: Denominators, group: int, its_sex: str, step: int, persons: int
) -> None:
    for analysis in analyses("rate_attrition", asked, group, its_sex):
        counts[(*analysis, step)] += persons


def _common(
    asked: Denominators, bucket: Bucket, population: Enrolment | None
) -> tuple[pl.DataFrame, ...]:
    """Who passes each of the common steps: ``person_id, sex, birth``, one row for each person."""
    if population is None:
        persons = bucket.persons
        spans = bucket.observed.rename({"period_start": "entry", "period_end": "exit"})
    else:
        persons = population.members.select(PERSON, "sex", "birth")
        spans = population.members
    if asked.start is not None:
        spans = spans.filter(pl.col("exit") >= asked.start.toordinal() - EPOCH)
    if asked.end is not None:
        spans = spans.filter(pl.col("entry") <= asked.end.toordinal() - EPOCH)
    born = persons.filter(pl.col("birth").is_not_null())
    sexed = born.filter(pl.col("sex") != UNKNOWN_SEX)
    return persons, born, sexed, sexed.join(spans, on=PERSON, how="semi")
