"""Cohorts of one bucket that are made of other cohorts: ``study.reference_combined``, on frames."""

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_history import PERSON, Bucket, collected, joined
from laennec.study.model import Combined, DifferenceOf, IntersectionOf, UnionOf


def enrol_combined(
    cohort: Combined, enrolled: Mapping[str, Enrolment], bucket: Bucket
) -> Enrolment:
    """Find the stays and members of a cohort that is made of others.

    Args:
        cohort: The operation.
        enrolled: Every cohort that comes before, by name.
        bucket: The persons, and when they are observed.
    """
    first, *others = (enrolled[name].stays.lazy() for name in cohort.cohorts)
    match cohort:
        case UnionOf():
            stays = joined(pl.concat([first, *others]), start="entry", end="exit")
        case IntersectionOf(by="persons"):
            stays = _of_persons(first, others, keep="semi")
        case DifferenceOf(by="persons"):
            stays = _of_persons(first, others, keep="anti")
        case IntersectionOf():
            stays = _in_all(first, others)
        case DifferenceOf():
            stays = _in_none(first, others)
    return enrolment_of(collected(stays.sort(PERSON, "entry")), bucket)


def enrolment_of(
    stays: pl.DataFrame, bucket: Bucket, attrition: tuple[int, ...] | None = None
) -> Enrolment:
    """Return the enrolment of stays: a member is who is observed on the first day of the first one.

    Args:
        stays: ``person_id, entry, exit``, by person and entry.
        bucket: The persons, and when they are observed.
        attrition: Persons left after each step; by default one step, who has a stay.
    """
    first = stays.group_by(PERSON, maintain_order=True).first()
    observed = pl.col("entry").is_between(pl.col("period_start"), pl.col("period_end"))
    known = first.join(bucket.persons, on=PERSON)
    members = known.join(bucket.observed, on=PERSON).filter(observed)
    return Enrolment(members, (first.height,) if attrition is None else attrition, stays)


def _of_persons(
    first: pl.LazyFrame, others: Sequence[pl.LazyFrame], *, keep: Literal["semi", "anti"]
) -> pl.LazyFrame:
    """Stays of persons who are in all of the others (semi), or in none of them (anti)."""
    for other in others:
        first = first.join(other, on=PERSON, how=keep)
    return first


def _in_all(first: pl.LazyFrame, others: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    for other in others:
        first = (
            first.join(other.rename({"entry": "start", "exit": "end"}), on=PERSON)
            .select(
                PERSON,
                entry=pl.max_horizontal("entry", "start"),
                exit=pl.min_horizontal("exit", "end"),
            )
            .filter(pl.col("entry") <= pl.col("exit"))
        )
    return first


def _in_none(first: pl.LazyFrame, others: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Cut stays to the gaps between the stays of the others, joined."""
    taken = joined(pl.concat([*others]), start="entry", end="exit").sort(PERSON, "entry")
    same = pl.col(PERSON) == pl.col(PERSON).shift(1)
    before = taken.select(PERSON, after=pl.when(same).then(pl.col("exit").shift(1)), until="entry")
    last = taken.group_by(PERSON).agg(after=pl.col("exit").max())
    gaps = pl.concat([before, last.with_columns(until=pl.lit(None, dtype=pl.Int64))])
    return (
        first.join(gaps, on=PERSON, how="left")
        .select(
            PERSON,
            entry=pl.max_horizontal("entry", pl.col("after") + 1),
            exit=pl.min_horizontal("exit", pl.col("until") - 1),
        )
        .filter(pl.col("entry") <= pl.col("exit"))
    )
