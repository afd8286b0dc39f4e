"""The parts of a definition, one after the other: its queries, and the concept sets they name."""

from collections.abc import Iterator

from laennec.study.definition import Definition, DrugEra, EventQuery, Group


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
        for one in (query.concepts, query.source_concepts):
            if one is not None:
                named[one] = None
    if isinstance(definition.leave, DrugEra):
        named[definition.leave.concepts] = None
    return tuple(named)


def _within(query: EventQuery, distinct: str | None) -> Iterator[tuple[EventQuery, str | None]]:
    yield query, distinct
    if query.group is not None:
        yield from _of_group(query.group)


def _of_group(group: Group) -> Iterator[tuple[EventQuery, str | None]]:
    for criterion in group.criteria:
        yield from _within(criterion.query, criterion.distinct)
    for inner in group.groups:
        yield from _of_group(inner)
