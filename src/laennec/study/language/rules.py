"""What must hold about an entry event: counts of other events, the person, and groups of both."""

from collections.abc import Callable
from typing import Literal

from laennec.study.definition import (
    ConceptFilter,
    Correlated,
    DateFilter,
    Demographics,
    EventQuery,
    EventWindow,
    Group,
    NumberFilter,
    Rule,
    Side,
)
from laennec.study.language.events import Day, asked_day
from laennec.study.language.places import Place, here, in_words, made
from laennec.study.language.values import NamedSet, Said, all_sets

Part = Said[Correlated] | Said[Demographics] | Said[Group]
"""What a group may hold."""

FEMALE, MALE = 8532, 8507


@in_words
def within(
    start: int | None, end: int | None, *, of: Side = "start", event: Side = "start"
) -> EventWindow:
    """Days between which an event lies, both included.

    Args:
        start: Days after the entry event, below 0 before it; None for the start of observation.
        end: The same; None for the end of observation.
        of: Count days from the entry event's ``start`` or ``end``.
        event: Look at the other event's ``start`` or ``end``.
    """
    return made(
        EventWindow,
        here(),
        start="observation_start" if start is None else start,
        end="observation_end" if end is None else end,
        index=of,
        event=event,
    )


def before(days: int | None = None) -> EventWindow:
    """Return the days before the entry day: all that are observed, or the last so many."""
    return within(None if days is None else -days, -1)


def after(days: int | None = None) -> EventWindow:
    """Return the days after the entry day: all that are observed, or the first so many."""
    return within(1, days)


def on_entry() -> EventWindow:
    """Return the entry day."""
    return within(0, 0)


def any_time() -> EventWindow:
    """Return every day of the period of observation."""
    return within(None, None)


@in_words
def at_least(
    count: int, events: Said[EventQuery], window: EventWindow, **how: object
) -> Said[Correlated]:
    """Ask for at least so many events in a window.

    Args:
        count: How many.
        events: Of what.
        window: ``before()``, ``after(30)``, ``within(-365, -1)``, …
        how: ``ending`` (a window for their ends, as ``within(..., event="end")``), ``distinct``
            (count different values of this column), ``same_visit``, ``unobserved`` (they need not
            lie in the period of observation of the entry event).
    """
    return _counted("at_least", count, events, window, how)


@in_words
def at_most(
    count: int, events: Said[EventQuery], window: EventWindow, **how: object
) -> Said[Correlated]:
    """Ask for at most so many events in a window; see ``at_least``."""
    return _counted("at_most", count, events, window, how)


@in_words
def exactly(
    count: int, events: Said[EventQuery], window: EventWindow, **how: object
) -> Said[Correlated]:
    """Ask for exactly so many events in a window; see ``at_least``."""
    return _counted("exactly", count, events, window, how)


@in_words
def some(events: Said[EventQuery], window: EventWindow, **how: object) -> Said[Correlated]:
    """Ask for an event in a window; see ``at_least``."""
    return _counted("at_least", 1, events, window, how)


@in_words
def no(events: Said[EventQuery], window: EventWindow, **how: object) -> Said[Correlated]:
    """Ask for no event in a window; see ``at_least``."""
    return _counted("exactly", 0, events, window, how)


@in_words
def aged(minimum: int | None = None, maximum: int | None = None) -> Said[Demographics]:
    """Ask for an age in years at entry (year of entry less year of birth), both included."""
    fields: dict[str, object]
    if minimum is not None and maximum is not None:
        fields = {"compare": "between", "value": minimum, "extent": maximum}
    elif minimum is None and maximum is None:
        raise ValueError("give a least age, a largest one, or both")
    else:
        compare = "gte" if minimum is not None else "lte"
        fields = {"compare": compare, "value": minimum if minimum is not None else maximum}
    place = here()
    return _person(made(NumberFilter, place, column="age", **fields), place)


@in_words
def female() -> Said[Demographics]:
    """Ask for women."""
    return _sex(FEMALE)


@in_words
def male() -> Said[Demographics]:
    """Ask for men."""
    return _sex(MALE)


@in_words
def entered(*, from_: Day | None = None, until: Day | None = None) -> Said[Demographics]:
    """Ask for an entry between two days, both included."""
    place = here()
    bounds = {"gte": asked_day(from_, place), "lte": asked_day(until, place)}
    given = [(compare, day) for compare, day in bounds.items() if day is not None]
    if not given:
        raise ValueError("give a first day, a last one, or both")
    filters = [
        made(DateFilter, place, column="start", compare=compare, value=day)
        for compare, day in given
    ]
    return Said(made(Demographics, place, filters=tuple(filters)), place)


@in_words
def all_of(*parts: Part) -> Said[Group]:
    """Ask for all parts."""
    return _group("all", None, parts)


@in_words
def any_of(*parts: Part) -> Said[Group]:
    """Ask for one part or more."""
    return _group("any", None, parts)


@in_words
def at_least_of(count: int, *parts: Part) -> Said[Group]:
    """Ask for so many parts or more."""
    return _group("at_least", count, parts)


@in_words
def at_most_of(count: int, *parts: Part) -> Said[Group]:
    """Ask for so many parts or fewer."""
    return _group("at_most", count, parts)


@in_words
def rule(name: str, *parts: Part) -> Said[Rule]:
    """Name an inclusion rule, for attrition: all parts must hold about the entry event."""
    group = _group("all", None, parts)
    return Said(made(Rule, here(), name=name, group=group.value), here(), group.sets)


def _counted(
    occurrence: Literal["at_least", "at_most", "exactly"],
    count: int,
    events: Said[EventQuery],
    window: EventWindow,
    how: dict[str, object],
) -> Said[Correlated]:
    known = {"ending": "end_window", "distinct": "distinct", "same_visit": "same_visit"}
    known["unobserved"] = "ignore_observation"
    if how.keys() - known.keys():
        unknown = sorted(how.keys() - known.keys())[0]
        raise TypeError(f"there is no argument {unknown!r}; known: {', '.join(known)}")
    place = here()
    criterion = made(
        Correlated,
        place,
        query=events.value,
        window=window,
        occurrence=occurrence,
        count=count,
        **{known[name]: given for name, given in how.items()},
    )
    return Said(criterion, place, events.sets)


def _group(
    accepts: Literal["all", "any", "at_least", "at_most"],
    count: int | None,
    parts: tuple[Part, ...],
) -> Said[Group]:
    place = here()
    if not all(isinstance(one, Said) for one in parts):
        raise TypeError("a part is at_least(...), no(...), aged(...), any_of(...) and the like")
    found = made(
        Group,
        place,
        accepts=accepts,
        count=count,
        criteria=_of(Correlated, parts),
        demographics=_of(Demographics, parts),
        groups=_of(Group, parts),
    )
    return Said(found, place, all_sets(parts))


def _of(kind: Callable[..., object], parts: tuple[Part, ...]) -> tuple[object, ...]:
    return tuple(one.value for one in parts if type(one.value) is kind)


def _sex(concept: int) -> Said[Demographics]:
    place = here()
    column = "person.gender_concept_id"
    return _person(made(ConceptFilter, place, column=column, concepts=(concept,)), place)


def _person(one: NumberFilter | ConceptFilter, place: Place) -> Said[Demographics]:
    sets: tuple[NamedSet, ...] = ()
    return Said(made(Demographics, place, filters=(one,)), place, sets)
