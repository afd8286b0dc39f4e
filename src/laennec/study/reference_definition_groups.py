"""Whether a group of a definition accepts an event, one event and one person at a time."""

from dataclasses import dataclass

from laennec.study.definition import (
    CUSTOM_ERA,
    Bound,
    Correlated,
    EventQuery,
    EventWindow,
    Group,
)
from laennec.study.reference_definition_events import Event, chosen, holds, matching
from laennec.study.reference_history import Concepts, History, Span


@dataclass(frozen=True)
class Index:
    """An event taken as index, and the period of observation that it starts in."""

    event: Event
    period: Span


def find(query: EventQuery, history: History, concepts: Concepts) -> list[Event]:
    """Return the events that a query finds and its group, if any, accepts."""
    is_era = query.table == CUSTOM_ERA
    events = (_custom_eras if is_era else matching)(query, history, concepts)
    group = query.group
    if group is None or not (group.criteria or group.demographics or group.groups):
        return events
    kept = []
    for event in events:
        period = history.period_of(event.start)
        if period is not None and accepts(group, Index(event, period), history, concepts):
            kept.append(event)
    return kept


def _custom_eras(query: EventQuery, history: History, concepts: Concepts) -> list[Event]:
    """The eras of the events of other queries that a query asks for."""
    found = [event for one in query.eras for event in find(one, history, concepts)]
    joined: list[tuple[int, int | None]] = []
    reached: int | None = None
    for start, end in sorted(
        ((one.start, one.end) for one in found),
        key=lambda one: (one[0], one[1] is not None, one[1] or 0),
    ):
        if reached is not None and start <= reached:
            joined[-1] = (joined[-1][0], _later(joined[-1][1], end))
        else:
            joined.append((start, end))
        reached = _later(reached, end)
    events = [
        Event(CUSTOM_ERA, {}, number, start, end, visit=None, sorted_by=start)
        for number, (start, end) in enumerate(joined)
    ]
    return chosen(query, events, history, concepts)


def _later(one: int | None, other: int | None) -> int | None:
    """The later of two days; a missing one is not later."""
    return max((day for day in (one, other) if day is not None), default=None)


def accepts(group: Group, index: Index, history: History, concepts: Concepts) -> bool:
    """Return whether as many parts of a group accept the index event as the group asks for."""
    met = [_counts(one, index, history, concepts) for one in group.criteria]
    met += [holds(one.filters, index.event, history, concepts) for one in group.demographics]
    met += [accepts(one, index, history, concepts) for one in group.groups]
    if not met:
        return True
    match group.accepts:
        case "all":
            return all(met)
        case "any":
            return any(met)
        case "at_least":
            return sum(met) >= (group.count or 0)
        case "at_most":
            return sum(met) <= (group.count or 0)


def _counts(criterion: Correlated, index: Index, history: History, concepts: Concepts) -> bool:
    """Whether the number of events about the index event is what a criterion asks for."""
    events = find(criterion.query, history, concepts)
    about = [one for one in events if _is_about(criterion, index, one)]
    number = len(about)
    if criterion.distinct is not None:
        number = len({one.value(criterion.distinct) for one in about} - {None})
    match criterion.occurrence:
        case "exactly":
            return number == criterion.count
        case "at_most":
            return number <= criterion.count
        case "at_least":
            return number >= criterion.count


def _is_about(criterion: Correlated, index: Index, event: Event) -> bool:
    observed = not criterion.ignore_observation
    if observed and not index.period.holds(event.start):
        return False
    if criterion.same_visit and (event.visit is None or event.visit != index.event.visit):
        return False
    windows = (criterion.window, criterion.end_window)
    return all(one is None or _within(one, index, event, observed=observed) for one in windows)


def _within(window: EventWindow, index: Index, event: Event, *, observed: bool) -> bool:
    origin = index.event.start if window.index == "start" else index.event.end
    day = event.start if window.event == "start" else event.end
    for bound, is_first in ((window.start, True), (window.end, False)):
        if not observed and isinstance(bound, str):
            continue
        limit = _day(bound, origin, index.period)
        if day is None or limit is None or (day < limit if is_first else day > limit):
            return False
    return True


def _day(bound: Bound, origin: int | None, period: Span) -> int | None:
    match bound:
        case "observation_start":
            return period.start
        case "observation_end":
            return period.end
        case int():
            return None if origin is None else origin + bound
