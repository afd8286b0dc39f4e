"""Table and column names as files spell them, brought to the names of the CDM.

Athena and many exports write upper case, R adds quotes, Windows a byte order mark. Nothing else is
guessed: a name that is not the CDM's after that is *unknown* and reported.

A file without a header line would offer a person's values as names. So nothing is quoted from a
header of which no column is known, and of the rest only what looks like a name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from laennec.core.errors import SourceError
from laennec.omop.cdm import Cdm, Table

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_NOT_NAMES = "\ufeff \t\"'`"


@dataclass(frozen=True)
class Header:
    """How the columns of a file correspond to a table.

    Attributes:
        names: Per column of the file, in its order: the field of the CDM, or None if unknown.
        unknown: Columns that are not of the CDM: their spelling, or ``column 7`` where the
            spelling is no name.
        missing: Fields of the CDM that the file lacks, in the order of the CDM.
        missing_required: Those of ``missing`` that may not be null.
    """

    names: tuple[str | None, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    missing_required: tuple[str, ...]


def normal(name: str) -> str:
    """Return ``name`` in lower case, without quotes, blanks and byte order mark around it."""
    return name.strip(_NOT_NAMES).lower()


def match_table(name: str, cdm: Cdm) -> Table | None:
    """Return the table of that name, or None if this version of the CDM has none."""
    return cdm.tables.get(normal(name))


def match_header(columns: Sequence[str], table: Table, *, file: str) -> Header:
    """Match the columns of a file, in their order, with the fields of a table.

    Args:
        columns: As the file spells them.
        table: Of the version of the data set.
        file: Name of the file, for messages.

    Raises:
        SourceError: no column is of this table (no header line, or another separator), or two
            columns are the same field.
    """
    known = set(table.field_names)
    names = tuple(normal(one) if normal(one) in known else None for one in columns)
    found = [name for name in names if name is not None]
    if not found:
        raise SourceError(
            f"{file}, line 1: none of the columns is of table {table.name}.",
            remedy="Check that the file begins with a header line and which separator it uses.",
        )
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise SourceError(
            f"{file}, line 1: given more than once: {', '.join(twice)}.",
            remedy="Keep one column for each field.",
        )
    missing = tuple(name for name in table.field_names if name not in found)
    return Header(
        names=names,
        unknown=tuple(
            normal(spelt) if _NAME.fullmatch(normal(spelt)) else f"column {position}"
            for position, (spelt, name) in enumerate(zip(columns, names, strict=True), start=1)
            if name is None
        ),
        missing=missing,
        missing_required=tuple(name for name in missing if table.field(name).required),
    )
