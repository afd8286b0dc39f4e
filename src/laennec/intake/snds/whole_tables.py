"""Tables that belong to no person: providers, care sites, places, the vocabulary.

A provider or care site keeps the number it was given first. What later loads say of it replaces
what was not known. Numbers follow the order of keys among those that are new in a load.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from laennec.intake.snds.line_store import LineStore
from laennec.intake.snds.unit import WHOLE
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.vocabulary import TABLES as VOCABULARY
from laennec.snds.codes import Codes
from laennec.snds.vocabulary import with_site
from laennec.vault.manifest import Manifest, SealedFile
from laennec.vault.service import Vault
from laennec.warehouse.layout import sort_keys


def gathered(table: str, key: str, stores: Iterable[LineStore]) -> pl.DataFrame | None:
    """Return what units say of providers or care sites, each key once; None if nothing.

    Of rows that differ the largest counts, what is known before what is not: the order of units
    changes nothing.
    """
    found: pl.DataFrame | None = None
    for store in stores:
        rows = store.read(table, WHOLE)
        if rows is not None:
            both = rows if found is None else pl.concat([found, rows], how="diagonal_relaxed")
            found = both.sort(both.columns).unique(key, keep="last", maintain_order=True)
    return None if found is None else found.sort(key)


def numbered(
    table: str, spoken: pl.DataFrame | None, earlier: pl.DataFrame | None, *, first: int
) -> pl.DataFrame:
    """Return the rows of ``provider`` or ``care_site``: earlier ones, then new ones by key.

    Args:
        table: Its name.
        spoken: ``{table}_key`` and fields of the table, or None.
        earlier: Its rows so far, or None.
        first: The first number to give.
    """
    key, own, source = f"{table}_key", f"{table}_id", f"{table}_source_value"
    schema = cdm(CURRENT).tables[table].polars_schema()
    if earlier is None:
        earlier = pl.DataFrame(schema=schema)
    if spoken is None:
        return earlier
    said = spoken.rename({key: source})
    rows = earlier.select(own, source, *_fields(said, source)).join(
        said, on=source, how="full", coalesce=True, suffix="$new"
    )
    rows = rows.with_columns(
        pl.coalesce(f"{name}$new", name).alias(name) for name in _fields(said, source)
    ).sort(own, source, nulls_last=True)
    new = pl.col(own).is_null()
    rows = rows.with_columns(
        pl.when(new).then(first - 1 + new.cum_sum()).otherwise(pl.col(own)).alias(own)
    )
    return as_rows(table, rows)


def as_rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a table of the CDM, in order; fields not given are null."""
    target = cdm(CURRENT).tables[table]
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in target.polars_schema().items()
    ).sort(sort_keys(target), nulls_last=True)


def keyed(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    """Return ``{table}_key`` and ``{table}_id`` of ``provider`` or ``care_site``."""
    return rows.select(pl.col(f"{table}_source_value").alias(f"{table}_key"), pl.col(f"{table}_id"))


def _fields(said: pl.DataFrame, source: str) -> list[str]:
    return [name for name in said.columns if name != source]


def vocabulary(vault: Vault, base: Manifest, codes: Codes) -> dict[str, pl.DataFrame]:
    """Return the vocabulary tables of the hub with the site concepts in them."""
    there = {table: vault.read(base.table(table)) for table in VOCABULARY if base.table(table)}
    return dict(with_site(there, codes))


def sealed_whole(
    vault: Vault, tables: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[SealedFile, ...]]:
    """Seal tables without bucket, in their order."""
    targets = cdm(CURRENT).tables
    found: dict[str, tuple[SealedFile, ...]] = {}
    for name, rows in tables.items():
        ordered = rows.sort(sort_keys(targets[name]), nulls_last=True) if name in targets else rows
        found[name] = (vault.seal_frame(ordered, table=name, bucket=None),) if len(rows) else ()
    return found
