"""The strategies generate the whole language: every class, and every kind of value of every field.

What must be generated is read from the model, so that a new class, field or choice which the
strategies forget makes this test fail.
"""

import types
from collections import Counter
from collections.abc import Iterator
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generative.study_strategies import (
    CONCEPTS,
    PERSON_IDS,
    STRANGER,
    Case,
    cases,
    event_rows,
    observation_periods,
    people,
    studies,
)
from laennec.omop.events import EVENT_TABLES
from laennec.study.definition import Definition
from laennec.study.model import Frozen, Study
from laennec.study.reference import evaluate

Feature = tuple[str, str, str]
"""Class, field, and a kind of value that the field can have."""


def _choices(annotation: Any, info: Any) -> Iterator[str]:
    """The kinds of value that an annotation allows."""
    origin = get_origin(annotation)
    if annotation is types.NoneType:
        yield "None"
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _choices(one, info)
    elif origin is Literal:
        yield from (str(one) for one in get_args(annotation))
    elif get_args(annotation) and hasattr(annotation, "__metadata__"):
        yield from _choices(get_args(annotation)[0], info)
    elif origin is tuple:
        yield "filled"
        if not any(getattr(one, "min_length", 0) for one in info.metadata):
            yield "empty"
        yield from _choices(get_args(annotation)[0], info)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (str(one.value) for one in annotation)
    elif isinstance(annotation, type) and issubclass(annotation, Frozen):
        yield annotation.__name__
    elif annotation is bool:
        yield from ("True", "False")
    elif annotation in (int, str, date):
        yield annotation.__name__


def _kinds_of(value: Any) -> Iterator[str]:
    """The kinds that one value has."""
    if isinstance(value, tuple):
        yield "filled" if value else "empty"
        for one in value:
            yield from _kinds_of(one)
    elif isinstance(value, Frozen):
        yield type(value).__name__
    elif value is None or isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Enum):
        yield str(value.value)
    else:
        yield type(value).__name__
        yield str(value)


def _expected(model: type[Frozen], seen: set[type[Frozen]]) -> Iterator[Feature]:
    if model in seen:
        return
    seen.add(model)
    for name, info in model.model_fields.items():
        for kind in _choices(info.annotation, info):
            yield model.__name__, name, kind
    for one in _models_in([info.annotation for info in model.model_fields.values()]):
        yield from _expected(one, seen)


def _models_in(annotations: list[Any]) -> Iterator[type[Frozen]]:
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, Frozen):
            yield annotation
        yield from _models_in([one for one in get_args(annotation) if one is not Ellipsis])


def _found(value: Any) -> Iterator[Feature]:
    if isinstance(value, Frozen):
        for name in type(value).model_fields:
            part = getattr(value, name)
            for kind in _kinds_of(part):
                yield type(value).__name__, name, kind
            yield from _found(part)
    elif isinstance(value, tuple):
        for one in value:
            yield from _found(one)
    elif isinstance(value, dict):
        yield from _found(tuple(value.values()))


def _sample(strategy: st.SearchStrategy[Any], *, size: int = 150) -> list[Any]:
    """Draw the same values on every run."""
    drawn: list[Any] = []

    @settings(
        max_examples=size,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(one: Any) -> None:
        drawn.append(one)

    collect()
    return drawn


@cache
def _generated() -> frozenset[Feature]:
    return frozenset(
        feature for study in _sample(studies(), size=1500) for feature in _found(study)
    )


def test_every_class_and_kind_of_value_is_generated() -> None:
    found = _generated()
    # Definitions have strategies of their own, and ``test_study_definition_strategies``.
    expected = set(_expected(Study, {Definition})) - {("Study", "cohorts", "Definition")}
    assert len(expected) > 100
    assert expected - found == set()


def test_numbers_at_their_edges_are_generated() -> None:
    found = _generated()
    edges = {
        ("Incidence", "washout", "0"),
        ("Incidence", "prior_observation", "0"),
        ("CumulativeIncidence", "washout", "0"),
        ("CumulativeIncidence", "competing_washout", "0"),
        ("CumulativeIncidence", "horizon", "1"),
        ("CumulativeIncidence", "minimum_days", "0"),
        ("CumulativeIncidence", "minimum_days", "1"),
        ("Cohort", "prior_observation", "0"),
        ("FixedDays", "days", "0"),
        ("FixedDays", "days", "10000000"),
        ("HasEvents", "at_least", "0"),
        ("HasEvents", "at_most", "0"),
        ("Window", "start", "0"),
        ("Window", "end", "-1"),
        ("Window", "start", "-10000000"),
        *(("Events", "table", table) for table in EVENT_TABLES),
    }
    assert edges - found == set()


def test_rows_of_every_kind_are_generated() -> None:
    persons = [row for rows in _sample(people()) for row in rows]
    assert {row["person_id"] for row in persons} == set(PERSON_IDS)
    assert {row["gender_concept_id"] for row in persons} >= {8507, 8532, 0}
    for column in ("year_of_birth", "month_of_birth", "day_of_birth"):
        assert None in {row[column] for row in persons}
    assert any((row["month_of_birth"], row["day_of_birth"]) == (2, 29) for row in persons)


def test_periods_of_every_kind_are_generated() -> None:
    start, end = "observation_period_start_date", "observation_period_end_date"
    seen = set()
    for rows in _sample(observation_periods([1])):
        mine = [(row[start], row[end]) for row in rows if row["person_id"] == 1]
        seen.add(f"{len(mine)} periods")
        seen |= {"empty" for one in mine if one[1] < one[0]}
        seen |= {"one day" for one in mine if one[1] == one[0]}
        for first in mine:
            for second in mine:
                if first is not second and first[0] <= second[0] <= first[1]:
                    seen.add("overlap")
        if mine != sorted(mine):
            seen.add("unsorted")
        if any(row["person_id"] == STRANGER for row in rows):
            seen.add("of nobody")
    assert seen >= {"0 periods", "1 periods", "2 periods", "3 periods", "empty", "one day"}
    assert seen >= {"overlap", "unsorted", "of nobody"}


def test_events_of_every_kind_are_generated() -> None:
    table = EVENT_TABLES["drug_exposure"]
    seen = set()
    for rows in _sample(event_rows(table, [1, -1], [date(2020, 1, 1)])):
        for row in rows:
            ended = row["drug_exposure_end_date"]
            started = row["drug_exposure_start_date"]
            seen.add("no end" if ended is None else "before" if ended < started else "ends")
            seen.add(row["drug_concept_id"])
        if any(rows.count(row) > 1 for row in rows):
            seen.add("twice")
        if any(row["person_id"] == STRANGER for row in rows):
            seen.add("of nobody")
    assert seen >= {"no end", "before", "ends", "twice", "of nobody", *CONCEPTS}


def test_cases_meet() -> None:
    """Random studies are answered: each kind of count is reached, not only once."""
    drawn: list[Case] = _sample(cases(), size=1200)
    kinds: Counter[tuple[str | int, ...]] = Counter()
    for case in drawn:
        kinds.update(
            {
                (key[0], key[-1])
                if key[0]
                in ("incidence", "prevalence", "survival", "survival_left_out", "cohort_incidence")
                else (key[0],)
                for key in evaluate(case.study, case.rows, case.concepts).counts
            }
        )
    assert {kind for kind, n in kinds.items() if n >= 3} == {
        ("attrition",),
        ("members",),
        ("sex",),
        ("age",),
        ("prior_observation",),
        ("future_observation",),
        ("covariate",),
        ("incidence", "persons"),
        ("incidence", "days"),
        ("incidence", "events"),
        *(
            ("cohort_incidence", f"{what}{before}")
            for what in ("persons_at_risk", "person_days", "person_outcomes", "outcomes")
            for before in ("", "_pe")
        ),
        ("cohort_incidence", "persons_excluded_days"),
        ("rate_attrition",),
        ("prevalence", "denominator"),
        ("prevalence", "outcomes"),
        ("survival", "events"),
        ("survival", "competing"),
        ("survival", "censored"),
        ("survival_left_out", "washout"),
        ("survival_left_out", "censored"),
        ("survival_left_out", "too_short"),
        ("overlap",),
        ("pathway",),
        ("pathway_days",),
        ("large_scale",),
        ("large_scale_observed",),
        ("timing",),
        ("timing_persons",),
    }
