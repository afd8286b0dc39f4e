"""Own hierarchies: the closure of a graph, against a naive walk over it."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from laennec.core.errors import VocabularyError
from laennec.omop.hierarchy import (
    SCHEMA,
    ancestors_from_relationships,
    find_cycle,
    merge_ancestors,
)

Edge = tuple[int, int]
"""Child and parent."""
Levels = dict[tuple[int, int], tuple[int, int]]
"""Per ancestor and descendant: shortest and longest path."""

SITE = 2_000_000_000


def relationships(edges: set[Edge], kind: str = "Is a") -> pl.DataFrame:
    return pl.DataFrame(
        [(child, parent, kind, None) for child, parent in sorted(edges)],
        schema={
            "concept_id_1": pl.Int64,
            "concept_id_2": pl.Int64,
            "relationship_id": pl.String,
            "invalid_reason": pl.String,
        },
        orient="row",
    )


def levels(frame: pl.DataFrame) -> Levels:
    found = {(row[0], row[1]): (row[2], row[3]) for row in frame.iter_rows()}
    assert len(found) == frame.height
    assert dict(frame.schema) == SCHEMA
    return found


def naive(edges: set[Edge]) -> Levels:
    """Walk every path upwards from every node."""
    found: Levels = {}

    def walk(start: int, here: int, steps: int) -> None:
        low, high = found.get((here, start), (steps, steps))
        found[here, start] = (min(low, steps), max(high, steps))
        for child, parent in edges:
            if child == here:
                walk(start, parent, steps + 1)

    for node in {end for edge in edges for end in edge}:
        walk(node, node, 0)
    return found


def acyclic(pairs: set[Edge]) -> set[Edge]:
    """Point every edge from the larger id to the smaller, so that no cycle can be."""
    return {(max(pair), min(pair)) for pair in pairs if pair[0] != pair[1]}


GRAPHS = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


@settings(max_examples=60, deadline=None)
@given(GRAPHS.map(acyclic))
def test_closure_is_the_naive_walk(edges: set[Edge]) -> None:
    found = ancestors_from_relationships(relationships(edges))
    assert levels(found) == naive(edges)
    assert_frame_equal(found, found.sort("ancestor_concept_id", "descendant_concept_id"))


@settings(max_examples=60, deadline=None)
@given(GRAPHS.map(acyclic), st.data())
def test_merging_the_closures_of_two_halves_is_the_closure_of_the_whole(
    edges: set[Edge], data: st.DataObject
) -> None:
    half = data.draw(st.sets(st.sampled_from(sorted(edges)))) if edges else set[Edge]()
    one = ancestors_from_relationships(relationships(half))
    other = ancestors_from_relationships(relationships(edges - half))
    assert levels(merge_ancestors(one, other)) == naive(edges)


@settings(max_examples=100, deadline=None)
@given(GRAPHS)
def test_a_cycle_is_found_exactly_when_there_is_one(edges: set[Edge]) -> None:
    frame = pl.DataFrame(
        [(parent, child) for child, parent in edges],
        schema={"ancestor_concept_id": pl.Int64, "descendant_concept_id": pl.Int64},
        orient="row",
    )
    cycle = find_cycle(frame)
    reachable = set(edges)
    for _ in range(8):
        reachable |= {(a, d) for a, b in reachable for c, d in reachable if b == c}
    assert bool(cycle) == any(child == parent for child, parent in reachable)
    for child, parent in zip(cycle, cycle[1:] + cycle[:1], strict=True):
        assert (child, parent) in edges


@pytest.mark.parametrize(
    ("edges", "named"),
    [
        ({(5, 5)}, "cycle of 1 concepts: 5"),
        ({(1, 2), (2, 1)}, "cycle of 2 concepts: 1, 2"),
        ({(7, 3), (3, 9), (9, 7), (1, 3), (9, 4)}, "cycle of 3 concepts: 3, 9, 7"),
    ],
)
def test_a_cycle_is_refused_by_name(edges: set[Edge], named: str) -> None:
    with pytest.raises(VocabularyError, match=named):
        ancestors_from_relationships(relationships(edges))


def test_a_cycle_through_both_hierarchies_is_refused() -> None:
    one = ancestors_from_relationships(relationships({(1, 2)}))
    other = ancestors_from_relationships(relationships({(2, 1)}))
    with pytest.raises(VocabularyError, match="1, 2"):
        merge_ancestors(one, other)


def test_only_valid_relationships_of_the_kinds_asked_for_count() -> None:
    frame = pl.concat(
        [
            relationships({(SITE + 1, SITE)}),
            relationships({(SITE + 2, SITE)}, kind="Maps to"),
            relationships({(SITE + 3, SITE)}).with_columns(invalid_reason=pl.lit("D")),
            relationships({(SITE + 4, SITE)}).with_columns(invalid_reason=pl.lit("")),
            relationships({(SITE + 5, SITE)}, kind="CCAM is a"),
        ]
    )
    below = set(ancestors_from_relationships(frame)["descendant_concept_id"])
    assert below == {SITE, SITE + 1, SITE + 4}
    wider = ancestors_from_relationships(frame, relationship_ids=("Is a", "CCAM is a"))
    assert SITE + 5 in set(wider["descendant_concept_id"])


def test_site_concepts_inherit_the_ancestors_of_the_standard_concept_above() -> None:
    existing = ancestors_from_relationships(relationships({(2, 1), (3, 2)}))
    extra = ancestors_from_relationships(relationships({(SITE, 3), (SITE + 1, SITE)}))
    merged = levels(merge_ancestors(existing, extra))
    assert merged[1, SITE + 1] == (4, 4)
    assert merged[1, 3] == (2, 2)


def test_nothing_gives_nothing() -> None:
    empty = ancestors_from_relationships(relationships(set()))
    assert levels(empty) == {}
    assert levels(merge_ancestors(empty, empty)) == {}


def test_a_hundred_thousand_concepts() -> None:
    ids = range(1, 100_000)
    tree = pl.DataFrame(
        {"concept_id_1": list(ids), "concept_id_2": [(one - 1) // 10 for one in ids]}
    ).with_columns(relationship_id=pl.lit("Is a"), invalid_reason=pl.lit(None, pl.String))
    found = ancestors_from_relationships(tree)
    depths = pl.Series([0, 1, 2, 3, 4, 5])
    sizes = pl.Series([1, 10, 100, 1_000, 10_000, 88_889])
    assert found.height == int(((depths + 1) * sizes).sum())
    assert found.filter(pl.col("ancestor_concept_id") == 0).height == 100_000
