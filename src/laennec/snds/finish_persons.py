"""What is told anew of the persons of a bucket: who they are, deaths, periods.

These tables are made from all that is known, new and earlier, at every load; ``finish`` makes the
others. An observation period has the number of its person: there is one each. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.deaths import impossible, one_per_person
from laennec.snds.finish import LineCount
from laennec.snds.lines import FIELDS
from laennec.snds.periods import Base, care, merged_payer_periods, observation_periods
from laennec.warehouse.layout import sort_keys

PERSONAL = ("person", "observation_period", "payer_plan_period", "death")
"""The tables that are made here."""


@dataclass(frozen=True)
class PersonalInput:
    """What the tables are made from.

    Attributes:
        persons: All rows of ``person``, or None to keep the earlier ones.
        lines: New lines by table.
        earlier: Rows so far by table.
        events: Rows as they are after the load, by table.
        first_period: The first number of payer_plan_period set aside.
        base: What days the data can tell about.
    """

    persons: pl.DataFrame | None
    lines: Mapping[str, pl.DataFrame]
    earlier: Mapping[str, pl.DataFrame]
    events: Mapping[str, pl.DataFrame]
    first_period: int
    base: Base


@dataclass(frozen=True)
class Personal:
    """Rows by table, those without any left out, and what became of the lines."""

    tables: Mapping[str, pl.DataFrame]
    counts: Mapping[str, LineCount]


def finish_persons(given: PersonalInput) -> Personal:
    """Return the tables of persons, each in the order of ``warehouse.layout.sort_keys``."""
    found = given.persons if given.persons is not None else given.earlier.get("person")
    persons = _as_table("person", found)
    death, death_count = _deaths(given, persons)
    payer, payer_count = _payers(given)
    period = observation_periods(care(given.events), persons, death, given.base).with_columns(
        pl.col("person_id").alias("observation_period_id")
    )
    tables = {
        "person": persons,
        "observation_period": _as_table("observation_period", period),
        "payer_plan_period": payer,
        "death": death,
    }
    counts = {"death": death_count, "payer_plan_period": payer_count}
    return Personal(
        {table: rows for table, rows in tables.items() if len(rows) or table in given.earlier},
        {table: count for table, count in counts.items() if count.lines},
    )


def _as_table(table: str, rows: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows of the CDM, in order; those not given are null."""
    target = cdm(CURRENT).tables[table]
    schema = target.polars_schema()
    if rows is None:
        return pl.DataFrame(schema=schema)
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    ).sort(sort_keys(target), nulls_last=True)


def _both(table: str, given: PersonalInput) -> tuple[pl.DataFrame, int, int]:
    """Return new lines and earlier rows as rows, and how many there are of each."""
    new = _as_table(table, given.lines.get(table))
    earlier = _as_table(table, given.earlier.get(table))
    return pl.concat([new, earlier]), len(new), len(earlier)


def _deaths(given: PersonalInput, persons: pl.DataFrame) -> tuple[pl.DataFrame, LineCount]:
    told, new, before = _both("death", given)
    reasons = impossible(told, persons, last=given.base.last)
    rows = one_per_person(told.filter(reasons.is_null()))
    wrong = int(reasons.head(new).is_not_null().sum())
    made = max(0, min(len(rows) - before, new - wrong))
    return _as_table("death", rows), LineCount(new, made, new - wrong - made, wrong, 0)


def _payers(given: PersonalInput) -> tuple[pl.DataFrame, LineCount]:
    table = "payer_plan_period"
    told, new, before = _both(table, given)
    rows = merged_payer_periods(told.select(FIELDS[table]))
    first = given.first_period
    numbered = rows.with_columns(pl.int_range(first, first + len(rows)).alias(f"{table}_id"))
    made = max(0, min(len(rows) - before, new))
    return _as_table(table, numbered), LineCount(new, made, new - made, 0, 0)
