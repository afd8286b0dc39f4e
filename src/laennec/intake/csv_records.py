"""What reading CSV gives, and the slow way to it, record by record with the csv module.

The slow way is for blocks with a ``"`` in an unusual place; ``csv_blocks`` says what a record is.
"""

import csv
import io
from dataclasses import dataclass

import polars as pl

LONGEST_RECORD = 64 << 20
"""Bytes after which an open quote is taken for a mistake."""

LINE = "$line"
"""Column of the line number, counted from 1 with the header."""


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        separator: Between fields, one character.
        quoted: Whether ``"`` quotes fields.
    """

    separator: str
    quoted: bool = True


@dataclass(frozen=True)
class Records:
    """Some records of a file.

    Attributes:
        rows: One text column for each of the header, and ``LINE`` (Int64).
        malformed: Records that are none: ``LINE`` and ``record``, the lines as they are.
        amount: Bytes of UTF-8 text they were read from.
    """

    rows: pl.DataFrame
    malformed: pl.DataFrame
    amount: int


def no_malformed() -> pl.DataFrame:
    """Return the frame that says no record is malformed."""
    return pl.DataFrame(schema={LINE: pl.Int64, "record": pl.String})


def malformed_records(records: list[tuple[int, bytes]]) -> pl.DataFrame:
    """Return malformed records, given as line number and bytes, as a frame."""
    texts = [(line, record.decode().rstrip("\r\n")) for line, record in records]
    return pl.DataFrame(texts, schema=no_malformed().schema, orient="row")


def parse_slowly(
    body: bytes, columns: list[str], dialect: Dialect, *, first_line: int
) -> tuple[Records, int]:
    """Read record by record with the csv module, up to one whose quote is not closed.

    Args:
        body: Whole lines of UTF-8.
        columns: Name for each field.
        dialect: How the file is written.
        first_line: Number of the first line.

    Returns:
        The records, and the offset after the last of them.
    """
    lines = io.BytesIO(body).readlines()
    feed = _Feed(lines)
    reader = csv.reader(
        feed,
        delimiter=dialect.separator,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    csv.field_size_limit(LONGEST_RECORD)
    good: list[list[str | None]] = []
    numbers: list[int] = []
    wrong: list[tuple[int, bytes]] = []
    first = 0
    while not feed.ended:
        first = feed.taken
        try:
            record = next(reader, None)
        except csv.Error:
            record = None
        if feed.ended:
            break
        if record is not None and len(record) == len(columns):
            good.append([field or None for field in record])
            numbers.append(first_line + first)
        elif record != []:
            wrong.append((first_line + first, b"".join(lines[first : feed.taken])))
    rows = pl.DataFrame(good, schema=dict.fromkeys(columns, pl.String()), orient="row")
    end = sum(map(len, lines[:first]))
    with_lines = rows.with_columns(pl.Series(LINE, numbers, dtype=pl.Int64))
    return Records(with_lines, malformed_records(wrong), end), end


class _Feed:
    """Gives lines to the csv module and knows how many it took, and that it wanted more."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self.taken, self.ended = 0, False

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.taken == len(self._lines):
            self.ended = True
            raise StopIteration
        self.taken += 1
        return self._lines[self.taken - 1].decode()
