"""Time at risk and outcomes of the stays of cohorts, with the semantics of CohortIncidence.

Source: OHDSI/CohortIncidence 4.0, ``incidenceAnalysis.sql`` and ``allOutcomeExclude.sql``. Where
this differs, ``docs/reference/study-semantics.md`` says so and why.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from laennec.study.model import CohortIncidence, RiskBound
from laennec.study.model_cohort_incidence import ALL, Labels
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_history import History, Span, merged
from laennec.study.reference_person import Person

FIRST_DAY = date.min.toordinal()


@dataclass(frozen=True)
class Risk:
    """One stretch of time at risk, with what is excluded of it.

    Attributes:
        days: The stretch.
        excluded: Days of it that are excluded.
        outcomes: Outcomes that begin in it.
        counted: Those of them that begin on a day that is not excluded.
    """

    days: Span
    excluded: int
    outcomes: int
    counted: int

    @property
    def length(self) -> int:
        """How many days the stretch has."""
        return self.days.end - self.days.start + 1


def cohort_incidence(asked: CohortIncidence, person: Person) -> Partial:
    """Count persons, days and outcomes of one person, by cohort, age group, sex and start year."""
    outcomes = person.outcomes(asked.outcome)
    closed = excluded_days(asked, outcomes, person.stays.get(asked.exclude or "", ()))
    parts = []
    for cohort in asked.cohorts:
        stretches = at_risk(asked, person.history, person.stays[cohort])
        risks = [_risk(days, outcomes, closed) for days in stretches]
        for labels in asked.groups():
            inside = [one for one in risks if _in_group(labels, asked, one, person.history)]
            parts.append(_counted(("cohort_incidence", asked.name, cohort, *labels), inside))
    return merge(parts)


def at_risk(asked: CohortIncidence, history: History, stays: Iterable[Span]) -> Iterator[Span]:
    """Yield the stretches at risk in order.

    Each stay that begins on an observed day gives one, which ends no later than the period of
    observation; one that would begin later is on the period's last day. Those that share a day are
    one. Then a stretch counts that begins between the study's dates, up to the last of them.
    """
    spans = []
    for stay in stays:
        period = history.period_of(stay.start)
        if period is not None:
            first = min(_day(asked.risk_from, stay), period.end)
            last = min(_day(asked.risk_until, stay), period.end)
            if first <= last:
                spans.append(Span(first, last))
    for span in merged(spans):
        last = span.end if asked.end is None else min(span.end, asked.end.toordinal())
        late = asked.start is None or asked.start.toordinal() <= span.start
        if late and span.start <= last:
            yield Span(span.start, last)


def excluded_days(
    asked: CohortIncidence, outcomes: Iterable[Span], stays: Iterable[Span]
) -> tuple[Span, ...]:
    """Return the days that are no time at risk, in order; no two spans share a day.

    They are the days after the first of each outcome, counted or not, until the clean window after
    it has passed, and the stays in the excluded cohort.
    """
    cleaning = [Span(one.start + 1, one.end + asked.clean_window) for one in outcomes]
    return merged([*(one for one in cleaning if one.start <= one.end), *stays])


def _day(bound: RiskBound, stay: Span) -> int:
    day = (stay.start if bound.after == "start" else stay.end) + bound.days
    return max(day, FIRST_DAY)


def _risk(days: Span, outcomes: Iterable[Span], closed: Iterable[Span]) -> Risk:
    shared = [
        min(one.end, days.end) - max(one.start, days.start) + 1
        for one in closed
        if one.start <= days.end and days.start <= one.end
    ]
    begun = [one.start for one in outcomes if days.holds(one.start)]
    counted = [day for day in begun if not any(one.holds(day) for one in closed)]
    return Risk(days, sum(shared), len(begun), len(counted))


def _in_group(labels: Labels, asked: CohortIncidence, risk: Risk, history: History) -> bool:
    """Return whether a stretch counts in a group; who has no sex or age is in no group of it."""
    ages, sex, year = labels
    begins = date.fromordinal(risk.days.start).year
    age = None if history.birth is None else begins - history.birth // 10_000
    groups = [
        one.label
        for one in asked.age_groups
        if age is not None and one.minimum <= age <= one.maximum
    ]
    return ages in (ALL, *groups) and sex in (ALL, history.sex) and year in (ALL, str(begins))


def _counted(key: Key, risks: list[Risk]) -> Partial:
    """Count one person in one group: the names are those of CohortIncidence, and one of ours."""
    counts = Counter(
        {
            "persons_at_risk_pe": bool(risks),
            "persons_at_risk": any(one.excluded < one.length for one in risks),
            "persons_excluded_days": any(one.excluded for one in risks),
            "person_days_pe": sum(one.length for one in risks),
            "person_days": sum(one.length - one.excluded for one in risks),
            "person_outcomes_pe": any(one.outcomes for one in risks),
            "person_outcomes": any(one.counted for one in risks),
            "outcomes_pe": sum(one.outcomes for one in risks),
            "outcomes": sum(one.counted for one in risks),
        }
    )
    return Partial({(*key, what): int(number) for what, number in counts.items() if number})
