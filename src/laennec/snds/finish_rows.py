"""Rows of a bucket: earlier ones as a load changes them, new ones numbered, both in order.

Pure functions over the frames of one person bucket; ``finish`` says in which order they are used.
"""

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.claims_drugs import exposure_days
from laennec.snds.finish_sums import EVENTS, HELD, ROW, Summing
from laennec.snds.lines import schema
from laennec.warehouse.layout import sort_keys


def earlier_rows(table: str, rows: pl.DataFrame | None, units: pl.DataFrame) -> pl.DataFrame | None:
    """Return the rows so far with ``HELD``, or None if there are none."""
    if rows is None:
        return None
    quantity = EVENTS[table].quantity if table in EVENTS else None
    if quantity is not None:
        return rows.with_columns(pl.col(quantity).cast(pl.Float64).fill_null(1.0).alias(HELD))
    key = str(cdm(CURRENT).tables[table].primary_key)
    own = units.filter(pl.col("table") == table)
    held = own.select(pl.col("row").alias(key), pl.col("units").alias(HELD))
    return rows.join(held, on=key, how="left").with_columns(pl.col(HELD).fill_null(1.0))


def no_lines(table: str) -> pl.DataFrame:
    """Return no line of a table, with the columns that ``finish`` adds to lines."""
    kinds = schema(table)
    for key, name in (("provider_key", "provider_id"), ("care_site_key", "care_site_id")):
        if key in kinds:
            kinds[name] = pl.Int64()
    return pl.DataFrame(schema=kinds)


def numbered(table: str, rows: pl.DataFrame, *, first: int) -> pl.DataFrame:
    """Add the primary key: ``first`` and those that follow, in the order of the rows."""
    key = str(cdm(CURRENT).tables[table].primary_key)
    return rows.with_columns(pl.int_range(first, first + len(rows)).alias(key))


def measured(rows: pl.DataFrame, how: Summing) -> pl.DataFrame:
    """Add ``HELD`` and what follows from it: quantity, days of supply, last day."""
    held = rows.with_columns(pl.col("units").fill_null(1.0).alias(HELD))
    if how.quantity is not None:
        held = held.with_columns(pl.col(HELD).alias(how.quantity))
    return _supplied(held, "days_supply") if "days_supply" in how.carried else held


def _supplied(rows: pl.DataFrame, per_unit: str) -> pl.DataFrame:
    """Set days of supply to those of all units, and the last day after them."""
    days = exposure_days(pl.col(HELD), pl.col(per_unit))
    start = pl.col("drug_exposure_start_date")
    last = start + pl.duration(days=days - 1)
    return rows.with_columns(
        days.alias("days_supply"),
        pl.coalesce(last, "drug_exposure_end_date", start).alias("drug_exposure_end_date"),
    )


def changed_rows(
    earlier: pl.DataFrame | None, table: str, changed: pl.DataFrame
) -> pl.DataFrame | None:
    """Return the earlier rows with the units that stand now, without those that are gone."""
    if earlier is None or changed.is_empty():
        return earlier
    key = str(cdm(CURRENT).tables[table].primary_key)
    how = EVENTS.get(table)
    dosed = how is not None and "days_supply" in how.carried
    # Several sums may belong to one row: what each adds is what counts.
    news = changed.group_by(pl.col(ROW).alias(key)).agg(
        (pl.col(HELD).first() + (pl.col("units") - pl.col(HELD)).sum()).alias("$now"),
        *([pl.col("days_supply").max().alias("$each")] if dosed else []),
    )
    held = earlier.join(news, on=key, how="left")
    rows = held.with_columns(pl.coalesce("$now", HELD).alias(HELD))
    if how is not None and how.quantity is not None:
        rows = rows.with_columns(
            pl.when(pl.col("$now").is_not_null())
            .then(pl.col(HELD))
            .otherwise(pl.col(how.quantity).cast(pl.Float64))
            .alias(how.quantity)
        )
    if dosed:
        touched = pl.col("$each").is_not_null()
        rows = pl.concat([rows.filter(~touched), _supplied(rows.filter(touched), "$each")])
    return rows.filter(pl.col(HELD) > 0).select(*earlier.columns)


def ordered(table: str, new: pl.DataFrame, earlier: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows of the CDM and ``HELD``, in order."""
    target = cdm(CURRENT).tables[table]
    rows = new.select(
        *(
            pl.col(name).cast(kind) if name in new.columns else pl.lit(None, kind).alias(name)
            for name, kind in target.polars_schema().items()
        ),
        HELD,
    )
    if earlier is not None:
        rows = pl.concat([earlier.select(rows.columns).cast(rows.schema), rows])
    return rows.sort(sort_keys(target), nulls_last=True)
