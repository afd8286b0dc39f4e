"""CSV in blocks of whole records, with the line of every record.

A block is some MiB cut after a record's end. It is parsed as text by Polars, after two checks that
Polars does not make: every byte is UTF-8, and every record has as many fields as the header. A
block that fails the second is read again record by record, and only its wrong records are given
back as such. Memory is bounded by a block, whatever the size of the file.

Not guessed: the encoding (UTF-8 unless the caller names another) and the separator (taken from the
header line among comma, semicolon, tab and bar).
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from laennec.core.errors import SourceError

BLOCK_BYTES = 16 << 20
_LONGEST_RECORD = 256 << 20
_SEPARATORS = ",;\t|"
_QUOTED = re.compile(rb'"[^"]*"')
LINE = "$line"
"""Column of the line number, counted from 1 with the header."""


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        separator: Between fields, one character.
        quoted: Whether ``"`` quotes fields (doubled inside); Athena's files do not quote.
        encoding: Name of a Python codec.
    """

    separator: str
    quoted: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Records:
    """Some records of a file.

    Attributes:
        rows: One text column for each of the header, and ``LINE`` (Int64).
        malformed: Lines whose record has the wrong number of fields: ``LINE`` and ``record``.
        amount: Bytes of text they were read from.
    """

    rows: pl.DataFrame
    malformed: pl.DataFrame
    amount: int


def read_header(stream: BinaryIO, *, file: str, encoding: str) -> tuple[list[str], Dialect]:
    """Read the header line and tell the dialect from it; the stream is left at the first record.

    Raises:
        SourceError: the file is empty, or its header is not text in this encoding.
    """
    line = stream.readline(1 << 20)
    if not line.strip():
        raise SourceError(
            f"{file}, line 1: the file is empty.",
            remedy="A table without rows still needs its header line; export it again.",
        )
    try:
        text = line.decode(encoding).lstrip("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _not_encoded(file, 1, error.start + 1, encoding) from None
    separator = max(_SEPARATORS, key=text.count)
    columns = next(csv.reader([text], delimiter=separator))
    return columns, Dialect(separator, quoted=separator != "\t", encoding=encoding)


def read_records(
    stream: BinaryIO, columns: list[str], dialect: Dialect, *, file: str, block: int = BLOCK_BYTES
) -> Iterator[Records]:
    """Yield the records after the header, in order.

    Args:
        stream: Left after the header line.
        columns: Name for each field; unique.
        dialect: As ``read_header`` found it.
        file: Name of the file, for messages.
        block: Bytes read at once.

    Raises:
        SourceError: a byte is not of the encoding, or a quote is never closed; the message names
            line and, where it is known, column.
    """
    line = 2
    for body in _blocks(stream, dialect, block, file=file):
        utf8 = _as_utf8(body, dialect, columns, file=file, line=line)
        yield _parse(utf8, columns, dialect, line)
        line += utf8.count(b"\n")


def _blocks(stream: BinaryIO, dialect: Dialect, size: int, *, file: str) -> Iterator[bytes]:
    kept = b""
    while True:
        read = stream.read(size)
        body = kept + read
        if not read:
            if body.strip():
                yield body if body.endswith(b"\n") else body + b"\n"
            return
        end = _record_end(body, quoted=dialect.quoted)
        if end == 0 and len(body) > _LONGEST_RECORD:
            raise SourceError(
                f"{file}: a quote is opened and not closed within {_LONGEST_RECORD >> 20} MiB.",
                remedy='Check the quotes: a " inside a field must be doubled.',
            )
        kept = body[end:]
        if end:
            yield body[:end]


def _record_end(body: bytes, *, quoted: bool) -> int:
    """Return where the last whole record ends; a line break inside quotes ends none."""
    end = body.rfind(b"\n") + 1
    if not quoted:
        return end
    odd = body.count(b'"', 0, end) % 2
    while end and odd:
        before = body.rfind(b"\n", 0, end - 1) + 1
        odd = (odd + body.count(b'"', before, end)) % 2
        end = before
    return end


def _as_utf8(body: bytes, dialect: Dialect, columns: list[str], *, file: str, line: int) -> bytes:
    if body.isascii():
        return body
    try:
        text = body.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        start = body.rfind(b"\n", 0, error.start) + 1
        bad_line = line + body.count(b"\n", 0, error.start)
        field = body.count(dialect.separator.encode(), start, error.start)
        name = columns[min(field, len(columns) - 1)]
        raise _not_encoded(file, bad_line, name, dialect.encoding) from None
    return body if dialect.encoding == "utf-8" else text.encode()


def _not_encoded(file: str, line: int, column: str | int, encoding: str) -> SourceError:
    return SourceError(
        f"{file}, line {line}, column {column}: a byte is not {encoding}.",
        remedy="If the file is Latin-1, load it with --encoding latin-1; nothing was loaded.",
    )


def _parse(body: bytes, columns: list[str], dialect: Dialect, first_line: int) -> Records:
    separator = dialect.separator.encode()
    bare = _QUOTED.sub(b"", body) if dialect.quoted and b'"' in body else body
    lines = bare.count(b"\n")
    regular = (
        bare.count(separator) == lines * (len(columns) - 1)
        and b"\n\n" not in bare
        and not bare.startswith(b"\n")
        and b"\r\n\r" not in bare
        and not bare.startswith(b"\r")
    )
    if not regular:
        return _parse_slowly(body, columns, dialect, first_line)
    try:
        rows = _parse_fast(body, columns, dialect)
    except pl.exceptions.ComputeError:
        return _parse_slowly(body, columns, dialect, first_line)
    if len(rows) != lines:
        return _parse_slowly(body, columns, dialect, first_line)
    numbers = pl.int_range(first_line, first_line + lines, dtype=pl.Int64, eager=True)
    if bare is not body:
        numbers += _breaks_before(rows)
    return Records(rows.with_columns(numbers.alias(LINE)), no_malformed(), len(body))


def _parse_fast(body: bytes, columns: list[str], dialect: Dialect) -> pl.DataFrame:
    return pl.scan_csv(
        body,
        has_header=False,
        separator=dialect.separator,
        quote_char='"' if dialect.quoted else None,
        schema=dict.fromkeys(columns, pl.String),
        infer_schema=False,
    ).collect()


def _breaks_before(rows: pl.DataFrame) -> pl.Series:
    """Return, for each record, the line breaks inside quotes in the records before it."""
    inside = rows.select(
        pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0))
    ).to_series()
    return inside.cast(pl.Int64).cum_sum().shift(1, fill_value=0)


def _parse_slowly(body: bytes, columns: list[str], dialect: Dialect, first_line: int) -> Records:
    """Read record by record, parting those with the wrong number of fields from the others."""
    reader = csv.reader(
        io.StringIO(body.decode(), newline=""),
        delimiter=dialect.separator,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
    )
    good: list[list[str | None]] = []
    good_lines: list[int] = []
    bad: list[tuple[int, str]] = []
    line = first_line
    csv.field_size_limit(_LONGEST_RECORD)
    for record in reader:
        if len(record) == len(columns):
            good.append([field or None for field in record])
            good_lines.append(line)
        elif record:
            bad.append((line, dialect.separator.join(record)))
        line = first_line + reader.line_num
    rows = pl.DataFrame(good, schema=dict.fromkeys(columns, pl.String), orient="row")
    numbers = pl.Series(LINE, good_lines, dtype=pl.Int64)
    malformed = pl.DataFrame(bad, schema=no_malformed().schema, orient="row")
    return Records(rows.with_columns(numbers), malformed, len(body))


def no_malformed() -> pl.DataFrame:
    """Return the frame that says no record is malformed."""
    return pl.DataFrame(schema={LINE: pl.Int64, "record": pl.String})
