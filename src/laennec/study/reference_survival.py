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
    """Days from entry to what ended follow-up: ``events``, ``competing`` or ``censored``."""

    days: int
    ended_by: str


def follow_up(
    asked: CumulativeIncidence,
    membership: Membership,
    outcomes: tuple[Span, ...],
    competing: tuple[Span, ...] = (),
) -> FollowUp | None:
    """Return one person's follow-up, or None when an earlier outcome leaves them out.

    Of an outcome and a competing one on the same day the competing one counts.

    Left out is who has an outcome that began before entry and, unless the washout is None, was
    still there on one of the ``washout`` days before entry; a washout of 0 leaves nobody out.
    """
    entry = membership.days.start
    for outcome in (*outcomes, *competing):
        recent = asked.washout is None or outcome.end >= entry - asked.washout
        if outcome.start < entry and recent and asked.washout != 0:
            return None
    last = min(membership.days.end - entry, asked.horizon)
    found = [(last, 2, "censored")]
    for order, ended_by, spans in ((0, "competing", competing), (1, "events", outcomes)):
        until = [one.start - entry for one in spans if one.start >= entry]
        found += [(until[0], order, ended_by)] if until else []
    days, _, ended_by = min(found)
    return FollowUp(days, ended_by)
