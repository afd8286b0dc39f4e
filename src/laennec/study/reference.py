"""The reference engine: what a study means, in plain Python over rows.

``evaluate`` takes persons one by one and counts. It is slow and it is the definition: every other
engine must return the same partial for the same study and rows (``tests/generative``). The rules
are in the modules it calls, in words in ``docs/reference/study-semantics.md``, and by example in
``tests/spec``.

Pure: no I/O, no clock. Nothing of a person leaves but whole numbers and the first and last day at
risk; what of these may be published is for ``disclosure``.
"""

from laennec.study.model import (
    Characteristics,
    CohortIncidence,
    CohortOverlap,
    CohortTiming,
    CumulativeIncidence,
    Incidence,
    LargeScaleCharacteristics,
    PeriodPrevalence,
    PointPrevalence,
    Study,
    TreatmentPathways,
)
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_cohort_incidence import cohort_incidence
from laennec.study.reference_cohorts import Enrolment, starting_in
from laennec.study.reference_enrolment import enrol_any
from laennec.study.reference_history import Concepts, History, Rows, read_histories
from laennec.study.reference_incidence import incidence
from laennec.study.reference_large_scale import large_scale
from laennec.study.reference_overlap import overlap, timing
from laennec.study.reference_pathways import pathways
from laennec.study.reference_person import Memberships, Person
from laennec.study.reference_prevalence import prevalence
from laennec.study.reference_strata import in_strata
from laennec.study.reference_survival import FollowUp, follow_up


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
    person = Person(history, concepts, memberships, stays)
    parts = [_attrition(name, enrolment) for name, enrolment in enrolments.items()]
    parts.append(Partial({("members", label): 1 for label in strata}))
    several = {one.name: len(stays[one.name]) for one in study.definitions()}
    parts.append(Partial({("records", name): n for name, n in several.items() if n}))
    for result in study.results:
        match result:
            case Characteristics():
                labels = [one.label for one in study.strata_of(result)]
                parts.append(_characteristics(result, labels, history, concepts, memberships))
            case Incidence():
                parts.append(incidence(result, study, person))
            case PointPrevalence() | PeriodPrevalence():
                parts.append(prevalence(result, study, person))
            case CohortIncidence():
                parts.append(cohort_incidence(result, person))
            case CumulativeIncidence():
                labels = [one.label for one in study.strata_of(result)]
                parts.append(_survival(result, labels, person))
            case CohortOverlap():
                parts.append(overlap(result, stays))
            case CohortTiming():
                parts.append(timing(result, stays))
            case TreatmentPathways():
                parts.append(pathways(result, study.strata_of(result), person))
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


def _survival(asked: CumulativeIncidence, labels: list[str], person: Person) -> Partial:
    """Day of the first outcome, or of the end of follow-up, in each cohort and stratum."""
    counts: dict[Key, int] = {}
    outcomes = person.outcomes(asked.outcome)
    competing = () if asked.competing is None else person.outcomes(asked.competing)
    censored_on = None if asked.censor is None else person.first_entry(asked.censor)
    for cohort in labels:
        stay = person.memberships.get(cohort)
        if stay is None:
            continue
        seen = follow_up(asked, stay, outcomes, competing, censored_on=censored_on)
        if isinstance(seen, FollowUp):
            counts["survival", asked.name, cohort, seen.days, seen.ended_by] = 1
        else:
            counts["survival_left_out", asked.name, cohort, seen] = 1
    return Partial(counts)
