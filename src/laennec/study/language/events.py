"""Events of every table, and filters on them."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

from laennec.omop.events import EVENT_TABLES
from laennec.study.definition import (
    CUSTOM_ERA,
    Adjustment,
    ConceptFilter,
    DateFilter,
    EventQuery,
    Filter,
    Group,
    NumberFilter,
    SetFilter,
    TextFilter,
    columns,
)
from laennec.study.language.places import Place, here, in_words, made, refuse
from laennec.study.language.values import Asked, NamedSet, Said, all_sets
from laennec.study.model import Events

Day = date | str
"""A day, as a date or as ``"2020-01-31"``."""

Of = Said[EventQuery]


@in_words
def events(
    table: str,
    concepts: NamedSet | None = None,
    *,
    source: NamedSet | None = None,
    where: Asked | Sequence[Asked] = (),
    first: bool = False,
    abnormal: bool = False,
    around: Said[Group] | None = None,
    moved: tuple[str, int, str, int] | None = None,
    period_start: Day | None = None,
    period_end: Day | None = None,
) -> Of:
    """Return the events of a table.

    Args:
        table: A table of CDM 5.4 with events, such as ``condition_occurrence``.
        concepts: Of standard concepts in this set; None for any.
        source: Of source concepts in this set; None for any.
        where: Filters, all of which hold: ``value``, ``unit``, ``started``, ``in_visit``, …
        first: Only the person's earliest event of these concepts, before any filter.
        abnormal: Only measurements out of range, or marked high or low.
        around: Only events about which this group holds: ``all_of``, ``any_of``, …
        moved: Days in place of the event's: from its ``"start"`` or ``"end"`` plus days, to its
            start or end plus days, such as ``("start", 0, "start", 30)``.
        period_start: For periods: only one that holds this day, from it on.
        period_end: For periods: only one that holds this day, up to it.
    """
    place = here()
    filters = [where] if isinstance(where, Asked) else list(where)
    adjustment = None
    if moved is not None:
        start, start_days, end, end_days = moved
        adjustment = made(
            Adjustment, place, start=start, start_days=start_days, end=end, end_days=end_days
        )
    query = made(
        EventQuery,
        place,
        table=table,
        concepts=None if concepts is None else concepts.name,
        source_concepts=None if source is None else source.name,
        filters=tuple(one.of_table(table) for one in filters),
        first=first,
        abnormal=abnormal,
        adjustment=adjustment,
        group=None if around is None else around.value,
        period_start=period_start,
        period_end=period_end,
    )
    named = tuple(one for one in (concepts, source) if one is not None)
    parts: list[Said[object] | Asked] = [*filters, Said(None, place, named)]
    return Said(query, place, all_sets([*parts, *([around] if around is not None else [])]))


@in_words
def eras_of(
    *parts: Of, where: Asked | Sequence[Asked] = (), around: Said[Group] | None = None
) -> Of:
    """Return eras of one's own: events of all parts, joined where they share a day.

    Args:
        parts: The events to join.
        where: Filters on the eras, all of which hold.
        around: Only eras about which this group holds.
    """
    place = here()
    filters = [where] if isinstance(where, Asked) else list(where)
    query = made(
        EventQuery,
        place,
        table=CUSTOM_ERA,
        eras=tuple(one.value for one in parts),
        filters=tuple(one.of_table(CUSTOM_ERA) for one in filters),
        group=None if around is None else around.value,
    )
    named: list[Said[object] | Asked] = [*parts, *filters]
    return Said(query, place, all_sets([*named, *([around] if around is not None else [])]))


def _of(table: str, words: str) -> Callable[..., Of]:
    @in_words
    def found(concepts: NamedSet | None = None, **how: Any) -> Of:
        return events(table, concepts, **how)

    found.__doc__ = f"Return {words}; the other arguments are those of ``events``."
    return found


conditions = _of("condition_occurrence", "conditions")
drugs = _of("drug_exposure", "drug exposures")
procedures = _of("procedure_occurrence", "procedures")
measurements = _of("measurement", "measurements")
observations = _of("observation", "observations")
devices = _of("device_exposure", "device exposures")
visits = _of("visit_occurrence", "visits")
visit_details = _of("visit_detail", "visit details")
deaths = _of("death", "deaths")
specimens = _of("specimen", "specimens")
condition_eras = _of("condition_era", "condition eras")
drug_eras = _of("drug_era", "drug eras")
dose_eras = _of("dose_era", "dose eras")
episodes = _of("episode", "episodes")
observation_periods = _of("observation_period", "periods of observation")
payer_plan_periods = _of("payer_plan_period", "periods of a payer's plan")


@in_words
def number(
    column: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    equal: float | None = None,
) -> Asked:
    """Ask for a number of the row.

    Args:
        column: A column of numbers, or ``age`` (years at the start), ``age_at_end``, ``length``
            (days from start to end), ``range_low_ratio``, ``range_high_ratio``.
        at_least: Smallest value.
        at_most: Largest value.
        above: All larger values.
        below: All smaller values.
        equal: This value only.
    """
    place = here()
    bounds = {"gte": at_least, "lte": at_most, "gt": above, "lt": below, "eq": equal}
    compared = _compared(bounds, place)
    return Asked(lambda _: made(NumberFilter, place, column=column, **compared), place)


def value(**bounds: float) -> Asked:
    """Ask for the value of a measurement or an observation, as ``number`` does."""
    return number("value_as_number", **bounds)


@in_words
def started(*, from_: Day | None = None, until: Day | None = None) -> Asked:
    """Ask for events that start between two days, both included."""
    return _dated("start", from_, until)


@in_words
def ended(*, from_: Day | None = None, until: Day | None = None) -> Asked:
    """Ask for events that end between two days, both included."""
    return _dated("end", from_, until)


@in_words
def concept(column: str, *concepts: int | NamedSet, negate: bool = False) -> Asked:
    """Ask for a concept of the row: one of these numbers, or in this set.

    Args:
        column: A column of concepts, or one of another table that the row points to, such as
            ``visit.visit_concept_id`` or ``provider.specialty_concept_id``.
        concepts: Concepts, or one concept set.
        negate: Turn it round.
    """
    return _concept(lambda _: column, concepts, negate=negate)


def unit(*concepts: int | NamedSet) -> Asked:
    """Ask for the unit of a value."""
    return concept("unit_concept_id", *concepts)


def value_is(*concepts: int | NamedSet) -> Asked:
    """Ask for a value that is a concept, such as a result of a test."""
    return concept("value_as_concept_id", *concepts)


def in_visit(*concepts: int | NamedSet) -> Asked:
    """Ask for events during a visit of these kinds, such as 9201 for a stay in hospital."""
    return concept("visit.visit_concept_id", *concepts)


@in_words
def of_type(*concepts: int | NamedSet) -> Asked:
    """Ask for rows of these types: where they were recorded."""
    return _concept(_type_column, concepts, negate=False)


@in_words
def text(
    column: str,
    *,
    equals: str | None = None,
    starts_with: str | None = None,
    ends_with: str | None = None,
    contains: str | None = None,
    negate: bool = False,
) -> Asked:
    """Ask for a text of the row, letter case included."""
    place = here()
    ways = {
        "equals": equals,
        "starts_with": starts_with,
        "ends_with": ends_with,
        "contains": contains,
    }
    given = [(way, asked) for way, asked in ways.items() if asked is not None]
    if len(given) != 1:
        raise ValueError("give one of " + ", ".join(ways))
    compare, wanted = given[0]
    fields = {"column": column, "compare": compare, "text": wanted, "negate": negate}
    return Asked(lambda _: made(TextFilter, place, **fields), place)


def plain(said: Of, *, what: str) -> Events:
    """Return events as covariates, outcomes and strata take them.

    Raises:
        StudyError: they have no concepts, filters, or another table.
    """
    query = said.value
    bare = EventQuery(table=query.table, concepts=query.concepts)
    if query != bare or query.concepts is None or query.table not in EVENT_TABLES:
        refuse(
            said.place,
            f"{what} takes all events of a concept set, in one of {', '.join(EVENT_TABLES)}",
            "Leave filters out, or make a cohort of these events and ask for that.",
        )
    return Events(table=query.table, concepts=query.concepts)


def asked_day(day: Day | None, place: Place) -> date | None:
    """Return a day.

    Raises:
        StudyError: the text is none.
    """
    try:
        return date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        refuse(place, f"{day!r} is no day", 'Write a day as "2020-01-31".')


def _dated(column: Literal["start", "end"], from_: Day | None, until: Day | None) -> Asked:
    place = here()
    days = {"gte": asked_day(from_, place), "lte": asked_day(until, place)}
    compared = _compared(days, place)
    return Asked(lambda _: made(DateFilter, place, column=column, **compared), place)


def _compared(bounds: dict[str, Any], place: Place) -> dict[str, Any]:
    given = {compare: bound for compare, bound in bounds.items() if bound is not None}
    if given.keys() == {"gte", "lte"}:
        return {"compare": "between", "value": given["gte"], "extent": given["lte"]}
    if len(given) != 1:
        refuse(
            place, "one bound is needed, or a least and a largest one", "Give at_least=, at_most=."
        )
    ((compare, bound),) = given.items()
    return {"compare": compare, "value": bound}


def _concept(
    column: Callable[[str], str], concepts: Sequence[int | NamedSet], *, negate: bool
) -> Asked:
    place = here()
    sets = tuple(one for one in concepts if isinstance(one, NamedSet))
    numbers = tuple(one for one in concepts if not isinstance(one, NamedSet))
    if len(sets) > 1 or (sets and numbers) or not concepts:
        raise ValueError("give concepts, or one concept set")

    def of_table(table: str) -> Filter:
        fields: dict[str, Any] = {"column": column(table), "negate": negate}
        if sets:
            return made(SetFilter, place, concept_set=sets[0].name, **fields)
        return made(ConceptFilter, place, concepts=numbers, **fields)

    return Asked(of_table, place, sets)


def _type_column(table: str) -> str:
    """The column that says where a row was recorded."""
    known = [one for one in columns(table, "concept") if one.endswith("_type_concept_id")]
    return known[0] if known else f"{table}_type_concept_id"
