"""Hierarchies of concepts that ``concept_ancestor`` does not have.

OHDSI ships ancestors for standard and classification concepts only. A site's own concepts (CCAM,
CIM-10, NABM, from 2,000,000,000 on) get theirs here, from their ``Is a`` relationships: every pair
of ancestor and descendant, with the length of the shortest and the longest path between them.

A hierarchy with a cycle has no longest path, and would make a concept its own ancestor: it is
refused, and the concepts of one cycle are named.
"""

from collections.abc import Collection

import polars as pl

from laennec.core.errors import VocabularyError
from laennec.omop.concepts import is_valid

ANCESTOR, DESCENDANT = "ancestor_concept_id", "descendant_concept_id"
SHORTEST, LONGEST = "min_levels_of_separation", "max_levels_of_separation"
SCHEMA = dict.fromkeys((ANCESTOR, DESCENDANT, SHORTEST, LONGEST), pl.Int64())


def ancestors_from_relationships(
    relationships: pl.DataFrame, *, relationship_ids: Collection[str] = ("Is a",)
) -> pl.DataFrame:
    """Return the rows of ``concept_ancestor`` that follow from relationships.

    Args:
        relationships: Table ``concept_relationship``; only valid rows count. ``concept_id_1`` is
            the child, ``concept_id_2`` the parent.
        relationship_ids: Those that mean *is below*. Their reverses (``Subsumes``) must not be
            among them: that would be a cycle.

    Returns:
        Columns of ``concept_ancestor``, sorted by ancestor and descendant, one row per pair, with
        each concept of the hierarchy as its own ancestor at 0.

    Raises:
        VocabularyError: there is a cycle; its concepts are named in order.
    """
    edges = (
        relationships.filter(pl.col("relationship_id").is_in(list(relationship_ids)) & is_valid())
        .select(
            pl.col("concept_id_2").cast(pl.Int64).alias(ANCESTOR),
            pl.col("concept_id_1").cast(pl.Int64).alias(DESCENDANT),
        )
        .unique()
        .with_columns(pl.lit(1, pl.Int64).alias(SHORTEST), pl.lit(1, pl.Int64).alias(LONGEST))
    )
    _refuse_cycle(edges)
    nodes = pl.concat([edges[ANCESTOR], edges[DESCENDANT]]).unique()
    return _aggregate(pl.concat([_own(nodes), _closure(edges)]))


def merge_ancestors(existing: pl.DataFrame, extra: pl.DataFrame) -> pl.DataFrame:
    """Add a hierarchy to another, with everything that follows from both.

    When a site concept lies below a standard one, the ancestors of the standard one become its
    ancestors as well, and so on through any number of changes between the two.

    Args:
        existing: Table ``concept_ancestor``; complete in itself, one row per pair. Rows that touch
            no concept of ``extra`` come back as they are.
        extra: As ``ancestors_from_relationships`` returns it.

    Returns:
        As ``ancestors_from_relationships``. Pairs that both have get the shorter shortest and the
        longer longest path.

    Raises:
        VocabularyError: together they have a cycle; its concepts are named in order.
    """
    old, new = (frame.select(pl.col(list(SCHEMA)).cast(pl.Int64)) for frame in (existing, extra))
    touched = pl.concat([new[ANCESTOR], new[DESCENDANT]]).unique()
    links = pl.concat([_proper(old, above=touched, below=touched), _proper(new)])
    _refuse_cycle(links)
    inner = pl.concat([_own(touched), _closure(_aggregate(links))])
    above = pl.concat([_own(touched), _proper(old, below=touched)])
    below = pl.concat([_own(touched), _proper(old, above=touched)])
    found = _compose(_compose(above, _aggregate(inner)), below)
    pair = [ANCESTOR, DESCENDANT]
    # The existing table can be a hundred million rows: only those that change are aggregated.
    changed = _aggregate(pl.concat([found, old.join(found, on=pair, how="semi")]))
    return pl.concat([old.join(found, on=pair, how="anti"), changed]).sort(pair)


def find_cycle(pairs: pl.DataFrame) -> tuple[int, ...]:
    """Return the concepts of one cycle, each above the one before; empty if there is none.

    Args:
        pairs: Columns ``ancestor_concept_id`` and ``descendant_concept_id``; a row that names one
            concept twice is a cycle of one.
    """
    left = pairs.select(ANCESTOR, DESCENDANT)
    while left.height:
        fewer = left.join(left, left_on=ANCESTOR, right_on=DESCENDANT, how="semi")
        if fewer.height == left.height:
            return _walk_up(left)
        left = fewer
    return ()


def _walk_up(pairs: pl.DataFrame) -> tuple[int, ...]:
    """Follow parents, each of which has one, until a concept comes back; the smallest id first."""
    parent = dict(pairs.group_by(DESCENDANT).agg(pl.col(ANCESTOR).min()).iter_rows())
    seen: dict[int, int] = {}
    here = min(parent)
    while here not in seen:
        seen[here] = len(seen)
        here = parent[here]
    cycle = [one for one, position in seen.items() if position >= seen[here]]
    first = cycle.index(min(cycle))
    return tuple(cycle[first:] + cycle[:first])


def _refuse_cycle(pairs: pl.DataFrame) -> None:
    cycle = find_cycle(pairs)
    if cycle:
        named = ", ".join(map(str, cycle[:10])) + (", ..." if len(cycle) > 10 else "")
        raise VocabularyError(
            f"The hierarchy has a cycle of {len(cycle)} concepts: {named}.",
            remedy="Remove one of the relationships between them and import again.",
        )


def _closure(edges: pl.DataFrame) -> pl.DataFrame:
    """Return all pairs that paths of one or more edges join; a pair may occur once per length."""
    steps = [edges]
    while steps[-1].height:
        steps.append(_compose(steps[-1], edges))
    return pl.concat(steps)


def _compose(upper: pl.DataFrame, lower: pl.DataFrame) -> pl.DataFrame:
    """Join paths that end where others begin; levels add up; one row per pair."""
    joined = upper.join(lower, left_on=DESCENDANT, right_on=ANCESTOR, suffix="_lower")
    return _aggregate(
        joined.select(
            ANCESTOR,
            pl.col(f"{DESCENDANT}_lower").alias(DESCENDANT),
            pl.col(SHORTEST) + pl.col(f"{SHORTEST}_lower"),
            pl.col(LONGEST) + pl.col(f"{LONGEST}_lower"),
        )
    )


def _aggregate(pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per pair, with its shortest and longest path, sorted."""
    return (
        pairs.group_by(ANCESTOR, DESCENDANT)
        .agg(pl.col(SHORTEST).min(), pl.col(LONGEST).max())
        .sort(ANCESTOR, DESCENDANT)
    )


def _own(nodes: pl.Series) -> pl.DataFrame:
    """Return each concept as its own ancestor."""
    zero = pl.lit(0, pl.Int64)
    return pl.DataFrame({ANCESTOR: nodes, DESCENDANT: nodes}).with_columns(
        zero.alias(SHORTEST), zero.alias(LONGEST)
    )


def _proper(
    pairs: pl.DataFrame, *, above: pl.Series | None = None, below: pl.Series | None = None
) -> pl.DataFrame:
    """Return pairs of two concepts, those whose upper and lower end are among the given ones."""
    wanted = pl.col(ANCESTOR) != pl.col(DESCENDANT)
    if above is not None:
        wanted &= pl.col(ANCESTOR).is_in(above.implode())
    if below is not None:
        wanted &= pl.col(DESCENDANT).is_in(below.implode())
    return pairs.filter(wanted)
