"""Consultations and acts in hospital without a stay (MCO and SSR): T_MCOaaCSTC and its bills.

A row of the chaining table, by establishment and ``SEQ_NUM``, is a visit; bills of its number say
what was done. It is a visit to the emergency department where ATU is billed, the flat rate for care
there without a stay after it (until 2021). Before 2008 there is no chaining table: bills of that
year belong to nobody. A bill's day is ``DEL_DAT_ENT`` days after the first day; before 2013 all
bills are dated on it.

Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.lines import as_lines, schema
from laennec.snds.stays_facts import CLAIM
from laennec.snds.stays_rows import EMERGENCY, HEAD, shaped, within

CHAINS: Mapping[str, str] = {"MCO_EXTERNAL": "T_MCOaaCSTC", "SSR_EXTERNAL": "T_SSRaaCSTC"}
SERVICES: Mapping[str, tuple[str, ...]] = {
    "MCO_EXTERNAL": ("T_MCOaaFBSTC", "T_MCOaaFCSTC"),
    "SSR_EXTERNAL": ("T_SSRaaFBSTC", "T_SSRaaFCSTC"),
}
"""Bills of services: what the establishment provides (B), what professionals charge (C)."""
SERVICE_NEEDS = ("ACT_COD", "ACT_NBR", "EXE_SPE", "DEL_DAT_ENT")

_EMERGENCY_RATE = "ATU"


def heads(field: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the visits as ``HEAD``."""
    rows = frames[CHAINS[field]]
    billed = [
        frames[family].filter(pl.col("ACT_COD") == _EMERGENCY_RATE).select(STAY_KEY)
        for family in SERVICES[field]
        if family in frames
    ]
    emergency = (
        pl.concat(billed)[STAY_KEY].unique() if billed else pl.Series(STAY_KEY, dtype=pl.UInt64())
    )
    by_emergency = pl.col(STAY_KEY).is_in(emergency.implode())
    return shaped(
        rows.select(
            STAY_KEY,
            pl.lit("external").alias("kind"),
            pl.lit(f"{field[:3]} external").alias("label"),
            pl.col("ETA_NUM").alias("care_site_key"),
            pl.when(by_emergency).then(pl.lit(EMERGENCY)).alias("entry_place"),
        ),
        HEAD,
    )


def services(field: str, frames: Mapping[str, pl.DataFrame], found: pl.DataFrame) -> pl.DataFrame:
    """Return one observation line per billed service; none for a field of stays.

    Its code (``C``, ``CS``, ``ATU``, ``SE1``) is of a nomenclature without concepts: the concept is
    0. ``qualifier_source_value`` is the table's letter and the specialty of the professional.
    """
    bills = [
        frames[family].select(
            STAY_KEY,
            pl.col("ACT_COD").alias("code"),
            pl.col("DEL_DAT_ENT").cast(pl.Int64, strict=False).fill_null(0).alias("delay"),
            pl.concat_str(pl.lit(f"{family[7:9]} "), pl.col("EXE_SPE").fill_null("")).alias("by"),
        )
        for family in SERVICES.get(field, ())
        if family in frames
    ]
    if not bills:
        return pl.DataFrame(schema=schema("observation"))
    rows = pl.concat(bills).filter(pl.col("code").is_not_null())
    rows = rows.join(found.select(STAY_KEY, "person_id", "start", "end"), on=STAY_KEY, how="inner")
    return as_lines(
        "observation",
        rows.select(
            "person_id",
            pl.lit(0).alias("observation_concept_id"),
            within(pl.col("start") + pl.duration(days="delay")).alias("observation_date"),
            pl.lit(CLAIM).alias("observation_type_concept_id"),
            pl.col("code").alias("observation_source_value"),
            pl.lit(0).alias("observation_source_concept_id"),
            pl.col("by").str.strip_chars().alias("qualifier_source_value"),
            pl.col(STAY_KEY).alias("visit_key"),
        ),
    )
