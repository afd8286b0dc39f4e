"""The strategies generate the whole language: every class, and every kind of value of every field.

What must be generated is read from the model, so that a new class, field or choice which the
strategies forget makes this test fail.
"""

import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from enum import Enum
from functools import cache
from itertools import permutations
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from generative.study_strategies import (
    CONCEPTS,
    PERSON_IDS,
    STRANGER,
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

T = TypeVar("T")

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


def _sample(strategy: st.SearchStrategy[Any], *, size: int = 150, number: int = 0) -> list[Any]:
    """Draw values that depend on the number, and on nothing that ran before but its modules.

    Hypothesis draws some values from the constants of the modules that are loaded: what one
    sample holds is no promise. Whoever needs something rare draws more of them until it is there.
    """
    drawn: list[Any] = []

    @seed(number)
    @settings(
        max_examples=size,
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


SAMPLES = range(6)
"""The samples to draw at most."""


@cache
def _features(number: int) -> frozenset[Feature]:
    drawn = _sample(studies(), size=1500, number=number)
    return frozenset(feature for study in drawn for feature in _found(study))


def _missing(wanted: set[T], found: Callable[[int], Iterable[T]]) -> set[T]:
    """Return what none of the samples has."""
    missing = set(wanted)
    for number in SAMPLES:
        missing -= set(found(number))
        if not missing:
            break
    return missing


def test_every_class_and_kind_of_value_is_generated() -> None:
    # Definitions have strategies of their own, and ``test_study_definition_strategies``.
    expected = set(_expected(Study, {Definition})) - {("Study", "cohorts", "Definition")}
    assert len(expected) > 100
    assert _missing(expected, _features) == set()


def test_numbers_at_their_edges_are_generated() -> None:
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
    assert _missing(edges, _features) == set()


def test_rows_of_every_kind_are_generated() -> None:
    def kinds(number: int) -> Iterator[tuple[str, int | str | None]]:
        for rows in _sample(people(), number=number):
            for row in rows:
                yield from ((column, row[column]) for column in row)
                if (row["month_of_birth"], row["day_of_birth"]) == (2, 29):
                    yield "born on", "a leap day"

    wanted: set[tuple[str, int | str | None]] = {
        *(("person_id", one) for one in PERSON_IDS),
        *(("gender_concept_id", one) for one in (8507, 8532, 0)),
        *((column, None) for column in ("year_of_birth", "month_of_birth", "day_of_birth")),
        ("born on", "a leap day"),
    }
    assert _missing(wanted, kinds) == set()


def _kinds_of_periods(number: int) -> Iterator[str]:
    start, end = "observation_period_start_date", "observation_period_end_date"
    for rows in _sample(observation_periods([1]), number=number):
        mine = [(row[start], row[end]) for row in rows if row["person_id"] == 1]
        yield f"{len(mine)} periods"
        yield from ("empty" for one in mine if one[1] < one[0])
        yield from ("one day" for one in mine if one[1] == one[0])
        for first, second in permutations(mine, 2):
            if first[0] <= second[0] <= first[1]:
                yield "overlap"
        if mine != sorted(mine):
            yield "unsorted"
        if any(row["person_id"] == STRANGER for row in rows):
            yield "of nobody"


def test_periods_of_every_kind_are_generated() -> None:
    wanted = {*(f"{n} periods" for n in range(4)), "empty", "one day", "overlap", "unsorted"}
    assert _missing(wanted | {"of nobody"}, _kinds_of_periods) == set()


def _kinds_of_events(number: int) -> Iterator[str | int]:
    drawn = event_rows(EVENT_TABLES["drug_exposure"], [1, -1], [date(2020, 1, 1)])
    for rows in _sample(drawn, number=number):
        for row in rows:
            ended = row["drug_exposure_end_date"]
            started = row["drug_exposure_start_date"]
            yield "no end" if ended is None else "before" if ended < started else "ends"
            yield row["drug_concept_id"]
        if any(rows.count(row) > 1 for row in rows):
            yield "twice"
        if any(row["person_id"] == STRANGER for row in rows):
            yield "of nobody"


def test_events_of_every_kind_are_generated() -> None:
    wanted = {"no end", "before", "ends", "twice", "of nobody", *CONCEPTS}
    assert _missing(wanted, _kinds_of_events) == set()


MET: set[tuple[str, ...]] = {
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
    ("incidence", "in a stratum"),
    *(
        ("cohort_incidence", f"{what}{before}")
        for what in ("persons_at_risk", "person_days", "person_outcomes", "outcomes")
        for before in ("", "_pe")
    ),
    ("cohort_incidence", "persons_excluded_days"),
    ("rate_attrition",),
    ("prevalence", "denominator"),
    ("prevalence", "outcomes"),
    ("prevalence", "in a stratum"),
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
"""Every kind of count that studies have."""


def _kind(key: tuple[str | int, ...]) -> tuple[str | int, ...]:
    if key[0] in ("incidence", "prevalence") and "|" in str(key[4]):
        return key[0], "in a stratum"
    several = ("incidence", "prevalence", "survival", "survival_left_out", "cohort_incidence")
    return (key[0], key[-1]) if key[0] in several else (key[0],)


def test_cases_meet() -> None:
    """Random studies are answered: each kind of count is reached, not only once."""
    kinds: Counter[tuple[str | int, ...]] = Counter()
    for number in SAMPLES:
        for case in _sample(cases(), size=1200, number=number):
            counts = evaluate(case.study, case.rows, case.concepts).counts
            kinds.update({_kind(key) for key in counts})
        if all(kinds[kind] >= 3 for kind in MET):
            break
    assert {kind for kind, times in kinds.items() if times >= 3} == MET
