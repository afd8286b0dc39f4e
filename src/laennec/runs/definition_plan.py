"""Which rows the definitions of a study need: one scan of each table, whatever their number.

Concept sets that resolve to the same concepts get one name, so that queries that mean the same are
equal values, and are found once for all cohorts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laennec.runs.definition_columns import concept_columns, event_columns
from laennec.runs.definition_values import Told
from laennec.runs.scans import PERIOD_COLUMNS, TableScan
from laennec.study.definition import (
    CUSTOM_ERA,
    LOOKED_UP,
    ConceptFilter,
    Definition,
    DrugEra,
    EventQuery,
    SetFilter,
)
from laennec.study.definition_parts import (
    asks_same_visit,
    criteria,
    looks_at_end,
    person_columns,
    queries,
)

SHARED = {
    "provider": ("provider_id", "specialty_concept_id"),
    "care_site": ("care_site_id", "place_of_service_concept_id"),
}
"""Tables that are not cut by person, and what is read of them."""

NUMBERED = {
    "range_low_ratio": ("value_as_number", "range_low"),
    "range_high_ratio": ("value_as_number", "range_high"),
}
ABNORMAL = ("value_as_number", "range_low", "range_high", "value_as_concept_id")
OF_END = frozenset({"age_at_end", "length", "end"})
NO_COLUMN = OF_END | {"age", "start"}


@dataclass(frozen=True)
class DefinitionScan:
    """One read of one table in each bucket.

    Attributes:
        table: CDM table.
        columns: Columns to read.
        concepts: Rows of these standard concepts are needed; None when every row is.
        source_concepts: Rows of these source concepts are needed as well.
    """

    table: str
    columns: tuple[str, ...]
    concepts: tuple[int, ...] | None
    source_concepts: tuple[int, ...] = ()

    @cached_property
    def told(self) -> Mapping[str, Told]:
        """What is looked for in the column of standard concepts; nothing when every row is read."""
        if self.concepts is None:
            return {}
        return {concept_columns(self.table)[0]: Told(np.array(self.concepts, np.int64))}

    def table_scan(self) -> TableScan:
        """Return what is read, in the words of all that reads."""
        if self.concepts is None:
            return TableScan(self.table, self.columns, None)
        standard, source = concept_columns(self.table)
        asked = {standard: frozenset(self.concepts)}
        if source is not None and self.source_concepts:
            asked[source] = frozenset(self.source_concepts)
        return TableScan(self.table, self.columns, asked)


@dataclass(frozen=True)
class DefinitionPlan:
    """The definitions of a study, ready to run.

    Attributes:
        definitions: With one name for each set of concepts.
        concepts: That name to the concepts, ascending.
        scans: Tables of events, by name.
        shared: Tables that are not cut by person, which filters look into.
        person_columns: What is read of each person: race and ethnicity only where a filter asks.
    """

    definitions: tuple[Definition, ...] = ()
    concepts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    scans: tuple[DefinitionScan, ...] = ()
    shared: tuple[str, ...] = ()
    person_columns: tuple[str, ...] = ("person_id", "year_of_birth")

    def table_scans(self) -> tuple[TableScan, ...]:
        """Return what is read of each table: of persons and periods every row."""
        if not self.definitions:
            return ()
        persons = TableScan("person", self.person_columns, None)
        periods = TableScan("observation_period", PERIOD_COLUMNS, None)
        return (persons, periods, *(one.table_scan() for one in self.scans))


def plan_definitions(
    definitions: Iterable[Definition], concepts: Mapping[str, frozenset[int]]
) -> DefinitionPlan:
    """Plan definitions whose concept sets have been resolved.

    Raises:
        KeyError: a concept set is not resolved.
    """
    first_of: dict[frozenset[int], str] = {}
    names = {name: first_of.setdefault(ids, name) for name, ids in sorted(concepts.items())}
    renamed = tuple(_merged(_renamed(one, names), first_of) for one in definitions)
    concepts = {name: ids for ids, name in first_of.items()}
    needs: dict[str, _Need] = {}
    for definition in renamed:
        for query, distinct in _of_tables(definition):
            needs.setdefault(query.table, _Need()).add(query, distinct, concepts, needs)
        if isinstance(definition.leave, DrugEra):
            needs.setdefault("drug_exposure", _Need()).add_era(concepts[definition.leave.concepts])
        _add_parts(definition, needs)
    of_person = frozenset[str]().union(*map(person_columns, renamed))
    looked_up = sorted({one for need in needs.values() for one in need.looked_up})
    return DefinitionPlan(
        definitions=renamed,
        concepts={name: np.array(sorted(ids), np.int64) for name, ids in concepts.items()},
        scans=tuple(need.scan(table) for table, need in sorted(needs.items())),
        shared=tuple(one for one in looked_up if one in SHARED),
        person_columns=("person_id", "year_of_birth", *sorted(of_person)),
    )


def _merged(definition: Definition, names: dict[frozenset[int], str]) -> Definition:
    """Ask entry queries that differ in their concepts alone as one, of all these concepts.

    Only where a person's very first or last entry counts, for which an event that is found twice is
    as good as one found once; and only queries one behind the other, since their order decides
    between events of two tables.

    Args:
        definition: With one name for each set of concepts.
        names: Names of sets, to which those of several together are added.
    """
    if definition.entry_limit == "all" or definition.entry_number != 1:
        return definition
    sets = {name: ids for ids, name in names.items()}
    runs: list[list[EventQuery]] = []
    for query in definition.entry:
        if runs and _differ_in_concepts_alone(runs[-1][0], query):
            runs[-1].append(query)
        else:
            runs.append([query])

    def together(alike: list[EventQuery]) -> EventQuery:
        if len(alike) == 1:
            return alike[0]
        union = frozenset[int]().union(*(sets[str(one.concepts)] for one in alike))
        # No name that a study can give begins so.
        name = names.setdefault(union, f"+{len(names)}")
        return alike[0].model_copy(update={"concepts": name})

    return definition.model_copy(update={"entry": tuple(map(together, runs))})


def _differ_in_concepts_alone(one: EventQuery, other: EventQuery) -> bool:
    """Whether one query finds the events of both; not so where each takes its first."""
    if one.first or one.concepts is None or other.concepts is None:
        return False
    return one == other.model_copy(update={"concepts": one.concepts})


def _add_parts(definition: Definition, needs: "dict[str, _Need]") -> None:
    """Read keys, ends and visits where they decide: keys are most of a file, and cost most.

    A key tells which of a person's events of one day comes first. Rows of a table lie in that order
    already, and of several tables it matters only where the end or the visit of the one that is
    taken is looked at; by their first day all are alike.
    """
    visit, end = asks_same_visit(definition), looks_at_end(definition)
    eras = any(query.eras for query, _ in queries(definition))
    for query, _ in _of_tables(definition):
        needs[query.table].visit |= visit
        needs[query.table].end |= end or visit or eras
    limits = {definition.entry_limit, definition.qualify_limit, definition.limit}
    if (end or visit) and limits != {"all"}:
        for query in definition.entry:
            if query.table in needs:
                needs[query.table].key = True
    for criterion in criteria(definition):
        windows = (criterion.window, criterion.end_window)
        on_end = any(one is not None and one.event == "end" for one in windows)
        if on_end and criterion.query.table in needs:
            needs[criterion.query.table].end = True


def _of_tables(definition: Definition) -> Iterator[tuple[EventQuery, str | None]]:
    """The queries that read a table: all but custom eras, whose own queries are among them."""
    return (one for one in queries(definition) if one[0].table != CUSTOM_ERA)


class _Need:
    """What queries of one table read.

    Attributes:
        key, end, visit, source_column: Whether identifier, last day, visit and source concept of
            its rows are read.
    """

    def __init__(self) -> None:
        self.key = self.end = self.visit = self.source_column = False
        self.columns: dict[str, None] = {}
        self.standard: set[int] = set()
        self.source: set[int] = set()
        self.every_row = False
        self.looked_up: set[str] = set()

    def add(
        self,
        query: EventQuery,
        distinct: str | None,
        concepts: Mapping[str, frozenset[int]],
        needs: "dict[str, _Need]",
    ) -> None:
        """Take one more query in."""
        if query.concepts is not None:
            self.standard |= concepts[query.concepts]
        elif query.source_concepts is not None:
            self.source |= concepts[query.source_concepts]
        else:
            self.every_row = True
        self.source_column |= query.source_concepts is not None
        named = [distinct] if distinct else []
        for one in query.filters:
            if isinstance(one, ConceptFilter | SetFilter) and one.column in LOOKED_UP:
                table = LOOKED_UP[one.column]
                self.looked_up.add(table)
                named += [f"{table}_id"] if table in SHARED else []
                if table == "visit_occurrence":
                    self.visit = True
                    visits = needs.setdefault(table, _Need())
                    visits.every_row = visits.key = True
                    visits.columns["visit_concept_id"] = None
            else:
                named += NUMBERED.get(one.column, (one.column,))
        named += ABNORMAL if query.abnormal else ()
        own = query.period_start is not None or query.period_end is not None
        self.end |= own or query.adjustment is not None or not OF_END.isdisjoint(named)
        self.columns.update(dict.fromkeys(one for one in named if one not in NO_COLUMN))

    def add_era(self, concepts: frozenset[int]) -> None:
        """Take exposures in, of standard or source concepts."""
        self.standard |= concepts
        self.source |= concepts
        self.end = self.source_column = True

    def scan(self, table: str) -> DefinitionScan:
        """Return one scan for all that was taken in."""
        standard, source = concept_columns(table)
        own = (standard, source if self.source_column and source is not None else standard)
        parts = event_columns(table, key=self.key, end=self.end, visit=self.visit)
        columns = tuple(dict.fromkeys((*parts, *own, *self.columns)))
        if self.every_row:
            return DefinitionScan(table, columns, None)
        return DefinitionScan(
            table, columns, tuple(sorted(self.standard)), tuple(sorted(self.source))
        )


def _renamed(definition: Definition, names: Mapping[str, str]) -> Definition:
    """The definition with other names for its concept sets."""
    return Definition.model_validate(_with_names(definition.model_dump(), names))


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: names[one]
            if key in ("concepts", "source_concepts", "concept_set") and isinstance(one, str)
            else _with_names(one, names)
            for key, one in value.items()
        }
    if isinstance(value, tuple | list):
        return [_with_names(one, names) for one in value]
    return value
