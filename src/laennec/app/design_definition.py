"""A cohort defined as in ATLAS, in words: entry events, rules, exit, eras."""

from collections.abc import Iterable, Sequence

from laennec.app.design_words import DesignWords
from laennec.report import Part
from laennec.report.words import readable
from laennec.study.definition import (
    Adjustment,
    Bound,
    ConceptFilter,
    Correlated,
    DateFilter,
    Definition,
    DrugEra,
    EndOfPeriod,
    EventQuery,
    EventWindow,
    Filter,
    Group,
    NumberFilter,
    PersonFilter,
    SetFilter,
    TextFilter,
)


def describe_definition(cohort: Definition, words: DesignWords) -> Part:
    """Return a definition in words, with a part for each of its lists."""
    parts = [_entry(cohort, words)]
    if cohort.qualify is not None:
        taken = cohort.qualify_limit
        lines = () if taken == "all" else (words.text(f"kept_{taken}"),)
        parts.append(Part(words.text("qualify"), lines, (_group(cohort.qualify, words),)))
    if cohort.rules or cohort.limit != "all":
        rules = tuple(
            Part(f"{n}. {readable(one.name)}", parts=(_group(one.group, words),))
            for n, one in enumerate(cohort.rules, start=1)
        )
        lines = () if cohort.limit == "all" else (words.text(f"rule_{cohort.limit}"),)
        parts.append(Part(words.text("rules"), lines, rules))
    if cohort.censoring:
        parts.append(_queries(words.text("censoring"), cohort.censoring, words))
    parts.append(Part(words.text("leaving"), tuple(_ends(cohort, words))))
    return Part(readable(cohort.name), parts=tuple(parts))


def _entry(cohort: Definition, words: DesignWords) -> Part:
    number = cohort.entry_number
    taken = f"limit_{cohort.entry_limit}" if number == 1 else f"nth_{cohort.entry_limit}"
    lines = [words.text(taken, n=number)]
    lines += [words.text("prior", n=cohort.prior)] if cohort.prior else []
    lines += [words.text("post", n=cohort.post)] if cohort.post else []
    events = _queries(words.text("entry_any"), cohort.entry, words)
    return Part(words.text("entry_events"), tuple(lines), (events,))


def _ends(cohort: Definition, words: DesignWords) -> Iterable[str]:
    """Yield when a stay ends and how stays are joined and cut."""
    leave = cohort.leave
    if isinstance(leave, EndOfPeriod):
        yield words.text("exit_observation")
    elif isinstance(leave, DrugEra):
        yield words.text("exit_era", concepts=readable(leave.concepts), gap=leave.gap)
        if leave.offset:
            yield words.text("exit_era_more", offset=leave.offset)
        if leave.supply is not None:
            yield words.text("exit_era_supply", n=leave.supply)
    else:
        day = words.text("day_add", n=leave.days)
        yield words.text(f"exit_offset_{leave.after}", day=day)
    if cohort.era_pad:
        yield words.text("era_pad", n=cohort.era_pad)
    if cohort.first_day is not None:
        yield words.text("cut_from", start=cohort.first_day)
    if cohort.last_day is not None:
        yield words.text("cut_to", end=cohort.last_day)


def _queries(title: str, queries: Sequence[EventQuery], words: DesignWords) -> Part:
    """Return the queries: those that are made of others, or ask for some, as parts of their own."""
    plain = tuple(_query(one, words) for one in queries if not _has_parts(one))
    parts = (_asking(one, _query(one, words), words) for one in queries if _has_parts(one))
    return Part(title, plain, tuple(parts))


def _has_parts(query: EventQuery) -> bool:
    return query.group is not None or bool(query.eras)


def _asking(query: EventQuery, said: str, words: DesignWords) -> Part:
    parts = [_queries(words.text("eras_of"), query.eras, words)] if query.eras else []
    if query.group is None:
        return Part(said, parts=tuple(parts))
    parts.append(_group(query.group, words))
    return Part(words.text("meeting", what=said), parts=tuple(parts))


def _query(query: EventQuery, words: DesignWords) -> str:
    concepts = words.text("any") if query.concepts is None else readable(query.concepts)
    table = words.table(query.table)
    bare = query.concepts is None and query.source_concepts is None
    said = table if bare else words.text("events", table=table, concepts=concepts)
    if query.source_concepts is not None:
        said = words.text("sourced", what=said, concepts=readable(query.source_concepts))
    if query.first:
        said = words.text("first_ever", what=said)
    if query.abnormal:
        said = words.text("abnormal", what=said)
    if query.adjustment is not None:
        said = _adjusted(query.adjustment, said, words)
    days = [one for one in (query.period_start, query.period_end) if one is not None]
    if days:
        said = words.text("period_holds", what=said, days=words.listed(map(str, days)))
    if query.filters:
        filters = words.listed(_filter(one, words) for one in query.filters)
        said = words.text("where", what=said, filters=filters)
    return said


def _adjusted(one: Adjustment, said: str, words: DesignWords) -> str:
    return words.text(
        "adjusted",
        what=said,
        start=words.text(one.start),
        start_days=words.text("day_add", n=one.start_days),
        end=words.text(one.end),
        end_days=words.text("day_add", n=one.end_days),
    )


def _group(group: Group, words: DesignWords) -> Part:
    """Return a group: what it asks of how many, one line or part for each."""
    lines = [_demographics(one.filters, words) for one in group.demographics]
    lines += [_correlated(one, words) for one in group.criteria if not _has_parts(one.query)]
    parts = [
        _asking(one.query, _correlated(one, words), words)
        for one in group.criteria
        if _has_parts(one.query)
    ]
    parts += [_group(one, words) for one in group.groups]
    return Part(words.text(f"group_{group.accepts}", n=group.count), tuple(lines), tuple(parts))


def _demographics(filters: Sequence[PersonFilter], words: DesignWords) -> str:
    said = words.listed(_filter(one, words) for one in filters)
    return words.text("demographics", filters=said)


def _correlated(one: Correlated, words: DesignWords) -> str:
    window = _window(one.window, words)
    if one.end_window is not None:
        window = words.text("also", what=window, more=_window(one.end_window, words))
    said = words.text(
        f"c_{one.occurrence}", n=one.count, query=_query(one.query, words), window=window
    )
    more = [words.text("distinct", column=readable(one.distinct))] if one.distinct else []
    flags = ("same_visit", "ignore_observation")
    return words.listed([said, *more, *(words.text(flag) for flag in flags if getattr(one, flag))])


def _window(one: EventWindow, words: DesignWords) -> str:
    first = None if one.start == "observation_start" else _bound(one.start, words)
    last = None if one.end == "observation_end" else _bound(one.end, words)
    days = words.span(first, last)
    if first is not None or last is not None:
        days = words.text(f"of_{one.index}", window=days)
    return words.text(f"{one.event}s", window=days)


def _bound(bound: Bound, words: DesignWords) -> str:
    return words.day(bound) if isinstance(bound, int) else words.text(bound)


def _filter(one: Filter | PersonFilter, words: DesignWords) -> str:
    """Return what a filter asks of a column."""
    column = readable(one.column.replace(".", " "))
    match one:
        case NumberFilter() | DateFilter():
            extent = "" if one.extent is None else _number(one.extent)
            said = words.text(
                f"f_{one.compare}", column=column, value=_number(one.value), extent=extent
            )
        case TextFilter():
            said = words.text(f"f_{one.compare}", column=column, text=one.text)
        case ConceptFilter():
            said = words.text(
                "f_among", column=column, values=words.listed(map(words.concept, one.concepts))
            )
        case SetFilter(concept_set=None):
            said = words.text("f_present", column=column)
        case SetFilter():
            said = words.text("f_in", column=column, values=readable(one.concept_set or ""))
    return words.text("f_not", what=said) if getattr(one, "negate", False) else said


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
