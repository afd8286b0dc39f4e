"""The strategies generate every class of a definition, every kind of value and every filter."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from generative.circe_json import DISTINCT, FIELDS, NEGATED, SOURCES
from generative.definition_strategies import (
    correlated,
    custom_eras,
    definition_cases,
    definitions,
    queries,
)
from generative.test_study_strategies import SAMPLES, Feature, _expected, _found, _missing, _sample
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
def _drawn(number: int) -> tuple[Frozen, ...]:
    """Whole definitions, and the parts that most definitions have few of."""
    made: list[Frozen] = [
        *_sample(definitions(), size=400, number=number),
        *_sample(correlated(1), size=400, number=number),
        *_sample(custom_eras(), size=600, number=number),
    ]
    for table in TABLES:
        made += _sample(queries(table, 0), size=600, number=number)
    return tuple(made)


def _queries(number: int) -> Iterator[EventQuery]:
    return (one for one in _values(_drawn(number)) if isinstance(one, EventQuery))


def test_every_class_and_kind_of_value_is_generated() -> None:
    def features(number: int) -> Iterator[Feature]:
        return (feature for one in _drawn(number) for feature in _found(one))

    expected = set(_expected(Definition, set()))
    assert len(expected) > 100
    assert _missing(expected, features) == set()


def test_every_column_that_atlas_filters_is_generated() -> None:
    def columns(number: int) -> Iterator[tuple[str, str]]:
        return ((query.table, one.column) for query in _queries(number) for one in query.filters)

    def sources(number: int) -> Iterator[str]:
        return (query.table for query in _queries(number) if query.source_concepts)

    def negated(number: int) -> Iterator[str]:
        return (
            FIELDS[query.table][one.column]
            for query in _queries(number)
            for one in query.filters
            if one.kind == "concept" and one.negate
        )

    filtered = {(table, one) for table, known in FIELDS.items() for one in known}
    assert _missing(filtered, columns) == set()
    assert _missing(set(SOURCES), sources) == set()
    assert _missing(set(NEGATED), negated) == set()
    assert set(sources(0)) <= set(SOURCES)
    assert set(negated(0)) <= set(NEGATED)


def test_every_distinct_column_is_generated() -> None:
    def columns(number: int) -> Iterator[tuple[str, str | None]]:
        counted = (one for one in _values(_drawn(number)) if isinstance(one, Correlated))
        return ((one.query.table, one.distinct) for one in counted)

    wanted: set[tuple[str, str | None]] = {
        (table, one) for table, known in DISTINCT.items() for one in known
    }
    assert _missing(wanted, columns) == set()


MET = {"stay", "several stays", "several events", "a rule refuses", "all rules accept"}
"""What is to happen to persons."""


def test_cases_meet() -> None:
    """Random definitions find somebody: stays, several of one person, and masks of many kinds."""
    seen: Counter[str] = Counter()
    for number in SAMPLES:
        for case in _sample(definition_cases(ties=True), size=300, number=number):
            for history in read_histories(case.rows):
                found = outcome(case.definition, history, case.concepts)
                seen["stay"] += bool(found.stays)
                seen["several stays"] += len(found.stays) > 1
                seen["several events"] += len(found.masks) > 1
                seen["a rule refuses"] += 0 in found.masks and bool(case.definition.rules)
                seen["all rules accept"] += bool(case.definition.rules) and bool(found.stays)
        if all(seen[what] >= 3 for what in MET):
            break
    assert {what for what, times in seen.items() if times >= 3} == MET
