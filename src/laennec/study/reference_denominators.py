"""Who is looked at, on which days: the ground of incidence and of prevalence.

Source: darwin-eu/IncidencePrevalence 1.2, ``getDenominatorCohorts.R`` and ``getStudyDates.R``.
Where this differs, ``docs/reference/study-semantics.md`` says so and why.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from laennec.core.calendars import Interval, Label, intervals
from laennec.study.model import AgeGroup, Denominators, Sex
from laennec.study.reference_cohorts import Membership
from laennec.study.reference_history import UNKNOWN_SEX, History, Span


def candidates(
    asked: Denominators, history: History, membership: Membership | None
) -> list[tuple[Span, Span]]:
    """Return (days, period of observation): the stay in the population, or all that is observed.

    Args:
        asked: What is asked.
        history: The person.
        membership: The stay in the population; None when the person has none.
    """
    if asked.population is None:
        return [(period, period) for period in history.observed]
    return [] if membership is None else [(membership.days, membership.period)]


def denominator(
    asked: Denominators, group: AgeGroup, history: History, spans: Iterable[tuple[Span, Span]]
) -> list[Span]:
    """Return the days on which the person is looked at, whatever the outcomes.

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


def by_interval(asked: Iterable[Interval], days: Span) -> Iterator[tuple[Label, Span]]:
    """Yield each calendar interval asked for that the days meet, with the days in it."""
    first, last = date.fromordinal(days.start), date.fromordinal(days.end)
    for kind in asked:
        if kind is Interval.OVERALL:
            yield Interval.OVERALL.value, days
            continue
        for label, start, end in intervals(kind, first, last):
            inside = Span(max(days.start, start.toordinal()), min(days.end, end.toordinal()))
            yield label, inside


def of_sex(asked: Sex, history: History) -> bool:
    """Return whether the person is of the sex asked for; of unknown sex is nobody, as published."""
    return history.sex != UNKNOWN_SEX if asked is Sex.BOTH else history.sex == asked.value
