"""Visits, benefits without care, schemes, providers and care sites, from ER_PRS_F and ER_ETE_F.

Pure, but for packaged tables.
"""

from functools import cache

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import ACCESSORY, CLAIM, CONTACT, code, event_columns, packaged
from laennec.snds.lines import as_lines

NEEDS = (
    "RGM_GRG_COD",
    "BEN_CMU_TOP",
    "BEN_ACS_TOP",
    "PSE_SPE_COD",
    "PSE_ACT_NAT",
)
"""Columns of ER_PRS_F beside those of ``claims_rows``."""

PLANS = ((1, "ACS", "BEN_ACS_TOP"), (2, "CMU-C", "BEN_CMU_TOP"))
"""Rank, plan and the column that flags it; the highest rank of a month wins."""


def visits(claimed: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one visit line per claim of a contact or an accessory.

    An accessory has no unit and no source value: it makes no visit, but is counted into the visit
    of its key if there is one. ``visit_source_value`` is the ``PRS_NAT_REF``; of several lines of
    one visit, whoever sums them chooses.
    """
    rows = claimed.filter(pl.col("role").is_in([CONTACT, ACCESSORY])).select(
        *event_columns(_quantity()),
        "care_site_key",
        "visit_concept_id",
        "day",
        pl.when(pl.col("counts") != 0, pl.col("role") == CONTACT)
        .then(pl.col("PRS_NAT_REF").cast(pl.String))
        .alias("nature"),
    )
    rows = codes.attach(rows, "nature", "PRS_NAT", "nature")
    return as_lines(
        "visit_occurrence",
        rows.select(
            "person_id",
            "visit_key",
            "provider_key",
            "care_site_key",
            "units",
            "visit_concept_id",
            pl.col("day").alias("visit_start_date"),
            pl.col("day").alias("visit_end_date"),
            pl.lit(CLAIM).alias("visit_type_concept_id"),
            pl.col("nature").alias("visit_source_value"),
            pl.col("nature_source_concept_id").alias("visit_source_concept_id"),
        ),
    )


def benefits(claimed: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one observation line per claim of a stay or a benefit: that it was paid for."""
    rows = claimed.filter(~pl.col("role").is_in([CONTACT, ACCESSORY])).select(
        *event_columns(pl.col("counts")),
        "day",
        pl.col("PRS_NAT_REF").cast(pl.String).alias("nature"),
    )
    rows = codes.attach(rows, "nature", "PRS_NAT", "nature")
    return as_lines(
        "observation",
        rows.select(
            "person_id",
            "visit_key",
            "provider_key",
            "units",
            pl.col("nature_concept_id").alias("observation_concept_id"),
            pl.col("day").alias("observation_date"),
            pl.lit(CLAIM).alias("observation_type_concept_id"),
            pl.col("nature").alias("observation_source_value"),
            pl.col("nature_source_concept_id").alias("observation_source_concept_id"),
        ),
    )


def schemes(claimed: pl.DataFrame) -> pl.DataFrame:
    """Return one payer line per person, month of care and scheme that paid in it.

    The period is the calendar month; adjacent ones of one payer and plan are one period, which
    whoever numbers them joins. ``plan_source_value`` is the highest of ``PLANS`` that any claim of
    the month and scheme flags (the flag is forced to 0 on claims for a long-term disease), or null.
    In no order.
    """
    rank = pl.max_horizontal(
        pl.when(pl.col(column).cast(pl.Int64, strict=False) == 1)
        .then(pl.lit(rank, pl.Int8))
        .otherwise(pl.lit(0, pl.Int8))
        for rank, _, column in PLANS
    )
    rows = (
        claimed.filter(pl.col("RGM_GRG_COD").is_in(_known_schemes()))
        .select(
            "person_id",
            pl.col("day").dt.month_start().alias("start"),
            pl.col("RGM_GRG_COD").alias("scheme"),
            rank.alias("rank"),
        )
        .group_by("person_id", "start", "scheme")
        .agg(pl.col("rank").max())
    )
    names = {rank: name for rank, name, _ in PLANS}
    return as_lines(
        "payer_plan_period",
        rows.select(
            "person_id",
            pl.col("start").alias("payer_plan_period_start_date"),
            pl.col("start").dt.month_end().alias("payer_plan_period_end_date"),
            pl.lit(0).alias("payer_concept_id"),
            pl.col("scheme").cast(pl.String).alias("payer_source_value"),
            pl.col("rank")
            .replace_strict(names, default=None, return_dtype=pl.String)
            .alias("plan_source_value"),
        ),
    )


def providers(claimed: pl.DataFrame) -> pl.DataFrame:
    """Return ``provider_key``, ``specialty_source_value`` and ``specialty_concept_id``.

    One row per professional, by key. The specialty is the one most of its claims carry, the
    smallest of equals; ``PSE_SPE_COD`` for doctors (``S`` and the code), ``PSE_ACT_NAT`` for others
    (``A`` and the code), null if neither is known.
    """
    spoken = (
        claimed.filter(pl.col("provider_key").is_not_null())
        .group_by("provider_key", "PSE_SPE_COD", "PSE_ACT_NAT")
        .len()
    )
    known = spoken.with_columns(
        pl.coalesce(_specialty("S", "PSE_SPE_COD"), _specialty("A", "PSE_ACT_NAT")).alias(
            "specialty_source_value"
        )
    )
    most = (
        known.group_by("provider_key", "specialty_source_value")
        .agg(pl.col("len").sum())
        .sort(
            pl.col("specialty_source_value").is_null(),
            -pl.col("len").cast(pl.Int64),
            "specialty_source_value",
        )
        .unique("provider_key", keep="first", maintain_order=True)
    )
    concepts = {row["code"]: int(row["concept_id"]) for row in packaged("specialties.csv")}
    return most.sort("provider_key").select(
        "provider_key",
        "specialty_source_value",
        pl.col("specialty_source_value")
        .replace_strict(concepts, default=0, return_dtype=pl.Int64)
        .alias("specialty_concept_id"),
    )


def care_sites(sites: pl.DataFrame) -> pl.DataFrame:
    """Return ``care_site_key`` of every establishment that ER_ETE_F names, once, sorted."""
    return (
        sites.select(code("ETB_EXE_FIN").alias("care_site_key"))
        .drop_nulls()
        .unique()
        .sort("care_site_key")
    )


def _quantity() -> pl.Expr:
    """Return what a claim adds to its visit: its signed quantity; nothing for what is no act."""
    given = pl.col("PRS_ACT_QTE").fill_null(0)
    counted = pl.when(given != 0).then(given).otherwise(pl.col("direction"))
    return pl.when(pl.col("role") == CONTACT, pl.col("counts") != 0).then(counted).otherwise(0.0)


def _specialty(letter: str, column: str) -> pl.Expr:
    """Return a code with the letter of its nomenclature; 0 and 99 stand for unknown."""
    known = pl.col(column).is_not_null() & ~pl.col(column).is_in([0, 99])
    return pl.when(known).then(pl.concat_str(pl.lit(letter), pl.col(column)))


@cache
def _known_schemes() -> list[int]:
    """Return the schemes that are one; "unknown" is none."""
    return [int(row["rgm_grg_cod"]) for row in packaged("payers.csv") if row["known"] == "1"]
