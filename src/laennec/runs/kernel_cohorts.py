"""Who of one bucket is in a cohort: the steps of ``study.reference_cohorts``, on whole frames."""

from dataclasses import dataclass

import polars as pl

from laennec.runs.kernel_history import PERSON, Bucket, yyyymmdd
from laennec.study.model import (
    AgeBetween,
    Cohort,
    Criterion,
    EndOfEvent,
    EndOfObservation,
    EntryBetween,
    FixedDays,
    HasEvents,
    SexIs,
    Window,
)

EPOCH = 719_163
"""``date.toordinal`` of 1970-01-01, the day from which the kernel counts."""


@dataclass(frozen=True)
class Enrolment:
    """A cohort in one bucket.

    Attributes:
        members: One row per member: ``person_id, entry, exit, period_start, period_end, sex,
            birth``; the period is the one that holds the entry day.
        attrition: Persons left after each step.
        stays: One row per stay, several of a person now and then: ``person_id, entry, exit``, by
            person and entry.
    """

    members: pl.DataFrame
    attrition: tuple[int, ...]
    stays: pl.DataFrame


def enrol(cohort: Cohort, bucket: Bucket) -> Enrolment:
    """Find the members of a cohort, and how many persons each step leaves."""
    records = bucket.records[cohort.entry]
    first = records.group_by(PERSON).agg(entry=pl.col("start").min())
    left = first.join(bucket.persons, on=PERSON)
    attrition = [left.height]
    inside = pl.col("entry").is_between(pl.col("period_start"), pl.col("period_end"))
    left = left.join(bucket.observed, on=PERSON).filter(inside)
    attrition.append(left.height)
    left = left.filter(pl.col("entry") - pl.col("period_start") >= cohort.prior_observation)
    attrition.append(left.height)
    for criterion in cohort.criteria:
        left = _passing(criterion, left, bucket)
        attrition.append(left.height)
    members = _with_exit(cohort, left, records)
    stays = members.select(PERSON, "entry", "exit").sort(PERSON)
    return Enrolment(members, tuple(attrition), stays)


def age_on(day: str) -> pl.Expr:
    """Completed years on a day; null without a year of birth."""
    return (yyyymmdd(pl.col(day)) - pl.col("birth")) // 10_000


def starting_in(window: Window, members: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the records of members that start in the window, one row each: ``person_id``."""
    after = pl.col("start") - pl.col("entry")
    within = [pl.lit(value=True)]
    if window.start is not None:
        within.append(after >= window.start)
    if window.end is not None:
        within.append(after <= window.end)
    pairs = records.join(members.select(PERSON, "entry"), on=PERSON)
    return pairs.filter(pl.all_horizontal(within)).select(PERSON)


def _passing(criterion: Criterion, members: pl.DataFrame, bucket: Bucket) -> pl.DataFrame:
    match criterion:
        case HasEvents():
            return _with_events(criterion, members, bucket)
        case AgeBetween():
            return members.filter(age_on("entry").is_between(criterion.minimum, criterion.maximum))
        case SexIs():
            return members.filter(pl.col("sex") == criterion.sex.value)
        case EntryBetween():
            if criterion.start is not None:
                first = criterion.start.toordinal() - EPOCH
                members = members.filter(pl.col("entry") >= first)
            if criterion.end is not None:
                last = criterion.end.toordinal() - EPOCH
                members = members.filter(pl.col("entry") <= last)
            return members


def _with_events(criterion: HasEvents, members: pl.DataFrame, bucket: Bucket) -> pl.DataFrame:
    found = starting_in(criterion.window, members, bucket.records[criterion.events])
    counted = found.group_by(PERSON).agg(records=pl.len().cast(pl.Int64))
    number = pl.col("records").fill_null(0)
    enough = number >= criterion.at_least
    if criterion.at_most is not None:
        enough &= number <= criterion.at_most
    return members.join(counted, on=PERSON, how="left").filter(enough).drop("records")


def _with_exit(cohort: Cohort, members: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    last = pl.col("period_end")
    match cohort.exit:
        case EndOfObservation():
            return members.with_columns(exit=last)
        case FixedDays(days=days):
            return members.with_columns(exit=pl.min_horizontal(pl.col("entry") + days, last))
        case EndOfEvent():
            entries = records.join(
                members.select(PERSON, "entry"),
                left_on=[PERSON, "start"],
                right_on=[PERSON, "entry"],
            )
            ends = entries.group_by(PERSON).agg(event_end=pl.col("end").max())
            return members.join(ends, on=PERSON).with_columns(
                exit=pl.min_horizontal("event_end", last)
            )
