"""The events of one person that a query of a definition finds, row by row.

Start, end, identifier and visit of an event follow the table of
``docs/reference/circe-semantics.md``. The query's own group is ``reference_definition_groups``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.study.definition import (
    LOOKED_UP,
    Adjustment,
    ConceptFilter,
    DateFilter,
    EventQuery,
    Filter,
    NumberFilter,
    SetFilter,
    TextFilter,
)
from laennec.study.reference_history import Concepts, History, Row

DAY_AFTER = frozenset(
    {
        "condition_occurrence",
        "death",
        "device_exposure",
        "drug_exposure",
        "measurement",
        "observation",
        "procedure_occurrence",
        "specimen",
    }
)
"""Tables where a row that says no end ends on the day after its start."""

ONE_DAY = DAY_AFTER - {"condition_occurrence", "device_exposure", "drug_exposure"}
"""Tables of which no row says an end, whatever columns CDM 5.4 has for it."""

CONCEPT_COLUMNS = {
    "death": ("cause_concept_id", "cause_source_concept_id"),
    "condition_era": ("condition_concept_id", None),
    "drug_era": ("drug_concept_id", None),
    "dose_era": ("drug_concept_id", None),
    "observation_period": ("period_type_concept_id", None),
    "payer_plan_period": ("payer_concept_id", "payer_source_concept_id"),
}
"""Columns of the standard and the source concept, where they are not named after the table."""

HIGH_OR_LOW = frozenset({4155142, 4155143})
"""Values of a measurement that call it abnormal."""


@dataclass(frozen=True)
class Event:
    """One event of a person.

    Attributes:
        table: Table of its row.
        row: Its row, by column.
        key: Identifier, which orders events of one day.
        start: First day.
        end: Last day; before the start where the row says so, None where nothing says it.
        visit: The visit that it is part of, or None.
        sorted_by: Day that orders it among entry events.
    """

    table: str
    row: Row
    key: int
    start: int
    end: int | None
    visit: int | None
    sorted_by: int

    def value(self, column: str) -> Any:
        """Return the value of a column, or of ``start``, ``end`` or ``length`` in days."""
        if column == "length":
            return None if self.end is None else self.end - self.start
        if column in ("start", "end"):
            return self.start if column == "start" else self.end
        return self.row.get(column)


def matching(query: EventQuery, history: History, concepts: Concepts) -> list[Event]:
    """Return the events that a query finds, save that its group is not asked."""
    rows = [
        row for row in history.tables.get(query.table, []) if _of_concepts(query, row, concepts)
    ]
    return chosen(query, [_event(query.table, row) for row in rows], history, concepts)


def chosen(
    query: EventQuery, events: Sequence[Event], history: History, concepts: Concepts
) -> list[Event]:
    """Return those of a query's events that are the first, once adjusted, and pass its filters."""
    if query.first:
        events = sorted(events, key=lambda one: (one.start, one.key))[:1]
    moved = [one for event in events if (one := _adjusted(event, query.adjustment)) is not None]
    return [_in_own_period(one, query) for one in moved if _passes(one, query, history, concepts)]


def holds(wanted: Sequence[Filter], event: Event, history: History, concepts: Concepts) -> bool:
    """Return whether an event meets every filter; what is missing meets none that compares it."""
    return all(_meets(one, event, history, concepts) for one in wanted)


def exposure_end(row: Row, *, supply: int | None) -> int:
    """Return the last day of a drug exposure, or of a supply of so many days from its start."""
    start: int = row["drug_exposure_start_date"].toordinal()
    if supply is not None:
        return start + supply
    if row.get("drug_exposure_end_date") is not None:
        ended: int = row["drug_exposure_end_date"].toordinal()
        return ended
    days: int | None = row.get("days_supply")
    return start + (1 if days is None else days)


def of_drug(row: Row, wanted: frozenset[int]) -> bool:
    """Return whether the standard or the source concept of an exposure is among these."""
    return row.get("drug_concept_id") in wanted or row.get("drug_source_concept_id") in wanted


def _of_concepts(query: EventQuery, row: Row, concepts: Concepts) -> bool:
    stem = query.table.partition("_")[0] if query.table != "visit_detail" else query.table
    named = (f"{stem}_concept_id", f"{stem}_source_concept_id")
    standard, source = CONCEPT_COLUMNS.get(query.table, named)
    for name, column in ((query.concepts, standard), (query.source_concepts, source)):
        if name is not None and (column is None or row.get(column) not in concepts[name]):
            return False
    return True


def _event(table: str, row: Row) -> Event:
    made = cdm(CURRENT).tables[table]
    dates = [one.name for one in made.fields if one.type is FieldType.DATE]
    start = row[next(one for one in dates if not one.endswith("end_date"))].toordinal()
    end = None
    if table == "drug_exposure":
        end = exposure_end(row, supply=None)
    elif table not in ONE_DAY:
        ended = next((row.get(one) for one in dates if one.endswith("_end_date")), None)
        end = None if ended is None else ended.toordinal()
    if end is None and table in DAY_AFTER:
        end = start + 1
    return Event(
        table=table,
        row=row,
        key=row[made.primary_key or "person_id"],
        start=start,
        end=end,
        visit=row.get("visit_occurrence_id"),
        sorted_by=start,
    )


def _adjusted(event: Event, change: Adjustment | None) -> Event | None:
    """The event with its days replaced, or None when it then ends before it starts."""
    if change is None:
        return event
    start = event.start if change.start == "start" else event.end
    end = event.start if change.end == "start" else event.end
    if start is None or end is None:
        return None
    start, end = start + change.start_days, end + change.end_days
    return replace(event, start=start, end=end, sorted_by=start) if start <= end else None


def _passes(event: Event, query: EventQuery, history: History, concepts: Concepts) -> bool:
    for own in (query.period_start, query.period_end):
        if own is not None and not (
            event.end is not None and event.start <= own.toordinal() <= event.end
        ):
            return False
    if query.abnormal and not _abnormal(event.row):
        return False
    return holds(query.filters, event, history, concepts)


def _in_own_period(event: Event, query: EventQuery) -> Event:
    start, end = query.period_start, query.period_end
    return replace(
        event,
        start=event.start if start is None else start.toordinal(),
        end=event.end if end is None else end.toordinal(),
    )


def _abnormal(row: Row) -> bool:
    value, low, high = (row.get(one) for one in ("value_as_number", "range_low", "range_high"))
    below = value is not None and low is not None and value < low
    above = value is not None and high is not None and value > high
    return below or above or row.get("value_as_concept_id") in HIGH_OR_LOW


def _meets(wanted: Filter, event: Event, history: History, concepts: Concepts) -> bool:
    match wanted:
        case NumberFilter():
            number = _number(wanted.column, event, history)
            return number is not None and _compares(wanted, number, wanted.value, wanted.extent)
        case DateFilter():
            day = event.value(wanted.column)
            extent = None if wanted.extent is None else wanted.extent.toordinal()
            return day is not None and _compares(wanted, day, wanted.value.toordinal(), extent)
        case TextFilter():
            text = event.value(wanted.column)
            return text is not None and _reads(wanted, text) != wanted.negate
        case ConceptFilter():
            found = [one for one in _concepts(wanted.column, event, history) if one is not None]
            return any((one in wanted.concepts) != wanted.negate for one in found)
        case SetFilter():
            values = _concepts(wanted.column, event, history)
            if wanted.concept_set is None:
                return any((one is None) == wanted.negate for one in values)
            among = concepts[wanted.concept_set]
            return any((one in among) != wanted.negate for one in values if one is not None)


def _number(column: str, event: Event, history: History) -> float | None:
    if column in ("age", "age_at_end"):
        day, born = event.start if column == "age" else event.end, history.row.get("year_of_birth")
        return None if day is None or born is None else date.fromordinal(day).year - born
    if column in ("range_low_ratio", "range_high_ratio"):
        value, bound = event.value("value_as_number"), event.value(column.removesuffix("_ratio"))
        return None if value is None or not bound else value / bound
    number: float | None = event.value(column)
    return number


def _compares(wanted: NumberFilter | DateFilter, found: float, value: float, extent: Any) -> bool:
    match wanted.compare:
        case "lt":
            return found < value
        case "lte":
            return found <= value
        case "eq":
            return found == value
        case "ne":
            return found != value
        case "gte":
            return found >= value
        case "gt":
            return found > value
        case "between":
            return bool(value <= found <= extent)
        case "not_between":
            return not value <= found <= extent


def _reads(wanted: TextFilter, text: str) -> bool:
    match wanted.compare:
        case "equals":
            return text == wanted.text
        case "starts_with":
            return text.startswith(wanted.text)
        case "ends_with":
            return text.endswith(wanted.text)
        case "contains":
            return wanted.text in text


def _concepts(column: str, event: Event, history: History) -> list[int | None]:
    """The concepts that a filter looks at: one, or one of each row of the table it leads to."""
    plain = column.partition(".")[2]
    match LOOKED_UP.get(column):
        case "person":
            return [history.row.get(plain)]
        case "visit_occurrence":
            visits = history.tables.get("visit_occurrence", [])
            return [one.get(plain) for one in visits if one["visit_occurrence_id"] == event.visit]
        case "provider":
            return [history.providers.get(event.value("provider_id"), {}).get(plain)]
        case "care_site":
            site = history.care_sites.get(event.value("care_site_id"))
            return [] if site is None else [site.get(plain)]
    return [event.value(column)]
