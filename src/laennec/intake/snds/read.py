"""The rows of a file of the SNDS, typed by the catalogue, in chunks of bounded memory.

Only the wanted columns are parsed. A row with a value that does not fit is refused, by the first
fault in the order of the columns: wrong type, then an empty key, then a code outside its closed
list. A file that holds another month or year than its name says is an error that names the first
such line: loaded, it would be taken for the month that is then missing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from laennec.core.errors import SourceError
from laennec.intake import csv_blocks
from laennec.intake.csv_records import LINE
from laennec.intake.csv_text import Utf8Stream
from laennec.intake.readers import parquet_batches, parquet_schema
from laennec.intake.snds.header import match
from laennec.intake.snds.model import (
    DeliveredFile,
    Fault,
    OpenedFile,
    Refused,
    SndsChunk,
    Variant,
)
from laennec.intake.snds.typing import Misfit, type_rows
from laennec.snds.catalogue import POLARS, Column, Kind, catalogue
from laennec.snds.keys import NINE_KEYS, stay_columns
from laennec.snds.nomenclatures import closed_codes

_NUMBERS = {Kind.INTEGER, Kind.DECIMAL}
_FLUX = "FLX_DIS_DTD"
_FIELDS = ("MCO", "SSR", "HAD", "RIP", "MCO_EXTERNAL")
_JOINING = {*NINE_KEYS, "DCD_IDT_ENC", *(one for field in _FIELDS for one in stay_columns(field))}
"""Keys that each row must have, where they are keys of its table. Others may be empty: SEJ_IDT of
ambulatory psychiatry outside a stay, and who a person is, of which resolution says what is missing.
"""

_YEAR_OF: Mapping[str, str] = {"T_MCOaaB": "SOR_ANN", "T_MCOaaC": "SOR_ANN"}
"""Columns that repeat the year of the file, as text."""


def open_file(
    file: DeliveredFile,
    *,
    columns: Collection[str],
    variant: Variant = Variant.STANDARD,
    encoding: str = "utf-8",
) -> OpenedFile:
    """Read the header of a file and match it with its table.

    Args:
        file: As ``files.find_delivery`` gives it.
        columns: Columns that are wanted, by the catalogue's names.
        variant: How the delivery names persons.
        encoding: Name of the Python codec of a CSV file.

    Raises:
        SourceError: the file is empty, damaged or not text in this encoding; its header is not that
            of its table and year (``header.match``); in Parquet, a column of text is stored as
            numbers, or one is of a type that no column of the SNDS has.
        ValueError: a wanted column was in no year a column of the table.
    """
    source = file.source
    with source.open() as stream:
        if source.form == "parquet":
            held = parquet_schema(stream, source.name)
            spelt = list(held)
        else:
            held = {}
            text = Utf8Stream(stream, file=source.name, encoding=encoding)
            spelt, _ = csv_blocks.read_header(text, file=source.name)
    matched = match(spelt, file, wanted=columns, variant=variant)
    known = _columns_of(file)
    kinds = {name: known[name].kind for name in columns}
    period = _period_column(file)
    used = [*columns, *({period} - {*columns} if period else ())]
    places = {name: matched.places[name] for name in used if name in matched.places}
    types = {name: held[spelt[place]] for name, place in places.items()} if held else {}
    _check_parquet(file, types, known)
    return OpenedFile(
        file=file,
        spelt={name: spelt[place] for name, place in places.items()},
        kinds=kinds,
        width=len(spelt),
        places=places,
        missing_optional=matched.missing_optional,
        unknown=matched.unknown,
        encoding=encoding,
    )


def read(opened: OpenedFile) -> Iterator[SndsChunk]:
    """Yield the rows of a file in order.

    Raises:
        SourceError: the file is damaged, a byte is not of its encoding, a quote is never closed, or
            the rows are of another month or year than the file's name says.
    """
    judge = _Judge(opened)
    for raw in _raw_rows(opened):
        yield judge.judge(raw)


@dataclass(frozen=True)
class _Raw:
    rows: pl.DataFrame
    malformed: pl.DataFrame | None
    amount: int


def _raw_rows(opened: OpenedFile) -> Iterator[_Raw]:
    source, places = opened.file.source, opened.places
    with source.open() as stream:
        if source.form == "parquet":
            names = {spelt: name for name, spelt in opened.spelt.items()}
            for rows in parquet_batches(stream, names, file=source.name):
                yield _Raw(rows, None, len(rows))
            return
        text = Utf8Stream(stream, file=source.name, encoding=opened.encoding)
        _, dialect = csv_blocks.read_header(text, file=source.name)
        fields = [f"${place}" for place in range(opened.width)]
        for name, place in places.items():
            fields[place] = name
        known = _columns_of(opened.file)
        numbers = {
            name: POLARS[known[name].kind] for name in places if known[name].kind in _NUMBERS
        }
        for records in csv_blocks.read_records(
            text, fields, dialect, file=source.name, wanted=list(places), numbers=numbers
        ):
            yield _Raw(records.rows, records.malformed, records.amount)


class _Judge:
    """Types chunk after chunk and parts the rows that are refused."""

    def __init__(self, opened: OpenedFile) -> None:
        self._file = opened.file
        self._wanted = list(opened.kinds)
        known = _columns_of(opened.file)
        self._kinds = {name: known[name].kind for name in opened.places}
        self._absent = {
            name: POLARS[kind] for name, kind in opened.kinds.items() if name not in self._kinds
        }
        self._keys = [name for name in self._kinds if known[name].key and name in _JOINING]
        self._closed = {
            name: pl.Series(sorted(codes)).cast(POLARS[self._kinds[name]])
            for name, codes in closed_codes(opened.file.family).items()
            if name in self._kinds
        }
        period = _period_column(opened.file)
        self._period = period if period in self._kinds else None

    def judge(self, raw: _Raw) -> SndsChunk:
        """Type a chunk."""
        typed, misfits = type_rows(raw.rows, self._kinds)
        typed = typed.with_columns(raw.rows[LINE])
        self._check_period(typed)
        refused = []
        if raw.malformed is not None and len(raw.malformed):
            refused.append(Refused(raw.malformed, Fault.WRONG_FIELD_COUNT.value, None))
        kept = pl.repeat(value=True, n=len(typed), dtype=pl.Boolean, eager=True)
        for one in (*misfits, *self._faults(typed)):
            here = one.rows & kept
            if here.any():
                refused.append(Refused(raw.rows.filter(here), one.fault.value, one.column))
                kept = kept & ~one.rows
        absent = [pl.lit(None, kind).alias(name) for name, kind in self._absent.items()]
        rows = typed if kept.all() else typed.filter(kept)
        rows = rows.with_columns(absent).select(*self._wanted, LINE)
        return SndsChunk(rows, tuple(refused), raw.amount)

    def _faults(self, typed: pl.DataFrame) -> Iterator[Misfit]:
        for name in self._keys:
            if typed[name].null_count():
                yield Misfit(name, Fault.MISSING_KEY, typed[name].is_null())
        for name, codes in self._closed.items():
            outside = ~typed[name].is_in(codes.implode()).fill_null(value=True)
            if outside.any():
                yield Misfit(name, Fault.OUTSIDE_NOMENCLATURE, outside)

    def _check_period(self, typed: pl.DataFrame) -> None:
        if self._period is None:
            return
        other = typed.filter(~_is_of(self._period, self._file).fill_null(value=True))
        if other.is_empty():
            return
        held = "month" if self._file.month else "year"
        raise SourceError(
            f"{self._file.name}, line {other[LINE][0]}, column {self._period}: the row is of "
            f"another {held} than the file's name says.",
            remedy=f"Name the file after the {held} that it holds, or part it; nothing was loaded.",
        )


def _is_of(column: str, file: DeliveredFile) -> pl.Expr:
    """Tell the rows of the file's month or year."""
    if column != _FLUX:
        return pl.col(column) == str(file.year)
    day = pl.col(column)
    if file.month is None:
        return day.dt.year() == file.year
    return day.is_between(file.month, _next_month(file.month), closed="left")


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _period_column(file: DeliveredFile) -> str | None:
    """Return the column that tells the file's month or year, or None if it has none."""
    known = _columns_of(file)
    column = _FLUX if _FLUX in known else _YEAR_OF.get(file.family)
    return column if file.year is not None and column in known else None


def _columns_of(file: DeliveredFile) -> Mapping[str, Column]:
    """Return every column that the table ever had, as it was in the file's year or else last."""
    table = catalogue().tables[file.family]
    return {**table.in_year(None), **table.in_year(file.year)}


def _check_parquet(
    file: DeliveredFile, types: Mapping[str, str], known: Mapping[str, Column]
) -> None:
    unfit = sorted(name for name, held in types.items() if held == "other")
    if unfit:
        raise SourceError(
            f"{file.name}: of a type that table {file.family} cannot take: {', '.join(unfit)}.",
            remedy="Write these columns as numbers, text or dates and load again.",
        )
    lost = sorted(
        name for name, held in types.items() if held != "text" and known[name].kind is Kind.TEXT
    )
    if lost:
        raise SourceError(
            f"{file.name}: stored as numbers or dates, not as text: {', '.join(lost)}.",
            remedy="Identifiers and codes lose their leading zeros so; export these columns as "
            "text and load again.",
        )
