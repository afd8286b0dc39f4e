"""A study as frozen values: concept sets, cohorts, and the results asked of them.

The values say *what* is asked. What it means, to the day, is ``study.reference``; how fast engines
answer is ``runs``. A study is data (TOML or JSON): a hub never runs code that a researcher wrote.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from laennec.omop.events import EVENT_TABLES

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name inside a study: lower-case letters, digits and underscores, as DARWIN names cohorts."""


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

    concept_id: int
    descendants: bool = False
    mapped: bool = False
    exclude: bool = False


class ConceptSet(Frozen):
    """Concepts that mean one thing in this study; at least one item is not an exclusion."""

    items: tuple[ConceptItem, ...]

    @model_validator(mode="after")
    def _includes_something(self) -> "ConceptSet":
        if all(item.exclude for item in self.items):
            raise ValueError("a concept set needs at least one item that is not an exclusion")
        return self


class Events(Frozen):
    """All records of one event table whose standard concept is in a concept set."""

    table: str
    concepts: Name

    @model_validator(mode="after")
    def _known_table(self) -> "Events":
        if self.table not in EVENT_TABLES:
            raise ValueError(
                f"{self.table!r} is no event table; there are: {', '.join(EVENT_TABLES)}"
            )
        return self


class Window(Frozen):
    """Days relative to cohort entry, both ends included; ``None`` leaves an end open.

    ``Window(start=None, end=-1)`` is any time before, ``Window(start=-365, end=-1)`` the last year.
    """

    start: int | None = None
    end: int | None = None

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
    at_least: int = Field(default=1, ge=0)
    at_most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> "HasEvents":
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is below at_least")
        return self


class AgeBetween(Frozen):
    """Keep persons of this age in completed years on the entry day, both ends included."""

    kind: Literal["age"] = "age"
    name: Name
    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(default=150, le=150)


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


Criterion = Annotated[HasEvents | AgeBetween | SexIs | EntryBetween, Field(discriminator="kind")]


class EndOfObservation(Frozen):
    """Leave at the end of the observation period of entry."""

    kind: Literal["end_of_observation"] = "end_of_observation"


class FixedDays(Frozen):
    """Leave this many days after entry, or at the end of observation if that comes first."""

    kind: Literal["fixed_days"] = "fixed_days"
    days: int = Field(ge=0)


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
    prior_observation: int = Field(default=0, ge=0)
    criteria: tuple[Criterion, ...] = ()
    exit: Exit = EndOfObservation()

    @model_validator(mode="after")
    def _criteria_named_once(self) -> "Cohort":
        _once([one.name for one in self.criteria], "criterion")
        return self


class Covariate(Frozen):
    """Whether a person has a record that starts in the window."""

    name: Name
    events: Events
    window: Window


class AgeGroup(Frozen):
    """Ages in completed years, both ends included."""

    minimum: int = Field(ge=0, le=150)
    maximum: int = Field(ge=0, le=150)

    @model_validator(mode="after")
    def _in_order(self) -> "AgeGroup":
        if self.maximum < self.minimum:
            raise ValueError("an age group ends before it starts")
        return self

    @property
    def label(self) -> str:
        """The group as IncidencePrevalence writes it, such as ``18 to 64``."""
        return f"{self.minimum} to {self.maximum}"


class Counts(Frozen):
    """How many persons each cohort has, and how many each step leaves (attrition)."""

    kind: Literal["counts"] = "counts"
    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1)


class Characteristics(Frozen):
    """Age, sex, observation before and after entry, and covariates of each cohort, at entry.

    Attributes:
        age_groups: Groups to count besides the distribution of age; they may not overlap.
    """

    kind: Literal["characteristics"] = "characteristics"
    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1)
    age_groups: tuple[AgeGroup, ...] = ()
    covariates: tuple[Covariate, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> "Characteristics":
        _once([one.name for one in self.covariates], "covariate")
        _apart(self.age_groups)
        return self


class Interval(StrEnum):
    """Calendar intervals over which incidence is estimated."""

    YEARS = "years"
    OVERALL = "overall"


class Incidence(Frozen):
    """Incidence rate of an outcome, with the semantics of IncidencePrevalence.

    Attributes:
        population: A cohort of this study, or None for everyone under observation.
        outcome: Outcome events; records that overlap are one outcome.
        washout: Days without outcome needed before time at risk starts again, counted from the end
            of the previous outcome; None means a person who had the outcome is never at risk again.
        repeated: Count outcomes after the first one in a person's time at risk.
        sexes, age_groups: One estimate for each pair; the groups may overlap (``0 to 150``).
        prior_observation: Days of observation needed before time at risk starts.
        start, end: First and last calendar day of time at risk, or None.
        complete_intervals: Keep only calendar years wholly inside the span of time at risk.
    """

    kind: Literal["incidence"] = "incidence"
    name: Name
    population: Name | None = None
    outcome: Events
    washout: int | None = Field(default=None, ge=0)
    repeated: bool = False
    sexes: tuple[Sex, ...] = Field(default=(Sex.BOTH,), min_length=1)
    age_groups: tuple[AgeGroup, ...] = Field(
        default=(AgeGroup(minimum=0, maximum=150),), min_length=1
    )
    prior_observation: int = Field(default=0, ge=0)
    start: date | None = None
    end: date | None = None
    intervals: tuple[Interval, ...] = Field(
        default=(Interval.YEARS, Interval.OVERALL), min_length=1
    )
    complete_intervals: bool = True

    @model_validator(mode="after")
    def _sound(self) -> "Incidence":
        _once([*self.sexes], "sex")
        _once([one.label for one in self.age_groups], "age group")
        _once([*self.intervals], "interval")
        if self.washout is None and self.repeated:
            raise ValueError("repeated outcomes need a washout in days")
        return self


class CumulativeIncidence(Frozen):
    """Share of a cohort that has had the outcome by each day, by the Kaplan-Meier estimator.

    Persons with an outcome before entry (within ``washout`` days, or ever when None) are left out.

    Attributes:
        horizon: Last day of follow-up after entry.
        step: Days between two published points; day 0 and the horizon are always published.
    """

    kind: Literal["cumulative_incidence"] = "cumulative_incidence"
    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1)
    outcome: Events
    washout: int | None = Field(default=None, ge=0)
    horizon: int = Field(ge=1)
    step: int = Field(ge=1)


Result = Annotated[
    Counts | Characteristics | Incidence | CumulativeIncidence, Field(discriminator="kind")
]


class Study(Frozen):
    """A question: named concept sets and cohorts, and the results wanted of them."""

    name: Name
    title: str
    description: str = ""
    concept_sets: Mapping[Name, ConceptSet]
    cohorts: tuple[Cohort, ...] = ()
    results: tuple[Result, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_resolve(self) -> "Study":
        _once([one.name for one in self.cohorts], "cohort")
        _once([one.name for one in self.results], "result")
        for events in self.events():
            if events.concepts not in self.concept_sets:
                raise ValueError(f"there is no concept set named {events.concepts!r}")
        known = {one.name for one in self.cohorts}
        for result in self.results:
            asked: tuple[str, ...]
            if isinstance(result, Incidence):
                asked = () if result.population is None else (result.population,)
            else:
                asked = result.cohorts
                _once(list(asked), "cohort")
            for cohort in asked:
                if cohort not in known:
                    raise ValueError(f"{result.name}: there is no cohort named {cohort!r}")
        return self

    def cohort(self, name: str) -> Cohort:
        """Return the cohort of that name, which the study is known to have."""
        return next(one for one in self.cohorts if one.name == name)

    def events(self) -> tuple[Events, ...]:
        """Return every ``Events`` the study reads, each once, in order of first use."""
        found: list[Events] = []
        for cohort in self.cohorts:
            found.append(cohort.entry)
            found += [one.events for one in cohort.criteria if isinstance(one, HasEvents)]
        for result in self.results:
            if isinstance(result, Characteristics):
                found += [one.events for one in result.covariates]
            elif isinstance(result, Incidence | CumulativeIncidence):
                found.append(result.outcome)
        return tuple(dict.fromkeys(found))

    def canonical(self) -> bytes:
        """Return the study as JSON with sorted keys and no spaces: equal studies, equal bytes."""
        dumped = self.model_dump(mode="json")
        return json.dumps(dumped, sort_keys=True, separators=(",", ":")).encode()

    def digest(self) -> str:
        """Return the SHA-256 of ``canonical()`` in hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def _once(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the {what} {name!r} is given twice")


def _apart(groups: tuple[AgeGroup, ...]) -> None:
    ordered = sorted(groups, key=lambda one: one.minimum)
    for before, after in itertools.pairwise(ordered):
        if after.minimum <= before.maximum:
            raise ValueError(f"age groups {before.label!r} and {after.label!r} overlap")
