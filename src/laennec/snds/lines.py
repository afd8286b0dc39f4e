"""Lines: rows on their way from the SNDS to OMOP, before their bucket numbers and joins them.

A line is a row of an OMOP table with everything but the numbers that only the bucket can give: its
own key, and the visit, provider and care site it belongs to. Those are named by keys that hold for
the load: ``visit_key`` (a hash; the visit's own line carries it too), ``provider_key`` and
``care_site_key`` (as the source spells them). ``units`` is signed: a regularisation line takes back
what an earlier line claimed, and ``snds.finish`` sums lines of one person, code, day and provider.

Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from laennec.omop.cdm import CURRENT, cdm

_EVENT = ("visit_key", "provider_key", "units")
KEYS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "visit_key": pl.UInt64(),
        "provider_key": pl.String(),
        "care_site_key": pl.String(),
        "units": pl.Float64(),
    }
)
"""Columns that a line has beside those of the CDM."""

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "visit_occurrence": (
            "person_id",
            "visit_concept_id",
            "visit_start_date",
            "visit_end_date",
            "visit_type_concept_id",
            "visit_source_value",
            "visit_source_concept_id",
            "admitted_from_concept_id",
            "admitted_from_source_value",
            "discharged_to_concept_id",
            "discharged_to_source_value",
            "care_site_key",
            *_EVENT,
        ),
        "visit_detail": (
            "person_id",
            "visit_detail_concept_id",
            "visit_detail_start_date",
            "visit_detail_end_date",
            "visit_detail_type_concept_id",
            "visit_detail_source_value",
            "care_site_key",
            *_EVENT,
        ),
        "condition_occurrence": (
            "person_id",
            "condition_concept_id",
            "condition_start_date",
            "condition_end_date",
            "condition_type_concept_id",
            "condition_status_concept_id",
            "condition_source_value",
            "condition_source_concept_id",
            "condition_status_source_value",
            *_EVENT,
        ),
        "observation": (
            "person_id",
            "observation_concept_id",
            "observation_date",
            "observation_type_concept_id",
            "observation_source_value",
            "observation_source_concept_id",
            "qualifier_source_value",
            *_EVENT,
        ),
        "procedure_occurrence": (
            "person_id",
            "procedure_concept_id",
            "procedure_date",
            "procedure_end_date",
            "procedure_type_concept_id",
            "modifier_source_value",
            "procedure_source_value",
            "procedure_source_concept_id",
            *_EVENT,
        ),
        "drug_exposure": (
            "person_id",
            "drug_concept_id",
            "drug_exposure_start_date",
            "drug_exposure_end_date",
            "drug_type_concept_id",
            "days_supply",
            "drug_source_value",
            "drug_source_concept_id",
            *_EVENT,
        ),
        "device_exposure": (
            "person_id",
            "device_concept_id",
            "device_exposure_start_date",
            "device_exposure_end_date",
            "device_type_concept_id",
            "device_source_value",
            "device_source_concept_id",
            *_EVENT,
        ),
        "measurement": (
            "person_id",
            "measurement_concept_id",
            "measurement_date",
            "measurement_type_concept_id",
            "measurement_source_value",
            "measurement_source_concept_id",
            *_EVENT,
        ),
        "cost": (
            "person_id",
            "cost_domain_id",
            "cost_type_concept_id",
            "currency_concept_id",
            "total_charge",
            "total_paid",
            "paid_by_payer",
            "paid_by_patient",
            "visit_key",
        ),
        "payer_plan_period": (
            "person_id",
            "payer_plan_period_start_date",
            "payer_plan_period_end_date",
            "payer_concept_id",
            "payer_source_value",
            "plan_source_value",
        ),
        "death": (
            "person_id",
            "death_date",
            "death_type_concept_id",
            "cause_concept_id",
            "cause_source_value",
            "cause_source_concept_id",
        ),
    }
)
"""For each OMOP table: the fields that the SNDS can fill, and the keys of its lines."""


def schema(table: str) -> dict[str, pl.DataType]:
    """Return the columns of a table's lines with their types.

    Raises:
        KeyError: the SNDS fills no such table.
    """
    own = cdm(CURRENT).tables[table].polars_schema() | {"person_id": pl.Int64()}
    return {name: KEYS[name] if name in KEYS else own[name] for name in FIELDS[table]}


def as_lines(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as lines of a table: its columns in order and type, those not given null.

    Raises:
        ValueError: a column is none of the table's lines; the converter is wrong.
    """
    wanted = schema(table)
    unknown = sorted(set(rows.columns) - wanted.keys())
    if unknown:
        raise ValueError(f"no field of a line of {table}: {', '.join(unknown)}")
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in wanted.items()
    )
