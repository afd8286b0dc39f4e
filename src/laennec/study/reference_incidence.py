"""Time at risk and outcomes, with the semantics of IncidencePrevalence.

Source: darwin-eu/IncidencePrevalence 1.2, ``getDenominatorCohorts.R``, ``estimateIncidence.R`` and
``getIncidence.R``. Where this differs, ``docs/reference/study-semantics.md`` says so and why.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from laennec.study.model import Incidence, Stratum, Study
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_denominators import by_interval, candidates, denominator, of_sex
from laennec.study.reference_history import Span
from laennec.study.reference_person import Person
from laennec.study.reference_rate_attrition import (
    AT_RISK,
    OF_SEX,
    SEEN,
    common_steps,
    counted,
)
from laennec.study.reference_strata import strata_in


@dataclass(frozen=True)
class Stretch:
    """Days at risk without a break; an outcome, if there is one, is on the last of them."""

    days: Span
    has_outcome: bool


def incidence(asked: Incidence, study: Study, person: Person) -> Partial:
    """Count persons, days and outcomes at risk, for every pair of sex and age group.

    Strata are those of the first day on which the person is looked at in the age group, before
    what the outcome and the censoring leave of it.
    """
    membership = person.memberships.get(asked.population or "")
    spans = candidates(asked, person.history, membership)
    member = asked.population is None or membership is not None
    common = common_steps(asked, person.history, spans, member=member)
    outcomes = person.outcomes(asked.outcome)
    parts, steps = [], {}
    for sex in asked.sexes:
        for group in asked.age_groups:
            if of_sex(sex, person.history):
                days = denominator(asked, group, person.history, spans)
                strata = strata_in(asked, study, days, person) if days else []
                steps[sex, group] = [OF_SEX, *([SEEN] if days else [])]
                if asked.censor is not None:
                    days = censored(days, person.first_entry(asked.censor))
                at_risk = stretches(asked, days, outcomes)
                steps[sex, group] += [AT_RISK] if at_risk else []
                analysis: Key = ("incidence", asked.name, sex.value, group.label)
                parts.append(_at_risk(asked, analysis, strata, at_risk))
    return merge([*parts, counted(asked, common, steps)])


def censored(spans: Iterable[Span], day: int | None) -> list[Span]:
    """Return the spans up to a day, that day included; without a day all of them."""
    if day is None:
        return list(spans)
    return [Span(one.start, min(one.end, day)) for one in spans if one.start <= day]


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


def _at_risk(
    asked: Incidence, analysis: Key, strata: Iterable[Stratum], at_risk: list[Stretch]
) -> Partial:
    """One person's time at risk in one analysis, whole and in strata, cut by calendar interval."""
    if not at_risk:
        return Partial()
    counts: Counter[Key] = Counter()
    for stretch in at_risk:
        for interval, days in by_interval(asked.intervals, stretch.days):
            for stratum in strata:
                key = (*analysis, *stratum.key, interval)
                counts[(*key, "persons")] = 1
                counts[(*key, "days")] += days.end - days.start + 1
                if stretch.has_outcome and days.holds(stretch.days.end):
                    counts[(*key, "events")] += 1
    first = date.fromordinal(at_risk[0].days.start)
    last = date.fromordinal(at_risk[-1].days.end)
    return Partial(counts, {analysis: first}, {analysis: last})
