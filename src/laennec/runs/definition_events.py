"""The events that a query of a definition finds in one bucket, before its group is asked.

The rules, and the order in which they apply, are those of ``study.reference_definition_events``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from laennec.runs.definition_tables import (
    LINE,
    MISSING,
    People,
    Periods,
    Table,
    changes,
    in_order,
    whole,
)
from laennec.runs.definition_values import Truth, Whole
from laennec.runs.kernel_cohorts import EPOCH
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
from laennec.study.reference_definition_events import HIGH_OR_LOW

Numbers = NDArray[np.float64]
OfConcept = ConceptFilter | SetFilter

COMPARISONS: Mapping[str, np.ufunc] = {
    "lt": np.less,
    "lte": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "gte": np.greater_equal,
    "gt": np.greater,
}


class Rows(Protocol):
    """The rows of one bucket that a plan reads."""

    people: People
    periods: Periods

    def table(self, name: str) -> Table:
        """Return a table of events."""

    def concepts(self, name: str) -> Whole:
        """Return the concepts of a set, ascending."""

    def whole_table(self, name: str) -> pl.DataFrame:
        """Return the rows of a table that is not cut by person."""


@dataclass(frozen=True, eq=False)
class Events:
    """Events of one table, by person, start and identifier; parallel arrays.

    Attributes:
        table: Table of their rows.
        rows: Their positions in the table.
        start, end: Days, adjusted where the query says so; ``end`` may be ``MISSING``.
        sorted_by: Day that orders them among entry events.
    """

    table: Table
    rows: Whole
    start: Whole
    end: Whole
    sorted_by: Whole

    @cached_property
    def person(self) -> Whole:
        """Number of the person of each."""
        return self.table.person[self.rows]

    @cached_property
    def key(self) -> Whole:
        """Identifier of each."""
        return self.table.key[self.rows]

    @cached_property
    def visit(self) -> Whole:
        """The visit of each, or ``MISSING``."""
        return self.table.visit[self.rows]

    @cached_property
    def line(self) -> Whole:
        """Place of each start on the line, ascending."""
        return self.person * LINE + self.start

    def take(self, kept: Whole | Truth) -> "Events":
        """Return some of the events: a mask, or positions."""
        if kept.dtype == np.bool_:
            if kept.all():
                return self
            kept = np.flatnonzero(kept)
        start = self.start[kept]
        sorted_by = start if self.sorted_by is self.start else self.sorted_by[kept]
        return Events(self.table, self.rows[kept], start, self.end[kept], sorted_by)

    def days(self) -> "Days":
        """Return what a demographic filter looks at."""
        return Days(self.person, self.start, self.end)


@dataclass(frozen=True, eq=False)
class Days:
    """Persons and days of events of any table; parallel arrays."""

    person: Whole
    start: Whole
    end: Whole


def matching(query: EventQuery, rows: Rows) -> Events:
    """Return the events that a query finds, save that its group is not asked."""
    table = rows.table(query.table)
    named = (query.concepts, query.source_concepts)
    standard, source = (None if one is None else rows.concepts(one) for one in named)
    found = table.rows_of(standard, source)
    if query.first:
        found = found[changes(table.person[found])]
    start = table.start[found]
    return chosen(query, Events(table, found, start, table.end[found], start), rows)


def chosen(query: EventQuery, events: Events, rows: Rows) -> Events:
    """Return those of a query's events that are the first, once adjusted, and pass its filters."""
    if query.first:
        events = events.take(changes(events.person))
    if not events.rows.size:
        return events
    if query.adjustment is not None:
        events = _adjusted(events, query.adjustment)
    events = events.take(_passes(query, events, rows))
    return _in_own_period(events, query)


def holds(wanted: Iterable[Filter], days: Days, events: Events | None, rows: Rows) -> Truth:
    """Return which events meet every filter.

    Args:
        wanted: Filters; those of a person, or on days, when ``events`` is None.
        days: Persons and days.
        events: The same events where they are of one table.
        rows: The bucket.
    """
    met = np.ones(days.person.size, np.bool_)
    for one in wanted:
        met &= _meets(one, days, events, rows)
    return met


def years(days: Whole) -> Whole:
    """Return the calendar year of each day from 1970-01-01.

    Of many days within few years, each day of these years is asked once.
    """
    if days.size and np.ptp(days) < days.size:
        lowest = days.min()
        found: Whole = _calendar_years(np.arange(lowest, days.max() + 1))[days - lowest]
        return found
    return _calendar_years(days)


def _calendar_years(days: Whole) -> Whole:
    return days.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970


def day_number(day: date) -> int:
    """Return a date as days from 1970-01-01."""
    return day.toordinal() - EPOCH


def _adjusted(events: Events, change: Adjustment) -> Events:
    """The events with their days replaced, without those that then end before they start."""
    start = events.start if change.start == "start" else events.end
    end = events.start if change.end == "start" else events.end
    known = (start != MISSING) & (end != MISSING)
    start, end = start + change.start_days, end + change.end_days
    moved = Events(events.table, events.rows, start, end, start).take(known & (start <= end))
    return _ordered(moved)


def _ordered(events: Events) -> Events:
    """The events in order again, after their starts were replaced."""
    order = in_order(events.person * LINE + events.start, events.key)
    return events if order is None else events.take(order)


def _passes(query: EventQuery, events: Events, rows: Rows) -> Truth:
    met = np.ones(events.rows.size, np.bool_)
    for own in (query.period_start, query.period_end):
        if own is not None:
            day = day_number(own)
            met &= (events.end != MISSING) & (events.start <= day) & (day <= events.end)
    if query.abnormal:
        met &= _abnormal(events)
    return met & holds(query.filters, events.days(), events, rows)


def _in_own_period(events: Events, query: EventQuery) -> Events:
    if query.period_start is None and query.period_end is None:
        return events
    start, end = events.start, events.end
    if query.period_start is not None:
        start = np.full_like(start, day_number(query.period_start))
    if query.period_end is not None:
        end = np.full_like(end, day_number(query.period_end))
    return _ordered(Events(events.table, events.rows, start, end, events.sorted_by))


def _abnormal(events: Events) -> Truth:
    names = ("value_as_number", "range_low", "range_high")
    (value, has), (low, has_low), (high, has_high) = (
        _numbers(events.table.values(one, events.rows)) for one in names
    )
    marked = whole(events.table.values("value_as_concept_id", events.rows))
    outside = (has_low & (value < low)) | (has_high & (value > high))
    met: Truth = (has & outside) | np.isin(marked, sorted(HIGH_OR_LOW))
    return met


def _meets(wanted: Filter, days: Days, events: Events | None, rows: Rows) -> Truth:
    match wanted:
        case NumberFilter():
            number, known = _number(wanted.column, days, events, rows)
            met = _compares(wanted.compare, number, wanted.value, wanted.extent)
            return met & known
        case DateFilter():
            day = days.start if wanted.column == "start" else days.end
            extent = None if wanted.extent is None else day_number(wanted.extent)
            value = day_number(wanted.value)
            met = _compares(wanted.compare, day, value, extent)
            said: Truth = day != MISSING
            return met & said
        case TextFilter():
            return _reads(wanted, _of_table(wanted.column, events))
        case ConceptFilter() | SetFilter():
            return _has_concept(wanted, days, events, rows)


def _of_table(column: str, events: Events | None) -> pl.Series:
    if events is None:
        raise ValueError(f"a filter on {column} needs the rows of one table")
    return events.table.values(column, events.rows)


def _number(column: str, days: Days, events: Events | None, rows: Rows) -> tuple[Numbers, Truth]:
    """Numbers, and whether there is one."""
    if column in ("age", "age_at_end"):
        day = days.start if column == "age" else days.end
        born = whole(rows.people.rows["year_of_birth"])[days.person]
        known = (day != MISSING) & (born != MISSING)
        return (years(np.where(known, day, 0)) - born).astype(np.float64), known
    if column == "length":
        return (days.end - days.start).astype(np.float64), days.end != MISSING
    if column in ("range_low_ratio", "range_high_ratio"):
        value, has_value = _numbers(_of_table("value_as_number", events))
        bound, has_bound = _numbers(_of_table(column.removesuffix("_ratio"), events))
        known = has_value & has_bound & (bound != 0)
        return value / np.where(known, bound, 1), known
    return _numbers(_of_table(column, events))


def _numbers(values: pl.Series) -> tuple[Numbers, Truth]:
    known = values.is_not_null().to_numpy()
    values = values if values.dtype == pl.Float64 else values.cast(pl.Float64)
    return (values.fill_null(0.0) if values.null_count() else values).to_numpy(), known


def _compares(compare: str, found: Numbers | Whole, value: float, extent: Any) -> Truth:
    if compare in COMPARISONS:
        met: Truth = COMPARISONS[compare](found, value)
        return met
    inside: Truth = np.greater_equal(found, value) & np.less_equal(found, extent)
    return inside if compare == "between" else ~inside


def _reads(wanted: TextFilter, texts: pl.Series) -> Truth:
    match wanted.compare:
        case "equals":
            found = texts == wanted.text
        case "starts_with":
            found = texts.str.starts_with(wanted.text)
        case "ends_with":
            found = texts.str.ends_with(wanted.text)
        case "contains":
            found = texts.str.contains(wanted.text, literal=True)
    kept = (found != wanted.negate) & texts.is_not_null()
    met: Truth = kept.fill_null(value=False).to_numpy()
    return met


def _has_concept(wanted: OfConcept, days: Days, events: Events | None, rows: Rows) -> Truth:
    table, column = LOOKED_UP.get(wanted.column), wanted.column.partition(".")[2]
    there: Truth = np.ones(days.person.size, np.bool_)
    match table:
        case "person":
            found = whole(rows.people.rows[column])[days.person]
        case "visit_occurrence":
            return _visit_has(wanted, column, events, rows)
        case "provider" | "care_site":
            key = f"{table}_id"
            others = rows.whole_table(table).select(key, column).unique(key, keep="last")
            named = _of_table(key, events).cast(pl.Int64).to_frame()
            marked = others.with_columns(there=pl.lit(value=True))
            both = named.join(marked, on=key, how="left", maintain_order="left")
            found = whole(both[column])
            if table == "care_site":
                there = both["there"].fill_null(value=False).to_numpy()
        case _:
            found = whole(_of_table(wanted.column, events))
    return there & _accepts(wanted, found, rows)


def _accepts(wanted: OfConcept, found: Whole, rows: Rows) -> Truth:
    """Which concepts a filter accepts, where each may be missing."""
    if isinstance(wanted, SetFilter) and wanted.concept_set is None:
        missing: Truth = (found == MISSING) == wanted.negate
        return missing
    asked: Whole | tuple[int, ...] = (
        wanted.concepts
        if isinstance(wanted, ConceptFilter)
        else rows.concepts(str(wanted.concept_set))
    )
    has: Truth = (found != MISSING) & (np.isin(found, asked) != wanted.negate)
    return has


def _visit_has(wanted: OfConcept, column: str, events: Events | None, rows: Rows) -> Truth:
    """Whether one of the person's visits of the number that the row gives has such a concept."""
    if events is None:
        raise ValueError("a filter on the visit needs the rows of one table")
    visits = rows.table("visit_occurrence")
    found = whole(visits.values(column, np.arange(visits.person.size)))
    kept = _accepts(wanted, found, rows)
    pairs = pl.DataFrame({"person": visits.person[kept], "visit": visits.key[kept]}).unique()
    asked = pl.DataFrame({"person": events.person, "visit": events.visit})
    marked = pairs.with_columns(has=pl.lit(value=True))
    both = asked.join(marked, on=["person", "visit"], how="left", maintain_order="left")
    has: Truth = both["has"].fill_null(value=False).to_numpy()
    return has


def stacked(parts: Sequence[Whole]) -> Whole:
    """Return arrays put one behind the other; none give none."""
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
