"""How much of what was coded at the source reached a standard concept.

Counts of rows and codes by vocabulary; no person is counted here, and the code texts stay in the
frame that came in. Whether such counts may be published is for ``disclosure``.
"""

import polars as pl

from laennec.omop.checks import SITE_MINIMUM

UNKNOWN = "(unknown)"
"""Stands for source codes of no known vocabulary."""

COUNTS_SCHEMA = {
    "vocabulary_id": pl.String(),
    "source_code": pl.String(),
    "concept_id": pl.Int64(),
    "rows": pl.Int64(),
}
COVERAGE_SCHEMA = {
    "vocabulary_id": pl.String(),
    "codes": pl.Int64(),
    "codes_mapped": pl.Int64(),
    "codes_share": pl.Float64(),
    "rows": pl.Int64(),
    "rows_mapped": pl.Int64(),
    "rows_share": pl.Float64(),
}


def coverage(counts: pl.DataFrame) -> pl.DataFrame:
    """Return, per vocabulary of the source, the share of codes and of rows that are mapped.

    A row is mapped when its concept is not missing, not 0 (*no matching concept*) and not a site's
    own (from 2,000,000,000 on), which says no more than the code did. A code is mapped when any of
    its rows is, so ``codes_share`` is the kinder figure.

    Args:
        counts: ``vocabulary_id`` of the source code (missing: unknown), ``source_code`` (missing
            counts as one code), ``concept_id`` it was mapped to, and ``rows``, at least 1. The
            same code may come several times.

    Returns:
        Columns of ``COVERAGE_SCHEMA``, shares from 0 to 1, sorted by vocabulary; no line for what
        has no row.

    Raises:
        ValueError: ``rows`` is missing or below 1 somewhere; the caller's query is wrong.
    """
    if counts.filter(pl.col("rows").fill_null(0) < 1).height:
        raise ValueError("a count of rows is missing or below 1")
    concept = pl.col("concept_id").fill_null(0)
    is_mapped = (concept != 0) & (concept < SITE_MINIMUM)
    per_code = (
        counts.with_columns(pl.col("vocabulary_id").fill_null(UNKNOWN))
        .group_by("vocabulary_id", "source_code")
        .agg(
            pl.col("rows").sum(),
            pl.col("rows").filter(is_mapped).sum().alias("rows_mapped"),
            is_mapped.any().alias("mapped"),
        )
    )
    return (
        per_code.group_by("vocabulary_id")
        .agg(
            pl.len().cast(pl.Int64).alias("codes"),
            pl.col("mapped").sum().cast(pl.Int64).alias("codes_mapped"),
            pl.col("rows", "rows_mapped").sum().cast(pl.Int64),
        )
        .with_columns(
            (pl.col("codes_mapped") / pl.col("codes")).alias("codes_share"),
            (pl.col("rows_mapped") / pl.col("rows")).alias("rows_share"),
        )
        .select(list(COVERAGE_SCHEMA))
        .sort("vocabulary_id")
    )
