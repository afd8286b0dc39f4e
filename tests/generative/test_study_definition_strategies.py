"""The strategies generate every class of a definition, every kind of value and every filter."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from generative.circe_json import DISTINCT, FIELDS, NEGATED, SOURCES
from generative.definition_strategies import (
    DefinitionCase,
    correlated,
    custom_eras,
    definition_cases,
    definitions,
    queries,
)
from generative.test_study_strategies import _expected, _found, _sample
from laennec.study.definition import TABLES, Correlated, Definition, EventQuery
from laennec.study.model_cohorts import Frozen
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import read_histories


def _values(value: Any) -> Iterator[Frozen]:
    """Every value of the model that lies in one."""
    if isinstance(value, Frozen):
        yield value
        for name in type(value).model_fields:
            yield from _values(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _values(one)


@cache
def _drawn() -> tuple[Frozen, ...]:
    """Whole definitions, and the parts that most definitions have few of."""
    made: list[Frozen] = [*_sample(definitions(), size=400), *_sample(correlated(1), size=400)]
    made += _sample(custom_eras(), size=600)
    for table in TABLES:
        made += _sample(queries(table, 0), size=600)
    return tuple(made)


def test_every_class_and_kind_of_value_is_generated() -> None:
    expected = set(_expected(Definition, set()))
    assert len(expected) > 100
    assert expected - {feature for one in _drawn() for feature in _found(one)} == set()


def test_every_column_that_atlas_filters_is_generated() -> None:
    queries = [one for one in _values(_drawn()) if isinstance(one, EventQuery)]
    found = {(query.table, one.column) for query in queries for one in query.filters}
    assert {(table, one) for table, known in FIELDS.items() for one in known} - found == set()
    assert {query.table for query in queries if query.source_concepts} == set(SOURCES)
    negated = {
        FIELDS[query.table][one.column]
        for query in queries
        for one in query.filters
        if one.kind == "concept" and one.negate
    }
    assert negated == NEGATED


def test_every_distinct_column_is_generated() -> None:
    counted = [one for one in _values(_drawn()) if isinstance(one, Correlated)]
    found = {(one.query.table, one.distinct) for one in counted}
    assert {(table, one) for table, known in DISTINCT.items() for one in known} - found == set()


def test_cases_meet() -> None:
    """Random definitions find somebody: stays, several of one person, and masks of many kinds."""
    drawn: list[DefinitionCase] = _sample(definition_cases(ties=True), size=300)
    seen: Counter[str] = Counter()
    for case in drawn:
        for history in read_histories(case.rows):
            found = outcome(case.definition, history, case.concepts)
            seen["stay"] += bool(found.stays)
            seen["several stays"] += len(found.stays) > 1
            seen["several events"] += len(found.masks) > 1
            seen["a rule refuses"] += 0 in found.masks and bool(case.definition.rules)
            seen["all rules accept"] += bool(case.definition.rules) and bool(found.stays)
    assert {what for what, times in seen.items() if times >= 3} == {
        "stay",
        "several stays",
        "several events",
        "a rule refuses",
        "all rules accept",
    }
