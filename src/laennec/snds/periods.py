"""When a person was observed, and which scheme paid: periods of one bucket.

**Observation period.** The SNDS has no register of who was covered when; it has what was paid for.
A person has one period, from the first to the last day of care, or to the death if one is known,
bounded by birth, death and the base. A researcher must know:

- who used no care has no period; healthy time before the first care and after the last is not
  counted, so rates per person-time are somewhat high, most of all among the young;
- a gap without care is within the period: nobody knows whether the person had left the country;
- care dated after the death (bills that come late, wrong dates) does not prolong the period; if all
  of it is dated so, there is none;
- claims arrive up to a year and more after the care: the last months of a base are incomplete.

Long-term diseases and causes of death are no care.

**Payer.** Periods of one payer and plan that overlap or follow each other by a day are one.

Pure functions over the frames of one person bucket, in a fixed order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import polars as pl

STANDARD_ALGORITHM = 32880
"""Type concept *Standard algorithm*: a period that was computed. Source: OHDSI, Type Concept."""

CARE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "visit_occurrence": ("visit_start_date", "visit_end_date"),
        "procedure_occurrence": ("procedure_date", "procedure_date"),
        "drug_exposure": ("drug_exposure_start_date", "drug_exposure_start_date"),
        "device_exposure": ("device_exposure_start_date", "device_exposure_start_date"),
        "measurement": ("measurement_date", "measurement_date"),
    }
)
"""Tables whose rows show care, and their first and last day. A drug counts on the day it was
handed out: how long it lasts is a guess."""

_SCHEME = ("person_id", "payer_concept_id", "payer_source_value", "plan_source_value")
_FIRST, _LAST = "payer_plan_period_start_date", "payer_plan_period_end_date"


@dataclass(frozen=True)
class Base:
    """What days the data can tell about, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a base ends on its first day at the earliest")


def care(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the first and last day of care: ``person_id``, ``first``, ``last``, once a person.

    Args:
        tables: Rows or lines by OMOP table; those not in ``CARE`` tell nothing.
    """
    blocks = [pl.DataFrame(schema={"person_id": pl.Int64, "first": pl.Date, "last": pl.Date})]
    for table, (start, end) in CARE.items():
        if table in tables:
            rows = tables[table].group_by("person_id")
            blocks.append(
                rows.agg(pl.col(start).min().alias("first"), pl.col(end).max().alias("last"))
            )
    found = pl.concat(blocks).group_by("person_id")
    return found.agg(pl.col("first").min(), pl.col("last").max()).sort("person_id")


def observation_periods(
    evidence: pl.DataFrame, persons: pl.DataFrame, deaths: pl.DataFrame, base: Base
) -> pl.DataFrame:
    """Return the observation period of each person who has one, sorted by person.

    Args:
        evidence: As ``care`` returns it.
        persons: ``person_id``, ``year_of_birth``, ``month_of_birth`` (may be null); others are left
            out.
        deaths: ``person_id`` and ``death_date``, at most one row a person.
        base: Nothing outside it is observed.

    Returns:
        ``person_id``, ``observation_period_start_date``, ``observation_period_end_date``,
        ``period_type_concept_id``; no key yet.
    """
    month = pl.col("month_of_birth").fill_null(1)
    born = pl.date(pl.col("year_of_birth"), month, 1)
    rows = evidence.join(
        persons.select("person_id", born.alias("born")), on="person_id", how="inner"
    ).join(deaths.select("person_id", "death_date"), on="person_id", how="left")
    start = pl.max_horizontal("first", "born", pl.lit(base.first))
    end = pl.min_horizontal(pl.coalesce("death_date", "last"), pl.lit(base.last))
    return (
        rows.select(
            "person_id",
            start.alias("observation_period_start_date"),
            end.alias("observation_period_end_date"),
            pl.lit(STANDARD_ALGORITHM, pl.Int64).alias("period_type_concept_id"),
        )
        .filter(pl.col("observation_period_start_date") <= pl.col("observation_period_end_date"))
        .sort("person_id")
    )


def merged_payer_periods(lines: pl.DataFrame) -> pl.DataFrame:
    """Merge periods of one person, payer and plan that overlap or follow each other by a day.

    Args:
        lines: Of payer_plan_period, new and earlier ones together.

    Returns:
        The same columns, sorted by person, first day and scheme.
    """
    ordered = lines.sort(*_SCHEME, _FIRST, _LAST)
    reached = pl.col(_LAST).cum_max().shift().over(_SCHEME)
    apart = (pl.col(_FIRST) > reached + pl.duration(days=1)).fill_null(value=True)
    grouped = ordered.with_columns(apart.cum_sum().over(_SCHEME).alias("$run"))
    merged = grouped.group_by(*_SCHEME, "$run").agg(pl.col(_FIRST).min(), pl.col(_LAST).max())
    return merged.select(lines.columns).sort("person_id", _FIRST, *_SCHEME[1:], _LAST)
