"""Repeated keys are counted as a plain counter counts them, however the rows are cut."""

from collections import Counter
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from laennec.quality.keys import (
    Census,
    Keys,
    census_from_keys,
    census_to_keys,
    is_in,
    keys_of,
    rows_shared,
)

KEY = st.one_of(
    st.integers(-3, 6), st.sampled_from([2**40, -(2**63), 2**63 - 1]), st.none(), st.integers(0, 60)
)
BUCKETS = st.lists(st.lists(KEY, max_size=12), min_size=1, max_size=5)


def counted(buckets: list[list[int | None]]) -> tuple[int, Census]:
    parts = [keys_of(pl.Series(rows, dtype=pl.Int64)) for rows in buckets]
    census = Census()
    for part in parts:
        census.add(part)
    rows = sum(part.repeated_rows + rows_shared(part, census) for part in parts)
    return rows, census


@pytest.mark.parametrize("first", [0, 2**16 - 5, 2**32 - 30_000, 2**40, -(2**63), -9])
@pytest.mark.parametrize(("keys", "among"), [(1, 1), (9, 9_000_000), (4096, 4096), (4097, 65_537)])
def test_a_set_of_keys_is_the_set_that_the_library_makes_one_by_one(
    first: int, keys: int, among: int
) -> None:
    chosen = [first + place for place in Random(keys).sample(range(among), keys)]
    found = keys_of(pl.Series(chosen, dtype=pl.Int64)).all
    assert found == BitMap64([key % 2**64 for key in chosen])
    assert BitMap64.deserialize(found.serialize()) == found


@settings(deadline=None)
@given(
    first=st.sampled_from([0, 2**16 - 5, 2**32 - 3 * 2**16, 2**40, -(2**63), -9]),
    runs=st.lists(
        st.tuples(st.integers(0, 6 * 2**16), st.sampled_from([1, 4, 50, 2**16, 2**16 + 9])),
        max_size=7,
    ),
)
def test_runs_of_keys_are_the_set_that_the_library_makes_of_ranges(
    first: int, runs: list[tuple[int, int]]
) -> None:
    chosen = {first + at + place for at, rows in runs for place in range(rows)}
    found = keys_of(pl.Series(sorted(chosen), dtype=pl.Int64)).all
    assert found == BitMap64(sorted(key % 2**64 for key in chosen))
    assert BitMap64.deserialize(found.serialize()) == found


@settings(deadline=None)
@given(BUCKETS)
def test_rows_that_share_a_key_are_counted_once_each(buckets: list[list[int | None]]) -> None:
    plain = Counter(key for rows in buckets for key in rows if key is not None)
    rows, census = counted(buckets)
    assert rows == sum(n for n in plain.values() if n > 1)
    asked = pl.Series([*range(-4, 8), 2**40, -(2**63), None], dtype=pl.Int64)
    assert is_in(asked, census.union).to_list() == [key in plain for key in asked.to_list()]


@settings(deadline=None)
@given(BUCKETS, st.lists(KEY, max_size=12))
def test_exchanging_a_bucket_is_folding_anew(
    buckets: list[list[int | None]], other: list[int | None]
) -> None:
    _, census = counted(buckets)
    first, new = (keys_of(pl.Series(rows, dtype=pl.Int64)) for rows in (buckets[0], other))
    if census.shared:
        with pytest.raises(ValueError, match="fold all of them"):
            census.without(first)
        return
    census.without(first)
    census.add(new)
    _, anew = counted([*buckets[1:], other])
    assert (census.union, census.shared) == (anew.union, anew.shared)


@settings(deadline=None)
@given(st.lists(KEY, max_size=20))
def test_keys_survive_their_serial_form(rows: list[int | None]) -> None:
    keys = keys_of(pl.Series(rows, dtype=pl.Int64))
    assert Keys.from_bytes(keys.to_bytes()) == keys
    census = Census()
    census.add(keys)
    assert census_from_keys(census_to_keys(census)) == census
