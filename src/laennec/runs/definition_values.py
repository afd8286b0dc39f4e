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

LOOKS = 12
"""Looks through all rows that take as long as to put them in order."""

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


class ByValue:
    """Rows by the value of a column.

    All rows are looked through for each of the first sets; they are put in order of their values
    once so many were asked for that this would have been less work.

    Args:
        told: Values that are told apart.
        found: The value of each row.
    """

    def __init__(self, told: Told, found: Whole) -> None:
        self._told, self._codes, self._asked = told, told.codes(found), 0

    def rows_of(self, wanted: Whole) -> Whole:
        """Return the rows, ascending, whose value is among these.

        Args:
            wanted: Values that are told apart; no row has any other.
        """
        self._asked += 1
        among = self._told.among(wanted)
        if self._asked > LOOKS:
            order, begins, ends = self._in_order
            taken = np.flatnonzero(among)
            first, last = begins[taken], ends[taken]
            if (last - first).sum() * FEW <= order.size:
                parts = [order[one:two] for one, two in zip(first, last, strict=True)]
                return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
        return np.flatnonzero(among[self._codes])

    @cached_property
    def _in_order(self) -> tuple[Whole, Whole, Whole]:
        """Rows by code, those of one code ascending; where each code begins and ends."""
        order = np.argsort(self._codes, kind="stable")
        ends = np.bincount(self._codes, minlength=self._told.values.size).cumsum()
        return order, np.insert(ends, 0, 0), ends
