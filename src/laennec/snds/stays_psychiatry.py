"""Stays of psychiatry (RIM-P): summaries by sequence, T_RIPaaRSA.

The way in is that of the first sequence, the way out that of the last. A stay with half-days only
is day care. A sequence begins ``DEL_DAT`` days after the entry and covers ``SEQ_COU_NBJ`` days.
Ambulatory care (T_RIPaaR3A) has no number that other tables know: it belongs to nobody.

Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.stays_rows import CHAIN_MONTH, HEAD, PART, known, shaped

NEEDS: Mapping[str, tuple[str, ...]] = {
    "T_RIPaaRSA": (
        "ETA_NUM_EPMSI",
        "ETA_NUM_TWO",
        "SEQ_SEQ_NUM",
        "DEL_DAT",
        "SEQ_COU_NBJ",
        "PRE_JOU_NBJ",
        "PRE_DEM_JOU_NBJ",
        "FOR_ACT",
        "NAT_PEC",
        "ENT_MOD",
        "ENT_PRV",
        "SOR_MOD",
        "SOR_DES",
        "SEQ_FIN_ANN",
        "SEQ_FIN_MOI",
    ),
    "T_RIPaaC": CHAIN_MONTH,
}


def heads(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the stays as ``HEAD``."""
    rows = frames["T_RIPaaRSA"]
    found = (
        rows.with_columns(
            known(rows, ("SEQ_SEQ_NUM",), pl.Int64()).alias("$order"),
            known(rows, ("FOR_ACT", "NAT_PEC"), pl.String()).alias("$form"),
        )
        .sort(STAY_KEY, "$order", nulls_last=True)
        .group_by(STAY_KEY, maintain_order=True)
        .agg(
            pl.col("ETA_NUM_EPMSI", "ENT_MOD", "ENT_PRV", "$form").drop_nulls().first(),
            pl.col("SOR_MOD", "SOR_DES", "SEQ_FIN_ANN", "SEQ_FIN_MOI").last(),
            pl.col("PRE_JOU_NBJ", "PRE_DEM_JOU_NBJ", "SEQ_COU_NBJ")
            .cast(pl.Int64, strict=False)
            .sum(),
        )
    )
    halves = (pl.col("PRE_JOU_NBJ") == 0) & (pl.col("PRE_DEM_JOU_NBJ") > 0)
    covered = pl.when(pl.col("SEQ_COU_NBJ") > 0).then(pl.col("SEQ_COU_NBJ") - 1)
    return shaped(
        found.select(
            STAY_KEY,
            pl.when(halves).then(pl.lit("partial")).otherwise(pl.lit("full")).alias("kind"),
            pl.concat_str(pl.lit("RIP "), pl.col("$form").fill_null("")).alias("label"),
            pl.col("ETA_NUM_EPMSI").alias("care_site_key"),
            pl.col("ENT_MOD").alias("entry_mode"),
            pl.col("ENT_PRV").alias("entry_place"),
            pl.col("SOR_MOD").alias("exit_mode"),
            pl.col("SOR_DES").alias("exit_place"),
            covered.alias("nights"),
            pl.col("SEQ_FIN_ANN").alias("out_year"),
            pl.col("SEQ_FIN_MOI").alias("out_month"),
        ),
        HEAD,
    )


def parts(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the sequences as ``PART``."""
    rows = frames["T_RIPaaRSA"]
    days = known(rows, ("SEQ_COU_NBJ",), pl.Int64())
    return shaped(
        rows.select(
            STAY_KEY,
            pl.col("SEQ_SEQ_NUM").alias("part"),
            known(rows, ("DEL_DAT",), pl.Int64()).alias("offset"),
            pl.when(days > 0).then(days - 1).alias("days"),
            known(rows, ("FOR_ACT", "NAT_PEC"), pl.String()).alias("unit"),
            known(rows, ("ETA_NUM_TWO",), pl.String()).alias("care_site_key"),
        ).unique((STAY_KEY, "part"), keep="first", maintain_order=True),
        PART,
    )
