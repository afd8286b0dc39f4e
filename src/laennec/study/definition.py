"""Cohorts as ATLAS defines them, as frozen values: entry, rules, exit and eras.

A ``Definition`` holds entry events, a qualifying group, inclusion rules, an exit and eras. A filter
names a column of CDM 5.4, or one of ``NUMBERS`` and ``LOOKED_UP``; the source's own shorthands
(which date a field compares, how many decimals it keeps) are the work of whoever translates from
it. What each value means is in ``docs/reference/circe-semantics.md``;
``study.reference_definition`` says it in plain Python.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.study.model_cohorts import (
    MANY,
    Days,
    Frozen,
    Name,
    Records,
    SignedDays,
    check_dates,
    check_once,
    unknown_name,
)

TABLES = (
    "condition_era",
    "condition_occurrence",
    "death",
    "device_exposure",
    "dose_era",
    "drug_era",
    "drug_exposure",
    "episode",
    "measurement",
    "observation",
    "observation_period",
    "payer_plan_period",
    "procedure_occurrence",
    "specimen",
    "visit_detail",
    "visit_occurrence",
)
"""Tables whose rows are events."""

CUSTOM_ERA = "custom_era"
"""In place of a table: events are eras of the events of other queries."""

NUMBERS = ("age", "age_at_end", "length", "range_low_ratio", "range_high_ratio")
"""Numbers that no column holds: years of age, days from start to end, value over range."""

LOOKED_UP = {
    "person.gender_concept_id": "person",
    "person.race_concept_id": "person",
    "person.ethnicity_concept_id": "person",
    "visit.visit_concept_id": "visit_occurrence",
    "provider.specialty_concept_id": "provider",
    "care_site.place_of_service_concept_id": "care_site",
}
"""Concepts of another table, found through the event's row."""

MAX_RULES = 62
"""Bound of the rules of a definition: each is a bit of a 64-bit mask, as in Circe."""

Compare = Literal["lt", "lte", "eq", "ne", "gte", "gt", "between", "not_between"]
Limit = Literal["all", "first", "last"]
Side = Literal["start", "end"]
Bound = SignedDays | Literal["observation_start", "observation_end"]


class _Compared(Frozen):
    """A comparison with one value, or with two where it is about a range."""

    compare: Compare

    @model_validator(mode="after")
    def _has_its_extent(self) -> "_Compared":
        if (getattr(self, "extent", None) is None) == (self.compare in ("between", "not_between")):
            raise ValueError("between and not_between need an extent, no other comparison has one")
        return self


class NumberFilter(_Compared):
    """A number of the row, or one of ``NUMBERS``, compares so."""

    kind: Literal["number"] = "number"
    column: str
    value: float
    extent: float | None = None


class DateFilter(_Compared):
    """The event's first or last day compares so."""

    kind: Literal["date"] = "date"
    column: Side
    value: date
    extent: date | None = None


class TextFilter(Frozen):
    """A text of the row compares so, letter case included; ``negate`` turns it round."""

    kind: Literal["text"] = "text"
    column: str
    compare: Literal["equals", "starts_with", "ends_with", "contains"]
    text: str
    negate: bool = False


class ConceptFilter(Frozen):
    """A concept of the row, or one of ``LOOKED_UP``, is among these; ``negate`` turns it round."""

    kind: Literal["concept"] = "concept"
    column: str
    concepts: tuple[int, ...] = Field(min_length=1, max_length=MANY)
    negate: bool = False


class SetFilter(Frozen):
    """A concept of the row, or one of ``LOOKED_UP``, is in this set; ``negate`` turns it round.

    Without a set, there is a concept; turned round, there is none.
    """

    kind: Literal["concept_set"] = "concept_set"
    column: str
    concept_set: Name | None = None
    negate: bool = False


Filter = Annotated[
    NumberFilter | DateFilter | TextFilter | ConceptFilter | SetFilter,
    Field(discriminator="kind"),
]
PersonFilter = Annotated[
    NumberFilter | DateFilter | ConceptFilter | SetFilter, Field(discriminator="kind")
]


class Adjustment(Frozen):
    """The event's days are replaced: each becomes its start or its end, plus days."""

    start: Side = "start"
    start_days: SignedDays = 0
    end: Side = "end"
    end_days: SignedDays = 0


class EventQuery(Frozen):
    """Events of one table.

    Attributes:
        concepts: Set of standard concepts; None for rows of any.
        source_concepts: Set of source concepts; None for rows of any.
        first: Only the person's earliest row of these concepts, before any filter.
        adjustment: Applied before filters.
        filters: All of them hold.
        abnormal: Only measurements out of range or marked high or low.
        period_start, period_end: A period must hold this day; it then starts, or ends, on it.
        group: Accepts the event as index.
        eras: Queries whose events, joined where they share a day, are the events; with the table
            ``custom_era`` only.
    """

    table: str
    concepts: Name | None = None
    source_concepts: Name | None = None
    first: bool = False
    adjustment: Adjustment | None = None
    filters: tuple[Filter, ...] = Field(default=(), max_length=MANY)
    abnormal: bool = False
    period_start: date | None = None
    period_end: date | None = None
    group: "Group | None" = None
    eras: tuple["EventQuery", ...] = Field(default=(), max_length=MANY)

    @model_validator(mode="after")
    def _eras_are_of_queries(self) -> "EventQuery":
        known = (*TABLES, CUSTOM_ERA)
        if self.table not in known:
            raise unknown_name("event table", self.table, known=known, place="table")
        if (self.table == CUSTOM_ERA) != bool(self.eras):
            raise ValueError("custom eras have eras, no other query has them")
        if self.table == CUSTOM_ERA and (self.concepts or self.source_concepts):
            raise ValueError("custom eras have no concepts of their own")
        return self

    @model_validator(mode="after")
    def _columns_are_known(self) -> "EventQuery":
        if self.table not in (*TABLES, CUSTOM_ERA):
            return self
        for one in self.filters:
            known = columns(self.table, one.kind)
            if one.column not in known:
                raise unknown_name("column", one.column, known=known, place="filters")
        if self.abnormal and self.table != "measurement":
            raise ValueError("only measurements are abnormal")
        own = self.period_start is not None or self.period_end is not None
        if own and self.table not in ("observation_period", "payer_plan_period"):
            raise ValueError("only periods have a start or an end of one's own")
        check_dates(self.period_start, self.period_end)
        return self


class EventWindow(Frozen):
    """Days between which a day of the counted event lies, relative to a day of the index event."""

    start: Bound
    end: Bound
    index: Side = "start"
    event: Side = "start"


class Correlated(Frozen):
    """A number of events about an index event.

    Attributes:
        distinct: Count different values of this column (or ``start``, ``end``, ``length``).
        same_visit: Both events name the same visit.
        ignore_observation: The event need not start in the period of the index event.
    """

    query: EventQuery
    window: EventWindow
    end_window: EventWindow | None = None
    occurrence: Literal["exactly", "at_most", "at_least"]
    count: Records
    distinct: str | None = None
    same_visit: bool = False
    ignore_observation: bool = False

    @model_validator(mode="after")
    def _distinct_is_known(self) -> "Correlated":
        table = cdm(CURRENT).tables.get(self.query.table)
        known = (*(() if table is None else table.field_names), "start", "end", "length")
        if self.distinct is not None and self.distinct not in known:
            raise unknown_name("column", self.distinct, known=known, place="distinct")
        return self


class Demographics(Frozen):
    """The person, and the index event's days, meet all of these filters."""

    filters: tuple[PersonFilter, ...] = Field(max_length=MANY)

    @model_validator(mode="after")
    def _columns_are_of_a_person(self) -> "Demographics":
        known = ("age", "start", "end", *(one for one in LOOKED_UP if one.startswith("person.")))
        for one in self.filters:
            if one.column not in known:
                raise unknown_name("column", one.column, known=known, place="filters")
        return self


class Group(Frozen):
    """Parts of which all, any, at least or at most ``count`` accept an index event."""

    accepts: Literal["all", "any", "at_least", "at_most"] = "all"
    count: Records | None = None
    criteria: tuple[Correlated, ...] = Field(default=(), max_length=MANY)
    demographics: tuple[Demographics, ...] = Field(default=(), max_length=MANY)
    groups: tuple["Group", ...] = Field(default=(), max_length=MANY)

    @model_validator(mode="after")
    def _has_its_count(self) -> "Group":
        if (self.count is None) == self.accepts.startswith("at_"):
            raise ValueError("at_least and at_most need a count, all and any have none")
        return self


class Rule(Frozen):
    """An inclusion rule: events that its group refuses are not in the cohort."""

    name: Name
    group: Group


class EndOfPeriod(Frozen):
    """Leave at the end of the period of observation."""

    kind: Literal["end_of_observation"] = "end_of_observation"


class Offset(Frozen):
    """Leave this many days after the event's start or end."""

    kind: Literal["offset"] = "offset"
    days: SignedDays
    after: Side = "start"


class DrugEra(Frozen):
    """Leave with the era of exposures to a set of drugs that holds the event's start.

    Attributes:
        gap: Days without drug that do not end an era.
        offset: Days added to each exposure.
        supply: Days that each exposure lasts, in place of what its row says.
    """

    kind: Literal["drug_era"] = "drug_era"
    concepts: Name
    gap: Days = 0
    offset: SignedDays = 0
    supply: Days | None = None


Leave = Annotated[EndOfPeriod | Offset | DrugEra, Field(discriminator="kind")]


class Definition(Frozen):
    """A cohort of stays, several of a person now and then.

    Attributes:
        prior, post: Days of observation that an entry event needs on each side.
        entry_limit: Which entry events of a person are taken.
        entry_number: Which one from the first, or from the last, that the limit takes.
        qualify: Accepts entry events; ``qualify_limit`` then takes some, given a group only.
        rules: Asked of every qualified event; ``limit`` then takes some.
        censoring: Events whose start ends a stay.
        era_pad: Days between two stays that make them one.
        first_day, last_day: Stays are cut to these.
    """

    kind: Literal["definition"] = "definition"
    name: Name
    entry: tuple[EventQuery, ...] = Field(min_length=1, max_length=MANY)
    prior: Days = 0
    post: Days = 0
    entry_limit: Limit = "all"
    entry_number: int = Field(default=1, ge=1, le=1_000_000)
    qualify: Group | None = None
    qualify_limit: Limit = "all"
    rules: tuple[Rule, ...] = Field(default=(), max_length=MAX_RULES)
    limit: Limit = "all"
    leave: Leave = EndOfPeriod()
    censoring: tuple[EventQuery, ...] = Field(default=(), max_length=MANY)
    era_pad: Days = 0
    first_day: date | None = None
    last_day: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Definition":
        check_once([one.name for one in self.rules], "rule")
        if self.entry_limit == "all" and self.entry_number != 1:
            raise ValueError("an entry_number needs an entry_limit of first or last to count from")
        check_dates(self.first_day, self.last_day)
        return self


def columns(table: str, kind: str) -> tuple[str, ...]:
    """Return the columns of a table that a filter of a kind may name, in the order of the CDM."""
    if kind == "date":
        return ("start", "end")
    if table == CUSTOM_ERA:
        of_person = tuple(one for one in LOOKED_UP if one.startswith("person."))
        known = {"text": (), "number": ("age", "age_at_end", "length")}
        return known.get(kind, of_person)
    fields = cdm(CURRENT).tables[table].fields
    if kind == "text":
        return tuple(one.name for one in fields if one.type is FieldType.TEXT)
    concepts = tuple(one.name for one in fields if one.name.endswith("_concept_id"))
    if kind in ("concept", "concept_set"):
        return (*concepts, *LOOKED_UP)
    numbers = (FieldType.INTEGER, FieldType.FLOAT)
    plain = (one.name for one in fields if one.type in numbers and not one.name.endswith("_id"))
    return (*plain, *NUMBERS)
