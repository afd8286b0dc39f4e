"""Membership in a cohort of any kind, one person at a time.

A person may stay several times in the cohort of a definition, or in one made of other cohorts.
Counts look at whether they do, the other results at their first stay: a person is one row of a
result, as in every other cohort.

The steps of attrition of a definition, counted by person:

0. has a qualified event;
1. … and one that passes the first rule, the first two, and so on;
2. and, last, a stay is left after limits, exit, eras and calendar.

A cohort made of others has one step: has a stay.
"""

from collections.abc import Mapping

from laennec.study.model import AnyCohort, Cohort, Definition
from laennec.study.reference_cohorts import Enrolment, Membership, enrol
from laennec.study.reference_combined import combined_stays
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import Concepts, History, Span


def enrol_any(
    cohort: AnyCohort, history: History, concepts: Concepts, before: Mapping[str, Enrolment]
) -> Enrolment:
    """Return how far a person gets, and their first stay when they have one.

    A first stay that begins on a day without observation, as the calendar of a definition or a
    difference of cohorts may have it, is no membership.

    Args:
        cohort: What is asked.
        history: The person.
        concepts: For every concept set of the study, the concepts it resolves to.
        before: The person's enrolment in the cohorts that come before.
    """
    match cohort:
        case Cohort():
            return enrol(cohort, history, concepts)
        case Definition():
            found = outcome(cohort, history, concepts)
            if found.stays:
                return _staying(len(cohort.rules) + 2, found.stays, history)
            rules = [_rules_in_a_row(mask) for mask in found.masks]
            return Enrolment(1 + max(rules) if rules else 0)
        case _:
            stays = {name: before[name].stays for name in cohort.cohorts}
            return _staying(1, combined_stays(cohort, stays), history)


def _staying(steps: int, stays: tuple[Span, ...], history: History) -> Enrolment:
    if not stays:
        return Enrolment(0)
    period = history.period_of(stays[0].start)
    return Enrolment(steps, None if period is None else Membership(stays[0], period), stays)


def _rules_in_a_row(mask: int) -> int:
    """How many rules, from the first on, the mask has without a gap."""
    return (~mask & (mask + 1)).bit_length() - 1
