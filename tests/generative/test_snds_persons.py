"""Persons of random registers: what must hold whatever is delivered, and in whatever order."""

from collections.abc import Hashable, Iterable
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.snds_beneficiaries import Row, beneficiaries, persons_of
from laennec.snds.person_graph import components
from laennec.snds.person_ids import assign_person_ids
from laennec.snds.person_index import PersonIndex
from laennec.snds.person_metrics import compare
from laennec.snds.persons import Resolution, partitions, resolve

KEY = bytes(range(32))
DAYS = st.sampled_from([None, date(2015, 3, 1), date(2015, 3, 20), date(2018, 7, 1)])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "psa": st.sampled_from([*"PQRSTU", "XXXXXXXXXXXXXXXXD", None]),
            "rng": st.sampled_from([0, 1, 1, 1, 2, 3, None]),
            "nir": st.sampled_from([None, "NA", "NB", "NC", "ND"]),
            "cdi": st.sampled_from(["00", "00", "00", "03", "08", None]),
            "year": st.sampled_from(["1970", "1970", "1969", "1600", None]),
            "month": st.sampled_from(["01", "01", "02", "12", None]),
            "sex": st.sampled_from([1, 1, 1, 2, 0, None]),
            "dead": DAYS,
            "care": DAYS,
            "updated": DAYS,
        }
    ),
    max_size=14,
)


def same(one: Resolution, other: Resolution) -> bool:
    return all(
        getattr(one, name).equals(getattr(other, name))
        for name in ("identifiers", "persons", "nobody", "refusals")
    )


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_changes_nothing(rows: list[Row], shuffler: object) -> None:
    shuffled = list(rows)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = resolve(beneficiaries(rows)), resolve(beneficiaries(shuffled))
    assert same(one, other)
    numbered = (assign_person_ids(some, None, key=KEY) for some in (one, other))
    first, second = (some.identifiers for some in numbered)
    assert first.equals(second)


@given(ROWS)
@settings(deadline=None)
def test_every_row_and_identifier_has_one_fate(rows: list[Row]) -> None:
    resolution = resolve(beneficiaries(rows))
    lines = resolution.apart["LINE"]
    assert lines.n_unique() == len(lines)
    kept = {(row["psa"], row["rng"]) for line, row in enumerate(rows, 2) if line not in set(lines)}
    pairs = resolution.identifiers.select("psa", "rng")
    assert set(pairs.iter_rows()) == kept
    assert pairs.n_unique() == pairs.height
    assert pairs.join(resolution.nobody, on=["psa", "rng"]).is_empty()
    assert resolution.persons["person"].to_list() == list(range(resolution.persons.height))


@given(ROWS)
@settings(deadline=None)
def test_no_person_has_two_sexes_or_births_months_apart(rows: list[Row]) -> None:
    found = resolve(beneficiaries(rows)).identifiers
    known = found.filter(pl.col("birth_month").is_not_null()).with_columns(
        months=pl.col("birth_year") * 12 + pl.col("birth_month")
    )
    spans = known.group_by("person").agg(pl.col("months").max() - pl.col("months").min())
    assert (spans["months"] <= 1).all()
    sexes = found.drop_nulls("sex").group_by("person").agg(pl.col("sex").n_unique())
    assert (sexes["sex"] == 1).all()


@given(ROWS, ROWS)
@settings(deadline=None)
def test_a_later_load_splits_nobody(before: list[Row], after: list[Row]) -> None:
    first = assign_person_ids(resolve(beneficiaries(before)), None, key=KEY)
    second = assign_person_ids(resolve(beneficiaries(after)), first.identifiers, key=KEY)
    became = first.identifiers.join(second.identifiers, on=["psa", "rng"], suffix="_now")
    assert became.height == first.identifiers.height
    assert (
        (became.group_by("person_id").agg(pl.col("person_id_now").n_unique()))["person_id_now"]
        .eq(1)
        .all()
    )
    moved = became.filter(pl.col("person_id") != pl.col("person_id_now"))
    assert set(moved.select("person_id", "person_id_now").iter_rows()) == set(
        second.merged.select("old_person_id", "person_id").iter_rows()
    )
    assert second.persons["person_id"].n_unique() == second.persons.height
    assert set(second.persons["person_id"]) == set(second.identifiers["person_id"])


@given(ROWS)
@settings(deadline=None)
def test_a_load_repeated_changes_nothing(rows: list[Row]) -> None:
    resolution = resolve(beneficiaries(rows))
    first = assign_person_ids(resolution, None, key=KEY)
    second = assign_person_ids(resolution, first.identifiers, key=KEY)
    assert second.merged.is_empty()
    assert second.identifiers["person_id"].equals(first.identifiers["person_id"])


@given(ROWS, st.integers(1, 4))
@settings(deadline=None)
def test_parts_resolved_by_themselves_are_the_whole(rows: list[Row], parts: int) -> None:
    whole = beneficiaries(rows)
    part = partitions(whole, parts)
    assert part.is_between(0, parts - 1).all()
    pieces = [resolve(whole.filter(part == number)) for number in range(parts)]
    assert set().union(*(persons_of(piece) for piece in pieces)) == persons_of(resolve(whole))


@given(ROWS)
@settings(deadline=None)
def test_every_identifier_of_a_person_finds_it_unless_a_twin_may_be_meant(rows: list[Row]) -> None:
    found = assign_person_ids(resolve(beneficiaries(rows)), None, key=KEY)
    index = PersonIndex(found.identifiers, found.resolution.nobody)
    told = index.of_claims(found.identifiers["psa"], found.identifiers["rng"])
    right = (told["person_id"] == found.identifiers["person_id"]).fill_null(value=False)
    unclear = (told["reason"] == "ambiguous twin").fill_null(value=False)
    assert (right | unclear).all()
    doubted = found.identifiers.filter(unclear)
    assert (doubted["rng"] == 0).all()
    assert (doubted["confidence"] == "ambiguous").all()


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_components_are_those_of_a_search(count: int, edges: list[tuple[int, int]]) -> None:
    inside = [(a, b) for a, b in edges if a < count and b < count]
    left, right = (np.array([edge[side] for edge in inside], dtype=np.int64) for side in (0, 1))
    assert components(count, left, right).tolist() == searched(count, inside)


def searched(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """Label nodes by walking from each in turn: the slow, obvious way."""
    labels = [-1] * count
    for start in range(count):
        waiting = [start] if labels[start] < 0 else []
        while waiting:
            node = waiting.pop()
            labels[node] = start
            ends = [b if a == node else a for a, b in edges if node in (a, b)]
            waiting += [end for end in ends if labels[end] < 0]
    return labels


LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=9)


@given(LABELS)
def test_pairs_are_those_that_are_counted_one_by_one(labels: list[tuple[int, int, bool]]) -> None:
    identifiers = pl.DataFrame(
        [
            (str(place), 1, "N" if known else None, found)
            for place, (found, _, known) in enumerate(labels)
        ],
        schema={"psa": pl.String, "rng": pl.Int64, "nir_ano": pl.String, "person": pl.Int64},
        orient="row",
    )
    truth = pl.DataFrame(
        [(str(place), 1, true) for place, (_, true, _) in enumerate(labels)],
        schema={"BEN_NIR_PSA": pl.String, "BEN_RNG_GEM": pl.Int64, "person": pl.Int64},
        orient="row",
    )
    told = compare(identifiers, truth)
    found = pairs(label[0] for label in labels)
    true = pairs(label[1] for label in labels)
    assert (told.right, told.wrong) == (len(found & true), len(found - true))
    assert told.missed == len(true - found)
    numbered = {place for place, label in enumerate(labels) if label[2]}
    assert told.missed_with_numbers == sum(set(pair) <= numbered for pair in true - found)


def pairs(labels: Iterable[Hashable]) -> set[tuple[int, int]]:
    """Return the places that have equal labels, two by two."""
    placed = list(enumerate(labels))
    return {(a, b) for (a, one), (b, other) in combinations(placed, 2) if one == other}
