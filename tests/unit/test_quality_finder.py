"""Rows are found by key whatever the order and the gaps, as a join finds them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laennec.quality.finder import Finder

LOW, HIGH = -(2**63), 2**63 - 1
NEAR = st.integers(-6, 12) | st.sampled_from([LOW, LOW + 1, HIGH - 1, HIGH])


def found(keys: list[int | None], asked: list[int]) -> list[tuple[int, int]]:
    """Return pairs of a place in ``asked`` and a row."""
    finder = Finder(pl.Series(keys, dtype=pl.Int64))
    places, rows = finder.find(pl.Series(asked, dtype=pl.Int64).to_numpy())
    assert (places[1:] >= places[:-1]).all()
    return sorted(zip(places.tolist(), rows.tolist(), strict=True))


@pytest.mark.parametrize("ascending", [True, False])
@given(keys=st.lists(st.none() | NEAR, max_size=12), asked=st.lists(NEAR, max_size=8))
def test_every_row_of_a_key_is_found(
    ascending: bool, keys: list[int | None], asked: list[int]
) -> None:
    if ascending:
        keys = [*sorted({one for one in keys if one is not None})]
    pairs = [
        (at, row) for at, one in enumerate(asked) for row, key in enumerate(keys) if one == key
    ]
    assert found(keys, asked) == pairs


def test_only_keys_that_ascend_are_bisected() -> None:
    assert Finder(pl.Series([1, 2, 9])).ascend
    assert not Finder(pl.Series([1, 2, 2])).ascend
    assert not Finder(pl.Series([2, 1])).ascend
    assert not Finder(pl.Series([1, None, 3])).ascend
    assert not Finder(pl.Series([], dtype=pl.Int64)).ascend
