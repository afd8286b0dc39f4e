"""Which index events a group of a definition accepts, for all persons of a bucket at once.

A criterion counts events about each index event. Where the events lie in one range of the line, two
bisections give the number; pairs of index and counted event are made only for what no range can
say: a window on the end of an event, the same visit, distinct values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from laennec.runs.definition_events import (
    Days,
    Events,
    Rows,
    chosen,
    holds,
    matching,
    stacked,
)
from laennec.runs.definition_tables import (
    LINE,
    MISSING,
    Table,
    changes,
    joined,
    whole,
)
from laennec.runs.definition_values import Truth, Whole
from laennec.study.definition import (
    CUSTOM_ERA,
    Bound,
    Correlated,
    EventQuery,
    EventWindow,
    Group,
)

FAR = LINE // 4
"""More days than any bound of a window, and too few to reach another person."""

PAIRS = 4_000_000
"""Pairs of index and counted event in memory at once: some 100 MB."""

ENOUGH: Mapping[str, np.ufunc] = {
    "all": np.equal,
    "any": np.greater_equal,
    "exactly": np.equal,
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
}


class Found(Rows, Protocol):
    """The rows of a bucket, and the events of queries that were found already."""

    found: dict[EventQuery, Events]


@dataclass(frozen=True, eq=False)
class Index:
    """Events taken as index, with the period of observation each starts in; parallel arrays."""

    person: Whole
    start: Whole
    end: Whole
    visit: Whole
    period_start: Whole
    period_end: Whole

    def take(self, kept: Whole | Truth) -> "Index":
        """Return some of them: a mask, or positions."""
        if kept.dtype == np.bool_:
            if kept.all():
                return self
            kept = np.flatnonzero(kept)
        return Index(
            self.person[kept],
            self.start[kept],
            self.end[kept],
            self.visit[kept],
            self.period_start[kept],
            self.period_end[kept],
        )


@dataclass(frozen=True, eq=False)
class _Ranges:
    """Days between which the start of a counted event lies, and windows on its end."""

    first: Whole
    last: Whole
    possible: Truth
    on_end: list[tuple[Whole, Whole]]


def find(query: EventQuery, rows: Found) -> Events:
    """Return the events that a query finds and its group, if any, accepts; each query once."""
    if query not in rows.found:
        rows.found[query] = _find(query, rows)
    return rows.found[query]


def indexed(events: Events, rows: Rows) -> tuple[Index, Truth]:
    """Return events as index, and which of them: those that start on an observed day."""
    place, observed = rows.periods.of(events.person, events.start)
    place, kept = place[observed], events.take(observed)
    periods = rows.periods
    index = Index(
        kept.person, kept.start, kept.end, kept.visit, periods.start[place], periods.end[place]
    )
    return index, observed


def accepts(group: Group, index: Index, rows: Found) -> Truth:
    """Return whether as many parts of a group accept each index event as the group asks for."""
    parts = len(group.criteria) + len(group.demographics) + len(group.groups)
    size = index.person.size
    if not parts or not size:
        return np.ones(size, np.bool_)
    met = np.zeros(size, np.int64)
    days = Days(index.person, index.start, index.end)
    for criterion in group.criteria:
        met += _is_met(criterion, index, rows)
    for demographics in group.demographics:
        met += holds(demographics.filters, days, None, rows)
    for inner in group.groups:
        met += accepts(inner, index, rows)
    return _enough(group.accepts, met, parts if group.accepts == "all" else group.count or 0)


def _find(query: EventQuery, rows: Found) -> Events:
    is_era = query.table == CUSTOM_ERA
    events = chosen(query, _custom_eras(query, rows), rows) if is_era else matching(query, rows)
    group = query.group
    if group is None or not (group.criteria or group.demographics or group.groups):
        return events
    index, observed = indexed(events, rows)
    return events.take(observed).take(accepts(group, index, rows))


def _custom_eras(query: EventQuery, rows: Found) -> Events:
    """The eras of the events of other queries, before the query's own filters are asked."""
    parts = [find(one, rows) for one in query.eras]
    person, start, end = joined(
        *(stacked([getattr(one, name) for one in parts]) for name in ("person", "start", "end")),
        pad=0,
    )
    places = np.arange(person.size)
    first = places[changes(person)]
    key = places - np.repeat(first, np.diff(first, append=person.size))
    visit = np.full(person.size, MISSING)
    table = Table(
        name=CUSTOM_ERA,
        read=pl.DataFrame(),
        place=places,
        in_place=True,
        person=person,
        start=start,
        end=end,
        key=key,
        visit=visit,
        known={},
    )
    return Events(table, places, start, end, start)


def _is_met(criterion: Correlated, index: Index, rows: Found) -> Truth:
    number = _count(criterion, index, find(criterion.query, rows))
    return _enough(criterion.occurrence, number, criterion.count)


def _enough(how: str, number: Whole, asked: int) -> Truth:
    met: Truth = ENOUGH[how](number, max(asked, 1) if how == "any" else asked)
    return met


def _count(criterion: Correlated, index: Index, events: Events) -> Whole:
    """How many events, or distinct values, lie about each index event."""
    ranges = _ranges(criterion, index)
    base = index.person * LINE
    first = np.searchsorted(events.line, base + ranges.first, side="left")
    number = _until(base + ranges.last, events.line, first, ranges.possible)
    if not (ranges.on_end or criterion.same_visit or criterion.distinct) or not number.any():
        return number
    counted: Whole = np.zeros(index.person.size, np.int64)
    asked = np.flatnonzero(number)
    values = _values(criterion.distinct, events)
    for some in np.split(asked, np.flatnonzero(np.diff(number[asked].cumsum() // PAIRS)) + 1):
        left = np.repeat(some, number[some])
        right = _each(first[some], number[some])
        kept = _both(criterion, ranges, index, events, left, right)
        left, right = left[kept], right[kept]
        if values is not None:
            known = values[right] != MISSING
            left = np.unique(np.stack([left[known], values[right[known]]]), axis=1)[0]
        counted = counted + np.bincount(left, minlength=index.person.size)
    return counted


def _until(last: Whole, line: Whole, first: Whole, possible: Truth) -> Whole:
    """How many places from the first on lie up to the last: often there is none to look for."""
    number = np.zeros(last.size, np.int64)
    if line.size:
        there = possible & (first < line.size) & (line[first.clip(max=line.size - 1)] <= last)
        some = np.flatnonzero(there)
        number[some] = np.searchsorted(line, last[some], side="right") - first[some]
    return number


def _each(first: Whole, number: Whole) -> Whole:
    """All positions of ranges, given where each begins and how many it has."""
    into = np.arange(number.sum()) - np.repeat(number.cumsum() - number, number)
    places: Whole = np.repeat(first, number) + into
    return places


def _both(
    criterion: Correlated,
    ranges: _Ranges,
    index: Index,
    events: Events,
    left: Whole,
    right: Whole,
) -> Truth:
    """Which pairs of index and counted event meet what no range of starts says."""
    met = np.ones(left.size, np.bool_)
    for first, last in ranges.on_end:
        end = events.end[right]
        met &= (end != MISSING) & (first[left] <= end) & (end <= last[left])
    if criterion.same_visit:
        visit = events.visit[right]
        met &= (visit != MISSING) & (visit == index.visit[left])
    return met


def _ranges(criterion: Correlated, index: Index) -> _Ranges:
    """Where the counted event may lie about each index event."""
    observed = not criterion.ignore_observation
    size = index.person.size
    first = index.period_start if observed else np.full(size, -FAR)
    last = index.period_end if observed else np.full(size, FAR)
    possible, on_end = np.ones(size, np.bool_), []
    for window in (criterion.window, criterion.end_window):
        bounds = [] if window is None else [window.start, window.end]
        if window is None or (not observed and all(isinstance(one, str) for one in bounds)):
            continue
        origin = index.start if window.index == "start" else index.end
        if any(isinstance(one, int) for one in bounds):
            possible &= origin != MISSING
        lower, upper = _days(window, origin, index, observed=observed)
        if window.event == "start":
            first, last = np.maximum(first, lower), np.minimum(last, upper)
        else:
            on_end.append((lower, upper))
    return _Ranges(first, last, possible, on_end)


def _days(
    window: EventWindow, origin: Whole, index: Index, *, observed: bool
) -> tuple[Whole, Whole]:
    def day(bound: Bound, unbounded: int) -> Whole:
        if isinstance(bound, int):
            return origin + bound
        if not observed:
            return np.full(origin.size, unbounded)
        return index.period_start if bound == "observation_start" else index.period_end

    return day(window.start, -FAR), day(window.end, FAR)


def _values(column: str | None, events: Events) -> Whole | None:
    """A number for each distinct value of a column, ``MISSING`` for none; None without a column."""
    match column:
        case None:
            return None
        case "start":
            return events.start
        case "end":
            return events.end
        case "length":
            return np.where(events.end == MISSING, MISSING, events.end - events.start)
    return whole(events.table.values(column, events.rows).rank("dense"))
