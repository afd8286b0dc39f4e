"""Ancestors of site concepts, worked out when a vocabulary that has them is loaded.

``concept_ancestor`` as delivered knows nothing of a site's own concepts; their ``Is a`` rows do.
"""

from collections.abc import Sequence

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.checks import SITE_MINIMUM
from laennec.omop.hierarchy import ancestors_from_relationships, merge_ancestors
from laennec.vault.manifest import SealedFile
from laennec.vault.service import Vault

_ANCESTORS = "concept_ancestor"


def with_site_hierarchy(
    vault: Vault, *, relationships: Sequence[SealedFile], ancestors: Sequence[SealedFile]
) -> tuple[SealedFile, ...]:
    """Return the files of ``concept_ancestor`` with the hierarchy of site concepts in them.

    Args:
        vault: Where they are sealed.
        relationships: Files of ``concept_relationship``.
        ancestors: Files of ``concept_ancestor``; returned as they are without site concepts.

    Raises:
        VocabularyError: the site hierarchy has a cycle.
    """
    if not relationships:
        return tuple(ancestors)
    site = vault.read(
        relationships,
        columns=["concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"],
        where=pl.col("concept_id_1") >= SITE_MINIMUM,
    )
    extra = ancestors_from_relationships(site)
    if extra.is_empty():
        return tuple(ancestors)
    table = cdm(CURRENT).tables[_ANCESTORS]
    existing = vault.read(ancestors) if ancestors else pl.DataFrame(schema=table.polars_schema())
    merged = merge_ancestors(existing, extra).select(table.field_names)
    return (vault.seal_frame(merged, table=_ANCESTORS, bucket=None),)
