"""Entry queries that are found together, and those that are not."""

from datetime import date
from typing import Any

import pytest

from fakes.definition_runs import stays_in_buckets
from laennec.runs.definition_plan import plan_definitions
from laennec.study.definition import Definition, EventQuery

ONE, TWO, OTHER = (
    EventQuery(table=table, concepts=concepts)
    for table, concepts in (
        ("condition_occurrence", "one"),
        ("condition_occurrence", "two"),
        ("drug_exposure", "one"),
    )
)
SETS = {"one": frozenset({1}), "two": frozenset({2})}
PERSON = {"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1980}
PERIOD = {
    "observation_period_id": 1,
    "person_id": 1,
    "observation_period_start_date": date(2020, 1, 1),
    "observation_period_end_date": date(2020, 12, 31),
}


def condition(number: int, concept: int, day: date) -> dict[str, Any]:
    return {
        "condition_occurrence_id": number,
        "person_id": 1,
        "condition_concept_id": concept,
        "condition_start_date": day,
    }


def first(*entry: EventQuery, **more: Any) -> Definition:
    return Definition(name="d", entry=entry, **{"entry_limit": "first", **more})


@pytest.mark.parametrize(
    ("definition", "queries"),
    [
        (first(ONE, TWO), 1),
        (first(ONE, TWO, ONE), 1),
        (first(ONE, TWO, entry_limit="last"), 1),
        (first(ONE, OTHER, TWO), 3),
        (first(OTHER, ONE, TWO), 2),
        (first(ONE, TWO, entry_limit="all"), 2),
        (first(ONE, TWO, entry_number=2), 2),
        (first(*(one.model_copy(update={"first": True}) for one in (ONE, TWO))), 2),
        (first(ONE, TWO.model_copy(update={"first": True})), 2),
        (first(ONE, EventQuery(table="condition_occurrence")), 2),
    ],
)
def test_queries_of_one_table_behind_each_other_are_found_together(
    definition: Definition, queries: int
) -> None:
    (planned,) = plan_definitions([definition], SETS).definitions
    assert len(planned.entry) == queries


def test_the_first_of_each_set_is_not_the_first_of_both() -> None:
    """The first of one set lies before the observation, that of the other in it."""
    rows: dict[str, list[dict[str, Any]]] = {
        "person": [PERSON],
        "observation_period": [PERIOD],
        "condition_occurrence": [
            condition(1, 1, date(2019, 6, 1)),
            condition(2, 2, date(2020, 6, 1)),
        ],
    }
    each = first(*(one.model_copy(update={"first": True}) for one in (ONE, TWO)))
    found = stays_in_buckets(each, rows, SETS, count=1)
    assert found.stays == [(1, date(2020, 6, 1), date(2020, 12, 31))]
