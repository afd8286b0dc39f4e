"""Who is in a cohort, from which day to which day, and at which step the others left.

The steps of attrition, counted by person:

0. has an entry event;
1. and the entry day is observed;
2. and was observed for ``prior_observation`` days before it, in the same period;
3. … one step for each criterion, in order.
"""

from dataclasses import dataclass

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
from laennec.study.reference_history import Concepts, History, Record, Span

FIRST_CRITERION = 3
"""Attrition step of a cohort's first criterion."""


@dataclass(frozen=True)
class Membership:
    """One person's stay in a cohort.

    Attributes:
        days: From entry to exit, both included.
        period: The period of observation that holds the entry day.
    """

    days: Span
    period: Span


@dataclass(frozen=True)
class Enrolment:
    """What became of one person.

    Attributes:
        steps_passed: How many steps of attrition count them: 0 for who has no entry event.
        membership: Their first stay, when they pass every step.
        stays: All their stays, in order; no two share a day.
    """

    steps_passed: int
    membership: Membership | None = None
    stays: tuple[Span, ...] = ()


def enrol(cohort: Cohort, history: History, concepts: Concepts) -> Enrolment:
    """Return how far a person gets, and their stay when they pass every step."""
    records = history.of(cohort.entry, concepts)
    if not records:
        return Enrolment(0)
    entry = min(record.days.start for record in records)
    period = history.period_of(entry)
    if period is None:
        return Enrolment(1)
    if entry - period.start < cohort.prior_observation:
        return Enrolment(2)
    for number, criterion in enumerate(cohort.criteria):
        if not _passes(criterion, entry, history, concepts):
            return Enrolment(FIRST_CRITERION + number)
    event_end = max(record.days.end for record in records if record.days.start == entry)
    stay = Span(entry, _last_day(cohort, entry=entry, event_end=event_end, period=period))
    return Enrolment(FIRST_CRITERION + len(cohort.criteria), Membership(stay, period), (stay,))


def starting_in(window: Window, entry: int, records: list[Record]) -> int:
    """Return how many records start in the window, observed or not; the same row twice is two."""
    after = [record.days.start - entry for record in records]
    return sum(
        (window.start is None or window.start <= days)
        and (window.end is None or days <= window.end)
        for days in after
    )


def _passes(criterion: Criterion, entry: int, history: History, concepts: Concepts) -> bool:
    match criterion:
        case HasEvents():
            records = history.of(criterion.events, concepts)
            number = starting_in(criterion.window, entry, records)
            return criterion.at_least <= number and (
                criterion.at_most is None or number <= criterion.at_most
            )
        case AgeBetween():
            age = history.age_on(entry)
            return age is not None and criterion.minimum <= age <= criterion.maximum
        case SexIs():
            return history.sex == criterion.sex.value
        case EntryBetween():
            return (criterion.start is None or criterion.start.toordinal() <= entry) and (
                criterion.end is None or entry <= criterion.end.toordinal()
            )


def _last_day(cohort: Cohort, *, entry: int, event_end: int, period: Span) -> int:
    match cohort.exit:
        case EndOfObservation():
            return period.end
        case FixedDays(days=days):
            return min(entry + days, period.end)
        case EndOfEvent():
            return min(event_end, period.end)
