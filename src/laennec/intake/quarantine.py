"""Rows that are not kept, sealed like all others, with where they come from and why.

One row each: ``table``, ``file``, ``line``, ``column`` (null when the whole line is at fault),
``rule`` (``intake.rules``, or ``intake.snds.model``) and ``record``, the row as JSON (or the CSV
line as it was). The values are nowhere else: not in the report, the log or an error.
"""

import threading

import polars as pl

from laennec.intake.csv_records import LINE
from laennec.vault.manifest import SealedFile
from laennec.vault.service import Vault

TABLE = "quarantine"
_ROWS_PER_FILE = 50_000
SCHEMA = {
    "table": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "record": pl.String,
}


class Quarantine:
    """Collects rows during a load and seals them in files of bounded size. Thread-safe."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._waiting: list[pl.DataFrame] = []
        self._rows = 0
        self._files: list[SealedFile] = []
        self._lock = threading.Lock()

    def add(
        self, rows: pl.DataFrame, *, table: str, file: str, rule: str, column: str | None
    ) -> None:
        """Take rows in.

        Args:
            rows: ``LINE`` and either ``record`` or the columns of the row.
            table: Table they were for: of the CDM, or a family of the SNDS.
            file: Where they came from.
            rule: Name of the rule they broke (a ``Rule`` or one of ``intake.snds``).
            column: The column at fault, or None.
        """
        if rows.is_empty():
            return
        record = (
            pl.col("record")
            if "record" in rows.columns
            else pl.struct(pl.all().exclude(LINE)).struct.json_encode()
        )
        taken = rows.select(
            table=pl.lit(table),
            file=pl.lit(file),
            line=pl.col(LINE),
            column=pl.lit(column, dtype=pl.String),
            rule=pl.lit(str(rule)),
            record=record,
        )
        with self._lock:
            self._waiting.append(taken)
            self._rows += len(taken)
            if self._rows >= _ROWS_PER_FILE:
                self._seal()

    def finish(self) -> tuple[SealedFile, ...]:
        """Seal what is left and return every file of this load."""
        with self._lock:
            if self._waiting:
                self._seal()
            return tuple(self._files)

    def _seal(self) -> None:
        rows = pl.concat(self._waiting)
        self._waiting, self._rows = [], 0
        self._files.append(self._vault.seal_frame(rows, table=TABLE, bucket=None))
