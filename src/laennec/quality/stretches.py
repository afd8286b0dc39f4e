"""Neighbouring rows of one key, taken as one: in order of persons, a row for each person.

A sealed file is in order of person and day, so a table of a bucket has some fifty times fewer
stretches than rows, and what is asked of persons is asked once for each stretch. In any other
order the answers are the same and take longer. Pure.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from laennec.quality.finder import Finder, Index, Values

NEVER, EVER = -(2**30), 2**30
"""Days before and after all others: a missing one lies where it is not counted."""

_LONG = 4


@dataclass(frozen=True)
class Days:
    """The days of rows, as days since 1970-01-01.

    Attributes:
        first: With ``EVER`` for a missing one.
        last: With ``NEVER`` for a missing one.
        missing: How many are.
    """

    first: Values
    last: Values
    missing: int


@dataclass(frozen=True)
class Matches:
    """Pairs of a stretch and a row of another table with its key.

    Attributes:
        stretch: Number of the stretch, ascending.
        row: Number of the row.
    """

    stretch: Index
    row: Index

    def at(self, values: Values) -> Values:
        """Return the values of the stretches, of which ``values`` has one each."""
        whole = len(self.stretch) == len(values) and bool(
            (self.stretch[1:] > self.stretch[:-1]).all()
        )
        taken: Values = values if whole else values[self.stretch]
        return taken

    def of(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Matches":
        """Return some of them."""
        return Matches(self.stretch[chosen], self.row[chosen])


@dataclass(frozen=True)
class Stretches:
    """Stretches of rows.

    Attributes:
        starts: The first row of each.
        rows: Rows of all.
        named: Numbers of those whose rows have a key, ascending.
        keys: The key of each of these.
    """

    starts: Index
    rows: int
    named: Index
    keys: Index

    @cached_property
    def sizes(self) -> Index:
        """Rows of each stretch."""
        return np.diff(np.append(self.starts, self.rows))

    def known(self) -> pl.DataFrame:
        """Return the key and the rows of stretches that have a key."""
        return pl.DataFrame({"key": self.keys, "rows": self.sizes[self.named]})

    def met(self, finder: Finder) -> Matches:
        """Return each pair of a stretch and a row with its key."""
        at, rows = finder.find(self.keys)
        return Matches(self.named[at], rows)

    def taken(self, values: Values, met: Matches) -> Values:
        """Return the values of the rows of the stretches of ``met``, in its order."""
        chosen = met.stretch
        if len(chosen) == len(self.starts) and bool((chosen[1:] > chosen[:-1]).all()):
            return values
        sizes = self.sizes[chosen]
        before = np.cumsum(sizes) - sizes
        taken: Values = values[
            np.repeat(self.starts[chosen] - before, sizes) + np.arange(sizes.sum())
        ]
        return taken

    def spread(self, met: Matches, values: Values) -> Values:
        """Return a value of each pair of ``met`` for every row that ``taken`` returns for it."""
        spread: Values = np.repeat(values, self.sizes[met.stretch])
        return spread

    def earliest(self, days: Days) -> Values:
        """Return the first day of each stretch; ``EVER`` where its rows have none."""
        return self.ends(days)[0]

    def ends(self, days: Days) -> tuple[Values, Values]:
        """Return ``earliest``, and the last day of each stretch, ``NEVER`` where rows have none."""
        if not self.rows:
            return days.first, days.last
        if self._ascend(days):
            return days.first[self.starts], days.last[self.starts + self.sizes - 1]
        return (
            np.minimum.reduceat(days.first, self.starts),
            np.maximum.reduceat(days.last, self.starts),
        )

    def _ascend(self, days: Days) -> bool:
        """Whether days never go back within a stretch, as those of sorted files do."""
        if days.missing:
            return False
        back = days.first[1:] < days.first[:-1]
        return not (back & self._within).any()

    @cached_property
    def _within(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether a row but the first is of the stretch of the row before it."""
        within = np.ones(max(self.rows - 1, 0), dtype=bool)
        within[self.starts[1:] - 1] = False
        return within


def stretches(keys: pl.Series) -> Stretches:
    """Cut rows where their key changes; what is no whole number is no key."""
    whole = keys if keys.dtype == pl.Int64 else keys.cast(pl.Int64, strict=False)
    missing = whole.null_count()
    values = (whole.fill_null(0) if missing else whole).to_numpy()
    changes = values[1:] != values[:-1]
    there = whole.is_not_null().to_numpy() if missing else None
    if there is not None:
        changes |= there[1:] != there[:-1]
    first = np.zeros(min(len(values), 1), dtype=np.int64)
    starts = np.concatenate([first, np.flatnonzero(changes) + 1])
    named = np.arange(len(starts)) if there is None else np.flatnonzero(there[starts])
    return Stretches(starts, len(values), named, values[starts[named]])


def are_long(values: pl.Series) -> bool:
    """Whether stretches of a column of whole numbers have many rows."""
    return len(stretches(values).starts) * _LONG < values.len()


def days_of(values: pl.Series) -> Days:
    """Return the days of days or moments; of anything else, the days that it says."""
    numbers = day_numbers(values)
    missing = numbers.null_count()
    if not missing:
        there = numbers.to_numpy()
        return Days(there, there, 0)
    first, last = numbers.fill_null(EVER), numbers.fill_null(NEVER)
    return Days(first.to_numpy(), last.to_numpy(), missing)


def day_numbers(values: pl.Series) -> pl.Series:
    """Return the days of days or moments, and those that anything else says, since 1970-01-01."""
    return values.cast(pl.Date, strict=False).to_physical()
