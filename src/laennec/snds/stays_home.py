"""Stays of hospital at home (HAD): summaries by sub-sequence, T_HADaaB.

The way in is that of the first sub-sequence, the way out that of the last. Sub-sequences follow
each other in the order of ``SSEQ_NUM``, each ``SSEQ_NBJ`` days. Before 2007 the tables name
establishments by other columns, and their stays join nothing.

Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.stays_rows import HEAD, PART, known, shaped

NEEDS: Mapping[str, tuple[str, ...]] = {
    "T_HADaaB": (
        "ETA_NUM_EPMSI",
        "SSEQ_NUM",
        "SSEQ_NBJ",
        "SEJ_NBJ",
        "ENT_MOD",
        "ENT_PRV",
        "SOR_MOD",
        "SOR_DES",
        "SOR_ANN_SSEQ",
        "SOR_MOI_SSEQ",
        "PEC_PAL",
        "ETA_NUM_TWO",
    ),
}


def heads(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the stays as ``HEAD``."""
    rows = frames["T_HADaaB"]
    found = (
        rows.with_columns(known(rows, ("SSEQ_NUM",), pl.Int64()).alias("$order"))
        .sort(STAY_KEY, "$order", nulls_last=True)
        .group_by(STAY_KEY, maintain_order=True)
        .agg(
            pl.col("ETA_NUM_EPMSI", "ENT_MOD", "ENT_PRV", "PEC_PAL").drop_nulls().first(),
            pl.col("SOR_MOD", "SOR_DES", "SOR_ANN_SSEQ", "SOR_MOI_SSEQ").last(),
            pl.col("SEJ_NBJ").cast(pl.Int64, strict=False).max(),
        )
    )
    return shaped(
        found.select(
            STAY_KEY,
            pl.lit("home").alias("kind"),
            pl.concat_str(pl.lit("HAD "), pl.col("PEC_PAL").fill_null("")).alias("label"),
            pl.col("ETA_NUM_EPMSI").alias("care_site_key"),
            pl.col("ENT_MOD").alias("entry_mode"),
            pl.col("ENT_PRV").alias("entry_place"),
            pl.col("SOR_MOD").alias("exit_mode"),
            pl.col("SOR_DES").alias("exit_place"),
            pl.col("SEJ_NBJ").alias("nights"),
            pl.col("SOR_ANN_SSEQ").alias("out_year"),
            pl.col("SOR_MOI_SSEQ").alias("out_month"),
        ),
        HEAD,
    )


def parts(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the sub-sequences as ``PART``."""
    rows = frames["T_HADaaB"]
    rows = (
        rows.select(
            STAY_KEY,
            pl.col("SSEQ_NUM").alias("part"),
            known(rows, ("SSEQ_NUM",), pl.Int64()).alias("$order"),
            known(rows, ("SSEQ_NBJ",), pl.Int64()).alias("$days"),
            pl.col("PEC_PAL").alias("unit"),
            known(rows, ("ETA_NUM_TWO",), pl.String()).alias("care_site_key"),
        )
        .unique((STAY_KEY, "part"), keep="first", maintain_order=True)
        .sort(STAY_KEY, "$order", nulls_last=True)
    )
    told = pl.col("$days").is_not_null().all().over(STAY_KEY)
    before = (pl.col("$days").cum_sum() - pl.col("$days")).over(STAY_KEY)
    return shaped(
        rows.with_columns(
            pl.when(told).then(before).otherwise(0).alias("offset"),
            pl.when(told).then(pl.max_horizontal(pl.col("$days") - 1, 0)).alias("days"),
        ),
        PART,
    )
