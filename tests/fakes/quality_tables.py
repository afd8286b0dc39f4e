"""Random OMOP tables full of faults, small enough that every check finds some and not all."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from random import Random

import polars as pl

from laennec.omop.cdm import Field, FieldType, cdm
from laennec.quality.checks import checks

CLINICAL = (
    "observation_period",
    "visit_occurrence",
    "visit_detail",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "device_exposure",
    "measurement",
    "observation",
    "death",
    "note",
    "specimen",
    "payer_plan_period",
    "drug_era",
    "condition_era",
    "cost",
    "provider",
    "care_site",
    "location",
    "note_nlp",
)
VOCABULARY = ("concept", "concept_ancestor", "domain", "vocabulary", "concept_class")
_DAYS = [date(1949, 12, 31), date(1970, 3, 5), date(2020, 6, 1), date(2020, 6, 9)]
_LATE = [date(2021, 1, 1), date(2026, 11, 29), date(2026, 11, 30), date(2031, 1, 1)]


def random_tables(random: Random, version: str) -> dict[str, pl.DataFrame]:
    """Return persons, a vocabulary and some other tables, with all fields of the version."""
    known = cdm(version).tables
    some = random.sample([name for name in CLINICAL if name in known], 9)
    names = ["person", *VOCABULARY, *some, *_links(some)]
    concepts = _concepts(version, random)
    return {
        name: _table(name, version, random, concepts, rows=random.choice([0, 1, 14, 30]))
        if name not in {"person", "concept"}
        else _table(name, version, random, concepts, rows=12)
        for name in dict.fromkeys(names)
    }


def _links(some: list[str]) -> list[str]:
    """Return what most checks look into, so that few of them are errors."""
    linked = {"visit_occurrence", "provider", "care_site", "location", "death", "visit_detail"}
    links = sorted(linked) if "provider" in some else ["visit_occurrence", "death"]
    return [*links, "condition_era"] if "condition_occurrence" in some else links


def _concepts(version: str, random: Random) -> list[int]:
    """Return a few concepts, some of them of checks on sex and on units."""
    named = [
        concept
        for check in checks(version)
        if check.concept_id and check.name != "plausibleGender"
        for concept in check.concepts
    ]
    sexed = [one.concepts[0] for one in checks(version) if one.name == "plausibleGender"]
    return [0, 8507, 8532, *random.sample(named, 2), *random.sample(sexed, 5), 8554, 7777]


def _table(
    name: str, version: str, random: Random, concepts: list[int], *, rows: int
) -> pl.DataFrame:
    table = cdm(version).tables[name]
    made = {}
    for field in table.fields:
        value = _VALUES.get((name, field.name)) or _value(field)
        empty = random.random() < 0.25 and field.name != "person_id"
        made[field.name] = [None if empty else value(random, concepts) for _ in range(rows)]
    return pl.DataFrame(made, schema=table.polars_schema())


Value = Callable[[Random, list[int]], object]


def _value(field: Field) -> Value:
    if field.name == "person_id":
        return lambda random, _: random.choice([1, 2, 3, 4, 5, 6, 7, None])
    if "concept_id" in field.name:
        return lambda random, concepts: random.choice([*concepts, None])
    if field.name.endswith("_id") and field.type is FieldType.INTEGER:
        return lambda random, _: random.choice([1, 2, 3, 4, 5, 6, -3, 2**40, None])
    return _OF_TYPE[field.type]


def _day(random: Random, _: list[int]) -> date | None:
    return random.choice([*_DAYS, *_DAYS, *_LATE, None])


def _moment(random: Random, concepts: list[int]) -> datetime | None:
    day = _day(random, concepts)
    hour = time(random.choice([0, 23]))
    return None if day is None else datetime.combine(day, hour)


_OF_TYPE: Mapping[FieldType, Value] = {
    FieldType.INTEGER: lambda random, _: random.choice([-1, 0, 1, 40, 400, None]),
    FieldType.FLOAT: lambda random, _: random.choice([-1.5, 0.0, 1.0, 2.5, None]),
    FieldType.DATE: _day,
    FieldType.DATETIME: _moment,
    FieldType.TEXT: lambda random, _: random.choice(["a", "b", "c", "Drug", None]),
}
_VALUES: Mapping[tuple[str, str], Value] = {
    ("measurement", "measurement_concept_id"): lambda random, _: random.choice([3006315, 3034426]),
    ("measurement", "unit_concept_id"): lambda random, _: random.choice([8784, 8555, 7777, None]),
    ("concept_ancestor", "ancestor_concept_id"): lambda random, _: random.choice(
        [4090861, 4095793, 443343, 4041261, 4250917]
    ),
    ("person", "year_of_birth"): lambda random, _: random.choice([1700, 1970, 2020, 2028, None]),
    ("person", "month_of_birth"): lambda random, _: random.choice([0, 2, 6, 13, None]),
    ("person", "day_of_birth"): lambda random, _: random.choice([1, 9, 30, 32, None]),
    ("person", "gender_concept_id"): lambda random, _: random.choice([8507, 8532, 0, None]),
    ("concept", "domain_id"): lambda random, _: random.choice(
        ["Drug", "Gender", "Unit", "Condition", "Visit", "Type Concept", None]
    ),
    ("concept", "concept_class_id"): lambda random, _: random.choice(["Ingredient", "a", None]),
    ("concept", "standard_concept"): lambda random, _: random.choice(["S", "S", "C", None]),
    ("concept", "invalid_reason"): lambda random, _: random.choice(["D", None, None, None]),
    ("domain", "domain_id"): lambda random, _: random.choice(["Drug", "Gender", "a"]),
}
