"""Cohorts: who enters, under which rules, until when; and cohorts made of cohorts."""

from collections.abc import Sequence
from typing import Literal

from laennec.study.definition import (
    Definition,
    DrugEra,
    EndOfPeriod,
    EventQuery,
    Leave,
    Offset,
    Rule,
)
from laennec.study.definition import Group as GroupValue
from laennec.study.language.events import Day, asked_day
from laennec.study.language.places import here, in_words, made
from laennec.study.language.values import NamedSet, Said, all_sets
from laennec.study.model import AnyCohort, DifferenceOf, IntersectionOf, UnionOf

Take = Literal["all", "first", "last"] | tuple[Literal["first", "last"], int]
"""Which entry events of a person are taken; ``nth`` makes the pair."""

Events = Said[EventQuery] | Sequence[Said[EventQuery]]
Cohort = Said[AnyCohort]


def nth(number: int) -> tuple[Literal["first", "last"], int]:
    """Take a person's entry event of this number: 1 is the first."""
    return "first", number


def nth_from_last(number: int) -> tuple[Literal["first", "last"], int]:
    """Take a person's entry event of this number from the last: 1 is the last."""
    return "last", number


@in_words
def end_of_observation() -> Said[Leave]:
    """Leave at the end of the period of observation."""
    return Said(EndOfPeriod(), here())


@in_words
def days_after_start(days: int) -> Said[Leave]:
    """Leave so many days after the start of the entry event."""
    return Said(made(Offset, here(), days=days, after="start"), here())


@in_words
def days_after_end(days: int = 0) -> Said[Leave]:
    """Leave so many days after the end of the entry event."""
    return Said(made(Offset, here(), days=days, after="end"), here())


@in_words
def end_of_drug_era(
    concepts: NamedSet, *, gap: int = 0, offset: int = 0, supply: int | None = None
) -> Said[Leave]:
    """Leave with the era of exposures that holds the entry event's start.

    Args:
        concepts: The drugs.
        gap: Days without drug that do not end an era.
        offset: Days added to each exposure.
        supply: Days that each exposure lasts, in place of what its row says.
    """
    era = made(DrugEra, here(), concepts=concepts.name, gap=gap, offset=offset, supply=supply)
    return Said(era, here(), (concepts,))


@in_words
def cohort(
    name: str,
    entry: Events,
    *,
    take: Take = "all",
    prior_observation: int = 0,
    later_observation: int = 0,
    qualify: Said[GroupValue] | None = None,
    take_qualified: Literal["all", "first", "last"] = "all",
    rules: Sequence[Said[Rule]] = (),
    take_included: Literal["all", "first", "last"] = "all",
    leave: Said[Leave] | None = None,
    until: Events = (),
    gap: int = 0,
    first_day: Day | None = None,
    last_day: Day | None = None,
) -> Cohort:
    """Define a cohort.

    Args:
        name: Lower-case letters, digits and underscores.
        entry: Events that begin a stay.
        take: Which entry events of a person are taken: ``"all"``, ``"first"``, ``"last"``,
            ``nth(2)``; those that have the observation asked for are counted.
        prior_observation: Days observed before an entry event.
        later_observation: Days observed after it.
        qualify: Accepts entry events; ``take_qualified`` then takes some.
        take_qualified: Which of them.
        rules: Inclusion rules, counted one by one in the attrition.
        take_included: Which of the included events are taken.
        leave: ``end_of_observation()`` by default, ``days_after_start(365)``, ``days_after_end()``,
            ``end_of_drug_era(…)``.
        until: Events whose first one ends a stay.
        gap: Days between two stays that make them one.
        first_day: Stays begin on this day at the earliest.
        last_day: Stays end on this day at the latest.
    """
    place = here()
    entries = [entry] if isinstance(entry, Said) else list(entry)
    ending = [until] if isinstance(until, Said) else list(until)
    limit, number = (take, 1) if isinstance(take, str) else take
    definition = made(
        Definition,
        place,
        name=name,
        entry=tuple(one.value for one in entries),
        entry_limit=limit,
        entry_number=number,
        prior=prior_observation,
        post=later_observation,
        qualify=None if qualify is None else qualify.value,
        qualify_limit=take_qualified,
        rules=tuple(one.value for one in rules),
        limit=take_included,
        leave=EndOfPeriod() if leave is None else leave.value,
        censoring=tuple(one.value for one in ending),
        era_pad=gap,
        first_day=asked_day(first_day, place),
        last_day=asked_day(last_day, place),
    )
    parts: list[Said[object]] = [*entries, *ending, *rules]
    parts += [one for one in (qualify, leave) if one is not None]
    return Said(definition, place, all_sets(parts))


@in_words
def union(name: str, *cohorts: Cohort) -> Cohort:
    """Make a cohort of the days in any of these; stays that share a day are one."""
    value = made(UnionOf, here(), name=name, cohorts=_names(cohorts))
    return Said(value, here(), all_sets(cohorts), _with_parts(cohorts))


@in_words
def intersection(name: str, *cohorts: Cohort, by: Literal["days", "persons"] = "days") -> Cohort:
    """Make a cohort of the days in all of these, or of persons in all with the first's stays."""
    value = made(IntersectionOf, here(), name=name, cohorts=_names(cohorts), by=by)
    return Said(value, here(), all_sets(cohorts), _with_parts(cohorts))


@in_words
def difference(name: str, *cohorts: Cohort, by: Literal["days", "persons"] = "days") -> Cohort:
    """Make a cohort of the first's days in no other, or of its persons who are in no other."""
    value = made(DifferenceOf, here(), name=name, cohorts=_names(cohorts), by=by)
    return Said(value, here(), all_sets(cohorts), _with_parts(cohorts))


def _names(cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    return tuple(one.value.name for one in cohorts)


def _with_parts(cohorts: Sequence[Cohort]) -> tuple[Cohort, ...]:
    """The cohorts of which one is made, those of which they are made before them."""
    return tuple(part for one in cohorts for part in (*one.cohorts, one))
