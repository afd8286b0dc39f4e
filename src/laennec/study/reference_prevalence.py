"""Point and period prevalence, with the semantics of IncidencePrevalence.

Source: darwin-eu/IncidencePrevalence 1.2, ``getPrevalence.R`` and ``getStudyDates.R``. Where this
differs, ``docs/reference/study-semantics.md`` says so and why.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product

from laennec.core.calendars import Interval, Label, bounds_of, intervals
from laennec.study.model import (
    Level,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Stratum,
    Study,
    TimePoint,
)
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_denominators import candidates, denominator, of_sex
from laennec.study.reference_history import Span
from laennec.study.reference_person import Person
from laennec.study.reference_rate_attrition import (
    OF_SEX,
    SEEN,
    common_steps,
    counted,
    last_step,
)
from laennec.study.reference_strata import strata_in


def prevalence(asked: Prevalence, study: Study, person: Person) -> Partial:
    """Count who is looked at, and who has the outcome, by sex, age group and interval.

    Persons count once in an interval, unless records are counted: then each of their stretches of
    days does, with the outcome when one of its days in the interval is a day of an outcome. Strata
    are those of the first day on which the person is looked at in the age group.
    """
    membership = person.memberships.get(asked.population or "")
    spans = candidates(asked, person.history, membership)
    member = asked.population is None or membership is not None
    common = common_steps(asked, person.history, spans, member=member)
    outcomes = person.outcomes(asked.outcome)
    full = last_step(asked)
    parts, steps = [], {}
    for sex in asked.sexes:
        for group in asked.age_groups:
            if of_sex(sex, person.history):
                days = denominator(asked, group, person.history, spans)
                key: Key = ("prevalence", asked.name, sex.value, group.label)
                strata = strata_in(asked, study, days, person) if days else []
                seen = _seen(asked, key, strata, days, outcomes)
                parts.append(seen)
                steps[sex, group] = [OF_SEX, *([SEEN] if days else [])]
                steps[sex, group] += [full] if full is not None and seen.counts else []
    return merge([*parts, counted(asked, common, steps)])


def point(kind: Interval, time_point: TimePoint, day: date) -> date:
    """Return the day of the interval around ``day`` on which point prevalence is taken."""
    start, end = bounds_of(kind, day)
    match time_point:
        case TimePoint.START:
            return start
        case TimePoint.END:
            return end
        case TimePoint.MIDDLE if kind is Interval.WEEKS:
            return date.fromordinal(min(start.toordinal() + 3, date.max.toordinal()))
        case TimePoint.MIDDLE if kind is Interval.MONTHS:
            return date(start.year, start.month, 15)
        case TimePoint.MIDDLE if kind is Interval.QUARTERS:
            return date(start.year, start.month + 1, 15)
        case _:
            return date(start.year, 7, 1)


def _seen(
    asked: Prevalence,
    key: Key,
    strata: Iterable[Stratum],
    spans: list[Span],
    outcomes: tuple[Span, ...],
) -> Partial:
    """One person's part of one analysis, whole and in strata."""
    if not spans:
        return Partial()
    looks: Counter[Label] = Counter()
    having: Counter[Label] = Counter()
    for span in spans:
        for label, days in _looks(asked, span):
            looks[label] += 1
            having[label] += any(
                one.start <= days.end and days.start <= one.end for one in outcomes
            )
    by_record = isinstance(asked, PeriodPrevalence) and asked.level is Level.RECORD
    counts: dict[Key, int] = {}
    for stratum, label in product(strata, looks):
        place = (*key, *stratum.key, label)
        counts[(*place, "denominator")] = looks[label] if by_record else 1
        if having[label]:
            counts[(*place, "outcomes")] = having[label] if by_record else 1
    first = min(span.start for span in spans)
    last = max(span.end for span in spans)
    return Partial(counts, {key: date.fromordinal(first)}, {key: date.fromordinal(last)})


def _looks(asked: Prevalence, span: Span) -> Iterator[tuple[Label, Span]]:
    """Yield each interval in which the span counts, with the days on which outcomes do."""
    first, last = date.fromordinal(span.start), date.fromordinal(span.end)
    for kind in asked.intervals:
        if isinstance(asked, PointPrevalence):
            for label, start, _ in intervals(kind, first, last):
                day = point(kind, asked.time_point, start).toordinal()
                if span.holds(day):
                    yield label, Span(day, day)
            continue
        if kind is Interval.OVERALL:
            whole: list[tuple[Label, date, date]] = [(Interval.OVERALL.value, date.min, date.max)]
        else:
            whole = list(intervals(kind, first, last))
        for label, start, end in whole:
            inside = Span(max(span.start, start.toordinal()), min(span.end, end.toordinal()))
            if not asked.full_contribution or inside == _all_of(asked, start, end):
                yield label, inside


def _all_of(asked: PeriodPrevalence, start: date, end: date) -> Span:
    """The days of an interval that lie between the dates of the study."""
    first = start if asked.start is None else max(start, asked.start)
    last = end if asked.end is None else min(end, asked.end)
    return Span(first.toordinal(), last.toordinal())
