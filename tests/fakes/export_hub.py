"""Exports of a small hub in memory, and what is in them by an engine that did not write them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from fakes.intake_hub import SmallHub
from fakes.vault_store import FixedClock
from laennec.core.progress import Quiet
from laennec.omop.ddl import scripts
from laennec.reversibility.export import Exporter, Options
from laennec.reversibility.export_model import ExportReport, Form
from laennec.warehouse.service import Warehouse

READERS = {
    Form.PARQUET: "read_parquet('{file}')",
    Form.CSV: "read_csv('{file}', header=true, auto_detect=false, delim=',', quote='\"', "
    "escape='\"', nullstr='', allow_quoted_nulls=false, columns={columns})",
}


def exporter(hub: SmallHub, *, memory_bytes: int = 128 << 20) -> Exporter:
    """Return what exports a small hub."""
    options = Options(
        hub="hub.example/ledger",
        scratch=hub.folder / "scratch",
        memory_bytes=memory_bytes,
        workers=2,
        keep_out=(hub.folder / "ledger", hub.folder / "store"),
    )
    return Exporter(
        Warehouse(hub.vault), hub.ledger, clock=FixedClock(), reporter=Quiet(), options=options
    )


def export(
    hub: SmallHub,
    folder: Path,
    form: Form,
    *,
    tables: Sequence[str] = (),
    snapshot: int | None = None,
    with_quarantine: bool = False,
) -> ExportReport:
    """Plan and write."""
    made = exporter(hub)
    plan = made.plan(
        folder, form=form, tables=tables, snapshot=snapshot, with_quarantine=with_quarantine
    )
    return made.write(plan)


def manifest(folder: Path) -> Any:
    """Return the manifest of an export."""
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def by_duckdb(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with the tables of an export, read by DuckDB's own readers."""
    told = manifest(folder)
    if told["target_format"] == Form.DUCKDB:
        return duckdb.connect(folder / "omop.duckdb")
    connection = duckdb.connect()
    connection.execute(scripts()["1-tables.sql"])
    for table in told["tables"]:
        columns = {one["name"]: one["type"] for one in table["columns"]}
        source = READERS[Form(told["target_format"])].format(
            file=folder / table["file"], columns=columns
        )
        connection.execute(f'INSERT INTO "{table["table"]}" FROM {source}')
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> pl.DataFrame:
    """Return the rows of a table in the order of the file."""
    return pl.DataFrame(connection.execute(f'FROM "{table}"').to_arrow_table())


def multiset(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in an order that depends on nothing but them."""
    return rows.sort(rows.columns, nulls_last=True)
