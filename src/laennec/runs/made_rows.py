"""Rows made for one study, on which a researcher may rehearse it without a hub or a vocabulary.

Events lie on the concepts that the study names, with values that its filters accept most of the
time, in the windows of its criteria, so that every step of an attrition has somebody to count. The
rows describe nobody, and no number that comes of them means anything.

Concept sets stand for themselves: without a vocabulary nothing is known of descendants or of what
maps to a concept. Deterministic: the same study and seed give the same rows.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from laennec.omop.cdm import CURRENT, FieldType, Table, cdm
from laennec.runs.definition_columns import concept_columns
from laennec.study.definition import (
    ConceptFilter,
    DateFilter,
    Definition,
    EventQuery,
    EventWindow,
    Filter,
    Group,
    NumberFilter,
    SetFilter,
    TextFilter,
)
from laennec.study.model import Cohort, Events, HasEvents, Study, Window
from laennec.study.reference_history import Concepts

FIRST, LAST = date(2010, 1, 1), date(2024, 12, 31)
EARLIEST, LATEST = date(1000, 1, 1), date(9000, 1, 1)
OFTEN, SELDOM = 0.8, 0.15
FAR = 400
"""Days from entry within which events of open windows lie."""

MAX_EVENTS = 400_000
"""Events that are made for one study; one that looks for many is rehearsed on fewer persons."""

MadeRows = dict[str, list[dict[str, Any]]]
Wanted = tuple[EventQuery, int, int, float]
"""Events to make about an entry: of what, days from and to, and how probably."""


def concepts_themselves(study: Study) -> dict[str, frozenset[int]]:
    """Return the concepts of each set as they are written, without those that it excludes."""
    found = {}
    for name, concept_set in study.concept_sets.items():
        taken = {one.concept_id for one in concept_set.items if not one.exclude}
        found[name] = frozenset(taken - {o.concept_id for o in concept_set.items if o.exclude})
    return found


def affordable(study: Study, persons: int) -> int:
    """Return how many persons may be made for a study, at least 1 and at most ``persons``."""
    each = sum(3 * len(entries) * (1 + len(around)) for entries, around in _plans(study))
    return max(1, min(persons, MAX_EVENTS // max(each, 1)))


def make_rows(study: Study, concepts: Concepts, *, persons: int, seed: int) -> MadeRows:
    """Return the rows of made persons.

    Args:
        study: What is rehearsed.
        concepts: The concepts of its sets.
        persons: How many.
        seed: Of the random numbers.
    """
    maker = _Maker(concepts, Random(seed))  # noqa: S311 - rows that describe nobody
    plans = list(_plans(study))
    for person_id in range(1, persons + 1):
        maker.person(person_id)
        for entries, around in plans:
            maker.story(person_id, entries, around)
    return maker.rows


def _plans(study: Study) -> Iterator[tuple[tuple[EventQuery, ...], tuple[Wanted, ...]]]:
    """What each cohort is entered by, and what its criteria and the results look for about it."""
    asked = [_asked(one) for one in _plain_events(study)]
    whole = [_of_table(table) for table in study.whole_tables()]
    results = tuple((one, -FAR, FAR, 0.4) for one in (*asked, *whole))
    for cohort in study.cohorts:
        if isinstance(cohort, Cohort):
            criteria = [one for one in cohort.criteria if isinstance(one, HasEvents)]
            around = tuple(
                (_asked(one.events), *_days_of(one.window), _chance(one.at_least))
                for one in criteria
                for _ in range(max(1, min(one.at_least, 5)))
            )
            yield (_asked(cohort.entry),), (*around, *results)
        elif isinstance(cohort, Definition):
            groups = [one.group for one in cohort.rules]
            groups += [cohort.qualify] if cohort.qualify is not None else []
            groups += [one.group for one in cohort.entry if one.group is not None]
            around = tuple(one for group in groups for one in _of_group(group))
            ends = tuple((one, 1, FAR, 0.3) for one in cohort.censoring)
            yield cohort.entry, (*around, *ends, *results)
    if not study.cohorts:
        yield tuple(asked), ()


def _plain_events(study: Study) -> Iterator[Events]:
    entries = {one.entry for one in study.cohorts if isinstance(one, Cohort)}
    yield from (one for one in study.events() if one not in entries)


def _asked(events: Events) -> EventQuery:
    return EventQuery(table=events.table, concepts=events.concepts)


def _of_table(table: str) -> EventQuery:
    """Rows for results that read every row of a table: of two concepts."""
    columns = [one for one in concept_columns(table) if one is not None]
    filters = tuple(ConceptFilter(column=one, concepts=(1, 2)) for one in columns)
    return EventQuery(table=table, filters=filters)


def _of_group(group: Group) -> Iterator[Wanted]:
    for one in group.criteria:
        least = one.count if one.occurrence != "at_most" else 0
        start, end = _bounds(one.window)
        for _ in range(max(1, min(least * (2 if one.distinct else 1), 5))):
            yield one.query, start, end, _chance(least)
        if one.query.group is not None:
            yield from _of_group(one.query.group)
    for inner in group.groups:
        yield from _of_group(inner)


def _chance(least: int) -> float:
    return OFTEN if least else SELDOM


def _bounds(window: EventWindow) -> tuple[int, int]:
    return _ordered(
        window.start if isinstance(window.start, int) else -FAR,
        window.end if isinstance(window.end, int) else FAR,
    )


def _days_of(window: Window) -> tuple[int, int]:
    return _ordered(
        -FAR if window.start is None else window.start, FAR if window.end is None else window.end
    )


def _ordered(start: int, end: int) -> tuple[int, int]:
    """Bounds that lie within a few years."""
    start, end = max(start, -5 * FAR), min(end, 5 * FAR)
    return (start, end) if start <= end else (end, end)


def _within(day: date) -> date:
    """A day about which days can be counted: no filter on an earlier or later one is satisfied."""
    return min(max(day, EARLIEST), LATEST)


class _Maker:
    """Makes rows, one person after the other."""

    def __init__(self, concepts: Concepts, random: Random) -> None:
        self._concepts, self._random = concepts, random
        self._next_key = 1
        self.rows: MadeRows = {"person": [], "observation_period": []}

    def person(self, person_id: int) -> None:
        """Make a person who is observed for some years."""
        start = FIRST + timedelta(self._random.randint(0, 1500))
        self.rows["person"].append(
            {
                "person_id": person_id,
                "gender_concept_id": self._random.choice([8507, 8532]),
                "year_of_birth": self._random.randint(1930, 2009),
                "month_of_birth": self._random.randint(1, 12),
                "day_of_birth": self._random.randint(1, 28),
                "race_concept_id": 0,
                "ethnicity_concept_id": 0,
            }
        )
        self.rows["observation_period"].append(
            {
                "observation_period_id": person_id,
                "person_id": person_id,
                "observation_period_start_date": start,
                "observation_period_end_date": LAST - timedelta(self._random.randint(0, 1500)),
                "period_type_concept_id": 0,
            }
        )

    def story(
        self, person_id: int, entries: Iterable[EventQuery], around: Iterable[Wanted]
    ) -> None:
        """Make entry events now and then, and about each what the criteria look for."""
        random = self._random
        for entry in entries:
            for _ in range(random.choice([1, 1, 2, 3]) if random.random() < OFTEN else 0):
                day = FIRST + timedelta(random.randint(1000, 4600))
                day = self._event(person_id, entry, day)
                for query, start, end, chance in around:
                    if random.random() < chance:
                        self._event(person_id, query, day + timedelta(random.randint(start, end)))

    def _event(self, person_id: int, query: EventQuery, day: date) -> date:
        """Make one event that the query's filters mostly accept; return its first day."""
        if query.table == "observation_period":
            return day
        if query.eras:
            return min(self._event(person_id, one, day) for one in query.eras)
        table = cdm(CURRENT).tables[query.table]
        row: dict[str, Any] = {"person_id": person_id}
        if table.primary_key is not None and table.primary_key != "person_id":
            row[table.primary_key] = self._key()
        self._concept(row, query)
        dates = [one.name for one in table.fields if one.type is FieldType.DATE]
        start = next(one for one in dates if not one.endswith("end_date"))
        row[start] = day
        row |= {one: day + timedelta(self._random.randint(0, 30)) for one in dates if "end" in one}
        for one in query.filters:
            if self._random.random() < OFTEN:
                self._accepted(table, row, one, start)
        if query.abnormal:
            row["value_as_concept_id"] = 4155142
        self.rows.setdefault(query.table, []).append(row)
        moved: date = row[start]
        return moved

    def _key(self) -> int:
        self._next_key += 1
        return self._next_key

    def _concept(self, row: dict[str, Any], query: EventQuery) -> None:
        for name, column in zip(
            (query.concepts, query.source_concepts), concept_columns(query.table), strict=True
        ):
            if name is not None and column is not None and self._concepts[name]:
                row[column] = self._random.choice(sorted(self._concepts[name]))
            elif column is not None:
                row[column] = 0

    def _accepted(self, table: Table, row: dict[str, Any], asked: Filter, start: str) -> None:
        """Change a row so that a filter accepts it, where a column of the row decides."""
        match asked:
            case NumberFilter():
                low = asked.value + {"gt": 1, "lt": -1, "ne": 1}.get(asked.compare, 0)
                high = asked.extent if asked.compare == "between" and asked.extent else low
                value = self._random.uniform(low, high)
                if asked.column in table.field_names:
                    whole = table.field(asked.column).type is FieldType.INTEGER
                    row[asked.column] = round(value) if whole else value
            case DateFilter() if asked.column == "start":
                shifted = row[start]
                first, last = _within(asked.value), _within(asked.extent or asked.value)
                if asked.compare in ("gte", "gt") and shifted <= first:
                    shifted = first + timedelta(self._random.randint(1, 300))
                elif asked.compare in ("lte", "lt", "between") and shifted >= last:
                    shifted = last - timedelta(self._random.randint(1, 300))
                later = shifted - row[start]
                row |= {name: day + later for name, day in row.items() if isinstance(day, date)}
            case TextFilter() if not asked.negate:
                row[asked.column] = asked.text
            case ConceptFilter() if not asked.negate:
                self._chosen(row, asked.column, list(asked.concepts), row[start])
            case SetFilter() if asked.concept_set is not None and not asked.negate:
                known = sorted(self._concepts[asked.concept_set])
                self._chosen(row, asked.column, known, row[start])

    def _chosen(self, row: dict[str, Any], column: str, concepts: list[int], day: date) -> None:
        if "." not in column and concepts:
            row[column] = self._random.choice(concepts)
        elif column == "visit.visit_concept_id" and concepts:
            row["visit_occurrence_id"] = self._key()
            self.rows.setdefault("visit_occurrence", []).append(
                {
                    "visit_occurrence_id": row["visit_occurrence_id"],
                    "person_id": row["person_id"],
                    "visit_concept_id": self._random.choice(concepts),
                    "visit_start_date": day,
                    "visit_end_date": day + timedelta(3),
                }
            )
