"""Stays made ready to join: whose, when, of which kind, from where and to where.

Dates come from the chaining table (C; CSTC for external activity), by the first rule that has what
it needs, ``DATE_RULES``. The day of discharge was not transmitted before 2009: such a stay is taken
to end on the 15th of its month, at most 16 days off, and to begin its length earlier. An end before
the entry is the entry.

Pure.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.lines import as_lines
from laennec.snds.stays_facts import CLAIM, place_concept, visit_concept

DATE_RULES = (
    "dates as transmitted",
    "one date and the length of the stay",
    "month of discharge, taken as its 15th",
    "no date",
)

HEAD: Mapping[str, pl.DataType] = {
    STAY_KEY: pl.UInt64(),
    "kind": pl.String(),
    "label": pl.String(),
    "care_site_key": pl.String(),
    "entry_mode": pl.String(),
    "entry_place": pl.String(),
    "exit_mode": pl.String(),
    "exit_place": pl.String(),
    "nights": pl.Int64(),
    "out_year": pl.Int32(),
    "out_month": pl.Int8(),
}
"""What a field's module says of each stay, once; any but the first two may be null."""

PART: Mapping[str, pl.DataType] = {
    STAY_KEY: pl.UInt64(),
    "part": pl.String(),
    "offset": pl.Int64(),
    "unit_offset": pl.Int64(),
    "days": pl.Int64(),
    "unit": pl.String(),
    "care_site_key": pl.String(),
}
"""What a field's module says of each part: days from the entry of the stay to the part's start, and
to that of its unit, from the start to the end, type of unit. Null days: as long as the stay."""

CHAIN_DATES = ("EXE_SOI_DTD", "EXE_SOI_DTF", "ENT_DAT", "SOR_DAT")
CHAIN_MONTH = ("SOR_ANN", "SOR_MOI")

DIED, HOME, EMERGENCY = "9", "8", "5"
_MIDDLE = 15


def shaped(rows: pl.DataFrame, shape: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return the columns of a shape; those not given are null, what is no number is null."""
    return rows.select(
        pl.col(name).cast(kind, strict=False)
        if name in rows.columns
        else pl.lit(None, kind).alias(name)
        for name, kind in shape.items()
    )


def known(rows: pl.DataFrame, columns: Sequence[str], kind: pl.DataType) -> pl.Expr:
    """Return the first of the columns that a frame has and that is not null."""
    there = [pl.col(name).cast(kind, strict=False) for name in columns if name in rows.columns]
    return pl.coalesce(*there) if there else pl.lit(None, kind)


def chains(rows: pl.DataFrame) -> pl.DataFrame:
    """Return key, person, dates and month of discharge of a chaining table with each stay once."""
    return rows.select(
        STAY_KEY,
        "person_id",
        known(rows, ("EXE_SOI_DTD", "ENT_DAT"), pl.Date()).alias("$in"),
        known(rows, ("EXE_SOI_DTF", "SOR_DAT"), pl.Date()).alias("$out"),
        known(rows, ("SOR_ANN",), pl.Int32()).alias("$year"),
        known(rows, ("SOR_MOI",), pl.Int8()).alias("$month"),
    )


def stays(heads: pl.DataFrame, chained: pl.DataFrame, *, year: int) -> pl.DataFrame:
    """Join what is known of stays with whose they are.

    Args:
        heads: Columns ``HEAD``, one row per stay.
        chained: As ``chains`` returns it.
        year: Of the tables: stays end in it, so a month of discharge without a year is of it.

    Returns:
        ``HEAD``, ``person_id`` (may be null), ``start`` and ``end`` (null only together) and
        ``date_rule``, one of ``DATE_RULES``. Stays without a chaining row are left out.
    """
    rows = heads.join(chained, on=STAY_KEY, how="inner", maintain_order="left")
    ended = pl.coalesce("out_year", "$year", pl.lit(year, pl.Int32))
    month = pl.coalesce("out_month", "$month")
    nights = pl.duration(days=pl.when(pl.col("nights") >= 0).then("nights"))
    rows = rows.with_columns(
        pl.when(month.is_between(1, 12) & ended.is_between(1900, 2999))
        .then(pl.date(ended, pl.when(month.is_between(1, 12)).then(month), _MIDDLE))
        .alias("$middle"),
    )
    end = pl.coalesce("$out", pl.col("$in") + nights, pl.col("$in"), "$middle")
    rows = rows.with_columns(end.alias("end"), _rule().alias("date_rule"))
    start = pl.coalesce("$in", pl.col("end") - nights, "end")
    return (
        rows.with_columns(start.alias("start"))
        .with_columns(pl.max_horizontal("start", "end").alias("end"))
        .drop("$in", "$out", "$year", "$month", "$middle")
    )


def _rule() -> pl.Expr:
    """Return which of ``DATE_RULES`` gives a stay its dates."""
    given, length, month, none = (pl.lit(rule) for rule in DATE_RULES)
    into, out = pl.col("$in").is_not_null(), pl.col("$out").is_not_null()
    return (
        pl.when(into & out)
        .then(given)
        .when(into | out)
        .then(length)
        .when(pl.col("$middle").is_not_null())
        .then(month)
        .otherwise(none)
        .cast(pl.Enum(DATE_RULES))
    )


def visits(found: pl.DataFrame) -> pl.DataFrame:
    """Return one visit line per stay; ``units`` is null: a stay is not summed."""
    overnight = (pl.col("end") > pl.col("start")) | (
        pl.col("exit_mode").is_not_null() & (pl.col("exit_mode") != HOME)
    )
    return as_lines(
        "visit_occurrence",
        found.select(
            "person_id",
            visit_concept("kind", overnight, pl.col("entry_place") == EMERGENCY).alias(
                "visit_concept_id"
            ),
            pl.col("start").alias("visit_start_date"),
            pl.col("end").alias("visit_end_date"),
            pl.lit(CLAIM).alias("visit_type_concept_id"),
            pl.col("label").alias("visit_source_value"),
            pl.lit(0).alias("visit_source_concept_id"),
            place_concept("entry_mode", "entry_place").alias("admitted_from_concept_id"),
            _spelt("entry_mode", "entry_place").alias("admitted_from_source_value"),
            place_concept("exit_mode", "exit_place").alias("discharged_to_concept_id"),
            _spelt("exit_mode", "exit_place").alias("discharged_to_source_value"),
            "care_site_key",
            pl.col(STAY_KEY).alias("visit_key"),
        ),
    )


def visit_details(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one line per part of a stay, from ``dated_parts``."""
    overnight = pl.col("end") > pl.col("start")
    return as_lines(
        "visit_detail",
        rows.select(
            "person_id",
            visit_concept("kind", overnight, pl.lit(value=False)).alias("visit_detail_concept_id"),
            pl.col("part_start").alias("visit_detail_start_date"),
            pl.col("part_end").alias("visit_detail_end_date"),
            pl.lit(CLAIM).alias("visit_detail_type_concept_id"),
            pl.col("unit").alias("visit_detail_source_value"),
            pl.coalesce("care_site_key", "site").alias("care_site_key"),
            pl.col(STAY_KEY).alias("visit_key"),
        ),
    )


def dated_parts(found: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return parts with their stay, ``part_start`` and ``part_end`` bounded by it."""
    stay = found.select(
        STAY_KEY, "person_id", "kind", "start", "end", pl.col("care_site_key").alias("site")
    )
    rows = parts.join(stay, on=STAY_KEY, how="inner", maintain_order="left")
    start = within(pl.col("start") + pl.duration(days=pl.col("offset").fill_null(0)))
    rows = rows.with_columns(start.alias("part_start"))
    end = pl.coalesce(pl.col("part_start") + pl.duration(days="days"), "end")
    return rows.with_columns(within(end).alias("part_end"))


def within(day: pl.Expr) -> pl.Expr:
    """Return a day bounded by the stay: what is dated outside it is dated on its edge."""
    return pl.min_horizontal(pl.max_horizontal(day, pl.col("start")), pl.col("end"))


def deaths(found: pl.DataFrame) -> pl.DataFrame:
    """Return a death line for each stay that ended by death, on the day of discharge."""
    died = found.filter((pl.col("exit_mode") == DIED) & pl.col("end").is_not_null())
    return as_lines(
        "death",
        died.select(
            "person_id",
            pl.col("end").alias("death_date"),
            pl.lit(CLAIM).alias("death_type_concept_id"),
        ),
    )


def _spelt(mode: str, place: str) -> pl.Expr:
    """Return a mode and a place as the source has them: ``8``, ``8-5``."""
    both = pl.concat_str(pl.col(mode), pl.lit("-"), pl.col(place))
    return pl.coalesce(both, pl.col(mode))
