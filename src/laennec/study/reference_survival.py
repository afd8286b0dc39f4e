"""Time from cohort entry to the first outcome or the end of follow-up, in days.

As CohortSurvival ``estimateSingleEventSurvival`` with ``censorOnCohortExit = TRUE``,
``followUpDays = horizon`` and ``minimumSurvivalDays = 0``: an outcome on the entry day is an event
on day 0.
"""

from dataclasses import dataclass

from laennec.study.model import CumulativeIncidence
from laennec.study.reference_cohorts import Membership
from laennec.study.reference_history import Span


@dataclass(frozen=True)
class FollowUp:
    """Days from entry to the outcome, or to the last day seen without one."""

    days: int
    has_outcome: bool


def follow_up(
    asked: CumulativeIncidence, membership: Membership, outcomes: tuple[Span, ...]
) -> FollowUp | None:
    """Return one person's follow-up, or None when an earlier outcome leaves them out.

    Left out is who has an outcome that began before entry and, unless the washout is None, was
    still there on one of the ``washout`` days before entry; a washout of 0 leaves nobody out.
    """
    entry = membership.days.start
    for outcome in outcomes:
        recent = asked.washout is None or outcome.end >= entry - asked.washout
        if outcome.start < entry and recent and asked.washout != 0:
            return None
    last = min(membership.days.end - entry, asked.horizon)
    until = [outcome.start - entry for outcome in outcomes if outcome.start >= entry]
    if until and until[0] <= last:
        return FollowUp(until[0], has_outcome=True)
    return FollowUp(last, has_outcome=False)
