"""Rows of one table of one bucket on a single line of persons and days, and who is observed when.

A person of the bucket is a number from 0 in the order of ``person_id``; a day is a number from
1970-01-01; ``line = person * LINE + day`` orders all rows of a table by person and day at once. A
stretch of days of one person is then a range of positions, found by bisection: to count events in a
window about a thousand index events needs no join and no memory for pairs.

Every array is ``int64``. ``MISSING`` stands for a day, a visit or a concept that a row does not
say; no arithmetic on it comes near a day.
"""

from dataclasses import dataclass
from functools import cached_property

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
from laennec.runs.kernel_history import days
from laennec.study.reference_definition_events import DAY_AFTER

Whole = NDArray[np.int64]
Truth = NDArray[np.bool_]

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
        """Return the number of each person, -1 for who has no row in ``person``."""
        asked = whole(person_id)
        if not self.ids.size:
            return np.full(asked.size, -1)
        place = np.searchsorted(self.ids, asked).clip(max=self.ids.size - 1)
        return np.where(self.ids[place] == asked, place, -1)


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods of observation, in order of person and day; those of a person share no day."""

    person: Whole
    start: Whole
    end: Whole

    @cached_property
    def _line(self) -> Whole:
        return self.person * LINE + self.start

    def of(self, person: Whole, day: Whole) -> tuple[Whole, Truth]:
        """Return the position of the period that holds each day, and whether there is one."""
        if not self.person.size:
            return np.zeros(person.size, np.int64), np.zeros(person.size, np.bool_)
        place = np.searchsorted(self._line, person * LINE + day, side="right") - 1
        found = place.clip(min=0)
        holds = (place >= 0) & (self.person[found] == person) & (day <= self.end[found])
        return found, holds


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table whose person is known, by person, start and identifier.

    Attributes:
        name: CDM table.
        read: Rows as they were read, all columns of the scan.
        place: For each row here, its position in ``read``.
        person, start, end, key, visit: Parts of the event; ``docs/reference/circe-semantics.md``.
    """

    name: str
    read: pl.DataFrame
    place: Whole
    person: Whole
    start: Whole
    end: Whole
    key: Whole
    visit: Whole
    _orders: dict[str, tuple[Whole, Whole, Whole]]

    def values(self, column: str, rows: Whole) -> pl.Series:
        """Return a column of the given rows."""
        return self.read[column].gather(self.place[rows])

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
            self._orders[column] = _by_value(whole(self.read[column])[self.place])
        values, firsts, order = self._orders[column]
        taken = np.flatnonzero(np.isin(values, wanted))
        if not taken.size:
            return np.zeros(0, np.int64)
        ends = np.append(firsts, order.size)
        parts = [order[ends[one] : ends[one + 1]] for one in taken.tolist()]
        return np.sort(np.concatenate(parts))


def table_of(name: str, read: pl.DataFrame, people: People) -> Table:
    """Put the rows of a scan on the line; rows of nobody and rows without a start are left out.

    Args:
        name: CDM table.
        read: At least the columns of ``event_columns``.
        people: The persons of the bucket.
    """
    key, visit = key_column(name), visit_column(name)
    columns = read.select(
        start=days(start_column(name)).fill_null(MISSING),
        end=_last_day(name).fill_null(MISSING),
        key=pl.col(key).cast(pl.Int64).fill_null(MISSING),
        visit=pl.lit(MISSING) if visit is None else pl.col(visit).cast(pl.Int64).fill_null(MISSING),
    )
    person = people.numbers(read["person_id"])
    first, keys = whole(columns["start"]), whole(columns["key"])
    known = np.flatnonzero((person >= 0) & (first != MISSING))
    place = known[in_order(person[known] * LINE + first[known], keys[known])]
    return Table(
        name=name,
        read=read,
        place=place,
        person=person[place],
        start=first[place],
        end=whole(columns["end"])[place],
        key=keys[place],
        visit=whole(columns["visit"])[place],
        _orders={},
    )


def _last_day(table: str) -> pl.Expr:
    """The last day of a row, as days from 1970-01-01."""
    start, named = days(start_column(table)), end_column(table)
    end = pl.lit(None, pl.Int64) if named is None else days(named)
    if table == "drug_exposure":
        end = end.fill_null(start + pl.col("days_supply").cast(pl.Int64))
    return end.fill_null(start + 1) if table in DAY_AFTER else end


def whole(values: pl.Series) -> Whole:
    """Return whole numbers, ``MISSING`` where there is none."""
    return values.cast(pl.Int64).fill_null(MISSING).to_numpy()


def in_order(line: Whole, key: Whole) -> Whole:
    """Return positions by line and then key.

    Sealed files are in order of person and day, so mostly there is nothing to do but to order the
    few rows of one day.
    """
    if not line.size:
        return np.zeros(0, np.int64)
    steps = np.diff(line)
    if (steps < 0).any():
        return np.lexsort((key, line))
    order = np.arange(line.size)
    if ((steps == 0) & (np.diff(key) < 0)).any():
        tied = np.flatnonzero(np.append(steps == 0, False) | np.insert(steps == 0, 0, values=False))
        order[tied] = tied[np.lexsort((key[tied], line[tied]))]
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
    order = np.lexsort((end, start, person))
    person, start, end = person[order], start[order], end[order]
    reached = np.maximum.accumulate(person * LINE + end)
    begins = np.insert((person * LINE + start)[1:] > reached[:-1] + pad, 0, values=True)
    firsts = np.flatnonzero(begins)
    return person[firsts], start[firsts], np.maximum.reduceat(end, firsts)


def _by_value(values: Whole) -> tuple[Whole, Whole, Whole]:
    """Distinct values but ``MISSING``, where each begins in the order by value, and that order."""
    order = np.argsort(values, kind="stable")
    order = order[np.searchsorted(values[order], MISSING, side="right") :] if order.size else order
    found, firsts = np.unique(values[order], return_index=True)
    return found, firsts, order
