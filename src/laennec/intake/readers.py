"""One table file as chunks of rows named by the CDM, whatever form it has.

A chunk is bounded in memory. Its rows carry ``LINE``: the line of a CSV record (the header is line
1), or the row of a Parquet file counted from 1. Parquet is not trusted to be well formed: page
checksums are compared where there are any, and every batch is validated before Polars sees it.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from laennec.core.errors import SourceError
from laennec.intake import csv_blocks
from laennec.intake.csv_records import LINE, no_malformed
from laennec.intake.csv_text import Utf8Stream
from laennec.intake.sources import SourceFile
from laennec.omop.cdm import CURRENT, Table, cdm
from laennec.omop.names import Header, match_header, normal

_PARQUET_ROWS = 1 << 18
_POLARS_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_LF = 10
_SCALARS: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal128,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_time,
)
_TEXTS: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
)


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
        rows: Number of rows where the file says it; otherwise at most that many lines, or 0 for
            tables that are cut by person, of which nobody needs to know it beforehand.
        unfit: Columns of a type that no field of the CDM can take (Parquet: binary, lists, ...).
    """

    source: SourceFile
    columns: tuple[str, ...]
    rows: int
    unfit: tuple[str, ...] = ()


def inspect(source: SourceFile, *, encoding: str = "utf-8") -> TableFile:
    """Read header and size of a file.

    Raises:
        SourceError: it is empty, damaged, or not text in this encoding.
    """
    with source.open() as stream:
        if source.form == "parquet":
            file = _open_parquet(stream, source.name)
            schema = file.schema_arrow
            unfit = tuple(one.name for one in schema if not _is_scalar(one.type))
            return TableFile(source, tuple(schema.names), file.metadata.num_rows, unfit)
        text = Utf8Stream(stream, file=source.name, encoding=encoding)
        columns, _ = csv_blocks.read_header(text, file=source.name)
        lines = 0
        if not _needs_count(source.table):
            return TableFile(source, tuple(columns), 0)
        while piece := text.read(1 << 20):
            lines += int(np.count_nonzero(np.frombuffer(piece, dtype=np.uint8) == _LF))
        return TableFile(source, tuple(columns), lines + 1)


def _needs_count(table: str) -> bool:
    """Whether the layout depends on the rows of a table: of persons, or of one without persons."""
    known = cdm(CURRENT).tables.get(table)
    return known is None or known.person_field is None or table == "person"


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
    unfit = [name for name in file.unfit if normal(name) in table.field_names]
    if unfit:
        raise SourceError(
            f"{file.source.name}: of a type that table {table.name} cannot take: "
            f"{', '.join(map(normal, unfit))}.",
            remedy="Write these columns as numbers, text or dates and load again.",
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
        text = Utf8Stream(stream, file=file.source.name, encoding=encoding)
        _, dialect = csv_blocks.read_header(text, file=file.source.name)
        names = [name or f"${n}" for n, name in enumerate(header.names)]
        kept = [name for name in header.names if name is not None]
        for records in csv_blocks.read_records(text, names, dialect, file=file.source.name):
            yield Chunk(records.rows.select(*kept, LINE), records.malformed, records.amount)


def read_ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks in order, reading the next one while the last one is judged."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk


def parquet_schema(stream: object, name: str) -> dict[str, str]:
    """Return the columns of a Parquet file with what they hold: ``text``, ``scalar``, ``other``.

    ``null`` columns, which hold nothing, count as text.

    Raises:
        SourceError: the file is damaged, or two columns have the same name.
    """
    schema = _open_parquet(stream, name).schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise SourceError(
            f"{name}: two columns have the same name.", remedy="Keep one column of each name."
        )
    return {one.name: _held(one.type) for one in schema}


def parquet_batches(
    stream: object, wanted: Mapping[str, str], *, file: str
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file in order, some at a time.

    Args:
        stream: The file.
        wanted: Columns by the file's spelling, with the name to give each.
        file: Its name, for messages.

    Raises:
        SourceError: the file is damaged; the message says after which row.
    """
    parquet = _open_parquet(stream, file)
    row = 1
    try:
        for batch in parquet.iter_batches(batch_size=_PARQUET_ROWS, columns=list(wanted)):
            rows = _frame(batch).rename(wanted)
            numbers = pl.int_range(row, row + len(rows), dtype=pl.Int64, eager=True)
            yield rows.with_columns(numbers.alias(LINE))
            row += len(rows)
    except (pa.ArrowException, OSError, ValueError, *_POLARS_FAILURES):
        raise _damaged(f"{file}, after row {row - 1}") from None


def _parquet_chunks(stream: object, file: TableFile, header: Header) -> Iterator[Chunk]:
    wanted = {spelt: name for spelt, name in zip(file.columns, header.names, strict=True) if name}
    for rows in parquet_batches(stream, wanted, file=file.source.name):
        yield Chunk(rows, no_malformed(), len(rows))


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    """Return a batch as a frame, values checked.

    What the file says besides names, types and values is left behind: Polars panics over metadata
    that is no text.
    """
    bare = pa.RecordBatch.from_arrays(batch.columns, names=batch.schema.names)
    bare.validate(full=True)
    return pl.DataFrame(pl.from_arrow(bare))


def _open_parquet(stream: object, name: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        _ = file.schema_arrow.names  # names that are no UTF-8 show here
    except (pa.ArrowException, OSError, ValueError):
        raise _damaged(name) from None
    return file


def _is_scalar(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(accepts(held) for accepts in _SCALARS)


def _held(kind: pa.DataType) -> str:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    if any(accepts(held) for accepts in _TEXTS):
        return "text"
    return "scalar" if _is_scalar(kind) else "other"


def _damaged(place: str) -> SourceError:
    return SourceError(
        f"{place}: the Parquet file is damaged or cut short.",
        remedy="Get the file again or export it again; nothing was loaded.",
    )
