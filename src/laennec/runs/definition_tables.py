"""Rows of one table of one bucket on a single line of persons and days, and who is observed when.

A person of the bucket is a number from 0 in the order of ``person_id``; a day is a number from
1970-01-01; ``line = person * LINE + day`` orders all rows of a table by person and day at once. A
stretch of days of one person is then a range of positions, found by bisection: to count events in a
window about a thousand index events needs no join and no memory for pairs.

Every array is ``int64``. ``MISSING`` stands for a day, a visit or a concept that a row does not
say; no arithmetic on it comes near a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from laennec.runs.definition_columns import (
    concept_columns,
    end_column,
    key_column,
    start_column,
    visit_column,
)
from laennec.runs.definition_values import ByValue, Told, Truth, Whole
from laennec.runs.kernel_history import days
from laennec.study.reference_definition_events import DAY_AFTER

LINE = 2**32
"""More than the days between any two days that a definition can name, its windows included."""

MISSING = -(2**62)


@dataclass(frozen=True, eq=False)
class People:
    """The persons of a bucket.

    Attributes:
        ids: ``person_id``, ascending; a person's place here is their number.
        rows: Their rows of ``person``, in the same order.
    """

    ids: Whole
    rows: pl.DataFrame

    def numbers(self, person_id: pl.Series) -> Whole:
        """Return the number of each person, -1 for who has no row in ``person``.

        Rows of a person lie together in a sealed file, so that each person is looked up once.
        """
        asked = whole(person_id)
        if not self.ids.size:
            return np.full(asked.size, -1)
        first = np.flatnonzero(changes(asked))
        place = np.searchsorted(self.ids, asked[first]).clip(max=self.ids.size - 1)
        number = np.where(self.ids[place] == asked[first], place, -1)
        return np.repeat(number, np.diff(first, append=asked.size))


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods of observation, in order of person and day; those of a person share no day."""

    person: Whole
    start: Whole
    end: Whole

    @cached_property
    def _of_person(self) -> tuple[Whole, Whole, Whole, Whole]:
        """Position of each person's first period, its days, and how many periods they have.

        The last entry is for all persons above the last who has one.
        """
        number = np.append(np.bincount(self.person), 0)
        first = number.cumsum() - number
        has = number > 0
        start, end = np.full(number.size, MISSING), np.full(number.size, MISSING)
        start[has], end[has] = self.start[first[has]], self.end[first[has]]
        return first, start, end, number

    def of(self, person: Whole, day: Whole) -> tuple[Whole, Truth]:
        """Return the position of the period that holds each day, and whether there is one.

        Most persons have one period, so that periods are tried in turn. Where there is none, the
        position means nothing.
        """
        first, start, end, number = self._of_person
        who = np.minimum(person, number.size - 1)
        place, holds = first[who], (start[who] <= day) & (day <= end[who])
        asked = np.flatnonzero(~holds)
        for turn in range(1, int(number.max())):
            asked = asked[number[who[asked]] > turn]
            tried = first[who[asked]] + turn
            found = (self.start[tried] <= day[asked]) & (day[asked] <= self.end[tried])
            place[asked[found]], holds[asked[found]] = tried[found], True
            asked = asked[~found]
        return place, holds


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table whose person is known, by person, start and identifier.

    Attributes:
        name: CDM table.
        read: Rows as they were read, all columns of the scan.
        place: For each row here, its position in ``read``.
        in_place: Whether each row here has that very position.
        person, start, end, key, visit: Parts of the event; ``docs/reference/circe-semantics.md``.
        known: What is looked for in a column of concepts, where that is known.
    """

    name: str
    read: pl.DataFrame
    place: Whole
    in_place: bool
    person: Whole
    start: Whole
    end: Whole
    key: Whole
    visit: Whole
    known: Mapping[str, Told]
    _orders: dict[str, ByValue] = field(default_factory=dict)

    def values(self, column: str, rows: Whole) -> pl.Series:
        """Return a column of the given rows."""
        return self.read[column].gather(rows if self.in_place else self.place[rows])

    def rows_of(self, concepts: Whole | None, source_concepts: Whole | None) -> Whole:
        """Return positions, ascending, of rows whose concepts are among these; None for any."""
        standard, source = concept_columns(self.name)
        found: Whole | None = None
        for column, wanted in ((standard, concepts), (source, source_concepts)):
            if wanted is not None:
                these = np.zeros(0, np.int64) if column is None else self._among(column, wanted)
                found = these if found is None else np.intersect1d(found, these, assume_unique=True)
        return np.arange(self.person.size) if found is None else found

    def _among(self, column: str, wanted: Whole) -> Whole:
        if column not in self._orders:
            values = whole(self.read[column])
            values = values if self.in_place else values[self.place]
            told = self.known.get(column) or Told(np.unique(values[values != MISSING]))
            self._orders[column] = ByValue(told, values)
        return self._orders[column].rows_of(wanted)


def table_of(
    name: str,
    read: pl.DataFrame,
    people: People,
    *,
    known: Mapping[str, Told] | None = None,
    ordered: bool = False,
) -> Table:
    """Put the rows of a scan on the line; rows of nobody and rows without a start are left out.

    Args:
        name: CDM table.
        read: At least the columns of ``event_columns``, save that key, end and visit may be left
            out: then a row's key is its place, and it has no end and is of no visit.
        people: The persons of the bucket.
        known: For a column of concepts, all that will be looked for in it.
        ordered: Whether the rows are known to lie by person, start and key.
    """
    columns = read.select(
        start=days(start_column(name)),
        end=_last_day(name, read),
        key=_identifier(key_column(name), read, pl.int_range(pl.len())),
        visit=_identifier(visit_column(name), read, pl.lit(MISSING)),
    )
    person = people.numbers(read["person_id"])
    parts = [person, *(whole(columns[one]) for one in ("start", "end", "key", "visit"))]
    place = np.arange(person.size)
    somebody = (person >= 0) & (parts[1] != MISSING)
    if not somebody.all():
        place = np.flatnonzero(somebody)
        parts = [one[place] for one in parts]
    order = None if ordered else in_order(parts[0] * LINE + parts[1], parts[3])
    if order is not None:
        place, parts = place[order], [one[order] for one in parts]
    in_place = order is None and bool(somebody.all())
    return Table(
        name, read, place, in_place, parts[0], parts[1], parts[2], parts[3], parts[4], known or {}
    )


def _identifier(column: str | None, read: pl.DataFrame, absent: pl.Expr) -> pl.Expr:
    return pl.col(column).cast(pl.Int64) if column in read.columns else absent


def _last_day(table: str, read: pl.DataFrame) -> pl.Expr:
    """The last day of a row, as days from 1970-01-01."""
    start, named = days(start_column(table)), end_column(table)
    if named is not None and named not in read.columns:
        return pl.lit(MISSING)
    end = pl.lit(None, pl.Int64) if named is None else days(named)
    if table == "drug_exposure":
        end = end.fill_null(start + pl.col("days_supply").cast(pl.Int64))
    return end.fill_null(start + 1) if table in DAY_AFTER else end


def whole(values: pl.Series) -> Whole:
    """Return whole numbers, ``MISSING`` where there is none."""
    values = values if values.dtype == pl.Int64 else values.cast(pl.Int64)
    return (values.fill_null(MISSING) if values.null_count() else values).to_numpy()


def changes(values: NDArray[Any]) -> Truth:
    """Return where a value differs from the one before; the first does."""
    found = np.ones(values.size, np.bool_)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def in_order(line: Whole, *keys: Whole) -> Whole | None:
    """Return positions by line and then by the keys, or None where all lie so already.

    Most events are in order of person and day, so that mostly there is nothing to do but to order
    the few of one day; several sealed files, one behind the other, are merged.
    """
    rises = line[1:] > line[:-1]
    if rises.all():
        return None
    order = None
    if (line[1:] < line[:-1]).any():
        order = np.argsort(line, kind="stable")
        line, keys = line[order], tuple(one[order] for one in keys)
        rises = line[1:] > line[:-1]
    tied = np.flatnonzero(np.append(~rises, False) | np.insert(~rises, 0, values=False))
    within = np.lexsort((*(one[tied] for one in reversed(keys)), line[tied]))
    if (within[1:] > within[:-1]).all():
        return order
    order = np.arange(line.size) if order is None else order
    order[tied] = order[tied[within]]
    return order


def joined(person: Whole, start: Whole, end: Whole, *, pad: int) -> tuple[Whole, Whole, Whole]:
    """Join spans of a person that share a day once ``pad`` days are added to their ends.

    Args:
        person: Persons, in any order.
        start: First day of each span.
        end: Last day of each; it may be before the first.
        pad: Days, 0 or more.

    Returns:
        Persons, starts and ends without the pad, by person and start.
    """
    if not person.size:
        return person, start, end
    order = in_order(person * LINE + start, end)
    if order is not None:
        person, start, end = person[order], start[order], end[order]
    reached = np.maximum.accumulate(person * LINE + end)
    begins = np.insert((person * LINE + start)[1:] > reached[:-1] + pad, 0, values=True)
    firsts = np.flatnonzero(begins)
    return person[firsts], start[firsts], np.maximum.reduceat(end, firsts)
