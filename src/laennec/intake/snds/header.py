"""Whether the columns of a file are those of its table in its year.

Missing columns that a table can do without are null and reported; columns that the catalogue does
not have in that year are not read and reported. It is an error when the file cannot be the table
and year that its name says, or when its keys are missing.

A file without a header line would offer a person's values as names: of what is no known column,
only what looks like a name is quoted, and nothing at all when no column is known.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from laennec.core.errors import SourceError
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.snds.catalogue import Table, catalogue, required

_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,31}")
_NOT_NAMES = "\ufeff \t\"'`"
_YEARS = range(2005, 2041)
_MOST_COLUMNS = 10_000
"""Far more than any table of the SNDS has: names beyond the catalogue's go into the load's report,
which a file made for the purpose would fill."""


@dataclass(frozen=True)
class Matched:
    """The columns of a file that are of its table.

    Attributes:
        places: The catalogue's name of each, with its place in the file from 0.
        missing_optional: Wanted columns of the year that the file lacks.
        unknown: Names, or ``column 7``, of those that are not of the table in that year.
    """

    places: Mapping[str, int]
    missing_optional: tuple[str, ...]
    unknown: tuple[str, ...]


def match(
    columns: Sequence[str], file: DeliveredFile, *, wanted: Collection[str], variant: Variant
) -> Matched:
    """Match the columns of a file with those of its table and year.

    Args:
        columns: As the file spells them.
        file: Gives table and year; without a year, any column that ever was is of the table.
        wanted: Columns that the caller needs, of any year of the table.
        variant: How the delivery names persons.

    Raises:
        SourceError: the header is none (fixed width, no known column, or far too many), a column is
            there twice, the columns are those of another year, or one that the table needs is
            missing.
        ValueError: a wanted column was in no year a column of the table.
    """
    table = catalogue().tables[file.family]
    stranger = sorted(set(wanted) - {one.name for one in table.columns})
    if stranger:
        raise ValueError(f"no columns of {file.family} in any year: {', '.join(stranger)}")
    there = table.in_year(file.year)
    if not there:
        raise SourceError(
            f"{file.name}: there was no table {file.family} in {file.year}.",
            remedy="Check the year in the file's name; nothing was loaded.",
        )
    names = [one.strip(_NOT_NAMES).upper() for one in columns]
    if variant is Variant.NUM_ENQ:
        names = _own_names(names, table)
    known = [name for name in names if name in there]
    _check_form(names, known, file)
    _check_year(names, table, file)
    _check_required(names, file, variant)
    return Matched(
        places={name: place for place, name in enumerate(names) if name in there},
        missing_optional=tuple(name for name in wanted if name in there and name not in known),
        unknown=tuple(
            name if _NAME.fullmatch(name) else f"column {place}"
            for place, name in enumerate(names, start=1)
            if name not in there
        ),
    )


def _own_names(names: list[str], table: Table) -> list[str]:
    """Return the names with those of the variant brought to what they stand for."""
    of_table = {one.name for one in table.columns}
    stands_for = {
        own: next(name for name in targets if name in of_table)
        for own, targets in catalogue().variants["NUM_ENQ"].items()
        if not of_table.isdisjoint(targets)
    }
    return [stands_for.get(name, name) for name in names]


def _check_form(names: list[str], known: list[str], file: DeliveredFile) -> None:
    if len(names) > _MOST_COLUMNS:
        raise SourceError(
            f"{file.name}, line 1: there are {len(names)} columns; no table of the SNDS has so "
            "many.",
            remedy="Export the table again, one line for each row; nothing was loaded.",
        )
    if not known and len(names) == 1:
        raise SourceError(
            f"{file.name}, line 1: there is no header with separators: this is a fixed-width file.",
            remedy="Convert the PMSI's fixed-width format to CSV with a header line and semicolons "
            "and load again; nothing was loaded.",
        )
    if not known:
        raise SourceError(
            f"{file.name}, line 1: none of the columns is of table {file.family}.",
            remedy="Check that the file begins with a header line and which separator it uses.",
        )
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise SourceError(
            f"{file.name}, line 1: given more than once: {', '.join(twice)}.",
            remedy="Keep one column of each name.",
        )


def _check_year(names: list[str], table: Table, file: DeliveredFile) -> None:
    """Raise if there are columns of other years only, and another year fits the header better.

    One column of another year is no proof: extracts carry some back. What tells is how many columns
    are there and should not be, or should be there and are not.
    """
    if file.year is None:
        return
    ever = {one.name for one in table.columns}
    header = ever.intersection(names)
    foreign = header - table.in_year(file.year).keys()
    differences = {
        year: len(header ^ columns.keys()) for year in _YEARS if (columns := table.in_year(year))
    }
    best = min(differences, key=lambda year: (differences[year], abs(year - (file.year or 0))))
    if foreign and differences[best] < differences.get(file.year, len(ever)):
        raise SourceError(
            f"{file.name}, line 1: the columns are not those of {file.year} but of {best}: "
            f"{', '.join(sorted(foreign))}.",
            remedy="Name the file after the year that it holds, or get the file of that year; "
            "nothing was loaded.",
        )


def _check_required(names: list[str], file: DeliveredFile, variant: Variant) -> None:
    missing = sorted(required(file.family, file.year) - set(names))
    if not missing:
        return
    if variant is Variant.STANDARD and "NUM_ENQ" in names:
        remedy = "The file names persons by NUM_ENQ: load the delivery as the variant num-enq."
    else:
        remedy = f"Table {file.family} cannot be used without; export it again with them."
    raise SourceError(f"{file.name}, line 1: missing: {', '.join(missing)}.", remedy=remedy)
