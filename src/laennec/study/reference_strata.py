"""In which strata of a cohort a member is, by what holds on the entry day."""

from collections.abc import Mapping
from datetime import date

from laennec.study.model import ByAge, ByEvents, ByPeriod, BySex, Strata, Study
from laennec.study.model_strata import NO, YES
from laennec.study.reference_cohorts import Membership, starting_in
from laennec.study.reference_history import Concepts, History


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
    ways = {one.label: one for one in study.strata}
    return {
        stratum.label: memberships[stratum.cohort]
        for stratum in study.all_strata()
        if stratum.cohort in memberships
        and all(
            level_of(ways[name], memberships[stratum.cohort].days.start, history, concepts) == level
            for name, level in stratum.levels
        )
    }


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
