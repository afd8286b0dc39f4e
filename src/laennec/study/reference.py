"""The reference engine: what a study means, in plain Python over rows.

``evaluate`` takes persons one by one and counts. It is slow and it is the definition: every other
engine must return the same partial for the same study and rows (``tests/generative``). The rules
are in the modules it calls, in words in ``docs/reference/study-semantics.md``, and by example in
``tests/spec``.

Pure: no I/O, no clock. Nothing of a person leaves but whole numbers and the first and last day at
risk; what of these may be published is for ``disclosure``.
"""

from collections import Counter
from datetime import date

from laennec.study.model import (
    Characteristics,
    CohortOverlap,
    CohortTiming,
    CumulativeIncidence,
    Incidence,
    LargeScaleCharacteristics,
    Study,
)
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_cohorts import Enrolment, Membership, starting_in
from laennec.study.reference_enrolment import enrol_any
from laennec.study.reference_history import Concepts, History, Rows, read_histories
from laennec.study.reference_incidence import (
    Stretch,
    by_interval,
    candidates,
    denominator,
    of_sex,
    stretches,
)
from laennec.study.reference_large_scale import large_scale
from laennec.study.reference_outcomes import outcomes_of
from laennec.study.reference_overlap import overlap, timing
from laennec.study.reference_strata import in_strata
from laennec.study.reference_survival import follow_up

Memberships = dict[str, Membership]
"""The cohorts one person is in, by name, and their strata, by label."""


def evaluate(study: Study, rows: Rows, concepts: Concepts) -> Partial:
    """Return the answer of these persons to the study, to be merged with that of others.

    Args:
        study: What is asked.
        rows: ``person``, ``observation_period`` and event tables, all rows of each person in it,
            in any order. Ids are any 64-bit integers. Start dates are present.
        concepts: For every concept set of the study, the concepts it resolves to.

    Returns:
        The keys of ``study.partials``; zero counts are left out.

    Raises:
        KeyError: a concept set is not resolved.
    """
    return merge(_answer(study, history, concepts) for history in read_histories(rows))


def _answer(study: Study, history: History, concepts: Concepts) -> Partial:
    """One person's answer to the whole study."""
    enrolments: dict[str, Enrolment] = {}
    for one in study.cohorts:
        enrolments[one.name] = enrol_any(one, history, concepts, enrolments)
    memberships = {
        name: enrolment.membership
        for name, enrolment in enrolments.items()
        if enrolment.membership is not None
    }
    strata = in_strata(study, history, concepts, memberships)
    memberships |= strata
    stays = {name: enrolment.stays for name, enrolment in enrolments.items()}
    parts = [_attrition(name, enrolment) for name, enrolment in enrolments.items()]
    parts.append(Partial({("members", label): 1 for label in strata}))
    for result in study.results:
        match result:
            case Characteristics():
                labels = [one.label for one in study.strata_of(result)]
                parts.append(_characteristics(result, labels, history, concepts, memberships))
            case Incidence():
                parts.append(_incidence(result, history, concepts, memberships))
            case CumulativeIncidence():
                labels = [one.label for one in study.strata_of(result)]
                parts.append(_survival(result, labels, history, concepts, memberships))
            case CohortOverlap():
                parts.append(overlap(result, stays))
            case CohortTiming():
                parts.append(timing(result, stays))
            case LargeScaleCharacteristics():
                parts.append(large_scale(result, history, memberships))
    return merge(parts)


def _attrition(cohort: str, enrolment: Enrolment) -> Partial:
    """Count the person at each step they pass."""
    return Partial({("attrition", cohort, step): 1 for step in range(enrolment.steps_passed)})


def _characteristics(
    asked: Characteristics,
    labels: list[str],
    history: History,
    concepts: Concepts,
    memberships: Memberships,
) -> Partial:
    """Sex, age, observation on each side of entry, and covariates, in each cohort and stratum."""
    counts: dict[Key, int] = {}
    for cohort in labels:
        stay = memberships.get(cohort)
        if stay is None:
            continue
        entry = stay.days.start
        counts["sex", asked.name, cohort, history.sex] = 1
        age = history.age_on(entry)
        if age is not None:
            counts["age", asked.name, cohort, age] = 1
        counts["prior_observation", asked.name, cohort, entry - stay.period.start] = 1
        counts["future_observation", asked.name, cohort, stay.period.end - entry] = 1
        for covariate in asked.covariates:
            if starting_in(covariate.window, entry, history.of(covariate.events, concepts)):
                counts["covariate", asked.name, cohort, covariate.name] = 1
    return Partial(counts)


def _incidence(
    asked: Incidence, history: History, concepts: Concepts, memberships: Memberships
) -> Partial:
    """Persons, days and outcomes at risk, for every pair of sex and age group."""
    if asked.population is not None and asked.population not in memberships:
        return Partial()
    membership = None if asked.population is None else memberships[asked.population]
    spans = candidates(history, membership)
    outcomes = outcomes_of(asked.outcome, history, concepts)
    parts = []
    for sex in asked.sexes:
        for group in asked.age_groups:
            if of_sex(sex, history):
                at_risk = stretches(asked, denominator(asked, group, history, spans), outcomes)
                parts.append(_at_risk(asked, sex.value, group.label, at_risk))
    return merge(parts)


def _at_risk(asked: Incidence, sex: str, group: str, at_risk: list[Stretch]) -> Partial:
    """One person's time at risk in one analysis, cut by calendar interval."""
    if not at_risk:
        return Partial()
    counts: Counter[Key] = Counter()
    for stretch in at_risk:
        for interval, days in by_interval(asked, stretch):
            key = ("incidence", asked.name, sex, group, interval)
            counts[(*key, "persons")] = 1
            counts[(*key, "days")] += days.end - days.start + 1
            if stretch.has_outcome and days.holds(stretch.days.end):
                counts[(*key, "events")] += 1
    analysis: Key = ("incidence", asked.name, sex, group)
    first = date.fromordinal(at_risk[0].days.start)
    last = date.fromordinal(at_risk[-1].days.end)
    return Partial(counts, {analysis: first}, {analysis: last})


def _survival(
    asked: CumulativeIncidence,
    labels: list[str],
    history: History,
    concepts: Concepts,
    memberships: Memberships,
) -> Partial:
    """Day of the first outcome, or of the end of follow-up, in each cohort and stratum."""
    counts: dict[Key, int] = {}
    outcomes = outcomes_of(asked.outcome, history, concepts)
    for cohort in labels:
        seen = follow_up(asked, memberships[cohort], outcomes) if cohort in memberships else None
        if seen is not None:
            what = "events" if seen.has_outcome else "censored"
            counts["survival", asked.name, cohort, seen.days, what] = 1
    return Partial(counts)
