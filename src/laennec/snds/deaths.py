"""Deaths, by who tells of them: the certificate (CépiDc), the insurers, the hospital.

One death per person. The certificate counts first, because it alone has a cause; then the date that
the insurers know (IR_BEN_R); then a hospital stay that ended by death (``death_types.csv``). The
earliest date of the best source counts. Where only the month is known the date is its last day, so
that care before it is not after it.

``cause_*`` of ``death`` is the underlying cause (``DCD_CIM_COD``). All causes on the certificate
(KI_ECD_R) are lines of condition_occurrence with the type *Death Certificate*: OMOP has one cause
in ``death``, and a fatal disease must be found by those who look for it. Whoever wants diagnoses
made in life leaves that type out. Causes of the domain Observation go to observation.

A certificate belongs to a person by ``BEN_IDT_ANO``: the person's own number, or PSA and rank.
Between 34 % (2006) and 88 % (2021) of certificates have one; the others belong to nobody.

Pure, but for packaged tables.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import packaged
from laennec.snds.lines import as_lines
from laennec.snds.stays_details import cim10

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "KI_CCI_R": (
            "DCD_IDT_ENC",
            "BEN_IDT_ANO",
            "BEN_DCD_DTE",
            "BEN_DCD_AME",
            "DCD_CIM_COD",
        ),
        "KI_ECD_R": ("DCD_IDT_ENC", "CER_LIG_NUM", "ECD_CAU_RNG", "ECD_CIM_COD"),
    }
)
"""Columns to read, by family."""

CERTIFICATE, INSURER, HOSPITAL = "cépidc", "ir_ben_r", "pmsi"

UNMATCHED = "certificate of nobody known"
UNKNOWN = "unknown identifier"
SHARED = "identifier of several persons"
UNDATED = "death without a date"
UNJOINED = "cause without a certificate"
UNCODED = "no cause coded"
BEFORE_BIRTH, AFTER_BASE = "death before birth", "death after the base"

_NO_YEAR = 1600
"""The SNDS writes a missing month as 160001, or 000101."""


@cache
def types() -> Mapping[str, int]:
    """Return the type concept of each kind of evidence, the best first."""
    rows = sorted(packaged("death_types.csv"), key=lambda row: int(row["rank"]))
    return MappingProxyType({row["evidence"]: int(row["death_type_concept_id"]) for row in rows})


def persons_of(rows: pl.DataFrame, identifiers: pl.DataFrame) -> pl.DataFrame:
    """Find whose certificates are.

    Args:
        rows: KI_CCI_R with ``BEN_IDT_ANO``.
        identifiers: ``psa``, ``rng``, ``nir_ano`` and ``person_id`` of all persons.

    Returns:
        ``person_id``, or null with ``reason``; as many rows, in order.
    """
    own = identifiers.select(pl.col("nir_ano").alias("key"), "person_id")
    both = pl.concat_str(pl.col("psa"), pl.col("rng").cast(pl.String)).alias("key")
    known = (
        pl.concat([own, identifiers.select(both, "person_id")])
        .drop_nulls()
        .join(rows.select(pl.col("BEN_IDT_ANO").alias("key")), on="key", how="semi")
        .group_by("key")
        .agg(pl.col("person_id").min(), (pl.col("person_id").n_unique() > 1).alias("shared"))
    )
    found = rows.select(pl.col("BEN_IDT_ANO").alias("key")).join(
        known, on="key", how="left", maintain_order="left"
    )
    shared = pl.col("shared").fill_null(value=False)
    return found.select(
        pl.when(~shared).then("person_id").alias("person_id"),
        pl.when(pl.col("key").is_null())
        .then(pl.lit(UNMATCHED))
        .when(shared)
        .then(pl.lit(SHARED))
        .when(pl.col("person_id").is_null())
        .then(pl.lit(UNKNOWN))
        .alias("reason"),
    )


def convert(frames: Mapping[str, pl.DataFrame], codes: Codebook) -> dict[str, pl.DataFrame]:
    """Return lines of death, condition_occurrence and observation of a year of certificates.

    Args:
        frames: KI_CCI_R with ``person_id`` (null: of nobody), and KI_ECD_R if there.
        codes: The vocabularies.
    """
    dead = _dated(frames["KI_CCI_R"]).filter(
        pl.col("person_id").is_not_null() & pl.col("day").is_not_null()
    )
    dead = dead.with_columns(cim10("DCD_CIM_COD").alias("cause"))
    coded = codes.attach(dead, "cause", "CIM10", "cause")
    death = as_lines(
        "death",
        coded.select(
            "person_id",
            pl.col("day").alias("death_date"),
            pl.lit(types()[CERTIFICATE]).alias("death_type_concept_id"),
            "cause_concept_id",
            pl.col("cause").alias("cause_source_value"),
            "cause_source_concept_id",
        ),
    )
    causes = frames.get("KI_ECD_R")
    return {"death": death} | ({} if causes is None else _causes(dead, causes, codes))


def _causes(dead: pl.DataFrame, causes: pl.DataFrame, codes: Codebook) -> dict[str, pl.DataFrame]:
    certificates = dead.select("DCD_IDT_ENC", "person_id", "day").unique(
        "DCD_IDT_ENC", keep="first"
    )
    rows = (
        causes.select(
            "DCD_IDT_ENC",
            cim10("ECD_CIM_COD").alias("code"),
            pl.concat_str(
                pl.lit("cause of death "),
                pl.col("CER_LIG_NUM").cast(pl.String).fill_null("?"),
                pl.lit("."),
                pl.col("ECD_CAU_RNG").cast(pl.String).fill_null("?"),
            ).alias("place"),
        )
        .filter(pl.col("code").is_not_null())
        .join(certificates, on="DCD_IDT_ENC", how="inner")
    )
    rows = codes.attach(rows, "code", "CIM10", "dgn")
    observed = (pl.col("dgn_domain") == "Observation").fill_null(value=False)
    kind = pl.lit(types()[CERTIFICATE])
    conditions = rows.filter(~observed).select(
        "person_id",
        pl.col("dgn_concept_id").alias("condition_concept_id"),
        pl.col("day").alias("condition_start_date"),
        kind.alias("condition_type_concept_id"),
        pl.lit(0).alias("condition_status_concept_id"),
        pl.col("code").alias("condition_source_value"),
        pl.col("dgn_source_concept_id").alias("condition_source_concept_id"),
        pl.col("place").alias("condition_status_source_value"),
    )
    observations = rows.filter(observed).select(
        "person_id",
        pl.col("dgn_concept_id").alias("observation_concept_id"),
        pl.col("day").alias("observation_date"),
        kind.alias("observation_type_concept_id"),
        pl.col("code").alias("observation_source_value"),
        pl.col("dgn_source_concept_id").alias("observation_source_concept_id"),
        pl.col("place").alias("qualifier_source_value"),
    )
    return {
        "condition_occurrence": as_lines("condition_occurrence", conditions),
        "observation": as_lines("observation", observations),
    }


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``day``: of death, or the last one of its month."""
    month = pl.col("BEN_DCD_AME").cast(pl.String) + "01"
    last = month.str.to_date("%Y%m%d", strict=False).dt.month_end()
    last = pl.when(last.dt.year() > _NO_YEAR).then(last)
    return rows.with_columns(pl.coalesce("BEN_DCD_DTE", last).alias("day"))


def fates(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return what becomes of each row, by family and in order: ``fate`` and ``reason``.

    Args:
        frames: As ``convert`` takes them; KI_CCI_R may have ``reason`` of ``persons_of``.
    """
    dead = _dated(frames["KI_CCI_R"])
    reason = pl.col("reason") if "reason" in dead.columns else pl.lit(None, pl.String)
    nobody, undated = pl.col("person_id").is_null(), pl.col("day").is_null()
    told = dead.select(
        "DCD_IDT_ENC",
        pl.when(nobody)
        .then(pl.lit("apart"))
        .when(undated)
        .then(pl.lit("quarantined"))
        .otherwise(pl.lit("kept"))
        .alias("fate"),
        pl.when(nobody)
        .then(pl.coalesce(reason, pl.lit(UNMATCHED)))
        .when(undated)
        .then(pl.lit(UNDATED))
        .alias("reason"),
    )
    out = {"KI_CCI_R": told.select("fate", "reason")}
    causes = frames.get("KI_ECD_R")
    if causes is None:
        return out
    verdicts = told.unique("DCD_IDT_ENC", keep="first")
    joined = causes.select("DCD_IDT_ENC", cim10("ECD_CIM_COD").alias("code")).join(
        verdicts, on="DCD_IDT_ENC", how="left", maintain_order="left"
    )
    lost, uncoded = pl.col("fate").is_null(), (pl.col("fate") == "kept") & pl.col("code").is_null()
    out["KI_ECD_R"] = joined.select(
        pl.when(lost)
        .then(pl.lit("quarantined"))
        .when(uncoded)
        .then(pl.lit("dropped"))
        .otherwise("fate")
        .alias("fate"),
        pl.when(lost)
        .then(pl.lit(UNJOINED))
        .when(uncoded)
        .then(pl.lit(UNCODED))
        .otherwise("reason")
        .alias("reason"),
    )
    return out


def of_persons(persons: pl.DataFrame) -> pl.DataFrame:
    """Return the deaths that the insurers know as lines.

    Args:
        persons: ``person_id`` and ``death_date`` (may be null), one row a person.
    """
    dead = persons.filter(pl.col("death_date").is_not_null())
    return as_lines(
        "death",
        dead.select(
            "person_id",
            "death_date",
            pl.lit(types()[INSURER]).alias("death_type_concept_id"),
        ),
    )


def one_per_person(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the one death of each person, sorted by person.

    Args:
        lines: Lines or rows of ``death``, of all sources, new and earlier; impossible ones taken
            out (``impossible``).

    Returns:
        The same columns. Of the best type the earliest date, then the smallest code of a cause.
    """
    ranks = {concept: rank for rank, concept in enumerate(types().values())}
    rank = pl.col("death_type_concept_id").replace_strict(
        ranks, default=len(ranks), return_dtype=pl.Int64
    )
    return (
        lines.with_columns(rank.alias("$rank"))
        .sort("person_id", "$rank", "death_date", "cause_source_value", nulls_last=True)
        .unique("person_id", keep="first", maintain_order=True)
        .drop("$rank")
    )


def impossible(lines: pl.DataFrame, persons: pl.DataFrame, *, last: date) -> pl.Series:
    """Return why a death cannot be, or null, for each line in order.

    Args:
        lines: Of ``death``.
        persons: ``person_id`` and ``year_of_birth``.
        last: The last day that the data can tell of.
    """
    born = persons.select("person_id", "year_of_birth")
    rows = lines.select("person_id", "death_date").join(
        born, on="person_id", how="left", maintain_order="left"
    )
    return rows.select(
        pl.when(pl.col("death_date").dt.year() < pl.col("year_of_birth"))
        .then(pl.lit(BEFORE_BIRTH))
        .when(pl.col("death_date") > pl.lit(last))
        .then(pl.lit(AFTER_BASE))
        .alias("reason")
    ).to_series()
