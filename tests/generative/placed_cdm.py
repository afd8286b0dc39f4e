"""A CDM with rows placed on the concepts of definitions, so that most cohorts have members.

Some persons for each definition; each has rows of the tables that its queries read, most of them of
the right concepts, near a day of the person's own, with values that mostly meet the filters. The
vocabulary has the concepts that the definitions name, some with a made-up descendant and a made-up
source. Identifiers differ between tables, so that no two events of one day tie.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.runs.definition_columns import concept_columns
from laennec.study.definition import (
    TABLES,
    ConceptFilter,
    DateFilter,
    Definition,
    EventQuery,
    Group,
    NumberFilter,
    TextFilter,
)
from laennec.study.definition_parts import queries
from laennec.study.model import ConceptItem, ConceptSet
from laennec.study.reference_definition_events import HIGH_OR_LOW

Row = dict[str, Any]
CHILD, SOURCE = 2_000_000_000, 2_100_000_000
NEAR = (0, 0, 0, 1, 2, 3, 5, 7, 10, 14, 20, 30, 45, 60, 90, 120, 180, 365, 400)
MISSED = 0.15
"""Share of filters that a row is not made to meet."""
LENGTHS = (0, 0, 1, 2, 3, 5, 10, 30, None)
SHARED = ("provider", "care_site")


def write_placed_cdm(
    folder: Path,
    definitions: Sequence[Definition],
    sets: Mapping[str, ConceptSet],
    *,
    persons: int,
    seed: int,
) -> None:
    """Write a CDM as Parquet files.

    Args:
        folder: A folder that is there.
        definitions: What the rows are placed for.
        sets: The concept sets that they name.
        persons: Persons for each definition.
        seed: The same seed gives the same rows.
    """
    made = _Placed(sets, seed)
    for definition in definitions:
        for _ in range(persons):
            made.person(definition)
    for table, rows in {**made.tables, **_vocabulary(sets)}.items():
        schema = cdm(CURRENT).tables[table].polars_schema()
        columns = {name: [row.get(name) for row in rows] for name in schema}
        pl.DataFrame(columns, schema=schema).write_parquet(folder / f"{table}.parquet")


def _vocabulary(sets: Mapping[str, ConceptSet]) -> dict[str, list[Row]]:
    """The concepts that sets name, with themselves and a made-up concept below each."""
    ids = sorted({item.concept_id for one in sets.values() for item in one.items})
    places = {one: number for number, one in enumerate(ids)}
    return {
        "concept": [
            {"concept_id": one}
            for concept, number in places.items()
            for one in (concept, CHILD + number, SOURCE + number)
        ],
        "concept_ancestor": [
            {"ancestor_concept_id": concept, "descendant_concept_id": one}
            for concept, number in places.items()
            for one in (concept, CHILD + number)
        ],
        "concept_relationship": [
            {
                "concept_id_1": SOURCE + number,
                "concept_id_2": concept,
                "relationship_id": "Maps to",
            }
            for concept, number in places.items()
        ],
    }


class _Placed:
    """Rows by table, and the identifiers given so far."""

    def __init__(self, sets: Mapping[str, ConceptSet], seed: int) -> None:
        self.tables: dict[str, list[Row]] = {one: [] for one in ("person", *TABLES, *SHARED)}
        self._random = random.Random(seed)  # noqa: S311 - rows that can be made again, no secret
        ids = sorted({item.concept_id for one in sets.values() for item in one.items})
        self._places = {one: number for number, one in enumerate(ids)}
        self._members = {name: self._of_set(one.items) for name, one in sets.items()}
        self._last = 0

    def person(self, definition: Definition) -> None:
        """Add a person with rows for a definition."""
        draw = self._random
        person = self._new_id()
        base = date(2014, 1, 1) + timedelta(draw.randrange(2_500))
        if draw.random() < 0.2:
            base = date(2020, 1, 15) + timedelta(draw.randrange(700))
        self.tables["person"].append(
            {
                "person_id": person,
                "gender_concept_id": draw.choice((8507, 8532)),
                "year_of_birth": base.year - draw.choice((0, 1, 5, 12, 17, 18, 30, 50, 64, 65, 80)),
                "race_concept_id": 0,
                "ethnicity_concept_id": 0,
            }
        )
        start = base - timedelta(draw.choice((10, 365, 400, 800, 1500)))
        for _ in range(draw.choice((1, 1, 1, 2))):
            end = max(start, base) + timedelta(draw.choice((0, 10, 100, 400, 1200)))
            self.tables["observation_period"].append(
                {
                    "observation_period_id": self._new_id(),
                    "person_id": person,
                    "observation_period_start_date": start,
                    "observation_period_end_date": end,
                    "period_type_concept_id": 0,
                }
            )
            start = end + timedelta(draw.choice((1, 5, 200)))
        entry = list(definition.entry)
        for query in draw.choices(entry, k=draw.choice((1, 1, 2, 3))):
            self._rows(query, person, base)
        others = [one for one, _ in queries(definition) if one not in entry]
        for query in draw.sample(others, min(len(others), draw.choice((0, 1, 2, 4, 6)))):
            self._rows(query, person, base)

    def _rows(self, query: EventQuery, person: int, base: date) -> None:
        """Add rows that a query looks for, and now and then of the query's own group."""
        for _ in range(self._random.choice((1, 1, 2, 3))):
            if query.table != "observation_period":
                self._row(query, person, base)
        for one in _within(query.group):
            if self._random.random() < 0.6:
                self._row(one, person, base)

    def _row(self, query: EventQuery, person: int, base: date) -> None:
        draw, made = self._random, cdm(CURRENT).tables[query.table]
        if query.table == "death" and any(
            one["person_id"] == person for one in self.tables["death"][-3:]
        ):
            return
        day = base + timedelta(draw.choice(NEAR) * draw.choice((1, 1, -1)))
        for one in query.filters:
            if isinstance(one, DateFilter) and draw.random() < 0.8:
                day = one.value + timedelta(draw.choice((0, 1, 30, -1)))
        row: Row = {"person_id": person}
        if made.primary_key is not None:
            row[made.primary_key] = self._new_id()
        length = draw.choice(LENGTHS)
        for field in made.fields:
            if field.type is FieldType.DATE:
                ends = field.name.endswith("end_date")
                row[field.name] = (
                    day if not ends else (None if length is None else day + timedelta(length))
                )
        if query.table.startswith("visit") or query.table.endswith("era"):
            row = {name: day if value is None else value for name, value in row.items()}
        standard, source = concept_columns(query.table)
        row[standard] = self._concept(query.concepts)
        if source is not None:
            row[source] = self._concept(query.source_concepts)
        if query.table == "drug_exposure":
            row["days_supply"] = draw.choice((None, 1, 7, 30))
        if "visit_occurrence_id" in made.field_names and query.table != "visit_occurrence":
            row["visit_occurrence_id"] = self._visit(person, day)
        self._meet(query, row)
        self.tables[query.table].append(row)

    def _meet(self, query: EventQuery, row: Row) -> None:
        """Give a row the values that the filters ask for, most of the time."""
        draw = self._random
        for one in query.filters:
            if draw.random() < MISSED:
                continue
            match one:
                case NumberFilter():
                    self._number(one, query.table, row)
                case ConceptFilter(column=column, concepts=concepts) if "." not in column:
                    row[column] = draw.choice(concepts)
                case ConceptFilter():
                    self._elsewhere(one, row)
                case TextFilter(column=column, text=text):
                    row[column] = text
        if query.abnormal:
            row["value_as_concept_id"] = draw.choice((*sorted(HIGH_OR_LOW), 0))

    def _number(self, wanted: NumberFilter, table: str, row: Row) -> None:
        """Give a row a number near what a filter compares it with."""
        draw, column = self._random, wanted.column
        if column in cdm(CURRENT).tables[table].field_names:
            near = (
                wanted.value
                if wanted.extent is None
                else draw.choice((wanted.value, wanted.extent))
            )
            row[column] = _fit(table, column, near + draw.choice((0, 1, -1, 0.5)))
        elif column.endswith("_ratio"):
            row["value_as_number"] = wanted.value * 10 + draw.choice((0, 1, -1))
            row[column.removesuffix("_ratio")] = 10.0

    def _elsewhere(self, wanted: ConceptFilter, row: Row) -> None:
        """Point a row at a new provider or visit that has a concept which a filter asks for."""
        concept, number = self._random.choice(wanted.concepts), self._new_id()
        if wanted.column.startswith("provider."):
            row["provider_id"] = number
            made = {"provider_id": number, "specialty_concept_id": concept}
            self.tables["provider"].append(made)
        elif wanted.column.startswith("visit."):
            row["visit_occurrence_id"] = number
            day = next(one for one in row.values() if isinstance(one, date))
            self.tables["visit_occurrence"].append(
                {
                    "visit_occurrence_id": number,
                    "person_id": row["person_id"],
                    "visit_concept_id": concept,
                    "visit_start_date": day,
                    "visit_end_date": day + timedelta(self._random.choice((0, 2, 9))),
                }
            )

    def _visit(self, person: int, day: date) -> int | None:
        """A visit of the person of that time, if one is there already."""
        near = [
            one
            for one in self.tables["visit_occurrence"][-6:]
            if one["person_id"] == person and one["visit_start_date"] <= day
        ]
        return self._random.choice(near)["visit_occurrence_id"] if near else None

    def _concept(self, name: str | None) -> int:
        members = () if name is None else self._members[name]
        if not members or self._random.random() < 0.03:
            return self._random.choice((0, 1, 2, 3))
        return self._random.choice(members)

    def _of_set(self, items: Iterable[ConceptItem]) -> tuple[int, ...]:
        """Concepts of a set, some of them by a made-up descendant or source."""
        found = []
        for item in items:
            place = self._places[item.concept_id]
            found.append(item.concept_id)
            found += [CHILD + place] if item.descendants else []
            found += [SOURCE + place] if item.mapped else []
        return tuple(found)

    def _new_id(self) -> int:
        self._last += 1
        return self._last


def _within(group: Group | None) -> list[EventQuery]:
    if group is None:
        return []
    found = [one.query for one in group.criteria]
    for inner in group.groups:
        found += _within(inner)
    return found


def _fit(table: str, column: str, value: float) -> float | int:
    whole = cdm(CURRENT).tables[table].field(column).type is FieldType.INTEGER
    return int(value) if whole else value
