"""The bucket kernel: a study over the rows of one bucket of persons, vectorised.

``evaluate_bucket`` gives exactly the partial that ``study.reference.evaluate`` gives for the same
persons; the reference is the definition, and ``tests/generative/test_runs_agreement.py`` compares
them on random studies and rows. Each cohort is found once and each set of outcomes is joined once,
however many results ask for them.

The engine is Polars (``docs/decisions/0003-bucket-kernel.md``). Memory is bounded by the rows of
one bucket that the plan needs; nothing is written to disk (``runs.spill``).
"""

from collections.abc import Callable, Mapping
from functools import cache

import polars as pl

from laennec.runs.kernel_characteristics import characteristics
from laennec.runs.kernel_cohort_incidence import cohort_incidence
from laennec.runs.kernel_cohorts import Enrolment, enrol
from laennec.runs.kernel_combined import enrol_combined
from laennec.runs.kernel_definitions import enrol_definitions
from laennec.runs.kernel_history import Bucket, load
from laennec.runs.kernel_incidence import incidence
from laennec.runs.kernel_large_scale import large_scale
from laennec.runs.kernel_outcomes import apart, outcomes_of
from laennec.runs.kernel_overlap import overlap, timing
from laennec.runs.kernel_pathways import pathways
from laennec.runs.kernel_prevalence import prevalence
from laennec.runs.kernel_strata import strata
from laennec.runs.kernel_survival import survival
from laennec.runs.plan import Plan
from laennec.runs.ports import BucketSource
from laennec.runs.scans import SharedSource
from laennec.study.model import (
    Characteristics,
    Cohort,
    CohortIncidence,
    CohortOverlap,
    CohortTiming,
    Counts,
    CumulativeIncidence,
    Definition,
    Events,
    Incidence,
    LargeScaleCharacteristics,
    OfCohorts,
    PeriodPrevalence,
    PointPrevalence,
    Result,
    Stays,
    TreatmentPathways,
)
from laennec.study.partials import Partial, merge


def evaluate_bucket(plan: Plan, source: BucketSource, bucket: int) -> Partial:
    """Return the answer of one bucket's persons to the plan's study.

    Args:
        plan: What to evaluate.
        source: Where the rows are.
        bucket: One of ``source.buckets()``.

    Raises:
        LaennecError: the source cannot read the rows.
    """
    source = SharedSource(source, plan.table_scans)
    rows = load(plan, source, bucket)
    enrolled = enrol_all(plan, source, bucket, rows)
    divided = strata(plan.study, rows, enrolled)

    @cache
    def outcomes(of: Events | Stays) -> pl.DataFrame:
        return outcomes_of(of, rows) if isinstance(of, Events) else apart(enrolled[of.cohort].stays)

    parts = [_attrition(name, enrolment) for name, enrolment in enrolled.items()]
    parts.append(_members(divided))
    several = {one.name: enrolled[one.name].stays.height for one in plan.study.definitions()}
    parts.append(Partial({("records", name): n for name, n in several.items() if n}))
    enrolled |= divided
    parts += [_answer(asked, plan, rows, enrolled, outcomes) for asked in plan.study.results]
    return merge(parts)


def _answer(
    asked: Result,
    plan: Plan,
    rows: Bucket,
    enrolled: Mapping[str, Enrolment],
    outcomes: Callable[[Events | Stays], pl.DataFrame],
) -> Partial:
    """One result in one bucket."""
    match asked:
        case Counts():
            return Partial()  # attrition of every cohort is counted whether asked or not
        case Characteristics():
            return characteristics(asked, _labels(asked, plan), rows, enrolled)
        case Incidence():
            population = enrolled.get(asked.population or "")
            censor = enrolled.get(asked.censor or "")
            theirs = outcomes(asked.outcome)
            return incidence(asked, plan.study, rows, theirs, population=population, censor=censor)
        case PointPrevalence() | PeriodPrevalence():
            population = enrolled.get(asked.population or "")
            return prevalence(asked, plan.study, rows, outcomes(asked.outcome), population)
        case CohortIncidence():
            return cohort_incidence(asked, rows, outcomes(asked.outcome), enrolled)
        case CumulativeIncidence():
            competing = None if asked.competing is None else outcomes(asked.competing)
            labels = _labels(asked, plan)
            return survival(asked, labels, outcomes(asked.outcome), competing, enrolled)
        case CohortOverlap():
            return overlap(asked, enrolled)
        case CohortTiming():
            return timing(asked, enrolled)
        case TreatmentPathways():
            return pathways(asked, plan.study.strata_of(asked), outcomes, enrolled)
        case LargeScaleCharacteristics():
            return large_scale(asked, rows, enrolled)


def enrol_all(plan: Plan, source: BucketSource, bucket: int, rows: Bucket) -> dict[str, Enrolment]:
    """Return who of one bucket is in each cohort of the plan's study, by its name.

    Args:
        plan: What to evaluate.
        source: Where the rows are.
        bucket: One of ``source.buckets()``.
        rows: What ``kernel_history.load`` has read of the same bucket.

    Raises:
        LaennecError: the source cannot read the rows.
    """
    enrolled = {one.name: enrol(one, rows) for one in plan.study.cohorts if isinstance(one, Cohort)}
    if plan.definitions.definitions:
        enrolled |= enrol_definitions(plan.definitions, source, bucket, rows)
    for one in plan.study.cohorts:
        if not isinstance(one, Cohort | Definition):
            enrolled[one.name] = enrol_combined(one, enrolled, rows)
    return enrolled


def _labels(asked: OfCohorts, plan: Plan) -> list[str]:
    """The cohorts and strata of a result, as keys of what is enrolled."""
    return [one.label for one in plan.study.strata_of(asked)]


def _members(divided: Mapping[str, Enrolment]) -> Partial:
    sizes = {label: enrolment.members.height for label, enrolment in divided.items()}
    return Partial({("members", label): n for label, n in sizes.items() if n})


def _attrition(cohort: str, enrolment: Enrolment) -> Partial:
    return Partial(
        {("attrition", cohort, step): left for step, left in enumerate(enrolment.attrition) if left}
    )
