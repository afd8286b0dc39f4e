"""Primary keys of person-cut tables: which repeat, inside a bucket and across buckets. Exact.

A key is 64 bits. Each bucket gives the set of its keys (a Roaring bitmap: about two bytes a key)
and how many of its rows share theirs with another row of the same bucket. A ``Census`` of a table
is the fold of its buckets: the union of all keys, and those that occur in more than one bucket.
With the union, foreign keys from any bucket are resolved too.

Memory: the union of one table and one bucket's set at a time. A union of keys that were handed out
in sequence takes a bit a key at most; keys spread at random over 64 bits take some ten bytes each.

Source: Lemire and others, Roaring Bitmaps (2018), by CRoaring. No digest is compared: two keys are
equal when their 64 bits are.
"""

import struct
from array import array
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from pyroaring import BitMap64

from laennec.quality.finder import Index

Words = np.ndarray[tuple[int], np.dtype[np.uint64]]

_LENGTHS = struct.Struct("<QQQ")
_HIGH = struct.Struct("<QI")
_COOKIE = struct.Struct("<II")
_RUNS = struct.Struct("<HH")
_WITH_RUNS, _WITH_OFFSETS = 12347, 4
"""What the form with runs begins with, and the blocks from which on it tells where each is."""

_BITS, _SPARSE = 1 << 16, 4096
"""Words that share all but 16 bits, and how many of them a Roaring bitmap lists one by one."""


@dataclass(frozen=True)
class Keys:
    """The keys of one table in one bucket.

    Attributes:
        all: Each key that occurs.
        repeated: Those that occur in more than one row.
        repeated_rows: Rows that hold a repeated key.
    """

    all: BitMap64
    repeated: BitMap64
    repeated_rows: int

    def to_bytes(self) -> bytes:
        """Return its serial form: three lengths, then two portable Roaring bitmaps."""
        first, second = self.all.serialize(), self.repeated.serialize()
        return _LENGTHS.pack(len(first), len(second), self.repeated_rows) + first + second

    @classmethod
    def from_bytes(cls, body: bytes) -> "Keys":
        """Return the keys whose serial form is ``body``."""
        first, second, rows = _LENGTHS.unpack_from(body)
        start = _LENGTHS.size
        return cls(
            BitMap64.deserialize(body[start : start + first]),
            BitMap64.deserialize(body[start + first : start + first + second]),
            rows,
        )


@dataclass
class Census:
    """The keys of one table in the buckets folded so far.

    Attributes:
        union: Every key.
        shared: Keys that occur in more than one bucket.
    """

    union: BitMap64 = field(default_factory=BitMap64)
    shared: BitMap64 = field(default_factory=BitMap64)

    def add(self, keys: Keys) -> None:
        """Fold one more bucket in."""
        self.shared |= self.union & keys.all
        self.union |= keys.all

    def without(self, keys: Keys) -> None:
        """Take a bucket out again.

        Raises:
            ValueError: some keys are shared, so what other buckets hold is not known from here.
        """
        if self.shared:
            raise ValueError("keys are shared between buckets: fold all of them again")
        self.union -= keys.all


def keys_of(values: pl.Series) -> Keys:
    """Return the keys in a column; missing ones are no keys."""
    ordered = words(values)
    if not (ordered[1:] > ordered[:-1]).all():
        # In order of person and day, keys often were given out so: stable sorts see it.
        ordered = np.sort(ordered, kind="stable")
    equal = ordered[1:] == ordered[:-1]
    if not equal.any():
        return Keys(bitmap(ordered), BitMap64(), 0)
    starts = np.flatnonzero(np.concatenate(([True], ~equal)))
    sizes = np.diff(np.append(starts, len(ordered)))
    found = ordered[starts]
    several = sizes > 1
    return Keys(bitmap(found), bitmap(found[several]), int(sizes[several].sum()))


def words(values: pl.Series) -> Words:
    """Return whole numbers that are not missing as unsigned words of 64 bits."""
    whole = values.cast(pl.Int64, strict=False).drop_nulls().to_numpy()
    return whole.astype(np.int64, copy=False).view(np.uint64)


def bitmap(found: Words) -> BitMap64:
    """Return the set of these words, which ascend and are each there once."""
    highs = found[[0, -1]] >> np.uint64(32) if len(found) else found
    if len(highs) and highs[0] == highs[1]:
        # Rows of a person often have keys in a row, which take a tenth of the room.
        breaks = np.flatnonzero(found[1:] != found[:-1] + np.uint64(1)) + 1
        serial = _runs(found, breaks) if 3 * len(breaks) < len(found) else _serial(found)
        keys = BitMap64.deserialize(_HIGH.pack(1, int(highs[0])) + serial)
    else:
        # An array of the standard library goes in whole, one of numpy is walked item by item.
        keys = BitMap64(array("Q", found.tobytes()))
    keys.run_optimize()
    return keys


def _runs(found: Words, breaks: Index) -> bytes:
    """Return words of one upper half as a portable Roaring bitmap of runs of their lower halves.

    Args:
        found: As for ``_serial``.
        breaks: Where a word does not follow the one before it.

    Source: as ``_serial``, the form with runs.
    """
    low = np.uint64(0xFFFFFFFF)
    firsts = (found[np.concatenate(([0], breaks))] & low).astype(np.int64)
    lasts = (found[np.append(breaks, len(found)) - 1] & low).astype(np.int64)
    # A run goes on in the next block of 2**16 words as another one.
    pieces = (lasts >> 16) - (firsts >> 16) + 1
    nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    blocks = np.repeat(firsts >> 16, pieces) + nth
    begins = np.maximum(np.repeat(firsts, pieces), blocks << 16)
    more = np.minimum(np.repeat(lasts, pieces), (blocks << 16) + _BITS - 1) - begins
    starts = np.flatnonzero(np.concatenate(([True], blocks[1:] != blocks[:-1])))
    sizes = np.diff(np.append(starts, len(blocks)))
    told = np.stack([blocks[starts], np.add.reduceat(more + 1, starts) - 1], axis=1)
    # Each block: how many runs, and of each where it begins and how many words follow.
    heads = 2 * starts + np.arange(len(starts))
    body = np.empty(2 * len(blocks) + len(starts), dtype="<u2")
    at = np.arange(len(blocks)) * 2 + np.repeat(np.arange(len(starts)), sizes) + 1
    body[heads], body[at], body[at + 1] = sizes, begins & 0xFFFF, more
    flags = np.packbits(np.ones(len(starts), dtype=np.uint8), bitorder="little").tobytes()
    head = _RUNS.pack(_WITH_RUNS, len(starts) - 1) + flags + told.astype("<u2").tobytes()
    if len(starts) >= _WITH_OFFSETS:
        offsets = len(head) + 4 * len(starts) + 2 * heads
        head += offsets.astype("<u4").tobytes()
    return head + body.tobytes()


def _serial(found: Words) -> bytes:
    """Return words of one upper half as a portable Roaring bitmap of their lower halves.

    This is several times as fast as adding them, and does not hold the interpreter's lock.
    Source: https://github.com/RoaringBitmap/RoaringFormatSpec, the form without runs.
    """
    blocks, lows = (found >> np.uint64(16)).astype("<u2"), found.astype("<u2")
    starts = np.flatnonzero(np.concatenate(([True], blocks[1:] != blocks[:-1])))
    sizes = np.diff(np.append(starts, len(found)))
    dense = sizes > _SPARSE
    bodies = np.split(lows, starts[1:]) if dense.any() else [lows]
    lengths = np.where(dense, _BITS // 8, 2 * sizes)
    told = np.stack([blocks[starts], (sizes - 1).astype("<u2")], axis=1)
    first = _COOKIE.size + 8 * len(starts)
    offsets = first + np.cumsum(lengths) - lengths
    body = b"".join(
        _bits(one) if dense.any() and len(one) > _SPARSE else one.tobytes() for one in bodies
    )
    return (
        _COOKIE.pack(12346, len(starts)) + told.tobytes() + offsets.astype("<u4").tobytes() + body
    )


def _bits(lows: np.ndarray[tuple[int], np.dtype[np.uint16]]) -> bytes:
    """Return a block of many words as a bit for each that there may be."""
    flags = np.zeros(_BITS, dtype=np.uint8)
    flags[lows] = 1
    return np.packbits(flags, bitorder="little").tobytes()


def is_in(values: pl.Series, keys: BitMap64) -> pl.Series:
    """Say of each whole number whether it is among ``keys``; a missing one is not."""
    asked = bitmap(np.unique(words(values))) & keys
    known = np.array(asked.to_array(), dtype=np.uint64).view(np.int64)
    return (
        values.cast(pl.Int64, strict=False).is_in(pl.Series(known).implode()).fill_null(value=False)
    )


def rows_shared(keys: Keys, census: Census) -> int:
    """Return the rows of a bucket whose key repeats in another bucket and not in its own."""
    if not census.shared:
        return 0
    return (keys.all - keys.repeated).intersection_cardinality(census.shared)


def census_to_keys(census: Census) -> Keys:
    """Return a census in the form of ``Keys``, whose second set is the shared keys."""
    census.union.run_optimize()
    return Keys(census.union, census.shared, 0)


def census_from_keys(keys: Keys) -> Census:
    """Return the census of that form."""
    return Census(keys.all, keys.repeated)
