"""Stays of follow-up care and rehabilitation (SSR): summaries by week, T_SSRaaB, and T_SSRaaS.

A stay is delivered as weeks (RHS). The way in is that of the first week, the way out that of the
last, unless T_SSRaaS tells them of the whole stay. A week begins ``RHS_ANT_SEJ_ENT`` days after the
entry of the stay, and its unit was entered ``SEJ_ANT`` days before the week.

Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.stays_rows import CHAIN_MONTH, HEAD, PART, known, shaped

NEEDS: Mapping[str, tuple[str, ...]] = {
    "T_SSRaaB": (
        "ETA_NUM",
        "RHS_NUM",
        "RHS_ANT_SEJ_ENT",
        "SEJ_ANT",
        "HOS_TYP_UM",
        "ACT_TYP",
        "AUT_TYP_UM",
        "ETA_NUM_GEO",
        "GRG_GME",
        "ENT_MOD",
        "ENT_PRV",
        "SOR_MOD",
        "SOR_DES",
        "MOI_ANN_SOR_SEJ",
    ),
    "T_SSRaaS": ("ENT_MOD", "ENT_PRV", "SOR_MOD", "SOR_DES", "SEJ_NBJ", "ACT_TYP"),
    "T_SSRaaC": CHAIN_MONTH,
}
_PARTIAL = ("2", "4")
"""Type of stay: by day; treatments without a bed. 1 is complete, 3 by night. Source: ATIH, RHS."""
_WEEK = 6


def heads(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the stays as ``HEAD``."""
    rows = frames["T_SSRaaB"]
    weeks = rows.with_columns(known(rows, ("RHS_NUM",), pl.Int64()).alias("$week"))
    weeks = weeks.with_columns(known(rows, ("HOS_TYP_UM", "ACT_TYP"), pl.String()).alias("$type"))
    month = known(rows, ("MOI_ANN_SOR_SEJ",), pl.String()).alias("$month")
    found = (
        weeks.with_columns(month, known(rows, ("GRG_GME",), pl.String()).alias("$group"))
        .sort(STAY_KEY, "$week", nulls_last=True)
        .group_by(STAY_KEY, maintain_order=True)
        .agg(
            pl.col("ETA_NUM", "ENT_MOD", "ENT_PRV", "$type", "$group", "$month")
            .drop_nulls()
            .first(),
            pl.col("SOR_MOD", "SOR_DES").last(),
        )
    )
    return shaped(_with_whole(found, frames.get("T_SSRaaS")), HEAD)


def _with_whole(found: pl.DataFrame, whole: pl.DataFrame | None) -> pl.DataFrame:
    """Let T_SSRaaS correct what weeks say, and name the columns of ``HEAD``."""
    if whole is not None:
        told = whole.select(
            STAY_KEY,
            *(pl.col(name).alias(f"$s_{name}") for name in NEEDS["T_SSRaaS"]),
        )
    else:
        empty = {f"$s_{name}": pl.String() for name in NEEDS["T_SSRaaS"]}
        told = pl.DataFrame(schema={STAY_KEY: pl.UInt64(), **empty})
    rows = found.join(told, on=STAY_KEY, how="left", maintain_order="left")
    kind = pl.coalesce("$s_ACT_TYP", "$type")
    return rows.select(
        STAY_KEY,
        pl.when(kind.is_in(_PARTIAL))
        .then(pl.lit("partial"))
        .otherwise(pl.lit("full"))
        .alias("kind"),
        pl.concat_str(pl.lit("SSR "), pl.col("$group").fill_null("")).alias("label"),
        pl.col("ETA_NUM").alias("care_site_key"),
        pl.coalesce("$s_ENT_MOD", "ENT_MOD").alias("entry_mode"),
        pl.coalesce("$s_ENT_PRV", "ENT_PRV").alias("entry_place"),
        pl.coalesce("$s_SOR_MOD", "SOR_MOD").alias("exit_mode"),
        pl.coalesce("$s_SOR_DES", "SOR_DES").alias("exit_place"),
        pl.col("$s_SEJ_NBJ").alias("nights"),
        pl.col("$month").str.slice(2).alias("out_year"),
        pl.col("$month").str.slice(0, 2).alias("out_month"),
    )


def parts(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the weeks as ``PART``; a stay's last week ends with it."""
    rows = frames["T_SSRaaB"]
    start = known(rows, ("RHS_ANT_SEJ_ENT",), pl.Int64())
    return shaped(
        rows.select(
            STAY_KEY,
            pl.col("RHS_NUM").alias("part"),
            start.alias("offset"),
            (start - known(rows, ("SEJ_ANT",), pl.Int64())).alias("unit_offset"),
            pl.when(start.is_not_null()).then(_WEEK).alias("days"),
            known(rows, ("AUT_TYP_UM", "HOS_TYP_UM"), pl.String()).alias("unit"),
            known(rows, ("ETA_NUM_GEO",), pl.String()).alias("care_site_key"),
        ).unique((STAY_KEY, "part"), keep="first", maintain_order=True),
        PART,
    )
