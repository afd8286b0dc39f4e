"""The bucket kernel's definitions against the reference, on random definitions and rows.

``LAENNEC_EXAMPLES`` multiplies the number of examples, for a long search.
"""

import os
from collections import Counter
from datetime import date

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fakes.definition_runs import BucketAnswer, stays_in_buckets
from fakes.frame_source import FrameSource
from generative.definition_strategies import DefinitionCase, definition_cases
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.plan import Plan, plan_study
from laennec.study.definition import CUSTOM_ERA, Definition
from laennec.study.model import (
    Characteristics,
    Cohort,
    CohortOverlap,
    CohortTiming,
    ConceptItem,
    ConceptSet,
    Counts,
    Covariate,
    CumulativeIncidence,
    DifferenceOf,
    Events,
    FixedDays,
    Incidence,
    IntersectionOf,
    Stays,
    Study,
    TreatmentPathways,
    UnionOf,
    Window,
)
from laennec.study.partials import merge
from laennec.study.reference import evaluate
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import read_histories

TIMES = int(os.environ.get("LAENNEC_EXAMPLES", "1"))


def by_reference(case: DefinitionCase) -> BucketAnswer:
    """Return the stays and masks that the reference engine finds."""
    stays: list[tuple[int, date, date]] = []
    events: Counter[int] = Counter()
    persons: Counter[int] = Counter()
    for history in read_histories(case.rows):
        found = outcome(case.definition, history, case.concepts)
        stays += [
            (
                history.row["person_id"],
                date.fromordinal(one.start),
                date.fromordinal(one.end),
            )
            for one in found.stays
        ]
        events.update(found.masks)
        persons.update([] if found.best is None else [found.best])
    return BucketAnswer(sorted(stays), dict(events), dict(persons))


@settings(
    max_examples=150 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=definition_cases(ties=True), count=st.sampled_from([1, 3]), ordered=st.booleans())
def test_the_kernel_agrees_with_the_reference(
    case: DefinitionCase, count: int, ordered: bool
) -> None:
    found = stays_in_buckets(
        case.definition, case.rows, case.concepts, count=count, ordered=ordered
    )
    assert found == by_reference(case)


SETS = ("drug", "bleed", "both")


@settings(
    max_examples=150 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    case=definition_cases(ties=True),
    names=st.lists(st.sampled_from(SETS), min_size=2, max_size=4),
    first=st.booleans(),
)
def test_entries_that_differ_in_their_concepts_are_found_together(
    case: DefinitionCase, names: list[str], first: bool
) -> None:
    """Whatever the limit, and whether each is the first of its concepts; one of another between."""
    query, *others = case.definition.entry
    assume(query.table != CUSTOM_ERA and query.source_concepts is None)
    alike = [query.model_copy(update={"concepts": name, "first": first}) for name in names]
    entry = (*alike, *others, alike[0])
    said = case.definition.model_copy(update={"entry": entry})
    definition = Definition.model_validate(said.model_dump())
    changed = DefinitionCase(definition, case.concepts, case.rows)
    found = stays_in_buckets(definition, case.rows, case.concepts, count=1)
    assert found == by_reference(changed)


DRUG = Events(table="drug_exposure", concepts="drug")
BOTH = ("random", "users")
MADE = (
    Cohort(name="users", entry=DRUG, exit=FixedDays(days=5)),
    UnionOf(name="either", cohorts=BOTH),
    IntersectionOf(name="both", cohorts=BOTH),
    IntersectionOf(name="of_both", cohorts=BOTH, by="persons"),
    DifferenceOf(name="less", cohorts=BOTH),
    DifferenceOf(name="less_again", cohorts=("either", "both", "users")),
    DifferenceOf(name="not_of", cohorts=BOTH, by="persons"),
)
"""Every operation, on stays of which a person may have several."""
ASKED = (
    Counts(name="counts", cohorts=("random",)),
    Characteristics(
        name="characteristics",
        cohorts=("random", *(one.name for one in MADE)),
        covariates=(Covariate(name="drug", events=DRUG, window=Window(end=0)),),
    ),
    Incidence(name="incidence", population="random", outcome=DRUG),
    Incidence(name="in_made", population="less_again", outcome=DRUG),
    CumulativeIncidence(name="survival", cohorts=("random",), outcome=DRUG, horizon=30, step=10),
    CohortOverlap(name="overlap", cohorts=("random", "same")),
    CohortTiming(name="first", cohorts=("random", "same", "less_again")),
    CohortTiming(name="every", cohorts=("random", "same", "less_again"), first_entry=False),
    TreatmentPathways(
        name="pathways",
        cohorts=("random", "less_again"),
        treatments=(Stays(cohort="same"), DRUG),
        all_stays=True,
        era_collapse_size=0,
        combination_window=1,
        min_post_combination_duration=0,
        filter_treatments="all",
    ),
)
"""Every kind of result, asked of the cohort of a random definition, and the same once again."""


def study_of(case: DefinitionCase) -> Study:
    """Return a study that asks every kind of result of a random definition."""
    some = ConceptSet(items=(ConceptItem(concept_id=1),))
    return Study(
        name="random",
        title="random",
        concept_sets=dict.fromkeys(case.concepts, some),
        cohorts=(
            case.definition,
            case.definition.model_copy(update={"name": "same"}),
            *MADE,
        ),
        results=ASKED,
    )


@settings(
    max_examples=40 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=definition_cases(ties=True))
def test_results_of_a_definition_agree_with_the_reference(case: DefinitionCase) -> None:
    study = study_of(case)
    plan = plan_study(study, case.concepts)
    assert Plan.from_json(plan.to_json()) == plan
    source = FrameSource(case.rows, count=3)
    found = merge(evaluate_bucket(plan, source, bucket) for bucket in source.buckets())
    assert found == evaluate(study, case.rows, plan.concepts)
