"""Time from cohort entry to the first outcome or the end of follow-up, in days.

As CohortSurvival ``addCohortSurvival``: follow-up ends at the earliest of outcome, end of the
period of observation, ``horizon`` (``followUpDays``), cohort exit (``censorOnCohortExit``) and a
day of the calendar (``censorOnDate``); and here also on entry to another cohort. An outcome on the
last day is an event.
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
    *,
    censored_on: int | None = None,
) -> FollowUp | str:
    """Return one person's follow-up, or why they are left out.

    Args:
        asked: What is asked.
        membership: The person's stay.
        outcomes: In order.
        competing: What forestalls them, in order.
        censored_on: The day of first entry to the cohort that ends follow-up, if there is one.

    Returns:
        The follow-up. Or ``washout``: an outcome of either kind began before entry and, unless its
        washout is None, was still there on one of so many days before entry; a washout of 0 leaves
        nobody out. Or ``censored``: follow-up would end before entry. Or ``too_short``: it lasts
        fewer than ``minimum_days``.
    """
    entry = membership.days.start
    if _had_before(entry, outcomes, asked.washout) or _had_before(
        entry, competing, asked.competing_washout
    ):
        return "washout"
    last = min(_last_days(asked, membership, censored_on))
    if last < entry:
        return "censored"
    found = [(last - entry, 2, "censored")]
    first, second = ("competing", competing), ("events", outcomes)
    if asked.tie == "outcome":
        first, second = second, first
    for order, (ended_by, spans) in enumerate((first, second)):
        until = [one.start - entry for one in spans if one.start >= entry]
        found += [(until[0], order, ended_by)] if until else []
    days, _, ended_by = min(found)
    return "too_short" if days < asked.minimum_days else FollowUp(days, ended_by)


def _had_before(entry: int, outcomes: tuple[Span, ...], washout: int | None) -> bool:
    return washout != 0 and any(
        one.start < entry and (washout is None or one.end >= entry - washout) for one in outcomes
    )


def _last_days(
    asked: CumulativeIncidence, membership: Membership, censored_on: int | None
) -> list[int]:
    """Every day on which follow-up may end without an outcome."""
    found = [membership.period.end, membership.days.start + asked.horizon]
    if asked.censor_on_exit:
        found.append(membership.days.end)
    if asked.censor_on is not None:
        found.append(asked.censor_on.toordinal())
    if censored_on is not None:
        found.append(censored_on)
    return found
