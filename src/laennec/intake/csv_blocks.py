"""CSV in blocks of whole records, with the line of every record.

A block is some MiB cut after a record's end; memory is bounded by it, whatever the size of the
file. In each block the line breaks and separators outside quotes are found first, so that a record
with too many or too few fields is parted from the others by its own bytes; the rest is parsed as
text by Polars. Only a block with a ``"`` in an unusual place is read record by record.

What is a record (RFC 4180, and what real exports add to it):

- a field is quoted when its first character is ``"``; inside, ``""`` is a quote, and separators and
  line breaks are text. A ``"`` further on in a field that is not quoted is a character like others.
- a record ends with LF or CR LF. Blank lines are no records. An empty field is missing, quoted or
  not.
- *malformed*, and given back as such: another number of fields than the header, text after the
  closing quote of a field, a lone CR outside quotes.
- a quote that is never closed is an error: what follows it cannot be told apart.

Not guessed: the encoding (``csv_text``). Told from the header line: the separator, among comma,
semicolon, tab and bar; a tab-separated file whose header has no quote does not quote (Athena).
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from laennec.core.errors import SourceError
from laennec.intake.csv_marks import Marks, find_records
from laennec.intake.csv_records import (
    LINE,
    LONGEST_RECORD,
    Dialect,
    Records,
    malformed_records,
    no_malformed,
    parse_slowly,
)
from laennec.intake.csv_text import Utf8Stream, not_encoded

BLOCK_BYTES = 16 << 20
_SEPARATORS = ",;\t|"
_MARK = "\ufeff".encode()


def read_header(stream: Utf8Stream, *, file: str) -> tuple[list[str], Dialect]:
    """Read the header line and tell the dialect from it; the stream is left at the first record.

    Raises:
        SourceError: the file is empty, or its header is not text in this encoding.
    """
    line = stream.header()
    if not line.strip():
        raise SourceError(
            f"{file}, line 1: the file is empty.",
            remedy="A table without rows still needs its header line; export it again.",
        )
    try:
        text = line.decode().lstrip("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError:
        raise not_encoded(file, 1, None, stream.encoding) from None
    separator = max(_SEPARATORS, key=text.count)
    dialect = Dialect(separator, quoted=separator != "\t" or '"' in text)
    if not dialect.quoted:
        return text.split(separator), dialect
    try:
        return next(csv.reader([text], delimiter=separator, strict=True)), dialect
    except csv.Error:
        raise SourceError(
            f"{file}, line 1: the header line cannot be read: check its quotes.",
            remedy="Write each column name once, bare or in double quotes; nothing was loaded.",
        ) from None


def read_records(
    stream: Utf8Stream,
    columns: list[str],
    dialect: Dialect,
    *,
    file: str,
    block: int = BLOCK_BYTES,
    wanted: Collection[str] | None = None,
    numbers: Mapping[str, pl.DataType] | None = None,
) -> Iterator[Records]:
    """Yield the records after the header, in order.

    Args:
        stream: Left after the header line.
        columns: Name for each field; unique.
        dialect: As ``read_header`` found it.
        file: Name of the file, for messages.
        block: Bytes read at once.
        wanted: Those of ``columns`` that ``Records.rows`` shall have, in that order; all if None.
            The others are counted as fields and checked as text like any, and not parsed.
        numbers: Those of ``wanted`` that are given as ``Int64`` or ``Float64`` instead of text as
            long as every block so far could be read so. Only a hint: from the first value on that
            is no plain number, these columns are text, so that no value is lost.

    Raises:
        SourceError: a byte is not of the encoding or is NUL, or a quote is never closed; the
            message names line and, where it is known, column.
    """
    reader = _Reader(columns, dialect, file, wanted=wanted, numbers=numbers)
    rest = b""
    while True:
        piece = stream.read(block)
        body = rest + piece
        if not piece and body and not body.endswith(b"\n"):
            body += b"\n"
        if not body:
            return
        records, end = reader.read(body)
        if len(records.rows) or len(records.malformed):
            yield records
        rest = body[end:]
        if rest and (not piece or len(rest) > LONGEST_RECORD):
            raise _endless(file, reader.line, quoted=b'"' in rest)
        if not piece:
            return


def _endless(file: str, line: int, *, quoted: bool) -> SourceError:
    if quoted:
        return SourceError(
            f"{file}, line {line}: a quote is opened and not closed.",
            remedy='Check the quotes from this line on: a " in a field must be doubled.',
        )
    return SourceError(
        f"{file}, line {line}: the line does not end within {LONGEST_RECORD >> 20} MiB.",
        remedy="The file is damaged or not text; export it again; nothing was loaded.",
    )


class _Reader:
    """Reads block after block; ``line`` is the number of the next record's first line."""

    def __init__(
        self,
        columns: list[str],
        dialect: Dialect,
        file: str,
        *,
        wanted: Collection[str] | None,
        numbers: Mapping[str, pl.DataType] | None,
    ) -> None:
        self._columns, self._dialect, self._file = columns, dialect, file
        self._wanted = list(columns if wanted is None else wanted)
        self._numbers = dict(numbers or {})
        self.line = 2

    def read(self, body: bytes) -> tuple[Records, int]:
        """Return the whole records at the beginning of ``body``, and where they end."""
        plain = self._plain(body)
        if plain is not None:
            return plain
        marks = find_records(body, separator=self._dialect.separator, quoted=self._dialect.quoted)
        end = body.rfind(b"\n") + 1 if marks is None else marks.end
        self._check_text(body[:end] if end < len(body) else body)
        found = None if marks is None or body.startswith(_MARK) else self._parse(body, marks)
        if found is None:
            found, end = parse_slowly(
                body[:end], self._columns, self._dialect, first_line=self.line
            )
            found = replace(found, rows=found.rows.select(*self._wanted, LINE))
        self.line += body.count(b"\n", 0, end)
        return found, end

    def _plain(self, body: bytes) -> tuple[Records, int] | None:
        """Read a block without quotes, in which every line has its fields; None for any other.

        Polars finds a line that is too long, and with none of those the number of separators tells
        whether one is too short.
        """
        end = body.rfind(b"\n") + 1
        if not end or b'"' in body or body.startswith(_MARK):
            return None
        clean = body if end == len(body) else body[:end]
        if b"\r" in clean:
            if clean.count(b"\r") != clean.count(b"\r\n"):
                return None
            clean = clean.replace(b"\r\n", b"\n")
        text = np.frombuffer(clean, dtype=np.uint8)
        lines = int(np.count_nonzero(text == ord("\n")))
        separators = int(np.count_nonzero(text == ord(self._dialect.separator)))
        wanted = lines * (len(self._columns) - 1)
        if not wanted or separators != wanted:  # of one column, a blank line could be a record
            return None
        self._check_text(clean)
        try:
            rows = self._parse_text(clean)
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
            return None
        if len(rows) != lines:
            return None
        numbers = pl.int_range(self.line, self.line + lines, dtype=pl.Int64, eager=True)
        self.line += lines
        return Records(rows.with_columns(numbers.alias(LINE)), no_malformed(), end), end

    def _check_text(self, body: bytes) -> None:
        """Raise if there is a byte that Polars must not see."""
        bad = body.find(b"\0")
        if bad >= 0:
            line, column = self._place(body[:bad])
            raise SourceError(
                f"{self._file}, line {line}, column {column}: a byte is NUL.",
                remedy="The file is damaged or not text; export it again; nothing was loaded.",
            )
        if body.isascii():
            return
        try:
            body.decode()
        except UnicodeDecodeError as error:
            line, column = self._place(body[: error.start])
            raise not_encoded(self._file, line, column, "utf-8") from None

    def _place(self, before: bytes) -> tuple[int, str]:
        """Return line and column name of the byte after these."""
        marks = find_records(before, separator=self._dialect.separator, quoted=self._dialect.quoted)
        record = before[before.rfind(b"\n") + 1 if marks is None else marks.end :]
        text = record.decode(errors="replace")
        reader = csv.reader(
            io.StringIO(text + "x", newline="\n"),
            delimiter=self._dialect.separator,
            quoting=csv.QUOTE_MINIMAL if self._dialect.quoted else csv.QUOTE_NONE,
        )
        csv.field_size_limit(LONGEST_RECORD)
        try:
            field = len(next(reader, [""])) - 1
        except csv.Error:
            field = text.count(self._dialect.separator)
        known = field < len(self._columns) and not self._columns[field].startswith("$")
        name = self._columns[field] if known else str(field + 1)
        return self.line + before.count(b"\n"), name

    def _parse(self, body: bytes, marks: Marks) -> Records | None:
        """Parse by Polars; None when it does not find the records that were marked."""
        wanted = marks.fields == len(self._columns)
        clean, lines = body[: marks.end] if marks.end < len(body) else body, marks.lines
        if not wanted.all():
            clean, lines = _joined(body, marks, wanted), lines[wanted]
        try:
            rows = self._parse_text(clean)
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
            return None
        if len(rows) != len(lines):
            return None
        wrong = np.flatnonzero(~wanted & (marks.fields != 0))
        malformed = [
            (int(marks.lines[n]) + self.line, body[int(marks.starts[n]) : int(marks.ends[n])])
            for n in wrong
        ]
        numbers = pl.Series(LINE, lines + self.line, dtype=pl.Int64)
        return Records(rows.with_columns(numbers), malformed_records(malformed), marks.end)

    def _parse_text(self, clean: bytes) -> pl.DataFrame:
        if self._numbers:
            try:
                return self._scan(clean, self._numbers)
            except pl.exceptions.PolarsError:
                self._numbers = {}
        return self._scan(clean, {})

    def _scan(self, clean: bytes, numbers: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """Parse the wanted columns; Polars skips the others without making text of them."""
        schema: dict[str, pl.DataType] = {**dict.fromkeys(self._columns, pl.String()), **numbers}
        if not clean:
            return pl.DataFrame(schema={name: schema[name] for name in self._wanted})
        quoted = self._dialect.quoted and b'"' in clean
        rows = (
            pl.scan_csv(
                clean,
                has_header=False,
                separator=self._dialect.separator,
                quote_char='"' if quoted else None,
                schema=schema,
                infer_schema=False,
            )
            .select(self._wanted)
            .collect()
        )
        text = pl.col(pl.String)
        return rows.with_columns(pl.when(text != "").then(text)) if quoted else rows


def _joined(body: bytes, marks: Marks, wanted: npt.NDArray[np.bool_]) -> bytes:
    """Return the wanted records only, one after the other."""
    spans = zip(marks.starts[wanted].tolist(), marks.ends[wanted].tolist(), strict=True)
    return b"".join(body[start:end] for start, end in spans)
