"""Visits of one person bucket: contacts told by claims, summed to one, and stays told by the PMSI.

A visit from claims is a person, a day, a provider and a kind (``claims_rows.visit_key``). Its units
say whether it took place: a sum of nought or less is no visit. A stay has no units and is a visit
of its own. Pure; every result is in a fixed order.
"""

from dataclasses import dataclass

import polars as pl

from laennec.snds.claims_rows import visit_key
from laennec.snds.finish_sums import HELD, LINES, ROW, with_earlier

KEY = "visit_occurrence_id"
_SAME = [
    "person_id",
    "visit_start_date",
    "visit_concept_id",
    "visit_type_concept_id",
    "provider_id",
]
_ORDER = [
    "person_id",
    "visit_start_date",
    "visit_end_date",
    "visit_concept_id",
    "provider_id",
    "care_site_id",
    "visit_source_value",
    "visit_key",
]


@dataclass(frozen=True)
class VisitSums:
    """What became of the lines of visits.

    Attributes:
        new: Visits that are not there yet, numbered and in order: fields of lines, ``KEY``.
        changed: Sums that belong to earlier visits, with ``ROW``, ``HELD`` and ``LINES``; at most 0
            units for a visit that goes.
        waiting: Visits of which nothing is left, or less, and not there; or less than nothing of
            one that goes, with ``ROW``. Lines that wait may name them.
        keys: ``visit_key`` and ``visit_occurrence_id`` of every visit of ``new`` and ``changed``.
        cancelled: Number of lines that cancel each other or count no visit.
    """

    new: pl.DataFrame
    changed: pl.DataFrame
    waiting: pl.DataFrame
    keys: pl.DataFrame
    cancelled: int


def sum_visits(lines: pl.DataFrame, earlier: pl.DataFrame | None, *, first_id: int) -> VisitSums:
    """Sum the lines of visits and number the new ones.

    Args:
        lines: Lines, and those that waited, with ``provider_id`` and ``care_site_id``.
        earlier: Visits so far with ``HELD``, or None.
        first_id: The first number; the others follow.
    """
    alone = lines.filter(pl.col("units").is_null()).unique("visit_key", keep="any")
    stays = alone.with_columns(pl.lit(1, pl.UInt32).alias(LINES))
    repeated = int(lines["units"].is_null().sum()) - len(alone)
    found = _matched(_summed(lines.filter(pl.col("units").is_not_null())), earlier)
    here = pl.col(ROW).is_not_null()
    contacts = found.filter(~here & (pl.col("units") > 0)).select(stays.columns)
    new = pl.concat([stays, contacts]).sort(_ORDER, nulls_last=True)
    new = new.with_columns(pl.int_range(first_id, first_id + len(new)).alias(KEY))
    changed = found.filter(here)
    keys = pl.concat(
        [new.select("visit_key", KEY), changed.select("visit_key", pl.col(ROW).alias(KEY))]
    )
    nought = ~here & (pl.col("units") == 0)
    cancelled = int(found.filter(nought)[LINES].sum()) + repeated
    return VisitSums(new, changed, found.filter(nought | (pl.col("units") < 0)), keys, cancelled)


def rekeyed(waiting: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Give lines that waited the keys that their visits have in this load.

    Args:
        waiting: Lines of any table.
        visits: The visits that waited with them, as they were kept.
    """
    now = visit_key("person_id", "visit_start_date", "provider_key", "visit_concept_id")
    known = visits.select("visit_key", now.alias("$now")).unique("visit_key")
    return (
        waiting.join(known, on="visit_key", how="left")
        .with_columns(pl.coalesce("$now", "visit_key").alias("visit_key"))
        .drop("$now")
    )


def _summed(lines: pl.DataFrame) -> pl.DataFrame:
    """Sum lines of one load; columns in the order of ``lines``, then ``LINES``."""
    carried = [name for name in lines.columns if name not in {"visit_key", "units"}]
    return (
        lines.group_by("visit_key")
        .agg(pl.col("units").sum(), pl.col(carried).max(), pl.len().alias(LINES))
        .select(*lines.columns, LINES)
    )


def _matched(sums: pl.DataFrame, earlier: pl.DataFrame | None) -> pl.DataFrame:
    if earlier is None:
        return sums.with_columns(pl.lit(None, pl.Int64).alias(ROW), pl.lit(0.0).alias(HELD))
    return with_earlier(sums, earlier, by=_SAME, key=KEY)
