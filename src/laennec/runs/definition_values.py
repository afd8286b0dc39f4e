"""Rows of a column by value: which rows have one of these concepts, asked many times."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Truth = NDArray[np.bool_]

FEW = 16
"""Rows of a set are sorted when less than one in so many rows is of it, else looked for in all."""

WIDEST = 2**27
"""Distance of the highest from the lowest value up to which a table of all between is laid out;
memory is taken where values lie only. The concepts of OHDSI's vocabularies lie within it."""


@dataclass(frozen=True, eq=False)
class Told:
    """Values that are told apart, ascending and each once; all others are one."""

    values: Whole
    _asked: dict[int, tuple[Whole, Truth]] = field(default_factory=dict, repr=False)

    def among(self, wanted: Whole) -> Truth:
        """Return for each code, that of all others too, whether its value is among these.

        The same array is asked for in every bucket, and answered once.
        """
        found = self._asked.get(id(wanted))
        # Kept with its array, and compared: an identity may be another array's in another process.
        if found is None or found[0] is not wanted:
            found = wanted, np.append(np.isin(self.values, wanted), False)
            self._asked[id(wanted)] = found
        return found[1]

    def codes(self, found: Whole) -> NDArray[Any]:
        """Return the position of each value found, or how many values are told apart for others."""
        number = self.values.size
        if self._table is None:
            place = np.searchsorted(self.values, found)
            same = np.append(self.values, 0)[place] == found
            codes = np.where(same & (place < number), place, number)
        else:
            lowest, highest = self.values[0], self.values[-1]
            inside = (lowest <= found) & (found <= highest)
            codes = self._table[np.where(inside, found - lowest, 0)] - 1
            codes = np.where(inside & (codes >= 0), codes, number)
        # Small codes are sorted in two passes, whatever their order.
        return codes.astype(np.uint16) if number < 2**16 else codes

    @cached_property
    def _table(self) -> NDArray[np.int32] | None:
        """For each value from the lowest to the highest, its position and 1, or 0 if not told."""
        if not self.values.size or self.values[-1] - self.values[0] >= WIDEST:
            return None
        table = np.zeros(self.values[-1] - self.values[0] + 1, np.int32)
        table[self.values - self.values[0]] = np.arange(1, self.values.size + 1)
        return table


@dataclass(frozen=True, eq=False)
class ByValue:
    """Rows by the value of a column.

    Attributes:
        told: Values that are told apart.
        codes: For each row, the position of its value, or their number for any other value.
        order: Rows by code; those of one code ascending.
        ends: Where each code ends in that order.
    """

    told: Told
    codes: NDArray[Any]
    order: Whole
    ends: Whole

    def rows_of(self, wanted: Whole) -> Whole:
        """Return the rows, ascending, whose value is among these: found one by one when few.

        Args:
            wanted: Values that are told apart; no row has any other.
        """
        among = self.told.among(wanted)
        taken = np.flatnonzero(among)
        first, last = np.insert(self.ends, 0, 0)[taken], self.ends[taken]
        if (last - first).sum() * FEW > self.order.size:
            return np.flatnonzero(among[self.codes])
        parts = [self.order[one:two] for one, two in zip(first, last, strict=True)]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def by_value(found: Whole, told: Told) -> ByValue:
    """Put the rows of a column in order of their values."""
    codes = told.codes(found)
    order = np.argsort(codes, kind="stable")
    ends = np.bincount(codes, minlength=told.values.size).cumsum()
    return ByValue(told, codes, order, ends)
