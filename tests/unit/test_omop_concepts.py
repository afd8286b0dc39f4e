"""Concept sets: the rules of ATLAS, on small vocabularies and against a naive reading of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.io.plugins import register_io_source

from laennec.omop.concepts import ConceptItem, missing, not_standard, resolve, resolve_all
from laennec.study.model import ConceptItem as StudyItem

GIBLEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop-gibleed"


@dataclass(frozen=True)
class Item:
    concept_id: int
    descendants: bool = False
    mapped: bool = False
    exclude: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Three vocabulary tables as plain Python values."""

    concepts: dict[int, tuple[str | None, str | None]]
    """Per id: standard_concept and invalid_reason."""
    ancestors: frozenset[tuple[int, int]]
    relationships: frozenset[tuple[int, int, str, str | None]]

    def frames(self) -> dict[str, pl.LazyFrame]:
        return {
            "concepts": pl.LazyFrame(
                [(one, *rest) for one, rest in self.concepts.items()],
                schema={
                    "concept_id": pl.Int64,
                    "standard_concept": pl.String,
                    "invalid_reason": pl.String,
                },
                orient="row",
            ),
            "ancestors": pl.LazyFrame(
                list(self.ancestors),
                schema={"ancestor_concept_id": pl.Int64, "descendant_concept_id": pl.Int64},
                orient="row",
            ),
            "relationships": pl.LazyFrame(
                list(self.relationships),
                schema={
                    "concept_id_1": pl.Int64,
                    "concept_id_2": pl.Int64,
                    "relationship_id": pl.String,
                    "invalid_reason": pl.String,
                },
                orient="row",
            ),
        }


def naive(items: list[Item], vocabulary: Vocabulary) -> set[int]:
    """Say the rules once more, one item at a time, in sets."""

    def meant(item: Item) -> set[int]:
        deep = {item.concept_id}
        if item.descendants:
            for above, below in vocabulary.ancestors:
                valid = below in vocabulary.concepts and not vocabulary.concepts[below][1]
                if above == item.concept_id and valid:
                    deep.add(below)
        sources = {
            source
            for source, target, kind, reason in vocabulary.relationships
            if item.mapped and target in deep and kind == "Maps to" and not reason
        }
        return deep | sources

    found = set[int]()
    for item in items:
        if not item.exclude:
            found |= meant(item)
    for item in items:
        if item.exclude:
            found -= meant(item)
    return found


IDS = st.sampled_from([-1, 1, 2, 3, 4, 5, 6, 2_000_000_001, 2**40])
REASONS = st.sampled_from([None, "", "D", "U"])
VOCABULARIES = st.builds(
    Vocabulary,
    concepts=st.dictionaries(IDS, st.tuples(st.sampled_from([None, "", "S", "C"]), REASONS)),
    ancestors=st.frozensets(st.tuples(IDS, IDS), max_size=20),
    relationships=st.frozensets(
        st.tuples(IDS, IDS, st.sampled_from(["Maps to", "Mapped from", "Is a"]), REASONS),
        max_size=15,
    ),
)
ITEMS = st.lists(
    st.builds(Item, IDS, descendants=st.booleans(), mapped=st.booleans(), exclude=st.booleans()),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(ITEMS, VOCABULARIES)
def test_resolve_is_the_naive_reading(items: list[Item], vocabulary: Vocabulary) -> None:
    assert resolve(items, **vocabulary.frames()) == naive(items, vocabulary)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), ITEMS), VOCABULARIES)
def test_sets_that_are_resolved_together_mean_what_they_mean_alone(
    sets: dict[str, list[Item]], vocabulary: Vocabulary
) -> None:
    found = resolve_all(sets, **vocabulary.frames())
    assert found == {name: naive(items, vocabulary) for name, items in sets.items()}


@settings(max_examples=40, deadline=None)
@given(st.sets(IDS), VOCABULARIES)
def test_missing_and_not_standard(ids: set[int], vocabulary: Vocabulary) -> None:
    concepts = vocabulary.frames()["concepts"]
    known = vocabulary.concepts
    assert missing(ids, concepts) == {one for one in ids if one not in known}
    expected = {one for one in ids if one in known and known[one][0] != "S"}
    assert not_standard(ids, concepts) == expected


SMALL = Vocabulary(
    concepts={
        1: ("S", None),
        2: ("S", None),
        3: ("S", "D"),
        10: (None, None),
        20: (None, None),
        30: (None, None),
    },
    ancestors=frozenset({(1, 1), (1, 2), (1, 3), (2, 2), (1, 99)}),
    relationships=frozenset(
        {(10, 1, "Maps to", None), (20, 2, "Maps to", None), (30, 2, "Maps to", "D")}
    ),
)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([Item(1)], {1}, id="only itself"),
        pytest.param([Item(1, descendants=True)], {1, 2}, id="no invalid, no unknown descendant"),
        pytest.param([Item(3)], {3}, id="an invalid concept that is named"),
        pytest.param([Item(7, descendants=True)], {7}, id="without any row of its own"),
        pytest.param([Item(1, mapped=True)], {1, 10}, id="mapped to itself only"),
        pytest.param([Item(1, descendants=True, mapped=True)], {1, 2, 10, 20}, id="mapped deep"),
        pytest.param([Item(1, descendants=True), Item(2, exclude=True)], {1}, id="exclusion"),
        pytest.param(
            [Item(1, descendants=True, exclude=True), Item(2)], set(), id="whatever the order"
        ),
        pytest.param([], set(), id="nothing"),
    ],
)
def test_rules(items: list[Item], expected: set[int]) -> None:
    assert resolve(items, **SMALL.frames()) == expected


def test_the_items_of_a_study_are_items() -> None:
    item: ConceptItem = StudyItem(concept_id=1, descendants=True)
    assert resolve([item], **SMALL.frames()) == {1, 2}


def test_a_plain_item_reads_neither_ancestors_nor_relationships() -> None:
    unread = pl.LazyFrame({"nothing": [0]})
    found = resolve([Item(1)], ancestors=unread, relationships=unread, concepts=unread)
    assert found == {1}


def test_narrower_identifiers_than_ours_are_read_as_well() -> None:
    frames = {
        name: frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))
        for name, frame in SMALL.frames().items()
    }
    items = [Item(1, descendants=True, mapped=True), Item(2**40)]
    assert resolve(items, **frames) == {1, 2, 10, 20, 2**40}


def test_filters_reach_the_source() -> None:
    pushed: list[bool] = []

    def source(frame: pl.DataFrame) -> pl.LazyFrame:
        def read(
            columns: list[str] | None,
            predicate: pl.Expr | None,
            rows: int | None,
            batch: int | None,
        ) -> Iterator[pl.DataFrame]:
            pushed.append(predicate is not None)
            found = frame if predicate is None else frame.filter(predicate)
            yield found if columns is None else found.select(columns)

        return register_io_source(read, schema=frame.schema)

    frames = {name: source(frame.collect()) for name, frame in SMALL.frames().items()}
    items = [Item(1, descendants=True, mapped=True)]
    asked = {"one": items, "same": items, "none": [Item(3, mapped=True, exclude=True)]}
    assert set(resolve_all(asked, **frames)["same"]) == {1, 2, 10, 20}
    assert pushed == [True, True, True], "each table is read once, whatever the number of sets"


def test_gibleed() -> None:
    if not GIBLEED.exists():
        pytest.skip("omop-gibleed is absent")
    frames = {
        "ancestors": pl.scan_parquet(GIBLEED / "concept_ancestor.parquet"),
        "relationships": pl.scan_parquet(GIBLEED / "concept_relationship.parquet"),
        "concepts": pl.scan_parquet(GIBLEED / "concept.parquet"),
    }
    celecoxib = 1118084
    found = resolve([Item(celecoxib, descendants=True)], **frames)
    ancestors = frames["ancestors"].collect()
    below = ancestors.filter(pl.col("ancestor_concept_id") == celecoxib)["descendant_concept_id"]
    known = frames["concepts"].collect()["concept_id"].to_list()
    assert found == {celecoxib} | (set(below) & set(known))
    assert missing(found, frames["concepts"]) == set()
    mapped = resolve([Item(192671, mapped=True)], **frames)
    assert mapped == {192671, 35208414}
