"""Stays of medicine, surgery and obstetrics (MCO): what T_MCOaaB says, and the units of T_MCOaaUM.

Sessions (dialysis, chemotherapy, radiotherapy: GHM of category 28, or ``NBR_SEA``) are day care.
Units follow each other in the order of ``UM_ORD_NUM``, each as many days as ``PAR_DUR_SEJ``; where
a year does not tell, a unit has the dates of its stay.

Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.stays_rows import CHAIN_MONTH, HEAD, PART, known, shaped

NEEDS: Mapping[str, tuple[str, ...]] = {
    "T_MCOaaB": (
        "ETA_NUM",
        "GRG_GHM",
        "NBR_SEA",
        "ENT_MOD",
        "ENT_PRV",
        "SOR_MOD",
        "SOR_DES",
        "SEJ_NBJ",
        "SOR_ANN",
        "SOR_MOI",
    ),
    "T_MCOaaUM": (
        "UM_ORD_NUM",
        "PAR_DUR_SEJ",
        "PAR_NBR_SEJ",
        "AUT_TYP1_UM",
        "UM_TYP",
        "ETA_NUM_GEO",
    ),
    "T_MCOaaC": CHAIN_MONTH,
}
_SESSIONS = "28"


def heads(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the stays as ``HEAD``."""
    rows = frames["T_MCOaaB"]
    session = pl.col("GRG_GHM").str.starts_with(_SESSIONS) | (
        pl.col("NBR_SEA").cast(pl.Int64, strict=False) > 0
    )
    return shaped(
        rows.select(
            STAY_KEY,
            pl.when(session).then(pl.lit("partial")).otherwise(pl.lit("full")).alias("kind"),
            pl.concat_str(pl.lit("MCO "), pl.col("GRG_GHM").fill_null("")).alias("label"),
            pl.col("ETA_NUM").alias("care_site_key"),
            pl.col("ENT_MOD").alias("entry_mode"),
            pl.col("ENT_PRV").alias("entry_place"),
            pl.col("SOR_MOD").alias("exit_mode"),
            pl.col("SOR_DES").alias("exit_place"),
            pl.col("SEJ_NBJ").alias("nights"),
            pl.col("SOR_ANN").alias("out_year"),
            pl.col("SOR_MOI").alias("out_month"),
        ),
        HEAD,
    )


def parts(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the units as ``PART``."""
    rows = frames.get("T_MCOaaUM")
    if rows is None:
        return shaped(pl.DataFrame(schema={STAY_KEY: pl.UInt64()}), PART)
    order = known(rows, ("UM_ORD_NUM",), pl.Int64())
    days = known(rows, ("PAR_DUR_SEJ", "PAR_NBR_SEJ"), pl.Int64())
    rows = rows.select(
        STAY_KEY,
        order.alias("order"),
        days.alias("days"),
        known(rows, ("AUT_TYP1_UM", "UM_TYP"), pl.String()).alias("unit"),
        known(rows, ("ETA_NUM_GEO",), pl.String()).alias("care_site_key"),
    ).sort(STAY_KEY, "order")
    told = (pl.col("days").is_not_null() & pl.col("order").is_not_null()).all().over(STAY_KEY)
    before = (pl.col("days").cum_sum() - pl.col("days")).over(STAY_KEY)
    return shaped(
        rows.with_columns(
            pl.col("order").cast(pl.String).alias("part"),
            pl.when(told).then(before).otherwise(0).alias("offset"),
            pl.when(told).then("days").alias("days"),
        ),
        PART,
    )
