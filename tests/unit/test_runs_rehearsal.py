"""Made data for a study: every step has somebody, nothing is left to chance."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from generative.definition_strategies import SETS, definitions
from laennec.disclosure.profiles import load_profile
from laennec.runs import made_rows
from laennec.runs.made_rows import concepts_themselves, make_rows
from laennec.runs.rehearsal import rehearse
from laennec.study.definition import Definition
from laennec.study.files import read_study
from laennec.study.language import (
    aged,
    at_least,
    before,
    cohort,
    cohort_overlap,
    concept_set,
    conditions,
    counts,
    drugs,
    exclude,
    in_visit,
    incidence,
    include,
    intersection,
    large_scale_characteristics,
    measurements,
    no,
    nth,
    rule,
    started,
    study,
    unit,
    value,
)
from laennec.study.model import ConceptItem, ConceptSet, Counts, Study
from laennec.study.reference import evaluate

ROOT = Path(__file__).resolve().parents[2]
DEMO = read_study(ROOT / "src" / "laennec" / "app" / "data" / "celecoxib.toml")
FRANCE = load_profile("france-11")
DRUG = concept_set("drug", include(1, 2), exclude(2))
TEST = concept_set("test", include(3))
USERS = cohort(
    "users",
    drugs(DRUG, where=[started(from_="2015-01-01"), in_visit(9201)]),
    take=nth(2),
    prior_observation=365,
    rules=[
        rule("clean", no(conditions(TEST), before())),
        rule("adult", aged(18, 64)),
        rule(
            "tested", at_least(2, measurements(TEST, where=[value(at_least=7), unit(8)]), before())
        ),
    ],
)


def test_every_step_of_an_attrition_has_somebody_and_excludes_somebody() -> None:
    for asked in (DEMO, study("s", "S", counts("n", USERS))):
        steps = rehearse(asked, FRANCE, persons=600).steps
        assert all(one.persons > 0 for one in steps)
        for name in {one.cohort for one in steps}:
            mine = [one.persons for one in steps if one.cohort == name]
            assert mine == sorted(mine, reverse=True)
            assert mine[0] > mine[-1]


def test_the_same_seed_gives_the_same_attrition_and_another_one_another() -> None:
    assert rehearse(DEMO, FRANCE, persons=200) == rehearse(DEMO, FRANCE, persons=200)
    assert rehearse(DEMO, FRANCE, persons=200, seed=2) != rehearse(DEMO, FRANCE, persons=200)


def test_a_study_that_is_released_is_not_refused() -> None:
    assert rehearse(DEMO, FRANCE, persons=200).refusal is None


def test_what_may_not_leave_together_is_told_before_it_is_asked_of_a_hub() -> None:
    users, tested = USERS, cohort("tested", measurements(TEST))
    both = intersection("both", users, tested, by="persons")
    tables = ["condition_occurrence", "condition_era"]
    for refused, why in (
        ((counts("n", both), cohort_overlap("shared", users, tested)), "a set operation combines"),
        (
            (large_scale_characteristics("all", users, event_in_window=tables),),
            "count the same records twice",
        ),
    ):
        found = rehearse(study("s", "S", *refused), FRANCE, persons=200)
        assert found.refusal is not None
        assert why in found.refusal.happened


@pytest.mark.parametrize("intervals", [["years", "overall"], ["months", "years"]])
def test_a_rate_is_released_though_a_group_has_no_row_in_some_years(intervals: list[str]) -> None:
    """Time at risk of a few old persons begins and ends in the middle of years: these have none."""
    clean = [rule("clean", no(conditions(TEST), before())), rule("adult", aged(18, 150))]
    starters = cohort("starters", drugs(DRUG), take="first", prior_observation=365, rules=clean)
    rates = incidence(
        "rates",
        conditions(TEST),
        population=starters,
        age_groups=[(0, 150), (18, 64), (65, 150)],
        start="2012-01-01",
        end="2020-12-31",
        intervals=intervals,
    )
    asked = study("s", "S", rates)
    for persons in (140, 160):
        assert rehearse(asked, FRANCE, persons=persons, seed=persons).refusal is None


def test_sets_stand_for_themselves() -> None:
    asked = study("s", "S", counts("n", USERS))
    assert concepts_themselves(asked) == {"drug": frozenset({1}), "test": frozenset({3})}


def test_the_attrition_is_that_of_the_reference_engine() -> None:
    concepts = concepts_themselves(DEMO)
    partial = evaluate(DEMO, make_rows(DEMO, concepts, persons=150, seed=1), concepts)
    for one in rehearse(DEMO, FRANCE, persons=150).steps:
        assert partial.counts.get(("attrition", one.cohort, one.number - 1), 0) == one.persons


def test_a_study_that_looks_for_very_many_events_is_rehearsed_on_fewer_persons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made_rows, "MAX_EVENTS", 10_000)
    many = tuple(
        cohort(f"c{n}", drugs(DRUG), rules=[rule("r", *[at_least(5, drugs(DRUG), before())] * 20)])
        for n in range(9)
    )
    found = rehearse(study("s", "S", counts("n", *many)), FRANCE)
    assert 1 <= found.persons < 10
    assert len(found.steps) == 3 * len(many)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definition=definitions())
def test_any_definition_can_be_rehearsed(definition: Definition) -> None:
    some = ConceptSet(items=(ConceptItem(concept_id=1),))
    asked = Study(
        name="s",
        title="S",
        concept_sets=dict.fromkeys(SETS, some),
        cohorts=(definition,),
        results=(Counts(name="n", cohorts=("random",)),),
    )
    assert rehearse(asked, FRANCE, persons=5).steps


@pytest.mark.parametrize("days", [{"from_": "9999-12-31"}, {"until": "0001-01-01"}])
def test_a_day_at_the_end_of_the_calendar_is_rehearsed(days: dict[str, str]) -> None:
    late = cohort("late", drugs(DRUG, where=[started(**days)]))
    found = rehearse(study("late", "Late", counts("n", late)), FRANCE)
    assert found.steps
