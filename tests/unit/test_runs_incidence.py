"""Cases of incidence that random rows hardly ever reach, against the reference engine."""

from datetime import date
from typing import Any

from fakes.frame_source import FrameSource
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.kernel_denominators import AT_ONCE
from laennec.runs.plan import plan_study
from laennec.study.model import (
    AgeGroup,
    ConceptItem,
    ConceptSet,
    Events,
    Incidence,
    Interval,
    Study,
)
from laennec.study.partials import Partial
from laennec.study.reference import evaluate

CONCEPTS = {"ill": frozenset({7})}
ILL = Events(table="condition_occurrence", concepts="ill")


def _rows(born: int, observed: tuple[date, date], *ill: date) -> dict[str, list[dict[str, Any]]]:
    person = {"person_id": -9, "gender_concept_id": 8532, "year_of_birth": born}
    period = {
        "person_id": -9,
        "observation_period_start_date": observed[0],
        "observation_period_end_date": observed[1],
    }
    records = [
        {"person_id": -9, "condition_concept_id": 7, "condition_start_date": day} for day in ill
    ]
    return {
        "person": [person],
        "observation_period": [period],
        "condition_occurrence": [{**row, "condition_end_date": None} for row in records],
    }


def _both(asked: Incidence, rows: dict[str, list[dict[str, Any]]]) -> Partial:
    """Return the kernel's answer, which must be the reference's."""
    sets = {"ill": ConceptSet(items=(ConceptItem(concept_id=7),))}
    study = Study(name="s", title="S", concept_sets=sets, results=(asked,))
    found = evaluate_bucket(plan_study(study, CONCEPTS), FrameSource(rows), 0)
    assert found == evaluate(study, rows, CONCEPTS)
    return found


def test_observation_over_many_more_years_than_are_cut_at_once() -> None:
    years = 2 * AT_ONCE + 1
    end = date(1900 + years, 6, 1)
    asked = Incidence(
        name="r", outcome=ILL, age_groups=(AgeGroup(minimum=0, maximum=150),), washout=0
    )
    found = _both(asked, _rows(1900, (date(1900, 6, 1), end), end))
    key = ("incidence", "r", "Both", "0 to 150")
    assert {k[4] for k in found.counts if k[-1] == "persons"} == {
        "overall",
        *range(1900, end.year + 1),
    }
    assert found.counts[(*key, end.year, "events")] == 1


def test_the_first_outcome_of_each_age_group_ends_its_own_time_at_risk_only() -> None:
    asked = Incidence(
        name="r",
        outcome=ILL,
        washout=30,
        age_groups=(AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)),
        intervals=(Interval.OVERALL,),
    )
    observed = (date(2015, 1, 1), date(2025, 12, 31))
    found = _both(asked, _rows(2000, observed, date(2016, 1, 1), date(2020, 1, 1)))
    for group in ("0 to 17", "18 to 64"):
        assert found.counts["incidence", "r", "Both", group, "overall", "events"] == 1
