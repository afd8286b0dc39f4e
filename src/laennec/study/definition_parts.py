"""The parts of a definition, one after the other: its queries, and the concept sets they name."""

from collections.abc import Iterable, Iterator

from laennec.study.definition import (
    Correlated,
    Definition,
    DrugEra,
    EventQuery,
    Filter,
    Group,
    Offset,
    PersonFilter,
    SetFilter,
)


def queries(definition: Definition) -> Iterator[tuple[EventQuery, str | None]]:
    """Yield every query, those within queries too, with the column it counts distinct values of."""
    for query in (*definition.entry, *definition.censoring):
        yield from _within(query, None)
    groups = [rule.group for rule in definition.rules]
    for group in groups if definition.qualify is None else [definition.qualify, *groups]:
        yield from _of_group(group)


def concept_sets(definition: Definition) -> tuple[str, ...]:
    """Return the concept sets that a definition names, each once, in order of first use."""
    named: dict[str, None] = {}
    for query, _ in queries(definition):
        named |= dict.fromkeys(_sets(query.filters))
        for one in (query.concepts, query.source_concepts):
            if one is not None:
                named[one] = None
    for group in _groups(definition):
        for demographics in group.demographics:
            named |= dict.fromkeys(_sets(demographics.filters))
    if isinstance(definition.leave, DrugEra):
        named[definition.leave.concepts] = None
    return tuple(named)


def criteria(definition: Definition) -> Iterator[Correlated]:
    """Yield every criterion, those of groups within groups and within queries too."""
    for group in _groups(definition):
        yield from group.criteria


def asks_same_visit(definition: Definition) -> bool:
    """Tell whether a criterion counts events of the index event's visit."""
    return any(one.same_visit for one in criteria(definition))


def person_columns(definition: Definition) -> frozenset[str]:
    """Return the columns of ``person`` that filters look at; not those that ages are made of."""
    named = {one.column for query, _ in queries(definition) for one in query.filters}
    named |= {one.column for one in _demographics(definition)}
    return frozenset(one.removeprefix("person.") for one in named if one.startswith("person."))


def looks_at_end(definition: Definition) -> bool:
    """Tell whether the last day of an index event decides anything."""
    leave = definition.leave
    windows = [
        window for one in criteria(definition) for window in (one.window, one.end_window) if window
    ]
    return (
        (isinstance(leave, Offset) and leave.after == "end")
        or any(one.index == "end" for one in windows)
        or any(one.column == "end" for one in _demographics(definition))
    )


def _demographics(definition: Definition) -> Iterator[PersonFilter]:
    for group in _groups(definition):
        for demographics in group.demographics:
            yield from demographics.filters


def _sets(filters: Iterable[Filter | PersonFilter]) -> Iterator[str]:
    for one in filters:
        if isinstance(one, SetFilter) and one.concept_set is not None:
            yield one.concept_set


def _groups(definition: Definition) -> Iterator[Group]:
    """Every group, those within groups and within queries too."""
    found = [one.group for one in definition.rules]
    found += [query.group for query, _ in queries(definition) if query.group is not None]
    found += [] if definition.qualify is None else [definition.qualify]
    for group in found:
        yield from _with_inner(group)


def _with_inner(group: Group) -> Iterator[Group]:
    yield group
    for inner in group.groups:
        yield from _with_inner(inner)


def _within(query: EventQuery, distinct: str | None) -> Iterator[tuple[EventQuery, str | None]]:
    yield query, distinct
    for one in query.eras:
        yield from _within(one, None)
    if query.group is not None:
        yield from _of_group(query.group)


def _of_group(group: Group) -> Iterator[tuple[EventQuery, str | None]]:
    for criterion in group.criteria:
        yield from _within(criterion.query, criterion.distinct)
    for inner in group.groups:
        yield from _of_group(inner)
