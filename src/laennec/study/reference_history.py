"""One person's history, read from rows: the ground on which the reference engine stands.

Days are whole numbers (proleptic Gregorian ordinals, as ``date.toordinal``), so that no sum of days
leaves the calendar: real data end observation on 9999-12-31.

Rules kept here (``docs/reference/study-semantics.md`` gives each its source):

- an event whose end is missing or before its start lasts one day;
- a period of observation whose end is before its start is no period; periods that share a day are
  one period, periods that only touch are two;
- a missing month or day of birth is 1; without a year of birth there is no age;
- a person is a row of ``person``: rows of other tables that point to nobody are not read.

Written to be read, not to be fast. It does not decide anything a study asks for.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.events import EVENT_TABLES
from laennec.study.model import Events, Sex

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""Table name to rows; a row maps the CDM's column names to values, dates as ``datetime.date``."""

Concepts = Mapping[str, frozenset[int]]
"""Concept set name to the concepts it resolves to."""

UNKNOWN_SEX = "None"
SEX_BY_CONCEPT = {8507: Sex.MALE.value, 8532: Sex.FEMALE.value}


@dataclass(frozen=True, order=True)
class Span:
    """Days from ``start`` to ``end``, both included."""

    start: int
    end: int

    def holds(self, day: int) -> bool:
        """Return whether ``day`` is one of the days."""
        return self.start <= day <= self.end


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans that share a day; return them in order. Spans that only touch stay apart."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


@dataclass(frozen=True)
class Record:
    """One row of an event table: its standard and source concept, and its days."""

    concept_id: int | None
    days: Span
    source_concept_id: int | None = None


@dataclass
class History:
    """All that a study may read of one person.

    Attributes:
        sex: ``Male``, ``Female`` or ``None``.
        birth: Birth day as the number yyyymmdd, or None when the year is missing. Kept as a number
            because the rows may hold a day that no month has.
        observed: Periods of observation, joined and in order.
        records: Rows of each event table, in the order given.
        row: The row of ``person``.
        tables: Rows of each table that has rows of the person, in the order given, all columns.
        providers, care_sites: Rows of everybody's tables, by their key.
    """

    sex: str
    birth: int | None
    observed: tuple[Span, ...] = ()
    records: dict[str, list[Record]] = field(default_factory=dict)
    row: Row = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    providers: Mapping[int, Row] = field(default_factory=dict)
    care_sites: Mapping[int, Row] = field(default_factory=dict)

    def of(self, events: Events, concepts: Concepts) -> list[Record]:
        """Return the person's records of these events, in the order given."""
        wanted = concepts[events.concepts]
        return [one for one in self.records.get(events.table, []) if one.concept_id in wanted]

    def period_of(self, day: int) -> Span | None:
        """Return the period of observation that holds ``day``, if any."""
        return next((period for period in self.observed if period.holds(day)), None)

    def age_on(self, day: int) -> int | None:
        """Return completed years on ``day`` by the yyyymmdd rule: 29 February turns on 1 March."""
        return None if self.birth is None else (yyyymmdd(day) - self.birth) // 10_000

    def days_aged(self, minimum: int, maximum: int, days: Span) -> Span | None:
        """Return those of ``days`` on which the age is from ``minimum`` to ``maximum``, if any."""
        if self.birth is None:
            return None
        start = max(days.start, first_day_from(self.birth + minimum * 10_000))
        end = min(days.end, first_day_from(self.birth + (maximum + 1) * 10_000) - 1)
        return Span(start, end) if start <= end else None


def yyyymmdd(day: int) -> int:
    """Return a day as the number whose digits are its year, month and day."""
    on = date.fromordinal(day)
    return on.year * 10_000 + on.month * 100 + on.day


def first_day_from(number: int) -> int:
    """Return the first day whose ``yyyymmdd`` is at least ``number``, such as 1 March for 0229.

    The day after the last of the calendar (9999-12-31) stands for every later one.
    """
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    if year < date.min.year:
        return date.min.toordinal()
    if year > date.max.year:
        return date.max.toordinal() + 1
    if month > 12:
        return date(year, 12, 31).toordinal() + 1
    if month < 1:
        return date(year, 1, 1).toordinal()
    return date(year, month, 1).toordinal() + min(max(day, 1), monthrange(year, month)[1] + 1) - 1


def read_histories(rows: Rows) -> list[History]:
    """Return the history of every person, in the order of ``person``.

    Args:
        rows: Tables; a table that is absent has no rows. ``person_id`` is unique in ``person``.
    """
    people = {row["person_id"]: _person(row) for row in rows.get("person", ())}
    periods: dict[Any, list[Span]] = {}
    for row in rows.get("observation_period", ()):
        start = row["observation_period_start_date"].toordinal()
        end = row["observation_period_end_date"].toordinal()
        if start <= end:
            periods.setdefault(row["person_id"], []).append(Span(start, end))
    for person_id, history in people.items():
        history.observed = merged(periods.get(person_id, ()))
    for table in EVENT_TABLES.values():
        for row in rows.get(table.name, ()):
            if row["person_id"] in people:
                started = row[table.start]
                ended = row.get(table.end) if table.end else None
                source = row.get(table.source_concept) if table.source_concept else None
                record = Record(row[table.concept], _lasting(started, ended), source)
                people[row["person_id"]].records.setdefault(table.name, []).append(record)
    for name in rows:
        if cdm(CURRENT).tables[name].person_field == "person_id":
            for row in rows[name]:
                if row["person_id"] in people:
                    people[row["person_id"]].tables.setdefault(name, []).append(row)
    providers = {row["provider_id"]: row for row in rows.get("provider", ())}
    care_sites = {row["care_site_id"]: row for row in rows.get("care_site", ())}
    for history in people.values():
        history.providers, history.care_sites = providers, care_sites
    return list(people.values())


def _person(row: Row) -> History:
    year = row.get("year_of_birth")
    month, day = row.get("month_of_birth"), row.get("day_of_birth")
    birth = None
    if year is not None:
        birth = year * 10_000 + (1 if month is None else month) * 100 + (1 if day is None else day)
    return History(SEX_BY_CONCEPT.get(row.get("gender_concept_id", 0), UNKNOWN_SEX), birth, row=row)


def _lasting(started: date, ended: date | None) -> Span:
    start = started.toordinal()
    return Span(start, start if ended is None else max(start, ended.toordinal()))
