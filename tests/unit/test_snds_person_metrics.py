"""Counting pairs right, against counts made by hand."""

import polars as pl

from laennec.snds.person_metrics import PairCounts, compare


def counts(found: list[tuple[str, str | None, int]], true: list[tuple[str, int]]) -> PairCounts:
    identifiers = pl.DataFrame(
        [(psa, 1, nir, person) for psa, nir, person in found],
        schema={"psa": pl.String, "rng": pl.Int64, "nir_ano": pl.String, "person_id": pl.Int64},
        orient="row",
    )
    truth = pl.DataFrame(
        [(psa, "1", person, "") for psa, person in true],
        schema=["BEN_NIR_PSA", "BEN_RNG_GEM", "person", "trap"],
        orient="row",
    )
    return compare(identifiers, truth)


def test_pairs_are_right_wrong_or_missed() -> None:
    found = [("A", "1", 10), ("B", "1", 10), ("C", "1", 10), ("D", "2", 20), ("E", None, 30)]
    true = [("A", 1), ("B", 1), ("C", 2), ("D", 2), ("E", 2)]
    told = counts(found, true)
    assert told == PairCounts(
        right=1,
        wrong=2,
        missed=3,
        missed_with_numbers=1,
        right_with_numbers=1,
        shared=0,
        unresolved=0,
    )
    assert told.precision == 1 / 3
    assert told.recall == 1 / 4
    assert told.recall_with_numbers == 1 / 2


def test_what_several_persons_share_is_in_no_pair() -> None:
    told = counts([("A", "1", 10), ("B", "1", 10)], [("A", 1), ("B", 1), ("B", 2)])
    assert (told.right, told.wrong, told.missed, told.shared) == (0, 0, 0, 1)


def test_pairs_of_nobodys_identifiers_are_missed() -> None:
    told = counts([("A", "1", 10)], [("A", 1), ("B", 1), ("B", 1)])
    assert (told.right, told.missed, told.missed_with_numbers, told.unresolved) == (0, 1, 0, 1)


def test_nothing_joined_and_nothing_to_join_is_perfect() -> None:
    told = counts([], [])
    assert (told.precision, told.recall, told.recall_with_numbers) == (1.0, 1.0, 1.0)
