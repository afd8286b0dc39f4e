"""A French vocabulary as site concepts, from its published table to a resolved concept set.

CSARR (rehabilitation acts) as ATIH publishes it: 568 acts under chapters numbered ``09.02.01``, of
which many stand under several. The expected sets are read from the numbers, not from the hierarchy.
"""

import gzip
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from laennec.omop.checks import SITE_MINIMUM, check_site_concepts, check_vocabulary
from laennec.omop.concepts import resolve
from laennec.omop.hierarchy import ancestors_from_relationships, merge_ancestors

CSARR = (
    Path(__file__).resolve().parents[3] / "shared/data/nomensland/inst/tables/csarr_code.json.gz"
)
STANDARD_ACT = 4_180_938
"""Stands for a standard concept under which the site hangs the whole vocabulary."""


@dataclass(frozen=True)
class Item:
    concept_id: int
    descendants: bool = True
    mapped: bool = False
    exclude: bool = False


@pytest.fixture(scope="module")
def acts() -> list[tuple[str, str]]:
    """Return (chapter, code of the act), in the order of the source."""
    if not CSARR.exists():
        pytest.skip("nomensland is absent")
    rows = json.loads(gzip.decompress(CSARR.read_bytes()))
    return [(row["code_hier"], row["code"]) for row in rows]


def above(chapter: str) -> list[str]:
    """Return a chapter and those above it: ``09.02``, ``09``."""
    parts = chapter.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def number(acts: list[tuple[str, str]]) -> dict[str, int]:
    codes = dict.fromkeys(name for chapter, code in acts for name in (*above(chapter), code))
    return {code: SITE_MINIMUM + position for position, code in enumerate(codes)}


def is_a(acts: list[tuple[str, str]], ids: dict[str, int]) -> pl.DataFrame:
    pairs = {(code, chapter) for chapter, code in acts}
    for chapter, _ in acts:
        chain = above(chapter)
        pairs |= set(itertools.pairwise(chain))
    rows = [(ids[child], ids[parent]) for child, parent in sorted(pairs)]
    rows += [(one, STANDARD_ACT) for code, one in ids.items() if code.isdigit()]
    return pl.DataFrame(rows, schema=["concept_id_1", "concept_id_2"], orient="row").with_columns(
        relationship_id=pl.lit("Is a"), invalid_reason=pl.lit(None, pl.String)
    )


def test_from_table_to_concept_set(acts: list[tuple[str, str]]) -> None:
    ids = number(acts)
    site = pl.DataFrame({"concept_id": list(ids.values()), "concept_code": list(ids)}).with_columns(
        concept_name=pl.col("concept_code"),
        vocabulary_id=pl.lit("CSARR"),
        domain_id=pl.lit("Procedure"),
        standard_concept=pl.lit(None, pl.String),
        invalid_reason=pl.lit(None, pl.String),
    )
    standard = site.head(1).with_columns(
        concept_id=pl.lit(STANDARD_ACT, pl.Int64),
        vocabulary_id=pl.lit("SNOMED"),
        standard_concept=pl.lit("S"),
    )
    domains = pl.DataFrame({"domain_id": ["Procedure"]})
    assert check_site_concepts(site, concepts=standard, domains=domains) == ()

    existing = pl.DataFrame(
        {
            "ancestor_concept_id": [STANDARD_ACT],
            "descendant_concept_id": [STANDARD_ACT],
            "min_levels_of_separation": [0],
            "max_levels_of_separation": [0],
        }
    )
    relationships = is_a(acts, ids)
    ancestors = merge_ancestors(existing, ancestors_from_relationships(relationships))
    concepts = pl.concat([standard, site])
    tables = {
        "concept": concepts,
        "concept_relationship": relationships,
        "concept_ancestor": ancestors,
    }
    assert check_vocabulary(tables) == ()

    def found(*items: Item) -> frozenset[int]:
        return resolve(
            items,
            ancestors=ancestors.lazy(),
            relationships=relationships.lazy(),
            concepts=concepts.lazy(),
        )

    def expected(prefix: str) -> set[int]:
        inside = [(chapter, code) for chapter, code in acts if prefix in above(chapter)]
        names = {code for _, code in inside} | {
            name for chapter, _ in inside for name in above(chapter) if prefix in above(name)
        }
        return {ids[name] for name in names}

    for prefix in ("01", "09", "09.02", acts[0][0]):
        assert found(Item(ids[prefix])) == expected(prefix)
    assert found(Item(ids["01"]), Item(ids["09"], exclude=True)) == expected("01") - expected("09")
    assert found(Item(STANDARD_ACT)) == {STANDARD_ACT, *ids.values()}
