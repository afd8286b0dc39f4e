"""Values of a study: names, concept sets, events, and cohorts with their criteria and exits.

Imported through ``study.model``, which has the whole language.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from laennec.omop.events import EVENT_TABLES

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name inside a study: lower-case letters, digits and underscores, as DARWIN names cohorts."""


MAX_DAYS = 10_000_000
"""Bound of every number of days: more than the calendar has, and far from overflow in an engine."""

MANY = 100
"""Bound of every list in a study but concepts: far above any study, far below a day's work."""

MAX_ITEMS = 100_000
"""Bound of the items of a concept set."""

Days = Annotated[int, Field(ge=0, le=MAX_DAYS)]
SignedDays = Annotated[int, Field(ge=-MAX_DAYS, le=MAX_DAYS)]
Records = Annotated[int, Field(ge=0, le=1_000_000)]


class Frozen(BaseModel):
    """Base of every study value: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sex(StrEnum):
    """Sex as IncidencePrevalence names it; ``BOTH`` is everyone of known sex."""

    BOTH = "Both"
    FEMALE = "Female"
    MALE = "Male"


class ConceptItem(Frozen):
    """One line of a concept set.

    Attributes:
        concept_id: An OMOP concept; site concepts start at 2,000,000,000.
        descendants: Take everything below it as well.
        mapped: Take source concepts that map to it (and to its descendants) as well.
        exclude: Take these away from the set instead; exclusion wins over inclusion.
    """

    concept_id: int = Field(ge=-(2**63), lt=2**63)
    descendants: bool = False
    mapped: bool = False
    exclude: bool = False


class ConceptSet(Frozen):
    """Concepts that mean one thing in this study; at least one item is not an exclusion."""

    items: tuple[ConceptItem, ...] = Field(min_length=1, max_length=MAX_ITEMS)

    @model_validator(mode="after")
    def _includes_something(self) -> "ConceptSet":
        if all(item.exclude for item in self.items):
            raise ValueError("a concept set needs at least one item that is not an exclusion")
        return self


class Events(Frozen):
    """All records of one event table whose standard concept is in a concept set."""

    table: str
    concepts: Name

    @property
    def label(self) -> str:
        """Name of the events in results."""
        return self.concepts

    @model_validator(mode="after")
    def _known_table(self) -> "Events":
        if self.table not in EVENT_TABLES:
            raise unknown_name("event table", self.table, known=EVENT_TABLES, place="table")
        return self


class Window(Frozen):
    """Days relative to cohort entry, both ends included; ``None`` leaves an end open.

    ``Window(start=None, end=-1)`` is any time before, ``Window(start=-365, end=-1)`` the last year.
    """

    start: SignedDays | None = None
    end: SignedDays | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Window":
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError("a window ends before it starts")
        return self


class HasEvents(Frozen):
    """Keep persons whose number of records that start in the window lies within bounds.

    Attributes:
        at_most: Largest number, or None for no bound; ``at_least=0, at_most=0`` asks for absence.
    """

    kind: Literal["events"] = "events"
    name: Name
    events: Events
    window: Window
    at_least: Records = 1
    at_most: Records | None = None

    @model_validator(mode="after")
    def _bounds(self) -> "HasEvents":
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is below at_least")
        return self


class AgeBetween(Frozen):
    """Keep persons of this age in completed years on the entry day, both ends included."""

    kind: Literal["age"] = "age"
    name: Name
    minimum: int = Field(default=0, ge=0, le=150)
    maximum: int = Field(default=150, ge=0, le=150)

    @model_validator(mode="after")
    def _in_order(self) -> "AgeBetween":
        if self.maximum < self.minimum:
            raise ValueError("the ages end before they start")
        return self


class SexIs(Frozen):
    """Keep persons of this sex."""

    kind: Literal["sex"] = "sex"
    name: Name
    sex: Literal[Sex.FEMALE, Sex.MALE]


class EntryBetween(Frozen):
    """Keep persons who enter between two days, both included; ``None`` leaves an end open."""

    kind: Literal["entry"] = "entry"
    name: Name
    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "EntryBetween":
        check_dates(self.start, self.end)
        return self


Criterion = Annotated[HasEvents | AgeBetween | SexIs | EntryBetween, Field(discriminator="kind")]


class EndOfObservation(Frozen):
    """Leave at the end of the observation period of entry."""

    kind: Literal["end_of_observation"] = "end_of_observation"


class FixedDays(Frozen):
    """Leave this many days after entry, or at the end of observation if that comes first."""

    kind: Literal["fixed_days"] = "fixed_days"
    days: Days


class EndOfEvent(Frozen):
    """Leave on the last day of the entry event, or at the end of observation if earlier."""

    kind: Literal["end_of_event"] = "end_of_event"


Exit = Annotated[EndOfObservation | FixedDays | EndOfEvent, Field(discriminator="kind")]


class Cohort(Frozen):
    """Persons, each with one interval of days, built from their first event ever.

    Entry is the first day of the earliest record of ``entry`` in the person's whole history,
    observed or not: a person whose first event is unobserved, or observed too early, is out.

    Attributes:
        prior_observation: Days of observation needed before entry, in the same period.
        criteria: Checked in order; attrition counts persons after each.
    """

    name: Name
    entry: Events
    prior_observation: Days = 0
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=MANY)
    exit: Exit = EndOfObservation()

    @model_validator(mode="after")
    def _criteria_namedcheck_once(self) -> "Cohort":
        check_once([one.name for one in self.criteria], "criterion")
        return self


Divisions = Annotated[
    tuple[Annotated[tuple[Name, ...], Field(min_length=1, max_length=MANY)], ...],
    Field(max_length=MANY),
]
"""Divisions, each by one of the study's strata or by several crossed."""


class OfCohorts(Frozen):
    """A result about cohorts, each whole and, where asked for, divided into strata.

    Attributes:
        strata: Divisions, each by one of the study's strata or by several crossed.
    """

    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1, max_length=MANY)
    strata: Divisions = ()

    @model_validator(mode="after")
    def _asked_once(self) -> "OfCohorts":
        check_once([*self.cohorts], "cohort")
        check_divisions(self.strata)
        return self


def unknown_name(what: str, name: str, *, known: Iterable[str], place: str) -> PydanticCustomError:
    """An unknown name, with the place of it and the known ones for whoever writes the message."""
    return PydanticCustomError(
        "unknown_name",
        "there is no {what} named {name}",
        {"what": what, "name": repr(name), "known": tuple(known), "place": place},
    )


def check_dates(start: date | None, end: date | None) -> None:
    """Refuse dates out of order.

    Raises:
        ValueError: the end date is before the start date.
    """
    if start is not None and end is not None and end < start:
        raise ValueError("the end date is before the start date")


def check_divisions(asked: Sequence[tuple[str, ...]]) -> None:
    """Refuse a division asked for twice, in whatever order, and one that names strata twice.

    Raises:
        ValueError: with the names.
    """
    for names in asked:
        check_once([*names], "stratum")
    check_once([" and ".join(sorted(names)) for names in asked], "division by")


def check_once(names: Sequence[str], what: str) -> None:
    """Refuse a name given twice.

    Raises:
        ValueError: with the name, and ``what`` it is a name of.
    """
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"the {what} {str(name)!r} is given twice")
