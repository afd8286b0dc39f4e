"""Neighbouring rows of one key, taken as one: in order of persons, a row for each person.

A sealed file is in order of person and day, so a table of a bucket has some fifty times fewer
stretches than rows, and what is asked of persons is asked once for each stretch. In any other
order the answers are the same and take longer. Pure.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

Index = np.ndarray[tuple[int], np.dtype[np.int64]]
STRETCH = "*stretch"
"""Column that numbers stretches in frames made from them."""

_LONG = 4


@dataclass(frozen=True)
class Stretches:
    """Stretches of rows.

    Attributes:
        keys: The key of each stretch, as a 64-bit integer; missing where rows have none.
        starts: The first row of each.
        rows: Rows of all.
    """

    keys: pl.Series
    starts: Index
    rows: int

    @cached_property
    def sizes(self) -> Index:
        """Rows of each stretch."""
        return np.diff(np.append(self.starts, self.rows))

    @cached_property
    def known(self) -> pl.DataFrame:
        """Stretches that have a key: their number, key and rows."""
        frame = pl.DataFrame({"key": self.keys, "rows": self.sizes}).with_row_index(STRETCH)
        return frame.drop_nulls("key") if self.keys.null_count() else frame

    def taken(self, values: pl.Series, met: pl.DataFrame) -> pl.Series:
        """Return the values of the rows of the stretches that ``met`` names, in its order."""
        chosen = met[STRETCH].to_numpy()
        if len(chosen) == len(self.starts) and bool((chosen[1:] > chosen[:-1]).all()):
            return values
        sizes = self.sizes[chosen]
        before = np.cumsum(sizes) - sizes
        return values.gather(
            np.repeat(self.starts[chosen] - before, sizes) + np.arange(sizes.sum())
        )

    def spread(self, met: pl.DataFrame, values: pl.Series) -> pl.Series:
        """Return a value of each row of ``met`` for every row that ``taken`` returns for it."""
        sizes = self.sizes[met[STRETCH].to_numpy()]
        return values.gather(np.repeat(np.arange(len(sizes)), sizes))

    def earliest(self, days: pl.Series) -> pl.Series:
        """Return the number of the first day of each stretch; missing where its rows have none."""
        if self._ascend(days):
            return day_numbers(days.gather(self.starts))
        return self._most(days, np.minimum, np.iinfo(_physical(days)).max)

    def latest(self, days: pl.Series) -> pl.Series:
        """Return the number of the last day of each stretch; missing where its rows have none."""
        if self._ascend(days):
            return day_numbers(days.gather(self.starts + self.sizes - 1))
        return self._most(days, np.maximum, np.iinfo(_physical(days)).min)

    def _ascend(self, days: pl.Series) -> bool:
        """Whether days never go back within a stretch, as those of sorted files do."""
        if days.null_count():
            return False
        physical = days.to_physical().to_numpy()
        back = physical[1:] < physical[:-1]
        return not (back & self._within).any()

    @cached_property
    def _within(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether a row but the first is of the stretch of the row before it."""
        within = np.ones(max(self.rows - 1, 0), dtype=bool)
        within[self.starts[1:] - 1] = False
        return within

    def _most(self, days: pl.Series, end: np.ufunc, none: int) -> pl.Series:
        if not self.rows:
            return pl.Series([], dtype=pl.Int32)
        physical = days.to_physical()
        most = pl.Series(end.reduceat(physical.fill_null(none).to_numpy(), self.starts))
        return day_numbers(
            (most.replace(none, None) if days.null_count() else most).cast(days.dtype)
        )


def stretches(keys: pl.Series) -> Stretches:
    """Cut rows where their key changes; what is no whole number is no key."""
    whole = keys.cast(pl.Int64, strict=False)
    if whole.null_count():
        changes = whole.ne_missing(whole.shift(1)).to_numpy()[1:]
    else:
        values = whole.to_numpy()
        changes = values[1:] != values[:-1]
    first = np.zeros(min(whole.len(), 1), dtype=np.int64)
    starts = np.concatenate([first, np.flatnonzero(changes) + 1])
    return Stretches(whole.gather(starts), starts, whole.len())


def are_long(values: pl.Series) -> bool:
    """Whether stretches of a column of whole numbers have many rows."""
    return len(stretches(values).starts) * _LONG < values.len()


def moments(values: pl.Series) -> pl.Series:
    """Return days or moments as they are, and what else there is as the days that it says."""
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        return values
    return values.cast(pl.Date, strict=False)


def day_numbers(values: pl.Series) -> pl.Series:
    """Return days, or the days of moments, as days since 1970-01-01."""
    return values.cast(pl.Date, strict=False).to_physical()


def _physical(moments: pl.Series) -> type[np.integer]:
    return np.int32 if moments.dtype == pl.Date else np.int64
