"""Who of one bucket is in the cohort that a definition describes, and under which rules.

The steps of ``study.reference_definition`` on whole arrays, for all persons at once. Arrays that
belong together are parallel; entry events are in the order in which the page numbers them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from laennec.runs.definition_events import Events, Rows, day_number, stacked
from laennec.runs.definition_groups import Found, Index, accepts, find, indexed
from laennec.runs.definition_tables import LINE, MISSING, changes, in_order, joined
from laennec.runs.definition_values import Truth, Whole
from laennec.study.definition import Definition, DrugEra, EndOfPeriod, Limit, Offset

NEVER = 2**61
"""Later than every day."""


@dataclass(frozen=True, eq=False)
class Stays:
    """A cohort in one bucket; parallel arrays for stays, others for qualified events.

    Attributes:
        person, start, end: Stays, by person and start; no two of a person share a day.
        qualified, since: Person and first day of each qualified event.
        masks: For each qualified event, bit ``n`` set when rule ``n`` accepts it.
    """

    person: Whole
    start: Whole
    end: Whole
    qualified: Whole
    since: Whole
    masks: Whole

    @cached_property
    def best(self) -> Whole:
        """The mask of the best event of each person who has a qualified one.

        The best meets most rules, then the earliest first rule, then comes first.
        """
        first_rule = np.bitwise_count(((self.masks & -self.masks) - 1).clip(min=0))
        places = np.arange(self.masks.size)
        rules = -np.bitwise_count(self.masks).astype(np.int64)
        order = np.lexsort((places, self.since, first_rule, rules, self.qualified))
        return self.masks[order[firsts(self.qualified[order])]]


def stays(definition: Definition, rows: Found) -> Stays:
    """Find the stays of a definition in one bucket.

    Raises:
        LaennecError: the rows cannot be read.
    """
    index = _qualified(definition, rows)
    masks = np.zeros(index.person.size, np.int64)
    for number, rule in enumerate(definition.rules):
        masks |= accepts(rule.group, index, rows).astype(np.int64) << number
    everything = 2 ** len(definition.rules) - 1
    included = index.take(masks == everything)
    included = included.take(_limited(included, definition.limit))
    end = _ends(definition, included, rows)
    in_it = np.flatnonzero(end != NEVER)
    person, start, last = joined(
        included.person[in_it], included.start[in_it], end[in_it], pad=definition.era_pad
    )
    if definition.first_day is not None:
        start = np.maximum(start, day_number(definition.first_day))
    if definition.last_day is not None:
        last = np.minimum(last, day_number(definition.last_day))
    kept = start <= last
    return Stays(person[kept], start[kept], last[kept], index.person, index.start, masks)


def _qualified(definition: Definition, rows: Found) -> Index:
    """Entry events that the qualifying group accepts, in the order of entry."""
    entries = _entries(definition, rows)
    if definition.entry_limit != "all":
        entries = entries.take(_numbered(entries.person, definition.entry_number))
    if definition.qualify is None:
        return entries
    kept = entries.take(accepts(definition.qualify, entries, rows))
    return kept.take(_limited(kept, definition.qualify_limit))


def _entries(definition: Definition, rows: Found) -> Index:
    """Observed entry events of all queries, in the order of entry.

    Where the very first or last of a person is taken, other days are left out before ordering.
    """
    one_day = definition.entry_limit != "all" and definition.entry_number == 1
    parts: list[Index] = []
    keys: list[tuple[Whole, Whole, Whole]] = []
    sign = -1 if definition.entry_limit == "last" else 1
    for number, query in enumerate(definition.entry):
        events = find(query, rows)
        index, observed = indexed(events, rows)
        enough = (index.period_start + definition.prior <= index.start) & (
            index.start + definition.post <= index.period_end
        )
        index, events = index.take(enough), events.take(observed).take(enough)
        day = sign * events.sorted_by
        if one_day:
            earliest = _on_earliest(index.person, day)
            index, events, day = index.take(earliest), events.take(earliest), day[earliest]
        parts.append(index)
        keys.append((day, events.key, np.full(day.size, number)))
    entries = Index(
        *(
            stacked([getattr(one, name) for one in parts])
            for name in ("person", "start", "end", "visit", "period_start", "period_end")
        )
    )
    day, key, number_of = (stacked(list(one)) for one in zip(*keys, strict=True))
    unsaid = entries.end == MISSING
    ends = np.where(unsaid, 0, entries.end)
    order = in_order(entries.person * LINE + day, key, number_of, unsaid, ends)
    return entries if order is None else entries.take(order)


def _on_earliest(person: Whole, day: Whole) -> Truth:
    """Which events lie on their person's earliest day; each person's are together."""
    first = firsts(person)
    if not first.size:
        return np.zeros(0, np.bool_)
    earliest = np.minimum.reduceat(day, first)
    found: Truth = day == np.repeat(earliest, np.diff(first, append=person.size))
    return found


def _limited(index: Index, limit: Limit) -> Whole:
    """Positions of all events, or of the first of each person's earliest or latest day."""
    if limit == "all":
        return np.arange(index.person.size)
    day = index.start if limit == "first" else -index.start
    order = in_order(index.person * LINE + day)
    return firsts(index.person) if order is None else order[firsts(index.person[order])]


def _numbered(person: Whole, number: int) -> Whole:
    """Positions of each person's entry of that number, where a person has so many."""
    places = firsts(person) + (number - 1)
    ends = np.append(firsts(person)[1:], person.size)
    return places[places < ends]


def firsts(person: Whole) -> Whole:
    """Positions where a person begins, in an array where each person's places are together."""
    return np.flatnonzero(changes(person))


def _ends(definition: Definition, index: Index, rows: Found) -> Whole:
    """The earliest possible end of each event that is not before its start, or ``NEVER``."""
    end = np.full(index.person.size, NEVER)
    for possible, is_there in _possible_ends(definition, index, rows):
        end = np.where(is_there & (possible >= index.start), np.minimum(end, possible), end)
    return end


def _possible_ends(
    definition: Definition, index: Index, rows: Found
) -> Iterator[tuple[Whole, Truth]]:
    """Days on which stays may end, and for which events there is such a day."""
    always = np.ones(index.person.size, np.bool_)
    leave = definition.leave
    match leave:
        case EndOfPeriod():
            yield index.period_end, always
        case Offset():
            origin = index.start if leave.after == "start" else index.end
            yield np.minimum(origin + leave.days, index.period_end), origin != MISSING
        case DrugEra():
            yield index.period_end, always
            yield _end_of_era(leave, index, rows)
    for query in definition.censoring:
        yield _first_from(find(query, rows), index)


def _end_of_era(asked: DrugEra, index: Index, rows: Rows) -> tuple[Whole, Truth]:
    """End of the era of exposure that holds each event's start, if there is one."""
    person, start, end = joined(*_exposures(asked, rows), pad=asked.gap)
    if not person.size:
        return index.start, np.zeros(index.person.size, np.bool_)
    line = index.person * LINE + index.start
    place = np.searchsorted(person * LINE + start, line, side="right") - 1
    found = place.clip(min=0)
    holds = (place >= 0) & (person[found] == index.person) & (index.start <= end[found])
    return end[found], holds


def _exposures(asked: DrugEra, rows: Rows) -> tuple[Whole, Whole, Whole]:
    """Days of exposure to the drugs of an era, by their standard or their source concept."""
    table, concepts = rows.table("drug_exposure"), rows.concepts(asked.concepts)
    found, others = table.rows_of(concepts, None), table.rows_of(None, concepts)
    found = np.union1d(found, others) if others.size else found
    start, end = table.start[found], table.end[found]
    if asked.supply is not None:
        end = start + asked.supply
    return table.person[found], start, end + asked.offset


def _first_from(events: Events, index: Index) -> tuple[Whole, Truth]:
    """Start of the first event from each index event's start to the end of its period."""
    if not events.rows.size:
        return index.start, np.zeros(index.person.size, np.bool_)
    place = np.searchsorted(events.line, index.person * LINE + index.start, side="left")
    found = place.clip(max=events.rows.size - 1)
    start = events.start[found]
    same = (place < events.rows.size) & (events.person[found] == index.person)
    return start, same & (start <= index.period_end)
