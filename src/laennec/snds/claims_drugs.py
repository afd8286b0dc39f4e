"""Drugs dispensed: by pharmacies in boxes (ER_PHA_F, CIP), by hospitals in units (ER_UCD_F, UCD).

Nobody tells the SNDS how long a box lasts. ``days_supply`` of a *line* is the days of one unit, by
the first rule of ``days_supply.csv`` that knows its box:

1. ``large_pack``: a pack for three months, 90 days;
2. ``daily_dose``: doses x strength / the daily dose of the ATC code, for drugs taken several times
   a day, where doses and strength are plain numbers;
3. ``one_a_day``: 14 to 100 doses of one strength in MG, G or MCG, one a day;
4. ``dispensing_unit``: a UCD, one day;
5. ``default``: 30 days.

Lines of one person, drug, day and pharmacy are added up before a duration means anything: whoever
sums them sets ``days_supply`` to ``exposure_days(units, days_supply)`` and the end to start +
days - 1. The drug reference is the delivered IR_PHA_R; without it rules 1 to 3 know nothing.

Boxes that are split (``PHA_DEC_TOP`` = D) count as the share of the box that was handed out, where
the reference knows how many doses a box has.

Pure, but for packaged tables.
"""

from dataclasses import dataclass
from functools import cache

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import CLAIM, code, event_columns, packaged
from laennec.snds.lines import as_lines

NEEDS_PHA = ("PHA_PRS_C13", "PHA_PRS_IDE", "PHA_ACT_QSN", "PHA_DEC_TOP", "PHA_DEC_QSU")
NEEDS_UCD = ("UCD_UCD_COD", "UCD_DLV_NBR", "UCD_FRC_COE")

LONGEST_DAYS = 365
"""No dispensing is taken to last longer; French law bounds a prescription to a year."""

LARGE_PACK, DAILY_DOSE, ONE_A_DAY = "large_pack", "daily_dose", "one_a_day"
UNIT, DEFAULT = "dispensing_unit", "default"

_DOSES = (14, 100)
_MG = {"MCG": 0.001, "MG": 1.0, "G": 1000.0}
_PLAIN = r"^\d+(?:[.,]\d+)?$"
_PRODUCT = {
    "cip13": pl.String(),
    "cip7": pl.String(),
    "doses": pl.Float64(),
    "days": pl.Int64(),
    "rule": pl.String(),
}


@dataclass(frozen=True)
class _Days:
    """The numbers of ``days_supply.csv``."""

    fixed: dict[str, int]
    daily_mg: dict[str, float]


def exposure_days(units: pl.Expr, days_of_unit: pl.Expr) -> pl.Expr:
    """Return the days that summed units last: rounded, at least 1, at most ``LONGEST_DAYS``.

    Args:
        units: The sum of a dispensing's signed units, above 0.
        days_of_unit: ``days_supply`` of its lines; null stays null.
    """
    return (units * days_of_unit).round().clip(1, LONGEST_DAYS).cast(pl.Int64)


def products(drugs: pl.DataFrame | None) -> pl.DataFrame:
    """Return what is known of each product, once, by its thirteen-digit code.

    Args:
        drugs: IR_PHA_R as delivered, all text; columns that a delivery lacks count as empty.

    Returns:
        ``cip13``, ``cip7``, ``doses`` of a box, ``days`` of a box and the ``rule`` that gave them.
    """
    if drugs is None or drugs.is_empty() or "PHA_CIP_C13" not in drugs.columns:
        return pl.DataFrame(schema=_PRODUCT)
    rows = drugs.select(
        _text(drugs, "PHA_CIP_C13").str.replace(r"\.0$", "").alias("cip13"),
        _text(drugs, "PHA_PRS_IDE").str.replace(r"\.0$", "").alias("cip7"),
        pl.coalesce(_text(drugs, "PHA_ATC_C07"), _text(drugs, "PHA_ATC_CLA")).alias("atc"),
        _number(_text(drugs, "PHA_UNT_NBR_DSES")).alias("doses"),
        (
            _number(_text(drugs, "PHA_DOS_PRA_DSES"))
            * _text(drugs, "PHA_DOS_UNT_DSES").replace_strict(
                _MG, default=None, return_dtype=pl.Float64
            )
        ).alias("mg"),
        (
            _text(drugs, "PHA_CND_TOP").eq_missing("GC")
            | _text(drugs, "PHA_GRD_CND").eq_missing("O")
        ).alias("large"),
    )
    known = rows.filter(pl.col("cip13").is_not_null()).unique(
        "cip13", keep="first", maintain_order=True
    )
    return _with_days(known).select(*_PRODUCT)


def boxes(rows: pl.DataFrame, known: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one drug line per row of ER_PHA_F that has a code; units are boxes.

    The code is ``PHA_PRS_C13``; where only ``PHA_PRS_IDE`` (seven digits) is given, the thirteen
    digits of the reference, else the seven.
    """
    rows = with_code(rows, known).filter(pl.col("cip").is_not_null())
    rows = rows.join(known, left_on="cip", right_on="cip13", how="left", maintain_order="left")
    given = pl.coalesce(pl.col("PHA_ACT_QSN").cast(pl.Float64), pl.col("direction"))
    split = (pl.col("PHA_DEC_TOP") == "D") & (pl.col("doses") > 0) & (pl.col("PHA_DEC_QSU") != 0)
    units = pl.when(split).then(pl.col("PHA_DEC_QSU") / pl.col("doses")).otherwise(given)
    fallback = _days().fixed[DEFAULT]
    rows = rows.with_columns(pl.col("days").fill_null(fallback), _counted(units).alias("amount"))
    return _lines(codes.attach(rows, "cip", "CIP13", "drug"), "cip")


def units(rows: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one drug line per row of ER_UCD_F that has a code; units are dispensing units.

    ``UCD_DLV_NBR`` has no sign: the claim's direction gives it one. A unit that was divided counts
    as its share (``UCD_FRC_COE``). Leading zeros of the code are not part of it.
    """
    rows = rows.with_columns(code("UCD_UCD_COD").str.strip_chars_start("0").alias("ucd"))
    rows = rows.filter(pl.col("ucd").is_not_null())
    share = pl.when(pl.col("UCD_FRC_COE") > 0).then(pl.col("UCD_FRC_COE")).otherwise(1.0)
    number = pl.col("UCD_DLV_NBR").fill_null(1).abs() * share * pl.col("direction")
    rows = rows.with_columns(
        pl.lit(_days().fixed[UNIT]).alias("days"), _counted(number).alias("amount")
    )
    return _lines(codes.attach(rows, "ucd", "UCD", "drug"), "ucd")


def with_code(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add ``cip``: the code of a box as ``boxes`` takes it; null where there is none."""
    seven = known.filter(pl.col("cip7").is_not_null()).unique("cip7", keep="first")
    rows = rows.with_columns(code("PHA_PRS_C13"), code("PHA_PRS_IDE"))
    if rows["PHA_PRS_C13"].null_count() == 0 or seven.is_empty():
        return rows.with_columns(pl.coalesce("PHA_PRS_C13", "PHA_PRS_IDE").alias("cip"))
    longer = seven.select(pl.col("cip7"), pl.col("cip13").alias("$cip13"))
    rows = rows.join(
        longer, left_on="PHA_PRS_IDE", right_on="cip7", how="left", maintain_order="left"
    )
    return rows.with_columns(pl.coalesce("PHA_PRS_C13", "$cip13", "PHA_PRS_IDE").alias("cip")).drop(
        "$cip13"
    )


def _lines(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Return drug lines of rows with their concepts, ``days`` of a unit and ``amount``."""
    return as_lines(
        "drug_exposure",
        rows.select(
            *event_columns(pl.col("amount")),
            "drug_concept_id",
            pl.col("day").alias("drug_exposure_start_date"),
            pl.col("day").alias("drug_exposure_end_date"),
            pl.lit(CLAIM).alias("drug_type_concept_id"),
            pl.col("days").alias("days_supply"),
            pl.col(source).alias("drug_source_value"),
            "drug_source_concept_id",
        ),
    )


def _counted(number: pl.Expr) -> pl.Expr:
    """Return a number of units, none for a surcharge."""
    return pl.when(pl.col("counts") != 0).then(number).otherwise(0.0)


def _with_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``days`` and ``rule`` to products, by the first rule that knows them."""
    facts = _days()
    daily = pl.col("atc").replace_strict(facts.daily_mg, default=None, return_dtype=pl.Float64)
    dosed = (pl.col("doses") * pl.col("mg") / daily).round()
    single = pl.col("doses").is_between(*_DOSES) & pl.col("mg").is_not_null()
    choices = (
        (LARGE_PACK, pl.col("large"), pl.lit(facts.fixed[LARGE_PACK])),
        (DAILY_DOSE, dosed.is_not_null(), dosed.clip(1, LONGEST_DAYS)),
        (ONE_A_DAY, single, pl.col("doses").round()),
    )
    days, rule = pl.lit(facts.fixed[DEFAULT], pl.Int64), pl.lit(DEFAULT)
    for name, holds, value in reversed(choices):
        days = pl.when(holds).then(value.cast(pl.Int64)).otherwise(days)
        rule = pl.when(holds).then(pl.lit(name)).otherwise(rule)
    return rows.with_columns(days.alias("days"), rule.alias("rule"))


def _text(drugs: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of the reference as text, empty as null, null if it was not delivered."""
    if name not in drugs.columns:
        return pl.lit(None, pl.String)
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _number(text: pl.Expr) -> pl.Expr:
    """Return a plain decimal number above 0, with point or comma; all else (``1/60 ML``) null."""
    plain = pl.when(text.str.contains(_PLAIN)).then(text.str.replace(",", ".", literal=True))
    number = plain.cast(pl.Float64)
    return pl.when(number > 0).then(number)


@cache
def _days() -> _Days:
    """Return the numbers of the packaged rules."""
    rows = packaged("days_supply.csv")
    return _Days(
        {row["rule"]: int(row["days"]) for row in rows if row["days"]},
        {row["atc"]: float(row["daily_mg"]) for row in rows if row["daily_mg"]},
    )
