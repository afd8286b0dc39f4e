"""Which rows repeat a primary key, found in bounded memory.

Most exports are ordered by key, or number their rows without gaps: that nothing repeats there is
seen in passing (``DistinctKeys``). Otherwise key and line of every row are cut by a hash of the key
into parts that fit in memory, and each part is looked at alone.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from laennec.intake.csv_records import LINE
from laennec.vault.scratch import SealedSpool

EARLIER = -1
"""Line of a row that was in the warehouse before; it comes before every line of a file."""

_PART = "$part"
_BYTES_PER_ROW = 48
_HASH_SEED = 0x1816
_LOWEST = -(2**63)


class DistinctKeys:
    """Watches keys go by and tells when none of them can have come twice.

    Two cheap ways to know: they ascend strictly, or they lie in a span small enough to hold a mark
    for each number of it. When neither holds, they may or may not repeat.
    """

    def __init__(self, *, memory_bytes: int) -> None:
        """Watch with marks of at most this many bytes, one for each number of the span."""
        self._limit = memory_bytes
        self._ascending = True
        self._last: int | None = None
        self._seen = 0
        self._first = 0
        self._span = (0, 0)
        self._marks: npt.NDArray[np.bool_] | None = np.zeros(0, dtype=np.bool_)

    @property
    def holds(self) -> bool:
        """Whether no key seen so far came twice, for sure."""
        marked = self._marks is not None and int(np.count_nonzero(self._marks)) == self._seen
        return self._ascending or marked

    def see(self, keys: pl.Series) -> None:
        """Look at the next keys of the file, in order."""
        if keys.is_empty():
            return
        if keys.dtype != pl.Int64 or keys.null_count():
            self._ascending, self._marks = False, None
            return
        values = keys.to_numpy()
        if self._ascending:
            follows = self._last is None or int(values[0]) > self._last
            self._ascending = follows and bool(np.all(values[1:] > values[:-1]))
            self._last = int(values[-1])
        self._seen += len(values)
        if self._marks is not None:
            self._marks = self._with_room(self._marks, int(values.min()), int(values.max()))
        if self._marks is not None:
            self._marks[values - self._first] = True

    def _with_room(
        self, marks: npt.NDArray[np.bool_], lowest: int, highest: int
    ) -> npt.NDArray[np.bool_] | None:
        """Return the marks for a span that holds these keys as well, or None if it is too wide."""
        old, held = self._span, self._first
        self._span = (
            (min(old[0], lowest), max(old[1], highest)) if len(marks) else (lowest, highest)
        )
        low, high = self._span
        if high - low >= self._limit:
            return None
        if len(marks) and held <= low and high < held + len(marks):
            return marks
        # Doubling, on the side that grows, keeps copies few when a span grows with each block.
        room = min(self._limit, max(high - low + 1, 2 * len(marks)))
        self._first = low if not len(marks) or low >= held else max(high + 1 - room, _LOWEST)
        wider = np.zeros(room, dtype=np.bool_)
        if len(marks):
            start = old[0] - self._first
            wider[start : start + old[1] - old[0] + 1] = marks[old[0] - held : old[1] - held + 1]
        return wider


def repeated_lines(
    keys: Iterable[pl.DataFrame], *, rows: int, scratch: Path, memory_bytes: int
) -> pl.Series:
    """Return the lines whose key an earlier line has already.

    Args:
        keys: Frames of two columns, the key and ``LINE`` (``EARLIER`` for rows of the warehouse).
        rows: About how many there are, to choose the number of parts.
        scratch: Folder for sealed scratch files.
        memory_bytes: Memory to use.

    Returns:
        Line numbers, ascending, Int64. Missing keys repeat nothing.
    """
    parts = 1 + rows * _BYTES_PER_ROW // max(1, memory_bytes)
    with SealedSpool(scratch, partition=_PART, memory_bytes=memory_bytes // 2) as spool:
        seen = False
        for frame in keys:
            key = frame.columns[0]
            present = frame.filter(pl.col(key).is_not_null())
            if present.is_empty():
                continue
            seen = True
            part = (present[key].hash(_HASH_SEED) % parts).cast(pl.UInt32)
            spool.add(
                present.select(pl.col(key).alias("key"), LINE).with_columns(part.alias(_PART))
            )
        if not seen:
            return pl.Series(LINE, [], dtype=pl.Int64)
        found = [_repeated(spool.take(part)) for part in spool.partitions()]
    return pl.concat(found).sort()


def are_among(lines: pl.Series, repeated: pl.Series) -> pl.Series:
    """Tell for each line whether it is one of ``repeated``, which is ascending."""
    if repeated.is_empty():
        return pl.Series(np.zeros(len(lines), dtype=np.bool_))
    wanted, held = lines.to_numpy(), repeated.to_numpy()
    place = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    return pl.Series(held[place] == wanted)


def _repeated(part: pl.DataFrame) -> pl.Series:
    if part["key"].dtype == pl.Int64:
        # The common case, that no key comes twice, is settled by sorting the bare numbers.
        keys = np.sort(part["key"].to_numpy())
        if not np.any(keys[1:] == keys[:-1]):
            return pl.Series(LINE, [], dtype=pl.Int64)
    suspects = part.filter(pl.col("key").is_duplicated()).sort("key", LINE)
    return suspects.filter(~pl.col("key").is_first_distinct())[LINE]
