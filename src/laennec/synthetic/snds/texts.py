"""Text of days, sums and identifiers, by look-up: a column of millions of rows is one gather.

Pure.
"""

from functools import lru_cache

import numpy as np
import polars as pl

from laennec.synthetic.snds.order import day_number

_FIRST_DAY = day_number(1900, 1, 1)
_LAST_DAY = day_number(2040, 12, 31)
_MOST_CENTS = 200_000
_ALPHABET = np.frombuffer(b"ABCDEFGHJKLMNPQRSTUVWYZ0123456789abcdefg"[:32], dtype=np.uint8)
_BITS, _FIRST_HALF, _PSEUDONYM = 5, 12, 17
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

NO_DAY = -200_000
"""The day that stands for none: 1600-01-01 in the files."""

NO_DATE = "01/01/1600"


@lru_cache(maxsize=8)
def _days(pattern: str, missing: str) -> pl.Series:
    every = pl.Series(np.arange(_FIRST_DAY, _LAST_DAY + 1, dtype=np.int32)).cast(pl.Date)
    return pl.concat([every.dt.strftime(pattern), pl.Series([missing])])


def days(numbers: np.ndarray, pattern: str = "%d/%m/%Y", missing: str = NO_DATE) -> pl.Series:
    """Return day numbers as text; days before 1900 or after 2040 become ``missing``."""
    known = (numbers >= _FIRST_DAY) & (numbers <= _LAST_DAY)
    place = np.where(known, numbers - _FIRST_DAY, _LAST_DAY - _FIRST_DAY + 1)
    return gather(_days(pattern, missing), place)


@lru_cache(maxsize=1)
def _sums() -> pl.Series:
    cents = pl.Series(np.arange(-_MOST_CENTS, _MOST_CENTS + 1, dtype=np.int64))
    sizes = cents.abs()
    whole, rest = (sizes // 100).cast(pl.String), (sizes % 100).cast(pl.String).str.zfill(2)
    signs = pl.select(pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit(""))).to_series()
    return signs + whole + "." + rest


def euros(cents: np.ndarray) -> pl.Series:
    """Return sums in cents as euros with two decimals; at most 2,000 euros either way."""
    return gather(_sums(), np.clip(cents, -_MOST_CENTS, _MOST_CENTS) + _MOST_CENTS)


@lru_cache(maxsize=64)
def _padded(width: int, most: int) -> pl.Series:
    return pl.Series(np.arange(most + 1)).cast(pl.String).str.zfill(width)


def padded(numbers: np.ndarray, width: int, most: int) -> pl.Series:
    """Return numbers from 0 to ``most`` as text of at least ``width`` digits."""
    return gather(_padded(width, most), numbers)


def gather(values: pl.Series, places: np.ndarray) -> pl.Series:
    """Return the values at places."""
    return values.gather(pl.Series(places.astype(np.uint32, copy=False)))


def where(which: np.ndarray, text: str, otherwise: pl.Series) -> pl.Series:
    """Return ``text`` where ``which`` says so, else a column of as many rows, or of one value."""
    size = len(which)
    kept = otherwise if len(otherwise) == size else otherwise.new_from_index(0, size)
    chosen = pl.when(pl.Series(which, dtype=pl.Boolean)).then(pl.lit(text)).otherwise(kept)
    return pl.select(chosen).to_series()


def mixed(*parts: np.ndarray | int) -> np.ndarray:
    """Return a 64-bit hash of columns of integers, row by row (SplitMix64, chained)."""
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            state = state ^ np.asarray(part).astype(np.int64).astype(np.uint64)
            state = state + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def pseudonyms(hashes: np.ndarray, length: int = _PSEUDONYM) -> pl.Series:
    """Return one text of 17 letters and digits (or fewer) for each 64-bit hash."""
    second = mixed(hashes.view(np.int64), 1)
    places = np.empty((len(hashes), _PSEUDONYM), dtype=np.uint8)
    for place in range(_PSEUDONYM):
        half, shift = (hashes, place) if place < _FIRST_HALF else (second, place - _FIRST_HALF)
        places[:, place] = (half >> np.uint64(_BITS * shift)) & np.uint64(31)
    text = np.ascontiguousarray(_ALPHABET[places][:, :length])
    return pl.Series(text.view(f"S{length}").ravel().astype(f"U{length}"))
