"""Who exists, against a set; identifiers of 64 bits."""

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laennec.intake.persons import KnownPersons

EXTREMES = [-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 2, 2**63 - 1]
IDS = st.one_of(st.integers(-20, 20), st.sampled_from(EXTREMES), st.integers(-(2**63), 2**63 - 1))


def series(ids: list[int]) -> pl.Series:
    return pl.Series(ids, dtype=pl.Int64)


@settings(max_examples=200, deadline=None)
@given(st.lists(IDS, max_size=30), st.lists(IDS, max_size=30))
@example([-(2**63)], EXTREMES)
@example([2**63 - 1, 2**63 - 2], EXTREMES)
@example([], EXTREMES)
def test_persons_are_those_of_a_set(known: list[int], asked: list[int]) -> None:
    persons = KnownPersons(series(known))
    assert len(persons) == len(set(known))
    wanted = [*asked, *known, *(one + 1 for one in known if one < 2**63 - 1)]
    assert persons.contains(series(wanted)).to_list() == [one in set(known) for one in wanted]


def test_dense_identifiers_give_the_same() -> None:
    persons = KnownPersons(series(list(range(-500, 500, 2))))
    asked = list(range(-510, 510))
    expected = [-500 <= one < 500 and one % 2 == 0 for one in asked]
    assert persons.contains(series(asked)).to_list() == expected
