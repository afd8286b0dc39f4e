"""In which strata of a cohort, or of a rate, a person is, by what holds on the entry day."""

from collections.abc import Iterable, Mapping
from datetime import date

from laennec.study.model import (
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Denominators,
    Strata,
    Stratum,
    Study,
)
from laennec.study.model_strata import NO, YES
from laennec.study.reference_cohorts import Membership, starting_in
from laennec.study.reference_history import Concepts, History, Span
from laennec.study.reference_person import Person


def in_strata(
    study: Study, history: History, concepts: Concepts, memberships: Mapping[str, Membership]
) -> dict[str, Membership]:
    """Return a person's membership in every stratum of the study, by its label.

    Args:
        study: What is asked.
        history: The person.
        concepts: For every concept set of the study, the concepts it resolves to.
        memberships: The cohorts the person is in, by name.
    """
    ways = study.ways()
    return {
        stratum.label: memberships[stratum.cohort]
        for stratum in study.all_strata()
        if stratum.cohort in memberships
        and is_in(stratum, ways, memberships[stratum.cohort].days.start, history, concepts)
    }


def strata_in(
    asked: Denominators, study: Study, days: Iterable[Span], person: Person
) -> list[Stratum]:
    """Return the strata of a rate in which a person is, the whole first.

    Args:
        asked: What is asked.
        study: The study that asks it.
        days: The days on which the person is looked at in one age group, at least one. Levels are
            those of the first of them, whatever happens later.
        person: The person.
    """
    entry = min(one.start for one in days)
    ways = study.ways()
    return [
        one
        for one in study.strata_of(asked)
        if is_in(one, ways, entry, person.history, person.concepts)
    ]


def is_in(
    stratum: Stratum, ways: Mapping[str, Strata], entry: int, history: History, concepts: Concepts
) -> bool:
    """Return whether a person who enters on a day is in all levels of a stratum."""
    return all(
        level_of(ways[name], entry, history, concepts) == level for name, level in stratum.levels
    )


def level_of(way: Strata, entry: int, history: History, concepts: Concepts) -> str | None:
    """Return the level in which a person who enters on a day is, or None for no level."""
    match way:
        case BySex():
            return history.sex if history.sex in way.levels else None
        case ByAge():
            age = history.age_on(entry)
            if age is None:
                return None
            groups = [one for one in way.groups if one.minimum <= age <= one.maximum]
            return groups[0].label if groups else None
        case ByPeriod():
            day = date.fromordinal(entry)
            periods = [one for one in way.periods if one.start <= day <= one.end]
            return periods[0].label if periods else None
        case ByEvents():
            number = starting_in(way.window, entry, history.of(way.events, concepts))
            most = number if way.at_most is None else way.at_most
            return YES if way.at_least <= number <= most else NO
