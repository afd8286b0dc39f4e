"""Membership in a cohort of either kind, one person at a time.

A person of a definition may stay in its cohort several times. Counts look at whether they do, the
other results at their first stay: a person is one row of a result, as in every other cohort.

The steps of attrition of a definition, counted by person:

0. has a qualified event;
1. … and one that passes the first rule, the first two, and so on;
2. and, last, a stay is left after limits, exit, eras and calendar.
"""

from laennec.study.model import Cohort, Definition
from laennec.study.reference_cohorts import Enrolment, Membership, enrol
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import Concepts, History


def enrol_any(cohort: Cohort | Definition, history: History, concepts: Concepts) -> Enrolment:
    """Return how far a person gets, and their first stay when they have one.

    A first stay that the calendar lets begin on a day without observation is no membership.
    """
    if isinstance(cohort, Cohort):
        return enrol(cohort, history, concepts)
    found = outcome(cohort, history, concepts)
    if found.stays:
        first = found.stays[0]
        period = history.period_of(first.start)
        membership = None if period is None else Membership(first, period)
        return Enrolment(len(cohort.rules) + 2, membership)
    rules = [_rules_in_a_row(mask) for mask in found.masks]
    return Enrolment(1 + max(rules) if rules else 0)


def _rules_in_a_row(mask: int) -> int:
    """How many rules, from the first on, the mask has without a gap."""
    return (~mask & (mask + 1)).bit_length() - 1
