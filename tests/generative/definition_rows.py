"""Random small CDMs for definitions: every column that a filter may read, few values, short days.

Values are drawn from pools of two to four by the column's type in CDM 5.4, one of them missing
where the CDM allows it (and ends also where it does not, as real CDMs have it), so that filters
meet. ``ties`` adds what the CDM forbids and circe-be's SQL gives no fixed meaning: identifiers that
meet between tables, rows that come twice, two deaths, periods that overlap.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from generative.study_strategies import (
    CONCEPTS,
    PERSON_IDS,
    STRANGER,
    RowLists,
    observation_periods,
)
from laennec.omop.cdm import CURRENT, Field, FieldType, cdm

FIRST_DAY = date(2020, 1, 1)
VISITS = (1, 2, 3)
"""Visits that rows point to; some of them are nobody's, or another person's."""

IDS = (5, -1, 3, 2**40, 8, 1, 2, 13, 21, 34, 55, -(2**40), 89, 144)

NUMBERS = (0.0, 1.5, 2.0, 10.00004, -3.0)
COUNTS = (0, 1, 2, 30)
TEXTS = ("ab", "AB", "xaby", "", "b_")
KINDS = (101, 102, 0)
"""Concepts of types, units, routes, specialties and the like."""

FILTER_COLUMNS = {
    FieldType.INTEGER: COUNTS,
    FieldType.FLOAT: NUMBERS,
    FieldType.TEXT: TEXTS,
}
POINTERS = {
    "visit_occurrence_id": VISITS,
    "provider_id": (1, 2),
    "care_site_id": (1, 2),
}

days = st.integers(0, 60).map(lambda n: FIRST_DAY + timedelta(n))


def _pool(table: str, field: Field) -> tuple[Any, ...]:
    """The values that a column takes, beside missing ones."""
    if field.name in POINTERS:
        return POINTERS[field.name]
    if field.name == "value_as_concept_id":
        return (*KINDS, 4155142)
    if field.name.endswith("_concept_id"):
        stem = field.name.removesuffix("_concept_id").removesuffix("_source")
        own = table.startswith(stem) or stem in ("drug", "condition", "cause")
        return CONCEPTS[:3] if own else KINDS
    return FILTER_COLUMNS[field.type]


def _columns(table: str) -> Iterator[Field]:
    """The columns of a table that are not its key, its person or its days."""
    made = cdm(CURRENT).tables[table]
    for field in made.fields:
        known = field.name in (made.primary_key, "person_id")
        timed = field.type in (FieldType.DATE, FieldType.DATETIME)
        if not (known or timed or field.name.endswith(("_source_value", "_time"))):
            yield field


@st.composite
def table_rows(
    draw: st.DrawFn, table: str, person_ids: list[int], *, ties: bool
) -> list[dict[str, Any]]:
    """Rows of one table of a person's events."""
    made = cdm(CURRENT).tables[table]
    place = list(cdm(CURRENT).tables).index(table)
    dates = [field.name for field in made.fields if field.type is FieldType.DATE]
    start = next(name for name in dates if not name.endswith("end_date"))
    rows: list[dict[str, Any]] = []
    for number in draw(st.permutations(IDS))[: draw(st.sampled_from([8, 12, 5, 0, 14]))]:
        key = number if ties else 1000 + 100 * number + place
        row: dict[str, Any] = {} if made.primary_key is None else {made.primary_key: key}
        row["person_id"] = draw(st.sampled_from([*person_ids * 4, STRANGER]))
        row[start] = draw(days)
        length = draw(st.sampled_from([0, 3, 10, 30, -2, None]))
        for name in dates:
            if name.endswith("end_date"):
                row[name] = None if length is None else row[start] + timedelta(length)
        for field in _columns(table):
            row[field.name] = draw(st.sampled_from([*_pool(table, field) * 3, None]))
        rows += [row] * (draw(st.sampled_from([1, 1, 1, 2])) if ties else 1)
    if table == "visit_occurrence":
        rows = [{**row, "visit_occurrence_id": VISITS[n]} for n, row in enumerate(rows[:3])]
    if table == "death" and not ties:
        rows = list({row["person_id"]: row for row in rows}.values())
    return [dict(row) for row in draw(st.permutations(rows))]


@st.composite
def persons(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three persons; sex, race, ethnicity and year of birth may be missing or unknown."""
    ids = draw(st.lists(st.sampled_from(PERSON_IDS), min_size=1, max_size=3, unique=True))
    return [
        {
            "person_id": person_id,
            "gender_concept_id": draw(st.sampled_from([8507, 8532, 0])),
            "year_of_birth": draw(st.sampled_from([2002, 2001, 1980, None])),
            "month_of_birth": draw(st.sampled_from([1, 12, None])),
            "day_of_birth": draw(st.sampled_from([1, 28, None])),
            "race_concept_id": draw(st.sampled_from(KINDS)),
            "ethnicity_concept_id": draw(st.sampled_from(KINDS)),
        }
        for person_id in ids
    ]


@st.composite
def periods(draw: st.DrawFn, person_ids: list[int], *, ties: bool) -> list[dict[str, Any]]:
    """One period of each, or two apart; with ``ties`` those of ``study_strategies`` as well."""
    made: list[dict[str, Any]] = []
    if ties and draw(st.booleans()):
        made = draw(observation_periods(person_ids))
    else:
        for person_id in person_ids:
            start = draw(st.integers(-40, 10))
            for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
                end = start + draw(st.integers(10, 80))
                made.append(
                    {
                        "observation_period_id": len(made) + 1,
                        "person_id": person_id,
                        "observation_period_start_date": FIRST_DAY + timedelta(start),
                        "observation_period_end_date": FIRST_DAY + timedelta(end),
                    }
                )
                start = end + draw(st.integers(1, 5))
    return [{**row, "period_type_concept_id": draw(st.sampled_from(KINDS))} for row in made]


@st.composite
def rows_of(draw: st.DrawFn, tables: list[str], *, ties: bool) -> RowLists:
    """A CDM with the given tables, visits, providers and care sites."""
    people = draw(persons())
    ids = [one["person_id"] for one in people]
    made: RowLists = {"person": people, "observation_period": draw(periods(ids, ties=ties))}
    for table in sorted({*tables, "visit_occurrence"} - {"observation_period"}):
        made[table] = draw(table_rows(table, ids, ties=ties))
    made["provider"] = [
        {"provider_id": one, "specialty_concept_id": draw(st.sampled_from([*KINDS, None]))}
        for one in (1, 2)
    ]
    made["care_site"] = [
        {"care_site_id": one, "place_of_service_concept_id": draw(st.sampled_from(KINDS))}
        for one in (1, 2)
    ]
    return made
