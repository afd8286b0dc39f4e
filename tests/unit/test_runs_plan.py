"""Plans: which tables, columns and concepts a study needs, and their text."""

import json

import pytest

from laennec.core.errors import StudyError
from laennec.omop.events import EVENT_TABLES
from laennec.runs.plan import Plan, plan_study
from laennec.study.model import (
    Cohort,
    ConceptItem,
    ConceptSet,
    Counts,
    CumulativeIncidence,
    Events,
    HasEvents,
    Incidence,
    Study,
    Window,
)

DRUG = Events(table="drug_exposure", concepts="drug")
OTHER_DRUG = Events(table="drug_exposure", concepts="other")
BLEED = Events(table="procedure_occurrence", concepts="bleed")
CONCEPTS = {
    "drug": frozenset({-5, 7}),
    "other": frozenset({7, 8}),
    "bleed": frozenset({2**62}),
    "unused": frozenset({1}),
}


def _study() -> Study:
    users = Cohort(
        name="users",
        entry=DRUG,
        criteria=(HasEvents(name="naive", events=OTHER_DRUG, window=Window(end=-1), at_least=0),),
    )
    return Study(
        name="s",
        title="S",
        concept_sets={name: ConceptSet(items=(ConceptItem(concept_id=1),)) for name in CONCEPTS},
        cohorts=(users, Cohort(name="others", entry=OTHER_DRUG)),
        results=(
            Counts(name="flow", cohorts=("users", "others")),
            Incidence(name="rate", outcome=BLEED),
            CumulativeIncidence(name="curve", cohorts=("users",), outcome=BLEED, horizon=9, step=3),
        ),
    )


def test_one_scan_per_table_of_the_union_of_concepts() -> None:
    plan = plan_study(_study(), CONCEPTS)
    assert [scan.table for scan in plan.scans] == [
        "person",
        "observation_period",
        "drug_exposure",
        "procedure_occurrence",
    ]
    drugs, procedures = plan.scans[2:]
    assert drugs.concepts == (-5, 7, 8)
    assert drugs.columns == (
        "person_id",
        "drug_concept_id",
        "drug_exposure_start_date",
        "drug_exposure_end_date",
    )
    assert procedures.concepts == (2**62,)
    assert procedures.columns == ("person_id", "procedure_concept_id", "procedure_date")
    assert procedures.events == EVENT_TABLES["procedure_occurrence"]


def test_concept_sets_that_nobody_reads_stay_out() -> None:
    assert set(plan_study(_study(), CONCEPTS).concepts) == {"drug", "other", "bleed"}


def test_a_set_that_is_not_resolved_is_refused() -> None:
    with pytest.raises(StudyError, match="'bleed'"):
        plan_study(_study(), {name: ids for name, ids in CONCEPTS.items() if name != "bleed"})


def test_the_description_names_tables_sets_cohorts_and_results() -> None:
    text = str(plan_study(_study(), CONCEPTS))
    for part in (
        "scan person: all rows",
        "scan drug_exposure: rows of 3 concepts",
        "for other: 2 concepts",
        "cohorts: users, others",
        "rate (incidence)",
    ):
        assert part in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda read: read.pop("study"),
        lambda read: read.update(format="laennec-plan/0"),
        lambda read: read["concepts"].pop("drug"),
        lambda read: read["concepts"].update(drug=["x"]),
        lambda read: read["concepts"].update(drug=3),
        lambda read: read.update(concepts=[]),
        lambda read: read["study"].update(results=[]),
    ],
)
def test_a_damaged_text_is_no_plan(damage: object) -> None:
    read = json.loads(plan_study(_study(), CONCEPTS).to_json())
    damage(read)  # type: ignore[operator]
    with pytest.raises(StudyError):
        Plan.from_json(json.dumps(read))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"plan"'])
def test_any_other_text_is_no_plan(text: str) -> None:
    with pytest.raises(StudyError):
        Plan.from_json(text)
