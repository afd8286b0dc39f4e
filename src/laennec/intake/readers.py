"""One table file as chunks of rows named by the CDM, whatever form it has.

A chunk is bounded in memory. Its rows carry ``LINE``: the line of a CSV record (the header is line
1), or the row of a Parquet file counted from 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from laennec.core.errors import SourceError
from laennec.intake import csv_blocks
from laennec.intake.csv_blocks import LINE
from laennec.intake.sources import SourceFile
from laennec.omop.cdm import Table
from laennec.omop.names import Header, match_header

_PARQUET_ROWS = 1 << 18


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        rows: The file's columns that the CDM has, under the CDM's names, and ``LINE``.
        malformed: CSV records with the wrong number of fields: ``LINE`` and ``record``.
        amount: What was read for it: bytes of CSV text or rows of Parquet.
    """

    rows: pl.DataFrame
    malformed: pl.DataFrame
    amount: int


@dataclass(frozen=True)
class TableFile:
    """A file whose header was read.

    Attributes:
        source: Where it is.
        columns: As the file spells them.
        rows: Number of rows where the file says it, at most that many lines otherwise.
    """

    source: SourceFile
    columns: tuple[str, ...]
    rows: int


def inspect(source: SourceFile, *, encoding: str = "utf-8") -> TableFile:
    """Read header and size of a file.

    Raises:
        SourceError: it is empty, damaged, or not text in this encoding.
    """
    with source.open() as stream:
        if source.form == "parquet":
            file = _open_parquet(stream, source.name)
            return TableFile(source, tuple(file.schema_arrow.names), file.metadata.num_rows)
        columns, _ = csv_blocks.read_header(stream, file=source.name, encoding=encoding)
        lines = 0
        while piece := stream.read(1 << 20):
            lines += piece.count(b"\n")
        return TableFile(source, tuple(columns), lines + 1)


def header_of(file: TableFile, table: Table) -> Header:
    """Match the columns of a file with a table.

    Raises:
        SourceError: a required column is missing, none is known, or one is there twice.
    """
    header = match_header(file.columns, table, file=file.source.name)
    if header.missing_required:
        raise SourceError(
            f"{file.source.name}, line 1: missing: {', '.join(header.missing_required)}.",
            remedy=f"Table {table.name} needs these columns; add them and load again.",
        )
    return header


def read_chunks(file: TableFile, header: Header, *, encoding: str = "utf-8") -> Iterator[Chunk]:
    """Yield the rows of a file in order.

    Raises:
        SourceError: the file is damaged; the message names the place as far as it is known.
    """
    with file.source.open() as stream:
        if file.source.form == "parquet":
            yield from _parquet_chunks(stream, file, header)
            return
        _, dialect = csv_blocks.read_header(stream, file=file.source.name, encoding=encoding)
        names = [name or f"${n}" for n, name in enumerate(header.names)]
        kept = [name for name in header.names if name is not None]
        for records in csv_blocks.read_records(stream, names, dialect, file=file.source.name):
            yield Chunk(records.rows.select(*kept, LINE), records.malformed, records.amount)


def _parquet_chunks(stream: object, file: TableFile, header: Header) -> Iterator[Chunk]:
    parquet = _open_parquet(stream, file.source.name)
    wanted = {spelt: name for spelt, name in zip(file.columns, header.names, strict=True) if name}
    row = 1
    try:
        for batch in parquet.iter_batches(batch_size=_PARQUET_ROWS, columns=list(wanted)):
            rows = pl.DataFrame(pl.from_arrow(batch)).rename(wanted)
            numbers = pl.int_range(row, row + len(rows), dtype=pl.Int64, eager=True)
            yield Chunk(
                rows.with_columns(numbers.alias(LINE)), csv_blocks.no_malformed(), len(rows)
            )
            row += len(rows)
    except (pa.ArrowException, OSError):
        raise _damaged(f"{file.source.name}, after row {row - 1}") from None


def _open_parquet(stream: object, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError):
        raise _damaged(name) from None


def _damaged(place: str) -> SourceError:
    return SourceError(
        f"{place}: the Parquet file is damaged or cut short.",
        remedy="Get the file again or export it again; nothing was loaded.",
    )
