"""Persons, where they live, and their long-term diseases as the insurance knows them.

A person has the month of birth, not the day: the SNDS gives no more. Race and ethnicity are not
recorded in France: 0. A person without a year of birth cannot be a row of OMOP, whose every age
needs it: ``without_birth`` tells who they are, to be kept apart with all that is theirs.

**Long-term diseases (ALD).** A row of IR_IMB_R says that somebody pays no share for a disease: an
administrative status. It begins when it was granted, not when the disease began; a patient whose
costs are covered otherwise may never ask for it. It becomes two lines: a condition (its CIM-10
code) whose type is *Claim enrolment record*, which tells it from diagnoses of stays; and an
observation, the number of the ALD. An end before the start is taken as unknown.

Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.lines import as_lines
from laennec.snds.stays_details import cim10

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "IR_IMB_R": (
            "BEN_NIR_PSA",
            "BEN_RNG_GEM",
            "IMB_ALD_DTD",
            "IMB_ALD_DTF",
            "IMB_ALD_NUM",
            "IMB_ETM_NAT",
            "MED_MTF_COD",
        )
    }
)
"""Columns to read, by family."""

ENROLMENT = 32813
"""Type concept *Claim enrolment record*. Source: OHDSI, Type Concept."""

NOBODY = "disease of nobody"
UNDATED = "long-term disease without a start"
UNCODED = "neither a disease nor a number"

_GENDERS = {1: 8507, 2: 8532}
"""BEN_SEX_COD to Gender: MALE, FEMALE."""
_BASE = 36


def persons(resolved: pl.DataFrame) -> pl.DataFrame:
    """Return rows of ``person``, sorted.

    Args:
        resolved: ``person_id``, ``sex`` (1, 2 or null), ``birth_year``, ``birth_month``,
            ``department`` and ``commune``, one row a person.

    Returns:
        The columns of ``person`` that the SNDS fills; those without a year of birth are left out.
    """
    return (
        resolved.filter(pl.col("birth_year").is_not_null())
        .sort("person_id")
        .select(
            pl.col("person_id").cast(pl.Int64),
            pl.col("sex")
            .cast(pl.Int64)
            .replace_strict(_GENDERS, default=0, return_dtype=pl.Int64)
            .alias("gender_concept_id"),
            pl.col("birth_year").cast(pl.Int64).alias("year_of_birth"),
            pl.col("birth_month").cast(pl.Int64).alias("month_of_birth"),
            pl.lit(0, pl.Int64).alias("race_concept_id"),
            pl.lit(0, pl.Int64).alias("ethnicity_concept_id"),
            _location_id().alias("location_id"),
            pl.col("sex").cast(pl.String).alias("gender_source_value"),
            pl.lit(0, pl.Int64).alias("gender_source_concept_id"),
        )
    )


def without_birth(resolved: pl.DataFrame) -> pl.DataFrame:
    """Return ``person_id`` of the persons without a year of birth. Argument: as ``persons``."""
    return resolved.filter(pl.col("birth_year").is_null()).select("person_id").sort("person_id")


def locations(resolved: pl.DataFrame) -> pl.DataFrame:
    """Return rows of ``location``: communes, or departments where no commune is known, sorted.

    Argument: as ``persons``. ``location_source_value`` is department and commune as the SNDS writes
    them, three characters each; ``location_id`` is that value read as a number of base 36, so that
    it never changes and says no more.
    """
    return (
        resolved.select(
            _location_id().alias("location_id"),
            pl.col("department").alias("county"),
            _place().alias("location_source_value"),
        )
        .filter(pl.col("location_id").is_not_null())
        .unique("location_id", keep="any")
        .sort("location_id")
    )


def _place() -> pl.Expr:
    return pl.concat_str(pl.col("department"), pl.col("commune").fill_null(""))


def _location_id() -> pl.Expr:
    return _place().str.to_integer(base=_BASE, strict=False, dtype=pl.Int64)


def diseases(rows: pl.DataFrame, codes: Codebook) -> dict[str, pl.DataFrame]:
    """Return lines of condition_occurrence and observation of long-term diseases.

    Args:
        rows: IR_IMB_R with ``person_id`` (null: of nobody).
        codes: The vocabularies.
    """
    start, end = pl.col("IMB_ALD_DTD"), pl.col("IMB_ALD_DTF")
    known = rows.filter(pl.col("person_id").is_not_null() & start.is_not_null()).select(
        "person_id",
        start.alias("start"),
        pl.when(end >= start).then(end).alias("end"),
        cim10("MED_MTF_COD").alias("code"),
        _number().alias("number"),
        pl.concat_str(pl.lit("IMB_ETM_NAT "), pl.col("IMB_ETM_NAT").cast(pl.String)).alias(
            "reason"
        ),
    )
    coded = codes.attach(known.filter(pl.col("code").is_not_null()), "code", "CIM10", "dgn")
    numbered = codes.attach(known.filter(pl.col("number").is_not_null()), "number", "ALD", "ald")
    return {
        "condition_occurrence": as_lines(
            "condition_occurrence",
            coded.select(
                "person_id",
                pl.col("dgn_concept_id").alias("condition_concept_id"),
                pl.col("start").alias("condition_start_date"),
                pl.col("end").alias("condition_end_date"),
                pl.lit(ENROLMENT).alias("condition_type_concept_id"),
                pl.lit(0).alias("condition_status_concept_id"),
                pl.col("code").alias("condition_source_value"),
                pl.col("dgn_source_concept_id").alias("condition_source_concept_id"),
                pl.lit("ALD").alias("condition_status_source_value"),
            ),
        ),
        "observation": as_lines(
            "observation",
            numbered.select(
                "person_id",
                pl.col("ald_concept_id").alias("observation_concept_id"),
                pl.col("start").alias("observation_date"),
                pl.lit(ENROLMENT).alias("observation_type_concept_id"),
                pl.col("number").alias("observation_source_value"),
                pl.col("ald_source_concept_id").alias("observation_source_concept_id"),
                pl.col("reason").alias("qualifier_source_value"),
            ),
        ),
    }


def fates(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what becomes of each row of IR_IMB_R, in order: ``fate`` and ``reason``.

    Argument: as ``diseases``; with ``reason``, that is why a row is of nobody.
    """
    why = pl.col("reason") if "reason" in rows.columns else pl.lit(None, pl.String)
    nobody, undated = pl.col("person_id").is_null(), pl.col("IMB_ALD_DTD").is_null()
    uncoded = cim10("MED_MTF_COD").is_null() & _number().is_null()
    return rows.select(
        pl.when(nobody)
        .then(pl.lit("apart"))
        .when(undated)
        .then(pl.lit("quarantined"))
        .when(uncoded)
        .then(pl.lit("dropped"))
        .otherwise(pl.lit("kept"))
        .alias("fate"),
        pl.when(nobody)
        .then(pl.coalesce(why, pl.lit(NOBODY)))
        .when(undated)
        .then(pl.lit(UNDATED))
        .when(uncoded)
        .then(pl.lit(UNCODED))
        .alias("reason"),
    )


def _number() -> pl.Expr:
    """Return the number of the ALD as text; 0 is none."""
    number = pl.col("IMB_ALD_NUM").cast(pl.Int64, strict=False)
    return pl.when(number > 0).then(number.cast(pl.String))
