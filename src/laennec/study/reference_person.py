"""One person as the results of a study see them: their history, their cohorts, their outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from laennec.study.model import Events, Stays
from laennec.study.reference_cohorts import Membership
from laennec.study.reference_history import Concepts, History, Span, merged
from laennec.study.reference_outcomes import outcomes_of

Memberships = dict[str, Membership]
"""The cohorts one person is in, by name, and their strata, by label."""


@dataclass(frozen=True)
class Person:
    """One person and what the study has found out about them.

    Attributes:
        history: Their rows.
        concepts: The concepts of each set.
        memberships: The cohorts and strata they are in, at their first stay.
        stays: All their stays in each cohort, by its name.
    """

    history: History
    concepts: Concepts
    memberships: Memberships
    stays: Mapping[str, tuple[Span, ...]]

    def outcomes(self, of: Events | Stays) -> tuple[Span, ...]:
        """Return the outcomes in order; no two share a day."""
        if isinstance(of, Events):
            return outcomes_of(of, self.history, self.concepts)
        return merged(self.stays[of.cohort])

    def first_entry(self, cohort: str) -> int | None:
        """Return the day of the first entry to a cohort, if there is one."""
        return min((stay.start for stay in self.stays[cohort]), default=None)
