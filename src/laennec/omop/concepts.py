"""Which concepts a concept set means, in a given vocabulary.

The rules are those of ATLAS (OHDSI circe-be, ``ConceptSetExpressionQueryBuilder`` and its SQL), so
that a set gives the same concepts here and there:

1. An item stands for its concept, valid or not, standard or not.
2. With ``descendants`` also for every concept below it in ``concept_ancestor`` that is in
   ``concept`` and is valid (no ``invalid_reason``).
3. With ``mapped`` also for every concept with a valid ``Maps to`` to the concept of 1, or of 2 if
   the item has ``descendants`` too. Descendants of such sources are not taken, and whether the
   source itself is valid does not matter.
4. Exclusions follow the same three rules, and what they give is taken away from all inclusions,
   whatever the order of the items.

One departure: ATLAS drops an item whose concept is not in ``concept``; here its id is kept, for
rows may carry it all the same, and ``missing`` names it so that the caller can warn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import polars as pl

STANDARD = "S"
MAPS_TO = "Maps to"

Related = defaultdict[int, Sequence[int]]
"""Concept to concepts, none by default."""


class ConceptItem(Protocol):
    """One line of a concept set, as ``study.model.ConceptItem``."""

    @property
    def concept_id(self) -> int:
        """The concept."""

    @property
    def descendants(self) -> bool:
        """Whether everything below it belongs to it."""

    @property
    def mapped(self) -> bool:
        """Whether source concepts that map to it belong to it."""

    @property
    def exclude(self) -> bool:
        """Whether it is taken away."""


def resolve(
    items: Iterable[ConceptItem],
    *,
    ancestors: pl.LazyFrame,
    relationships: pl.LazyFrame,
    concepts: pl.LazyFrame,
) -> frozenset[int]:
    """Return the concepts that the items mean together; ``resolve_all`` for one set."""
    found = resolve_all(
        {"": items}, ancestors=ancestors, relationships=relationships, concepts=concepts
    )
    return found[""]


def resolve_all(
    sets: Mapping[str, Iterable[ConceptItem]],
    *,
    ancestors: pl.LazyFrame,
    relationships: pl.LazyFrame,
    concepts: pl.LazyFrame,
) -> dict[str, frozenset[int]]:
    """Return the concepts that each set means; a set may mean none.

    Each table is read once, whatever the number of sets, and only the rows of the ids asked for:
    the filters reach the files behind the frames. Nothing is read of ``ancestors`` without
    descendants, nor of ``relationships`` without mapped.

    Args:
        sets: Items by name of set, in any order; repeated items do no harm.
        ancestors: Table ``concept_ancestor``.
        relationships: Table ``concept_relationship``.
        concepts: Table ``concept``.
    """
    asked = {name: tuple(items) for name, items in sets.items()}
    every = [item for items in asked.values() for item in items]
    below = _below({one.concept_id for one in every if one.descendants}, ancestors, concepts)
    targets = {one.concept_id for one in every if one.mapped}
    targets.update(*(below[one.concept_id] for one in every if one.mapped and one.descendants))
    sources = _sources(targets, relationships)
    return {
        name: frozenset(
            _expand([one for one in items if not one.exclude], below, sources)
            - _expand([one for one in items if one.exclude], below, sources)
        )
        for name, items in asked.items()
    }


def missing(ids: Collection[int], concepts: pl.LazyFrame) -> frozenset[int]:
    """Return those of ``ids`` that table ``concept`` does not have."""
    known = _among(concepts, "concept_id", ids).select("concept_id").collect()
    return frozenset(ids) - set(known.to_series())


def not_standard(ids: Collection[int], concepts: pl.LazyFrame) -> frozenset[int]:
    """Return those of ``ids`` that table ``concept`` has, but not as standard concepts.

    Events are recorded under standard concepts, so such an id finds nothing unless ``events`` are
    looked up by source concept.
    """
    found = (
        _among(concepts, "concept_id", ids)
        .filter(pl.col("standard_concept").ne_missing(STANDARD))
        .select("concept_id")
        .collect()
    )
    return frozenset(found.to_series())


def is_valid() -> pl.Expr:
    """Return the condition that a concept or relationship is not withdrawn or replaced.

    Athena writes nothing for valid rows; readers make that null or empty text.
    """
    return pl.col("invalid_reason").is_null() | (pl.col("invalid_reason") == "")


def _expand(items: Iterable[ConceptItem], below: Related, sources: Related) -> set[int]:
    """Apply rules 1 to 3 to items that are all inclusions or all exclusions."""
    found: set[int] = set()
    for one in items:
        under = below[one.concept_id] if one.descendants else ()
        found.add(one.concept_id)
        found.update(under)
        if one.mapped:
            for target in (one.concept_id, *under):
                found.update(sources[target])
    return found


def _below(ids: Collection[int], ancestors: pl.LazyFrame, concepts: pl.LazyFrame) -> Related:
    """Return the valid descendants of ``ids``."""
    if not ids:
        return defaultdict(tuple)
    pairs = (
        _among(ancestors, "ancestor_concept_id", ids)
        .select("ancestor_concept_id", "descendant_concept_id")
        .join(
            concepts.filter(is_valid()).select("concept_id"),
            left_on="descendant_concept_id",
            right_on="concept_id",
            how="semi",
        )
    )
    return _related(pairs.collect())


def _sources(targets: Collection[int], relationships: pl.LazyFrame) -> Related:
    """Return what has a valid ``Maps to`` each of ``targets``."""
    if not targets:
        return defaultdict(tuple)
    found = (
        _among(relationships, "concept_id_2", targets)
        .filter((pl.col("relationship_id") == MAPS_TO) & is_valid())
        .select("concept_id_2", "concept_id_1")
    )
    return _related(found.collect())


def _related(pairs: pl.DataFrame) -> Related:
    """Return the second of each pair by the first; nothing for any other."""
    first, second = pairs.columns
    found: Related = defaultdict(tuple)
    found.update(pairs.group_by(first).agg(pl.col(second)).iter_rows())
    return found


def _among(frame: pl.LazyFrame, column: str, ids: Collection[int]) -> pl.LazyFrame:
    return frame.filter(pl.col(column).is_in(pl.Series(sorted(ids), dtype=pl.Int64).implode()))
