"""Finding rows of a table by key, many at a time. Pure.

Keys of a sealed file often ascend, and were often handed out in sequence, so that a person's rows
are a *run* of keys that follow each other. Then a key is found by bisection among the first keys of
runs, of which there are few; in any other order by a join, with the same answer.
"""

from typing import Any

import numpy as np
import polars as pl

Index = np.ndarray[tuple[int], np.dtype[np.int64]]
Values = np.ndarray[tuple[int], np.dtype[Any]]


class Finder:
    """Finds rows by their key, a whole number; a missing key is never found."""

    def __init__(self, keys: pl.Series) -> None:
        """Take the keys of all rows, as 64-bit integers."""
        self._keys = keys
        self.ascend = False
        if keys.is_empty() or keys.null_count():
            return
        values = keys.to_numpy()
        self.ascend = bool((values[1:] > values[:-1]).all())
        if self.ascend:
            first = np.zeros(1, dtype=np.int64)
            breaks = np.flatnonzero(values[1:] != values[:-1] + 1) + 1
            self._starts = np.concatenate([first, breaks])
            self._firsts = values[self._starts]
            self._sizes = np.diff(np.append(self._starts, len(values)))

    def find(self, asked: Index) -> tuple[Index, Index]:
        """Return the places in ``asked`` of keys that are found, ascending, and their rows."""
        if not self.ascend:
            return self._joined(asked)
        run = (np.searchsorted(self._firsts, asked, side="right") - 1).clip(min=0)
        # What lies far enough below the first key to overflow is found neither.
        beyond = asked - self._firsts[run]
        hits = (beyond >= 0) & (beyond < self._sizes[run]) & (asked >= self._firsts[0])
        rows = self._starts[run] + beyond
        if hits.all():
            return np.arange(len(asked)), rows
        return np.flatnonzero(hits), rows[hits]

    def _joined(self, asked: Index) -> tuple[Index, Index]:
        there = pl.DataFrame({"key": self._keys}, schema={"key": pl.Int64}).with_row_index("row")
        sought = pl.DataFrame({"key": asked}, schema={"key": pl.Int64}).with_row_index("at")
        found = sought.join(there, on="key", maintain_order="left")
        return (
            found["at"].cast(pl.Int64).to_numpy(),
            found["row"].cast(pl.Int64).to_numpy(),
        )
