"""Who is in a cohort that a definition describes, one person at a time, and under which rules.

The steps and the order of every choice are those of ``docs/reference/circe-semantics.md``. Written
to be read, not to be fast: it is what faster engines are compared with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laennec.study.definition import (
    Definition,
    DrugEra,
    EndOfPeriod,
    Limit,
    Offset,
)
from laennec.study.reference_definition_events import exposure_end, of_drug
from laennec.study.reference_definition_groups import Index, accepts, find
from laennec.study.reference_history import Concepts, History, Span


@dataclass(frozen=True)
class Outcome:
    """What became of one person.

    Attributes:
        stays: Days in the cohort, in order; no two stays share a day.
        masks: For each qualified event, bit ``n`` set when rule ``n`` accepts it.
        best: The mask of the person's best event; None without a qualified event.
    """

    stays: tuple[Span, ...]
    masks: tuple[int, ...]
    best: int | None


def outcome(definition: Definition, history: History, concepts: Concepts) -> Outcome:
    """Return a person's stays, and which rules accept their qualified events.

    Raises:
        KeyError: a concept set is not resolved.
    """
    qualified = _qualified(definition, history, concepts)
    masks = [
        sum(
            2**number
            for number, rule in enumerate(definition.rules)
            if accepts(rule.group, index, history, concepts)
        )
        for index in qualified
    ]
    all_rules = 2 ** len(definition.rules) - 1
    included = [one for one, mask in zip(qualified, masks, strict=True) if mask == all_rules]
    stays = []
    for index in _limited(included, definition.limit):
        ends = _possible_ends(definition, index, history, concepts)
        ends = [one for one in ends if one >= index.event.start]
        if ends:
            stays.append(Span(index.event.start, min(ends)))
    return Outcome(
        stays=tuple(_in_calendar(definition, eras(stays, pad=definition.era_pad))),
        masks=tuple(masks),
        best=_best(qualified, masks),
    )


def eras(spans: Iterable[Span], *, pad: int) -> list[Span]:
    """Join spans that share a day once ``pad`` days are added to each end.

    Args:
        spans: In any order; one may end before it starts.
        pad: Days; below 0 where an offset takes more away than a gap adds.

    Returns:
        Joined spans without the pad, in order.
    """
    joined: list[Span] = []
    for span in sorted(spans):
        reached = max((one.end for one in joined), default=span.start - pad - 1) + pad
        if span.start <= reached:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _qualified(definition: Definition, history: History, concepts: Concepts) -> list[Index]:
    """Entry events that the qualifying group accepts, in the order of entry."""
    found = []
    for number, query in enumerate(definition.entry):
        for event in find(query, history, concepts):
            period = history.period_of(event.start)
            if (
                period is not None
                and period.start + definition.prior <= event.start
                and event.start + definition.post <= period.end
            ):
                tie = (event.key, number, event.end is None, event.end or 0)
                found.append((event.sorted_by, tie, Index(event, period)))
    latest_first = definition.entry_limit == "last"
    found.sort(key=lambda one: (-one[0] if latest_first else one[0], one[1]))
    entries = [index for _, _, index in found]
    if definition.entry_limit != "all":
        entries = entries[definition.entry_number - 1 : definition.entry_number]
    if definition.qualify is None:
        return entries
    group = definition.qualify
    kept = [one for one in entries if accepts(group, one, history, concepts)]
    return _limited(kept, definition.qualify_limit)


def _limited(events: Sequence[Index], limit: Limit) -> list[Index]:
    """All events, or the first of the earliest or of the latest day, as they are in order."""
    if limit == "all" or not events:
        return list(events)
    days = [one.event.start for one in events]
    day = min(days) if limit == "first" else max(days)
    return [events[days.index(day)]]


def _possible_ends(
    definition: Definition, index: Index, history: History, concepts: Concepts
) -> list[int]:
    """The days on which an event's stay may end, before or after its start."""
    event, last = index.event, index.period.end
    ends = [] if isinstance(definition.leave, Offset) else [last]
    match definition.leave:
        case EndOfPeriod():
            pass
        case Offset(days=days, after=after):
            origin = event.start if after == "start" else event.end
            ends += [] if origin is None else [min(origin + days, last)]
        case DrugEra():
            drug_eras = _drug_eras(definition.leave, history, concepts)
            ends += [era.end for era in drug_eras if era.holds(event.start)]
    for query in definition.censoring:
        starts = [one.start for one in find(query, history, concepts)]
        ends += [one for one in starts if event.start <= one <= last]
    return ends


def _drug_eras(asked: DrugEra, history: History, concepts: Concepts) -> list[Span]:
    """Eras of exposure, the offset within each exposure's end."""
    exposures = [
        Span(
            row["drug_exposure_start_date"].toordinal(),
            exposure_end(row, supply=asked.supply) + asked.offset,
        )
        for row in history.tables.get("drug_exposure", [])
        if of_drug(row, concepts[asked.concepts])
    ]
    return eras(exposures, pad=asked.gap)


def _in_calendar(definition: Definition, stays: Iterable[Span]) -> Iterable[Span]:
    """Stays cut to the days of the definition; what nothing is left of goes."""
    first, last = definition.first_day, definition.last_day
    for stay in stays:
        start = stay.start if first is None else max(stay.start, first.toordinal())
        end = stay.end if last is None else min(stay.end, last.toordinal())
        if start <= end:
            yield Span(start, end)


def _best(events: Sequence[Index], masks: Sequence[int]) -> int | None:
    """The mask with most rules, then with the earliest first rule, then of the earliest event."""

    def rank(place: int) -> tuple[int, int, int]:
        mask = masks[place]
        first_rule = (mask & -mask).bit_length() - 1 if mask else 0
        return -mask.bit_count(), first_rule, events[place].event.start

    return masks[min(range(len(masks)), key=rank)] if masks else None
