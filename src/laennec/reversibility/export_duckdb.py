"""An export as one DuckDB database: the CDM's tables, made by the scripts of ``omop.ddl``.

DuckDB is an extra, needed for this form only. It may use no file but the database: what does not
fit in its memory fails instead of spilling in clear, it downloads and loads no extension, reaches
no other file, and looks at no variable of this program. Rows come as Arrow, a bucket at a time.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from laennec.core.errors import EngineError, SettingsError, StoreError
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.ddl import create_table
from laennec.reversibility.export_folder import Stage
from laennec.reversibility.export_model import Sheet
from laennec.reversibility.export_sinks import Add

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FILE = "omop.duckdb"
_LEAST_BYTES = 256 << 20
"""A row group of the widest tables, being compressed, needs this much without a place to spill."""

_ROWS = "rows_of_a_bucket"
_LOCKED_IN = (
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def check_duckdb() -> None:
    """Refuse to go on without DuckDB.

    Raises:
        SettingsError: it is not installed.
    """
    if importlib.util.find_spec("duckdb") is None:
        raise SettingsError(
            "The format duckdb needs the package duckdb, which is not installed.",
            remedy="Install it with `pip install 'laennec[duckdb]'`, or export Parquet, which "
            "DuckDB reads as well.",
        )


class DuckDbSink:
    """Writes ``omop.duckdb``; made by ``duckdb_sink``."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection

    def file_of(self, sheet: Sheet) -> str:  # noqa: ARG002 - all tables are in one file
        """Return the name of the database."""
        return FILE

    @contextmanager
    def table(self, sheet: Sheet) -> Iterator[Add]:
        """Begin a table."""

        def add(rows: pa.Table) -> None:
            self._connection.register(_ROWS, rows)
            try:
                # A name of the CDM, which stands in the field lists.
                self._connection.execute(f'INSERT INTO "{sheet.name}" FROM {_ROWS}')
            finally:
                self._connection.unregister(_ROWS)

        yield add


@contextmanager
def duckdb_sink(stage: Stage, *, memory_bytes: int, threads: int) -> Iterator[DuckDbSink]:
    """Make the database, with every table of the CDM; it is closed and hashed at the end.

    Args:
        stage: The folder to write into.
        memory_bytes: What DuckDB may use; it gets 256 MiB at least.
        threads: Threads it may use.

    Raises:
        StoreError: the database cannot be written, for want of space or rights.
        EngineError: DuckDB failed otherwise, such as for want of memory.
    """
    import duckdb

    try:
        connection = duckdb.connect(
            stage.path / FILE,
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                "preserve_insertion_order": "true",
                "memory_limit": f"{max(memory_bytes, _LEAST_BYTES) >> 20}MiB",
                "threads": threads,
            },
        )
        try:
            for statement in _LOCKED_IN:
                connection.execute(statement)
            for table in cdm(CURRENT).tables.values():
                connection.execute(create_table(table))
            yield DuckDbSink(connection)
        finally:
            connection.close()
        stage.adopt(FILE)
    except duckdb.IOException:
        raise StoreError(
            f"{FILE} cannot be written.",
            remedy="Check rights and free space of the folder; what was written was removed.",
        ) from None
    except duckdb.Error:
        # DuckDB's own message may quote a value from a row.
        raise EngineError(
            f"DuckDB failed while writing {FILE}.",
            remedy="Give it more memory (runs.memory_mb) or export Parquet; what was written was "
            "removed.",
        ) from None
