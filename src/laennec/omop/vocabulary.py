"""The files a vocabulary comes in, and which vocabulary it is.

Ten tables, in several dialects: an Athena bundle (upper-case ``.csv`` names, tab separated, *no*
quoting, so that a lone ``"`` is part of a name, dates as ``20991231``), and comma separated files
with quotes and ISO dates, compressed or not (omock, ``*_seed.csv.gz`` of dbt-synthea, the tables
inside a CDM export). The dialect is told from the name and the first lines; reading is ``intake``.

A bundle also has files that are no table: ``CONCEPT_CPT4.csv`` (CPT4 without names, to be completed
by its owner's tool), a readme, a Mac's ``._`` shadows. They are skipped by name.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from laennec.core.errors import SourceError, VocabularyError
from laennec.omop.cdm import CURRENT, FieldType, Table, cdm
from laennec.omop.names import match_header, normal

TABLES: tuple[str, ...] = tuple(
    table.name for table in cdm(CURRENT).tables.values() if table.is_vocabulary
)
SEPARATORS = ("\t", ",", ";", "|")
ATHENA_DATE, ISO_DATE = "%Y%m%d", "%Y-%m-%d"

_ENDINGS = re.compile(r"(_seed)?\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)
_DATES = {
    re.compile(r"\d{8}"): ATHENA_DATE,
    re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?"): ISO_DATE,
}


@dataclass(frozen=True)
class Dialect:
    """How to read one file.

    Attributes:
        table: The vocabulary table it holds.
        separator: One character.
        quote: The quoting character, or None where a quote is a character like any other.
        date_format: As ``strptime`` spells it. ISO dates may be followed by a time of day.
        compression: ``"gzip"`` or None, by the name of the file.
    """

    table: str
    separator: str
    quote: str | None
    date_format: str
    compression: str | None


def vocabulary_table(file: str) -> str | None:
    """Return the vocabulary table that a file's name stands for, or None if it is none.

    Args:
        file: A name or a path inside a zip, with ``/``; case does not matter.
    """
    path = PurePosixPath(file)
    name = normal(_ENDINGS.sub("", path.name))
    is_text = _ENDINGS.search(path.name) is not None
    return name if is_text and "__MACOSX" not in path.parts and name in TABLES else None


def detect_dialect(file: str, lines: Sequence[str]) -> Dialect:
    """Tell how to read a file from its name and its first lines.

    Where no date is in the lines, a tab-separated file is taken for Athena's.

    Args:
        file: A name or a path inside a zip, with ``/``.
        lines: The header line and, if there are any, a few lines of data; line ends may be left on.

    Raises:
        SourceError: the name is no vocabulary table, the file is empty, or its first line is not
            the header of the table: no separator makes it so, or a required column is missing.
    """
    name = vocabulary_table(file)
    if name is None:
        raise SourceError(
            f"{file} is not named after a vocabulary table.",
            remedy=f"Expected a CSV file named after one of: {', '.join(TABLES)}.",
        )
    if not lines or not normal(lines[0].strip()):
        raise SourceError(f"{file} is empty.", remedy="Download or export the vocabulary again.")
    table = cdm(CURRENT).tables[name]
    separator = max(SEPARATORS, key=lambda one: _known_columns(lines[0], one, table))
    quote = None if separator == "\t" and '"' not in lines[0] else '"'
    header, *rows = [_split(line, separator, quote) for line in lines]
    found = match_header(header, table, file=file)
    if found.missing_required:
        raise SourceError(
            f"{file}, line 1: table {name} lacks {', '.join(found.missing_required)}.",
            remedy="Download or export the vocabulary again, with all columns.",
        )
    return Dialect(
        table=name,
        separator=separator,
        quote=quote,
        date_format=_date_format(rows, found.names, table)
        or (ATHENA_DATE if separator == "\t" else ISO_DATE),
        compression="gzip" if file.lower().endswith(".gz") else None,
    )


def vocabulary_version(vocabulary: pl.DataFrame) -> str:
    """Return the version of the whole vocabulary, such as ``v5.0 29-FEB-24``.

    OHDSI keeps it in table ``vocabulary``, in the row whose ``vocabulary_id`` is ``None`` (text).

    Raises:
        VocabularyError: there is no such row, more than one, or its version is empty.
    """
    found = vocabulary.filter(pl.col("vocabulary_id") == "None")["vocabulary_version"].to_list()
    if len(found) != 1 or not found[0]:
        raise VocabularyError(
            "Table vocabulary does not say the version of the vocabulary: its row 'None' is "
            "missing, doubled or without version.",
            remedy="Download the vocabulary again; a result must name the version it used.",
        )
    return str(found[0])


def _known_columns(header: str, separator: str, table: Table) -> int:
    return len({normal(one) for one in header.split(separator)} & set(table.field_names))


def _split(line: str, separator: str, quote: str | None) -> list[str]:
    """Split one line as the reader will; what cannot be split is no line of a table."""
    text = line.rstrip("\r\n")
    if quote is None:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, quotechar=quote), [])
    except csv.Error:
        return []


def _date_format(
    rows: Sequence[Sequence[str]], names: Sequence[str | None], table: Table
) -> str | None:
    """Return the format of the first date in the rows, or None if there is no date."""
    dates = {field.name for field in table.fields if field.type is FieldType.DATE}
    for row in rows:
        for value, name in zip(row, names, strict=False):
            if name in dates:
                for pattern, date_format in _DATES.items():
                    if pattern.fullmatch(value):
                        return date_format
    return None
