"""Repeated keys, against a dictionary; with any memory."""

import itertools
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laennec.intake.csv_records import LINE
from laennec.intake.repeated import EARLIER, DistinctKeys, are_among, repeated_lines

INTEGERS = st.none() | st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1])
WORDS = st.none() | st.sampled_from(["", "a", "b", "é"])


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(INTEGERS, max_size=8) | st.lists(WORDS, max_size=8),
    st.lists(st.lists(INTEGERS, max_size=10), max_size=4)
    | st.lists(st.lists(WORDS, max_size=10), max_size=4),
    st.sampled_from([1, 100, 1 << 20]),
)
def test_lines_are_those_a_dictionary_finds(
    tmp_path: Path,
    earlier: list[int | str | None],
    files: list[list[int | str | None]],
    memory: int,
) -> None:
    words = any(isinstance(key, str) for keys in [earlier, *files] for key in keys)
    kind = pl.String if words else pl.Int64
    text = [[str(key) if words and key is not None else key for key in ks] for ks in files]
    before = [str(key) if words and key is not None else key for key in earlier]
    frames = [
        pl.DataFrame({"k": before, LINE: [EARLIER] * len(before)}, {"k": kind, LINE: pl.Int64})
    ]
    seen, expected, line = {key for key in before if key is not None}, [], 2
    for keys in text:
        lines = list(range(line, line + len(keys)))
        frames.append(pl.DataFrame({"k": keys, LINE: lines}, {"k": kind, LINE: pl.Int64}))
        line += len(keys)
        for key, number in zip(keys, lines, strict=True):
            if key is not None and key in seen:
                expected.append(number)
            elif key is not None:
                seen.add(key)
    found = repeated_lines(reversed(frames), rows=line, scratch=tmp_path, memory_bytes=memory)
    assert found.filter(found != EARLIER).to_list() == expected
    assert found.dtype == pl.Int64


BLOCKS = st.lists(st.lists(st.integers(-3, 20), max_size=4), max_size=5)
FAR = st.sampled_from([-(2**63), -(10**6), 0, 10**6, 2**63 - 1])


@settings(max_examples=200, deadline=None)
@given(BLOCKS, FAR)
def test_keys_without_gaps_are_seen_to_repeat_or_not(blocks: list[list[int]], shift: int) -> None:
    watch = DistinctKeys(memory_bytes=24)
    inside = [[key + min(max(shift, -(2**63) + 3), 2**63 - 21) for key in one] for one in blocks]
    for block in inside:
        watch.see(pl.Series(block, dtype=pl.Int64))
    flat = [key for block in inside for key in block]
    assert watch.holds == (len(set(flat)) == len(flat))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.one_of(FAR, st.integers(0, 9)), max_size=4), max_size=5))
def test_far_keys_are_never_wrongly_taken_for_distinct(blocks: list[list[int]]) -> None:
    watch = DistinctKeys(memory_bytes=24)
    for block in blocks:
        watch.see(pl.Series(block, dtype=pl.Int64))
    flat = [key for block in blocks for key in block]
    ascending = all(one < two for one, two in itertools.pairwise(flat))
    assert watch.holds or not ascending
    assert not watch.holds or len(set(flat)) == len(flat)


@pytest.mark.parametrize("keys", [pl.Series(["a"]), pl.Series([1, None], dtype=pl.Int64)])
def test_other_keys_are_never_taken_for_distinct(keys: pl.Series) -> None:
    watch = DistinctKeys(memory_bytes=1 << 20)
    watch.see(keys)
    assert not watch.holds


@given(st.lists(st.integers(-1, 30)), st.sets(st.integers(0, 30)))
@settings(max_examples=50, deadline=None)
def test_membership(lines: list[int], repeated: set[int]) -> None:
    found = are_among(pl.Series(lines, dtype=pl.Int64), pl.Series(sorted(repeated), dtype=pl.Int64))
    assert found.to_list() == [line in repeated for line in lines]
