"""Who exists: fast answers to whether an identifier is a person's.

Eight bytes a person, or one byte for each number of the span where identifiers are dense.
"""

import numpy as np
import polars as pl

_DENSE = 8
"""A span of at most this many times the number of persons is held as a table."""


class KnownPersons:
    """The identifiers of all persons of a warehouse, old and new."""

    def __init__(self, ids: pl.Series) -> None:
        """Take Int64 identifiers, in any order, none missing."""
        self._ids = np.unique(ids.to_numpy())
        self._first = int(self._ids[0]) if len(self._ids) else 0
        span = int(self._ids[-1]) - self._first + 1 if len(self._ids) else 0
        self._table: np.ndarray | None = None
        if span and span <= _DENSE * len(self._ids):
            self._table = np.zeros(span, dtype=np.bool_)
            self._table[self._ids - self._first] = True

    def __len__(self) -> int:
        """Return the number of persons."""
        return len(self._ids)

    def contains(self, ids: pl.Series) -> pl.Series:
        """Tell for each identifier (Int64, none missing) whether it is a person's."""
        values = ids.to_numpy()
        if not len(self._ids):
            return pl.Series(np.zeros(len(values), dtype=np.bool_))
        if self._table is not None:
            last = int(self._ids[-1])
            inside = (values >= self._first) & (values <= last)
            place = np.clip(values, self._first, last) - self._first
            return pl.Series(inside & self._table[place])
        place = np.searchsorted(self._ids, values)
        return pl.Series(self._ids[np.minimum(place, len(self._ids) - 1)] == values)
