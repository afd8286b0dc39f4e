"""Writing the plain OMOP tables of a snapshot, so that leaving Laennec itself is easy.

Everything written here is personal data that anyone can read. So it is said in the ledger twice:
what is going to be written, before the first byte of it, and what was written, before the folder
gets its name. An export that failed or was killed leaves the first entry alone; one that nobody
knows of does not exist. Memory is bounded by one file of the warehouse and one row group.

Does not decide who may ask: whoever holds the hub's keys can read all of it anyway.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from laennec.core.clock import Clock, timestamp
from laennec.core.errors import EngineError, NotFoundError
from laennec.core.progress import Reporter
from laennec.intake import quarantine
from laennec.intake.csv_records import LINE
from laennec.intake.repeated import DistinctKeys, repeated_lines
from laennec.ledger.service import Ledger
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.ddl import scripts
from laennec.omop.names import normal
from laennec.reversibility import export_manifest
from laennec.reversibility.export_duckdb import check_duckdb, duckdb_sink
from laennec.reversibility.export_folder import Stage, check_target, staged
from laennec.reversibility.export_model import (
    ExportReport,
    Form,
    Plan,
    Sheet,
    WrittenTable,
    quarantine_sheet,
    sheet_of,
)
from laennec.reversibility.export_sinks import CsvSink, ParquetSink, Sink
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse

BEGUN, WRITTEN = "vault:export:begin", "vault:warehouse:export"
_QUARANTINE = f"{quarantine.TABLE}/"


@dataclass(frozen=True)
class Options:
    """How to export.

    Attributes:
        hub: Origin of the hub's ledger, for the manifest.
        scratch: Folder for sealed scratch files, used to find repeated keys.
        memory_bytes: Memory for keys, and for DuckDB.
        workers: Threads of DuckDB.
        keep_out: Folders that an export may not go into.
    """

    hub: str
    scratch: Path
    memory_bytes: int
    workers: int
    keep_out: tuple[Path, ...]


class Exporter:
    """Plans exports of a warehouse and writes them."""

    def __init__(
        self,
        warehouse: Warehouse,
        ledger: Ledger,
        *,
        clock: Clock,
        reporter: Reporter,
        options: Options,
    ) -> None:
        self._warehouse, self._ledger = warehouse, ledger
        self._clock, self._reporter, self._options = clock, reporter, options

    def plan(
        self,
        folder: Path,
        *,
        form: Form,
        tables: Sequence[str] = (),
        snapshot: int | None = None,
        with_quarantine: bool = False,
    ) -> Plan:
        """Say what an export would write; nothing is written.

        Args:
            folder: Where to; absent or empty.
            form: Form of the tables.
            tables: Tables to write, with or without rows; all that have rows when empty.
            snapshot: Number of the snapshot, the newest by default.
            with_quarantine: Write the rows in quarantine too.

        Raises:
            NotFoundError: there is no such snapshot or table, or the snapshot has no rows.
            AlreadyExistsError, StoreError: the folder cannot take an export.
            SettingsError: the form needs a package that is not installed.
        """
        if form is Form.DUCKDB:
            check_duckdb()
        check_target(folder, keep_out=self._options.keep_out)
        view = self._warehouse.view(snapshot)
        refused = quarantine_sheet(view.files(quarantine.TABLE))
        return Plan(
            folder,
            form,
            view,
            tuple(_sheets(view, tables)),
            refused if with_quarantine else None,
            refused.rows,
            sum(int(one.statistics.get("persons") or 0) for one in view.files("person")),
        )

    def write(self, plan: Plan) -> ExportReport:
        """Write an export; the folder appears when everything is in it and logged.

        Raises:
            AlreadyExistsError, StoreError: the folder cannot take it (any more).
            StoreFullError: the disk is full; nothing is left.
            IntegrityError: the store serves something else than was sealed; nothing is left.
            LedgerError: it cannot be logged; nothing is left.
            EngineError: rows cannot be written in this form; nothing is left.
        """
        with staged(plan.folder, keep_out=self._options.keep_out) as stage:
            self._begin(plan)
            tables = tuple(self._write_tables(plan, stage))
            for name, text in scripts().items():
                stage.write(export_manifest.SCRIPTS + name, text)
            files = tuple(stage.files)
            stage.write(export_manifest.SUMS, export_manifest.sums(files))
            last = stage.write(
                export_manifest.NAME,
                export_manifest.manifest(
                    plan,
                    tables,
                    files,
                    hub=self._options.hub,
                    warehouse=self._warehouse.vault.warehouse_id,
                    made_at=timestamp(self._clock()),
                ),
            )
            report = ExportReport(plan.folder, tables, files, last.sha256)
            self._log(plan, report)
            stage.publish()
        return report

    def _begin(self, plan: Plan) -> None:
        self._ledger.append(BEGUN, public=_facts(plan), private={"folder": _path(plan.folder)})

    def _log(self, plan: Plan, report: ExportReport) -> None:
        self._ledger.append(
            WRITTEN,
            public={**_facts(plan), "files": len(report.files), "bytes": report.size},
            private={
                "folder": _path(plan.folder),
                "manifest": report.manifest_sha256.encode(),
            },
        )

    def _write_tables(self, plan: Plan, stage: Stage) -> Iterator[WrittenTable]:
        with self._sink(plan.form, stage) as sink:
            for sheet in plan.sheets:
                yield self._write_table(sheet, sink)
        if plan.quarantine is not None:
            kind = CsvSink if plan.form is Form.CSV else ParquetSink
            yield self._write_table(plan.quarantine, kind(stage, under=_QUARANTINE))

    @contextmanager
    def _sink(self, form: Form, stage: Stage) -> Iterator[Sink]:
        match form:
            case Form.PARQUET:
                yield ParquetSink(stage)
            case Form.CSV:
                yield CsvSink(stage)
            case Form.DUCKDB:
                options = self._options
                with duckdb_sink(
                    stage, memory_bytes=options.memory_bytes, threads=options.workers
                ) as sink:
                    yield sink

    def _write_table(self, sheet: Sheet, sink: Sink) -> WrittenTable:
        vault, schema = self._warehouse.vault, sheet.schema
        distinct = DistinctKeys(memory_bytes=self._options.memory_bytes // 8)
        missing = dict.fromkeys(sheet.required, 0)
        written = 0
        with (
            self._reporter.task(f"exporting {sheet.name}", total=sheet.rows) as task,
            sink.table(sheet) as add,
        ):
            for file in sheet.sealed:
                rows = vault.read_arrow(file).select(schema.names).cast(schema)
                if sheet.key is not None:
                    distinct.see(pl.Series(sheet.key, rows[sheet.key]))
                for name in missing:
                    missing[name] += rows[name].null_count
                add(rows)
                written += len(rows)
                task.advance(len(rows))
        if written != sheet.rows:
            raise EngineError(
                f"{sheet.name} has not the rows that the snapshot says.",
                remedy="This is a bug in Laennec; what was written was removed.",
            )
        return WrittenTable(
            sheet,
            sink.file_of(sheet),
            {name: rows for name, rows in missing.items() if rows},
            0 if sheet.key is None or distinct.holds else self._repeated(sheet, sheet.key, vault),
        )

    def _repeated(self, sheet: Sheet, key: str, vault: Vault) -> int:
        """Count the rows whose key an earlier row has, by a second look at the keys alone."""

        def keys() -> Iterator[pl.DataFrame]:
            seen = 0
            for file in sheet.sealed:
                found = vault.read(file, columns=[key])
                lines = pl.int_range(seen, seen + len(found), dtype=pl.Int64, eager=True)
                seen += len(found)
                yield found.with_columns(lines.alias(LINE))

        with self._reporter.task(f"checking keys of {sheet.name}"):
            return len(
                repeated_lines(
                    keys(),
                    rows=sheet.rows,
                    scratch=self._options.scratch,
                    memory_bytes=self._options.memory_bytes // 4,
                )
            )


def _sheets(view: View, asked: Sequence[str]) -> Iterator[Sheet]:
    tables = cdm(CURRENT).tables
    wanted = dict.fromkeys(map(normal, asked)) or view.rows()
    for name in wanted:
        if name not in tables:
            near = difflib.get_close_matches(name, tables, n=1)
            raise NotFoundError(
                f"CDM {CURRENT} has no table {name}.",
                remedy=f"Did you mean {near[0]}?" if near else "docs/reference lists the tables.",
            )
    if not wanted:
        raise NotFoundError(
            f"Snapshot {view.snapshot.number} has no rows.",
            remedy="Load a data set with `laennec load omop`, or name another snapshot.",
        )
    for name, table in tables.items():
        if name in wanted:
            yield sheet_of(table, view.files(name))


def _facts(plan: Plan) -> dict[str, str | int]:
    """Return what the ledger says in public of an export, before it as well as after it."""
    refused = plan.quarantine.rows if plan.quarantine else 0
    return {
        "snapshot": plan.view.snapshot.number,
        "head_sha256": plan.view.snapshot.digest,
        "target_format": plan.form.value,
        "tables": len(plan.sheets),
        "rows": plan.rows,
        "rows_quarantined": refused,
    }


def _path(folder: Path) -> bytes:
    return str(folder.resolve()).encode("utf-8", "surrogateescape")
