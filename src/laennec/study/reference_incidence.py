"""Time at risk and outcomes, with the semantics of IncidencePrevalence.

Source: darwin-eu/IncidencePrevalence 1.2, ``getDenominatorCohorts.R``, ``estimateIncidence.R`` and
``getIncidence.R``. Where this differs, ``docs/reference/study-semantics.md`` says so and why.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from laennec.study.model import AgeGroup, Incidence, Interval, Sex
from laennec.study.reference_cohorts import Membership
from laennec.study.reference_history import UNKNOWN_SEX, History, Span


@dataclass(frozen=True)
class Stretch:
    """Days at risk without a break; an outcome, if there is one, is on the last of them."""

    days: Span
    has_outcome: bool


def candidates(history: History, membership: Membership | None) -> list[tuple[Span, Span]]:
    """Return (days, period of observation) that may be at risk: the stay, or all that is observed.

    Args:
        history: The person.
        membership: The stay in the population; None when the population is everyone observed.
    """
    if membership is not None:
        return [(membership.days, membership.period)]
    return [(period, period) for period in history.observed]


def denominator(
    asked: Incidence, group: AgeGroup, history: History, spans: Iterable[tuple[Span, Span]]
) -> list[Span]:
    """Return the days on which the person may be at risk, before outcomes are looked at.

    A day belongs to the denominator when it is in a span, in the study's dates, at least
    ``prior_observation`` days after its period began, and the age on that day is in the group.
    """
    kept = []
    for days, period in spans:
        first = max(days.start, period.start + asked.prior_observation)
        last = days.end
        if asked.start is not None:
            first = max(first, asked.start.toordinal())
        if asked.end is not None:
            last = min(last, asked.end.toordinal())
        aged = history.days_aged(group.minimum, group.maximum, Span(first, last))
        if aged is not None:
            kept.append(aged)
    return kept


def stretches(asked: Incidence, spans: Iterable[Span], outcomes: tuple[Span, ...]) -> list[Stretch]:
    """Return the time at risk in order, each stretch ending on its outcome if it has one.

    The outcome day is at risk. After an outcome, time starts again ``washout`` days after its last
    day, counted or not; never when the washout is None. Unless outcomes repeat, nothing after the
    first counted outcome is at risk, in any later period either.
    """
    found: list[Stretch] = []
    for span in sorted(spans):
        for stretch in _within(span, outcomes, asked.washout):
            found.append(stretch)
            if stretch.has_outcome and not asked.repeated:
                return found
    return found


def by_interval(asked: Incidence, stretch: Stretch) -> Iterator[tuple[int | str, Span]]:
    """Yield each calendar interval asked for that the stretch meets, with the days in it."""
    if Interval.OVERALL in asked.intervals:
        yield Interval.OVERALL.value, stretch.days
    if Interval.YEARS in asked.intervals:
        first, last = date.fromordinal(stretch.days.start), date.fromordinal(stretch.days.end)
        for year in range(first.year, last.year + 1):
            start = max(stretch.days.start, date(year, 1, 1).toordinal())
            yield year, Span(start, min(stretch.days.end, date(year, 12, 31).toordinal()))


def of_sex(asked: Sex, history: History) -> bool:
    """Return whether the person is of the sex asked for; of unknown sex is nobody, as published."""
    return history.sex != UNKNOWN_SEX if asked is Sex.BOTH else history.sex == asked.value


def _within(span: Span, outcomes: tuple[Span, ...], washout: int | None) -> Iterator[Stretch]:
    free_from = span.start
    for outcome in outcomes:
        if outcome.start > span.end:
            break
        if free_from <= outcome.start:
            yield Stretch(Span(free_from, outcome.start), has_outcome=True)
        if washout is None:
            return
        free_from = max(free_from, outcome.end + washout + 1)
    if free_from <= span.end:
        yield Stretch(Span(free_from, span.end), has_outcome=False)
