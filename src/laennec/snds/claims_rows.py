"""Claims made ready to join: who, when, by whom, where, of which kind, and in which direction.

Every detail row of the DCIR (a box of a drug, an act, a device) takes its person, day, provider
and visit from the row of ER_PRS_F with the same nine keys. A visit from claims is a person, a day,
a provider and a visit concept; what the claim pays for (``PRS_NAT_REF``) gives the concept and the
*role*, by the packaged table ``visits.csv``:

- ``contact``: the person met a professional, a pharmacy or a laboratory: a visit;
- ``accessory``: a surcharge, a technical fee or travel: it costs, but counts no visit;
- ``stay``: billed by a hospital; the stay itself comes from the PMSI;
- ``benefit``: money without care (sick pay, pensions, taxis, contracts of professionals).

Units are signed. A regularisation takes back what was claimed, so its quantities are negative, and
lines of one thing are added up. Source: HDH, entraide.health-data-hub.fr/t/1113 ("sommer les
quantités d'acte des lignes"). Rows with ``CPL_MAJ_TOP`` 2 are surcharges of an act on another row:
they count no act. Source: HDH/HEVA cleaning sheet, 11 Dec 2023.

Pure, but for packaged tables.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from laennec.snds.keys import CLAIM_JOIN, CLAIM_KEY

CLAIM = 32810
"""Type concept *Claim*. Source: HDH, OMOP conversion of the SNDS, Nov 2024."""

CONTACT, ACCESSORY, STAY, BENEFIT = "contact", "accessory", "stay", "benefit"

NEEDS = (
    "EXE_SOI_DTD",
    "EXE_SOI_DTF",
    "PRS_NAT_REF",
    "PRS_ACT_QTE",
    "PRS_PAI_MNT",
    "CPL_MAJ_TOP",
    "PFS_EXE_NUM",
)
"""Columns of ER_PRS_F that make a claim ready to join."""

_ROW = "$row"
_TOLD = ("person_id", "day", "end", "visit_key", "provider_key", "direction", "counts")
_SURCHARGE = 2
_PROVIDER_WIDTH = 17
_SEED = 0x1A24
_ROLES = pl.Enum((CONTACT, ACCESSORY, STAY, BENEFIT))


def packaged(name: str) -> list[dict[str, str]]:
    """Return the lines of a table of ``snds/data``, in file order."""
    text = (files("laennec.snds") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def natures() -> pl.DataFrame:
    """Return ``PRS_NAT_REF`` with its ``role`` and ``visit_concept_id`` (0: no visit)."""
    rows = packaged("visits.csv")
    return pl.DataFrame(
        {
            "PRS_NAT_REF": [int(row["prs_nat_ref"]) for row in rows],
            "role": [row["role"] for row in rows],
            "visit_concept_id": [int(row["visit_concept_id"]) for row in rows],
        },
        schema_overrides={"role": _ROLES, "visit_concept_id": pl.Int64()},
    )


def visit_key(person_id: str, day: str, provider_key: str, concept: str) -> pl.Expr:
    """Return the key of a visit from claims, as UInt64, from the columns that hold its parts.

    It holds for one version of the library; compute it again from a visit's columns rather than
    store it.
    """
    parts = (
        pl.col(person_id).cast(pl.Int64),
        pl.col(day).cast(pl.Date),
        pl.col(provider_key).cast(pl.String),
        pl.col(concept).cast(pl.Int64),
    )
    return pl.struct(part.alias(str(place)) for place, part in enumerate(parts)).hash(_SEED)


def claims(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the claims of a month, ready to join.

    Args:
        frames: ER_PRS_F with ``NEEDS``, ``person_id`` and ``CLAIM_JOIN``; ER_ETE_F, if there, gives
            the care site.

    Returns:
        The columns of ER_PRS_F, and ``day``, ``end``, ``role``, ``visit_concept_id``,
        ``visit_key`` (null where the role has no visit), ``provider_key``, ``care_site_key``,
        ``direction`` (1, -1 for a regularisation) and ``counts`` (``direction``, 0 for a
        surcharge). One row per claim with a date of care; an unknown nature is a benefit.
    """
    rows = frames["ER_PRS_F"].filter(pl.col("EXE_SOI_DTD").is_not_null())
    rows = with_provider(rows)
    rows = rows.join(natures(), on="PRS_NAT_REF", how="left", maintain_order="left")
    quantity, charge = pl.col("PRS_ACT_QTE").fill_null(0), pl.col("PRS_PAI_MNT").fill_null(0)
    back = (quantity < 0) | ((quantity == 0) & (charge < 0))
    rows = rows.with_columns(
        pl.col("role").fill_null(BENEFIT),
        pl.col("visit_concept_id").fill_null(0),
        pl.col("EXE_SOI_DTD").alias("day"),
        pl.max_horizontal("EXE_SOI_DTD", "EXE_SOI_DTF").alias("end"),
        pl.when(back).then(-1.0).otherwise(1.0).alias("direction"),
    )
    rows = _with_care_site(rows, frames.get("ER_ETE_F"))
    return rows.with_columns(
        pl.when(pl.col("CPL_MAJ_TOP") == _SURCHARGE)
        .then(0.0)
        .otherwise(pl.col("direction"))
        .alias("counts"),
        pl.when(pl.col("visit_concept_id") > 0)
        .then(visit_key("person_id", "day", "provider_key", "visit_concept_id"))
        .alias("visit_key"),
    )


def with_provider(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``provider_key``: ``PFS_EXE_NUM``, null where zeros stand for nobody."""
    return rows.with_columns(pl.col("PFS_EXE_NUM").replace(_filler(), None).alias("provider_key"))


def details(
    frames: Mapping[str, pl.DataFrame], claimed: pl.DataFrame, family: str
) -> pl.DataFrame | None:
    """Return the rows of a detail table with what their claim says, or None if there are none.

    Rows without a claim are left out: ``claims.unjoined`` has them. A key that ER_PRS_F repeats
    takes its first claim, so that no detail row is counted twice.
    """
    rows = frames.get(family)
    if rows is None or rows.is_empty():
        return None
    about, numbered = claimed.select(*CLAIM_JOIN, *_TOLD), rows.with_row_index(_ROW)
    found = joined(numbered, about)
    if (found[_ROW] == found[_ROW].shift()).any():
        about = about.unique(CLAIM_JOIN, keep="first", maintain_order=True)
        found = joined(numbered, about)
    return found.drop(_ROW)


def without_claim(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose nine keys no claim has, in their order.

    Args:
        rows: With ``CLAIM_JOIN``.
        keys: ``CLAIM_JOIN`` of the claims.
    """
    numbered = rows.with_row_index(_ROW)
    found = joined(numbered.select(_ROW, *CLAIM_JOIN), keys)[_ROW]
    return numbered.filter(~pl.col(_ROW).is_in(found.implode())).drop(_ROW)


def joined(rows: pl.DataFrame, about: pl.DataFrame) -> pl.DataFrame:
    """Join rows with claims of the same nine keys, in the order of the rows; pairs, if repeated.

    Joining by the hash and comparing the rest is twice as fast as joining by three columns.
    """
    compared = [name for name in CLAIM_JOIN if name != CLAIM_KEY]
    pairs = rows.join(about, on=CLAIM_KEY, how="inner", suffix="$of_claim", maintain_order="left")
    same = [pl.col(name).eq_missing(pl.col(f"{name}$of_claim")) for name in compared]
    return pairs.filter(same).drop(f"{name}$of_claim" for name in compared)


def event_columns(units: pl.Expr) -> tuple[pl.Expr, ...]:
    """Return the columns that every event line takes from its claim, and its signed units."""
    return (
        pl.col("person_id"),
        pl.col("visit_key"),
        pl.col("provider_key"),
        units.cast(pl.Float64).alias("units"),
    )


def code(column: str) -> pl.Expr:
    """Return a code column with what stands for no code made null: empty, or zeros alone."""
    return pl.when(pl.col(column).str.contains("[^0]")).then(pl.col(column)).alias(column)


def _filler() -> list[str]:
    """Return what stands for no professional: zeros, in the lengths that the column had."""
    return ["0" * length for length in range(1, _PROVIDER_WIDTH + 1)]


def _with_care_site(rows: pl.DataFrame, sites: pl.DataFrame | None) -> pl.DataFrame:
    """Add ``care_site_key``: the FINESS of the establishment that the claim names, if any."""
    if sites is None or sites.is_empty():
        return rows.with_columns(pl.lit(None, pl.String).alias("care_site_key"))
    found = (
        sites.select(*CLAIM_JOIN, code("ETB_EXE_FIN").alias("care_site_key"))
        .filter(pl.col("care_site_key").is_not_null())
        .unique(CLAIM_JOIN, keep="first", maintain_order=True)
    )
    return rows.join(found, on=CLAIM_JOIN, how="left", maintain_order="left")
