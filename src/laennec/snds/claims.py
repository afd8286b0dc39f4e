"""A month of claims (DCIR) becomes lines of OMOP tables.

Which file row goes where, and what has no place in OMOP, is data: ``claims_targets.csv`` names for
every table of the DCIR its target, or the reason why it has none. What is lost is said in the
mapping reference.

The caller cleans the rows, finds the persons and takes out what ``refused`` and ``unjoined`` name;
``convert`` would leave such rows out in silence. Nothing here looks outside the month: lines of one
visit, or a claim and its regularisation, may be months apart, and meet when the bucket sums them.

Pure, but for packaged tables.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

import polars as pl

from laennec.snds import claims_acts, claims_costs, claims_drugs, claims_rows, claims_visits
from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import packaged
from laennec.snds.keys import CLAIM_JOIN

CLAIMS = "ER_PRS_F"

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        CLAIMS: (*claims_rows.NEEDS, *claims_visits.NEEDS, *claims_costs.NEEDS),
        "ER_PHA_F": claims_drugs.NEEDS_PHA,
        "ER_UCD_F": claims_drugs.NEEDS_UCD,
        "ER_CAM_F": claims_acts.NEEDS_CAM,
        "ER_BIO_F": claims_acts.NEEDS_BIO,
        "ER_TIP_F": claims_acts.NEEDS_TIP,
        "ER_ETE_F": ("ETB_EXE_FIN",),
        "ER_ARO_F": claims_costs.NEEDS_ARO,
        **dict.fromkeys(
            ("ER_DTR_F", "ER_TRS_F", "ER_INV_F", "ER_RAT_F", "ER_LOT_F", "ER_DCT_F"), ()
        ),
    }
)
"""For each table of the DCIR: the columns that ``convert`` reads, beside the nine keys."""

NO_DATE = "no date of care"
FUTURE = "care after the month of flux"
REFUSED_CLAIM = "its claim is quarantined"
NO_CODE = "no code"
NO_TARGET = "no OMOP target"

_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ER_PHA_F": ("PHA_PRS_C13", "PHA_PRS_IDE"),
        "ER_UCD_F": ("UCD_UCD_COD",),
        "ER_CAM_F": ("CAM_PRS_IDE",),
        "ER_BIO_F": ("BIO_PRS_IDE",),
        "ER_TIP_F": ("TIP_PRS_IDE",),
        "ER_ETE_F": ("ETB_EXE_FIN",),
    }
)
"""Columns of which one at least must hold a code, for a row to be used."""


def convert(
    frames: Mapping[str, pl.DataFrame], codes: Codebook, drugs: pl.DataFrame | None
) -> Mapping[str, pl.DataFrame]:
    """Return the lines of a month, or of a part of it that holds whole claims.

    Args:
        frames: Tables of the DCIR, cleaned, with ``NEEDS`` and ``keys.CLAIM_JOIN``; ER_PRS_F has
            ``person_id``, never null. Tables may be absent; without ER_PRS_F nothing is made.
        codes: The vocabularies.
        drugs: IR_PHA_R as delivered, or None.

    Returns:
        Lines by OMOP table, as ``lines.as_lines`` shapes them; tables without lines are left out.
        One line per row that is used, but for payer_plan_period: per person, month and scheme.
    """
    if CLAIMS not in frames or frames[CLAIMS].is_empty():
        return {}
    claimed = claims_rows.claims(frames)
    made = {
        "visit_occurrence": claims_visits.visits(claimed, codes),
        "observation": claims_visits.benefits(claimed, codes),
        "payer_plan_period": claims_visits.schemes(claimed),
        "cost": claims_costs.costs(claimed, frames.get("ER_ARO_F")),
        **_details(frames, claimed, codes, drugs),
    }
    return {table: lines for table, lines in made.items() if not lines.is_empty()}


def providers(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the professionals of a month; see ``claims_visits.providers``."""
    return claims_visits.providers(claims_rows.with_provider(frames[CLAIMS]))


def care_sites(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the establishments of a month: ``care_site_key``, sorted."""
    sites = frames.get("ER_ETE_F", pl.DataFrame(schema={"ETB_EXE_FIN": pl.String()}))
    return claims_visits.care_sites(sites)


def refused(
    frames: Mapping[str, pl.DataFrame], *, last_day: date | None
) -> Mapping[str, pl.DataFrame]:
    """Return the rows that cannot become lines, to be quarantined before ``unjoined`` is asked.

    Args:
        frames: Tables of the DCIR, each with its own columns, ``LINE`` or not, and ``CLAIM_JOIN``.
        last_day: The last day of the month of flux; None if it is not known.

    Returns:
        By table, its rows with a column ``rule`` more: ``NO_DATE`` and ``FUTURE`` for claims,
        ``REFUSED_CLAIM`` for the details of such claims. Tables without any are left out.
    """
    if CLAIMS not in frames:
        return {}
    day = pl.col("EXE_SOI_DTD")
    late = day > pl.lit(last_day, pl.Date)
    rule = pl.when(day.is_null()).then(pl.lit(NO_DATE)).when(late).then(pl.lit(FUTURE))
    claims = frames[CLAIMS].with_columns(rule.alias("rule")).filter(pl.col("rule").is_not_null())
    if claims.is_empty():
        return {}
    gone = claims.select(CLAIM_JOIN)
    found = {CLAIMS: claims}
    for family in _detail_tables(frames):
        rows = frames[family].join(gone, on=CLAIM_JOIN, how="semi", maintain_order="left")
        if not rows.is_empty():
            found[family] = rows.with_columns(pl.lit(REFUSED_CLAIM).alias("rule"))
    return found


def unjoined(frames: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
    """Return the detail rows with no claim of the same nine keys, by table; none are left out."""
    if CLAIMS not in frames:
        return {family: frames[family] for family in _detail_tables(frames)}
    keys = frames[CLAIMS].select(CLAIM_JOIN)
    found = {
        family: claims_rows.without_claim(frames[family], keys) for family in _detail_tables(frames)
    }
    return {family: rows for family, rows in found.items() if not rows.is_empty()}


def unused(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return how many rows make no line although they are kept.

    Returns:
        ``family``, ``reason`` (``NO_CODE``, or ``NO_TARGET`` with what the table is), ``rows``;
        sorted. Every other row of ``frames`` that ``refused`` and ``unjoined`` do not name is used.
    """
    counted: list[tuple[str, str, int]] = []
    for family in _detail_tables(frames):
        reason = untargeted().get(family)
        if reason is not None:
            counted.append((family, f"{NO_TARGET}: {reason}", frames[family].height))
        elif family in _CODES:
            coded = [claims_rows.code(name).is_not_null() for name in _CODES[family]]
            without = frames[family].select((~pl.any_horizontal(coded)).sum()).item()
            counted.append((family, NO_CODE, int(without)))
    schema = {"family": pl.String(), "reason": pl.String(), "rows": pl.Int64()}
    return pl.DataFrame([row for row in counted if row[2]], schema=schema, orient="row").sort(
        "family"
    )


@cache
def untargeted() -> Mapping[str, str]:
    """Return the tables that have no place in OMOP, with the reason."""
    rows = packaged("claims_targets.csv")
    return {row["family"]: row["reason"] for row in rows if not row["target"]}


def _details(
    frames: Mapping[str, pl.DataFrame],
    claimed: pl.DataFrame,
    codes: Codebook,
    drugs: pl.DataFrame | None,
) -> Mapping[str, pl.DataFrame]:
    """Return the lines of the tables that detail claims, by OMOP table."""
    made: dict[str, pl.DataFrame] = {}
    dispensed = []
    if (rows := claims_rows.details(frames, claimed, "ER_PHA_F")) is not None:
        dispensed.append(claims_drugs.boxes(rows, claims_drugs.products(drugs), codes))
    if (rows := claims_rows.details(frames, claimed, "ER_UCD_F")) is not None:
        dispensed.append(claims_drugs.units(rows, codes))
    if dispensed:
        made["drug_exposure"] = pl.concat(dispensed)
    for family, table, lines in (
        ("ER_CAM_F", "procedure_occurrence", claims_acts.procedures),
        ("ER_BIO_F", "measurement", claims_acts.tests),
        ("ER_TIP_F", "device_exposure", claims_acts.devices),
    ):
        if (rows := claims_rows.details(frames, claimed, family)) is not None:
            made[table] = lines(rows, codes)
    return made


def _detail_tables(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """Return the tables of ``frames`` that detail claims, in the order of ``NEEDS``."""
    return [family for family in NEEDS if family != CLAIMS and family in frames]
