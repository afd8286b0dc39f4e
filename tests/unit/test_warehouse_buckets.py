"""Buckets: the same for ever, even, and split in two when their number is doubled."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.warehouse.buckets import FEWEST, MOST, PERSONS_PER_BUCKET, bucket_count, bucket_of

IDS = st.lists(
    st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), -1, 0, 2**63 - 1]), max_size=20
)
MASK = 2**64 - 1


def series(ids: list[int]) -> pl.Series:
    return pl.Series(ids, dtype=pl.Int64)


def naive(person: int, *, buckets: int, salt: int) -> int:
    """SplitMix64's finaliser in Python integers, and the top bits."""
    word = (person & MASK) ^ salt
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return ((word ^ (word >> 31)) * buckets) >> 64


@settings(max_examples=100, deadline=None)
@given(IDS, st.integers(0, 16), st.integers(0, MASK))
def test_a_bucket_is_what_the_formula_says(ids: list[int], bits: int, salt: int) -> None:
    found = bucket_of(series(ids), buckets=1 << bits, salt=salt)
    assert found.dtype == pl.UInt32
    assert found.to_list() == [naive(one, buckets=1 << bits, salt=salt) for one in ids]


@settings(max_examples=50, deadline=None)
@given(IDS, st.integers(0, 15), st.integers(0, MASK))
def test_doubling_splits_each_bucket_in_two(ids: list[int], bits: int, salt: int) -> None:
    few = bucket_of(series(ids), buckets=1 << bits, salt=salt)
    many = bucket_of(series(ids), buckets=2 << bits, salt=salt)
    assert [one // 2 for one in many.to_list()] == few.to_list()


def test_persons_in_a_row_are_spread_evenly() -> None:
    sizes = bucket_of(series(list(range(64_000))), buckets=64, salt=7).value_counts()["count"]
    assert len(sizes) == 64
    assert sizes.min() > 850  # type: ignore[operator]
    assert sizes.max() < 1150  # type: ignore[operator]


@pytest.mark.parametrize("buckets", [0, -4, 3, 6, MOST * 2])
def test_other_numbers_of_buckets_are_refused(buckets: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        bucket_of(series([1]), buckets=buckets, salt=0)


def test_a_missing_identifier_is_refused() -> None:
    with pytest.raises(ValueError, match="without identifier"):
        bucket_of(pl.Series([None], dtype=pl.Int64), buckets=4, salt=0)


@given(st.integers(0, 2**40))
def test_the_count_suits_the_persons(persons: int) -> None:
    count = bucket_count(persons)
    assert count & (count - 1) == 0
    assert FEWEST <= count <= MOST
    assert count == MOST or persons <= count * PERSONS_PER_BUCKET
    assert count == FEWEST or persons > count // 2 * PERSONS_PER_BUCKET
