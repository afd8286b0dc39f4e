"""A year of the PMSI becomes lines: stays, units, diagnoses, acts, drugs, devices, deaths.

One unit of work is one year of a field (MCO, SSR, HAD, RIP) with the external activity delivered
with it. ``convert`` makes lines of the rows that ``stays_fates`` keeps. Which table holds what is
data: ``stays_facts``, ``stays_fields``.

Pure, but for packaged tables.
"""

import polars as pl

from laennec.snds import external, stays_details, stays_rows
from laennec.snds.claims_codes import Codebook
from laennec.snds.stays_fates import fates, unjoined
from laennec.snds.stays_fields import (
    DELIVERED,
    NEEDS,
    Field,
    Frames,
    chaining,
    complete,
    families,
    key,
)

__all__ = [
    "NEEDS",
    "care_sites",
    "chaining",
    "convert",
    "date_rules",
    "families",
    "fates",
    "key",
    "unjoined",
]

_SITE_COLUMNS = ("ETA_NUM", "ETA_NUM_EPMSI", "ETA_NUM_GEO", "ETA_NUM_TWO")


def convert(field: str, year: int, frames: Frames, codes: Codebook) -> dict[str, pl.DataFrame]:
    """Return the lines of a year of a field, by OMOP table.

    Args:
        field: MCO, SSR, HAD or RIP.
        year: Of the tables.
        frames: Cleaned rows by family, with ``$stay`` (``key``); those of ``chaining`` with
            ``person_id`` too, null for rows of nobody. Families may be missing.
        codes: The vocabularies.

    Returns:
        Lines by table. Stays of nobody and without a date make none.
    """
    given = complete(frames)
    lines: dict[str, list[pl.DataFrame]] = {}
    for one in DELIVERED[field]:
        for table, block in _converted(one, year, one.once(given), codes).items():
            lines.setdefault(table, []).append(block)
    return {table: pl.concat(blocks) for table, blocks in lines.items()}


def _converted(field: Field, year: int, frames: Frames, codes: Codebook) -> dict[str, pl.DataFrame]:
    chained = field.stays(year, frames)
    if chained is None:
        return {}
    found = chained.filter(pl.col("person_id").is_not_null() & pl.col("start").is_not_null())
    parts = field.parts(frames)
    dated = stays_rows.dated_parts(found, parts)
    lines = {
        "visit_occurrence": [stays_rows.visits(found)],
        "visit_detail": [stays_rows.visit_details(dated)],
        "death": [stays_rows.deaths(found)],
        "observation": [external.services(field.name, frames, found)],
    }
    for more in (
        stays_details.conditions(field.name, frames, found, dated, codes),
        stays_details.done(field.name, frames, found, dated, codes),
    ):
        for table, block in more.items():
            lines.setdefault(table, []).append(block)
    return {table: pl.concat(blocks) for table, blocks in lines.items()}


def date_rules(field: str, year: int, frames: Frames) -> dict[str, int]:
    """Return how many stays are dated by which of ``stays_rows.DATE_RULES``."""
    given = complete(frames)
    found = [one.stays(year, one.once(given)) for one in DELIVERED[field]]
    rules = [rows.select(pl.col("date_rule").cast(pl.String)) for rows in found if rows is not None]
    if not rules:
        return {}
    counted = pl.concat(rules).group_by("date_rule").len().sort("date_rule")
    return dict(counted.iter_rows())


def care_sites(field: str, frames: Frames) -> pl.DataFrame:
    """Return ``care_site_key`` (FINESS) and ``care_site_name`` of establishments, once, sorted.

    Those of the field's table E, by both of their FINESS numbers, and those that its stays and
    their parts name; the name is that of table E, or null.
    """
    given = complete(frames)
    blocks = [pl.DataFrame(schema={"care_site_key": pl.String, "care_site_name": pl.String})]
    for one in DELIVERED[field]:
        named = {one.site: ("ETA_NUM", "ETB_EXE_FIN")} if one.site is not None else {}
        for family, columns in (named | dict.fromkeys(one.own, _SITE_COLUMNS)).items():
            rows = given.get(family)
            if rows is not None:
                blocks.extend(_sites(rows, column) for column in columns if column in rows.columns)
    return (
        pl.concat(blocks)
        .filter(pl.col("care_site_key").is_not_null())
        .group_by("care_site_key")
        .agg(pl.col("care_site_name").max())
        .sort("care_site_key")
    )


def _sites(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    name = pl.col("SOC_RAI") if "SOC_RAI" in rows.columns else pl.lit(None)
    return rows.select(
        pl.col(column).cast(pl.String).alias("care_site_key"),
        name.cast(pl.String).alias("care_site_name"),
    ).unique()
