"""Where the rows of an export go: Parquet or CSV files by pyarrow, one for each table.

Both are written from beginning to end, a piece at a time. CSV is RFC 4180 in UTF-8 with a header,
except that lines end in LF: texts are always quoted, a missing value is an empty field, an empty
text is ``""``, dates and times are ISO 8601 with a blank in between. Parquet is plain version 2.6,
zstd, with the types of the columns and nothing of the library that wrote it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from laennec.reversibility.export_folder import Stage
from laennec.reversibility.export_model import Sheet

Add = Callable[[pa.Table], None]
"""Takes the next rows, in the columns and types of the sheet."""

ROWS_PER_GROUP = 1 << 18
"""Rows of a Parquet row group, at least, the last one apart: small buckets share one."""

_CSV_ROWS = 1 << 14


class Sink(Protocol):
    """Takes the rows of tables, one table after the other."""

    def file_of(self, sheet: Sheet) -> str:
        """Return the name of the file that a table goes to."""

    def table(self, sheet: Sheet) -> AbstractContextManager[Add]:
        """Begin a table; it is complete when the context ends without an error."""


class ParquetSink:
    """Writes ``<table>.parquet``."""

    def __init__(self, stage: Stage, *, under: str = "") -> None:
        self._stage, self._under = stage, under

    def file_of(self, sheet: Sheet) -> str:
        """Return the name of the file that a table goes to."""
        return f"{self._under}{sheet.name}.parquet"

    @contextmanager
    def table(self, sheet: Sheet) -> Iterator[Add]:
        """Begin a table."""
        with (
            self._stage.create(self.file_of(sheet)) as file,
            pq.ParquetWriter(
                file, sheet.schema, compression="zstd", store_schema=False, version="2.6"
            ) as writer,
        ):
            waiting: list[pa.Table] = []

            def add(rows: pa.Table) -> None:
                waiting.append(rows)
                if sum(map(len, waiting)) >= ROWS_PER_GROUP:
                    flush()

            def flush() -> None:
                together = pa.concat_tables(waiting)
                waiting.clear()
                writer.write_table(together, row_group_size=2 * ROWS_PER_GROUP)

            yield add
            if waiting:
                flush()


class CsvSink:
    """Writes ``<table>.csv``."""

    def __init__(self, stage: Stage, *, under: str = "") -> None:
        self._stage, self._under = stage, under

    def file_of(self, sheet: Sheet) -> str:
        """Return the name of the file that a table goes to."""
        return f"{self._under}{sheet.name}.csv"

    @contextmanager
    def table(self, sheet: Sheet) -> Iterator[Add]:
        """Begin a table."""
        options = pyarrow.csv.WriteOptions(batch_size=_CSV_ROWS, quoting_style="needed")
        with (
            self._stage.create(self.file_of(sheet)) as file,
            pyarrow.csv.CSVWriter(file, sheet.schema, write_options=options) as writer,
        ):
            yield writer.write_table
