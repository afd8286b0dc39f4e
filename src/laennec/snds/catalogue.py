"""Every public table of the SNDS as data: which column exists in which years, and what it holds.

``data/catalogue*.csv`` is a merge of three public descriptions. ``tools/snds_catalogue.py`` makes
it and says how it chooses where they disagree; ``data/catalogue.toml`` lists what was corrected and
why. It tells of the form of tables only: no row, no value of a nomenclature.

A *family* is a table without its year: ``T_MCOaaB`` stands for T_MCO05B, T_MCO06B and so on, and
``ER_PRS_F`` for itself and its archives ER_PRS_F_2006 to ER_PRS_F_2012.
"""

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl


class Kind(StrEnum):
    """What a column holds. Identifiers, codes, months and years of birth are text as written."""

    TEXT = "TEXT"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    DATE = "DATE"


POLARS: Mapping[Kind, pl.DataType] = MappingProxyType(
    {
        Kind.TEXT: pl.String(),
        Kind.INTEGER: pl.Int64(),
        Kind.DECIMAL: pl.Float64(),
        Kind.DATE: pl.Date(),
    }
)
"""The type of a column of a kind in a frame."""


@dataclass(frozen=True)
class Column:
    """One column of a family, in some years.

    Attributes:
        name: In capitals.
        kind: What it holds.
        length: Longest value in characters; of a number, its positions with the sign; of a date, 8
            where the table has it as eight digits. None where the sources give none.
        decimals: Digits after the point; None where the sources give none.
        key: Whether it is one of the columns that name what a row is about.
        nomenclature: Table of the values it may have, or None.
        first_year: First year in which it is there; None: no year is known to lack it.
        last_year: Last year in which it is there; None: it is there still.
        quasi_identifier: Whether the CNAM lists it as a potential identifier of a person.
        label: In French, as its source words it; may be empty.
        required: Whether the table cannot be used without it: a key, or a person's identifier.
        says: What each source says, where they disagree; else empty.
        corrections: Ids of the corrections of ``catalogue.toml`` that made it what it is.
    """

    name: str
    kind: Kind
    length: int | None
    decimals: int | None
    key: bool
    nomenclature: str | None
    first_year: int | None
    last_year: int | None
    quasi_identifier: bool
    label: str
    required: bool = False
    says: str = ""
    corrections: tuple[str, ...] = ()

    def exists_in(self, year: int) -> bool:
        """Return whether the column is there in a year."""
        return (self.first_year or year) <= year <= (self.last_year or year)


@dataclass(frozen=True)
class Reference:
    """Columns that name a row of another family, in the same order as its columns."""

    columns: tuple[str, ...]
    of_family: str
    of_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One family.

    Attributes:
        family: Its name, as schema-snds spells it.
        product: ``DCIR``, ``BENEFICIAIRE``, ``PMSI MCO`` and so on.
        label: In French; empty where no source gives one.
        columns: By name, then by year; a name comes again where its years have a gap or its length
            changes, never twice in one year.
        references: To other families.
        one_row_for_a_key: Whether no two rows have the same key.
    """

    family: str
    product: str
    label: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = ()
    one_row_for_a_key: bool = False

    def in_year(self, year: int | None) -> Mapping[str, Column]:
        """Return the columns of a year by name; empty if the table was not there.

        Args:
            year: Four digits, of the care for the PMSI and of the flux for the DCIR; None for every
                column that ever was, as it was last.
        """
        there = (one for one in self.columns if year is None or one.exists_in(year))
        return MappingProxyType({one.name: one for one in there})

    @property
    def years(self) -> tuple[int | None, int | None]:
        """First and last year in which any column is there; None as in ``Column``."""
        firsts = [one.first_year for one in self.columns]
        lasts = [one.last_year for one in self.columns]
        first = None if None in firsts else min(year for year in firsts if year)
        return first, None if None in lasts else max(year for year in lasts if year)


@dataclass(frozen=True)
class Correction:
    """A departure from what the sources say, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """The whole.

    Attributes:
        version: Of the data.
        tables: By family, in order of name.
        corrections: In the order in which they were applied.
        variants: For each variant of the delivery, the columns it writes under another name: own
            name to the names it may stand for.
    """

    version: str
    tables: Mapping[str, Table]
    corrections: tuple[Correction, ...]
    variants: Mapping[str, Mapping[str, tuple[str, ...]]]


@cache
def catalogue() -> Catalogue:
    """Return the catalogue; the same object each time."""
    rules = tomllib.loads(_text("catalogue.toml"))
    columns: dict[str, list[Column]] = {}
    for row in _rows("catalogue.csv"):
        columns.setdefault(row["family"], []).append(_column(row))
    references: dict[str, list[Reference]] = {}
    for row in _rows("catalogue_references.csv"):
        to = Reference(
            tuple(row["columns"].split()), row["of_family"], tuple(row["of_columns"].split())
        )
        references.setdefault(row["family"], []).append(to)
    tables = {
        row["family"]: Table(
            row["family"],
            row["product"],
            row["label"],
            tuple(columns[row["family"]]),
            tuple(references.get(row["family"], ())),
            row["family"] in rules["one_row_for_a_key"],
        )
        for row in _rows("catalogue_tables.csv")
    }
    variants = {
        name: MappingProxyType({own: tuple(of) for own, of in told.items() if own != "reason"})
        for name, told in rules["variants"].items()
    }
    corrections = (Correction(one["id"], one["reason"]) for one in rules["correction"])
    return Catalogue(
        rules["version"],
        MappingProxyType(tables),
        tuple(corrections),
        MappingProxyType(variants),
    )


_PMSI = re.compile(r"T_(MCO|SSR|HAD|RIP|SUP)(\d\d)(\w+)")
_CARTOGRAPHY = re.compile(r"(CT_[A-Z]{3})_(\d{4})_(GN)")
_YEARLY = re.compile(r"(\w+?)_((?:19|20)\d\d)")


def family_of(name: str) -> tuple[str, int | None] | None:
    """Return family and year of a table's name, or None if the catalogue has no such table.

    Args:
        name: In any case: ``T_MCO19B``, ``ER_PRS_F_2012``, ``KI_CCI_R``, ``T_MCOaaB``.

    Returns:
        The year is None where the name has none. ``T_MCO13_02B`` and its like, the provisional
        transmissions of part of a year, are no tables of the catalogue.
    """
    name = name.upper()
    year = None
    if pmsi := _PMSI.fullmatch(name):
        name, year = f"T_{pmsi[1]}AA{pmsi[3]}", 2000 + int(pmsi[2])
    elif cartography := _CARTOGRAPHY.fullmatch(name):
        name, year = f"{cartography[1]}_AAAA_{cartography[3]}", int(cartography[2])
    elif yearly := _YEARLY.fullmatch(name):
        name, year = yearly[1], int(yearly[2])
    family = _spellings().get(name)
    return (family, year) if family else None


def required(family: str, year: int | None) -> frozenset[str]:
    """Return the columns without which a table of that year cannot be used.

    Raises:
        KeyError: there is no such family.
    """
    there = catalogue().tables[family].in_year(year).values()
    return frozenset(column.name for column in there if column.required)


@cache
def _spellings() -> Mapping[str, str]:
    return {family.upper(): family for family in catalogue().tables}


def _column(row: Mapping[str, str]) -> Column:
    def number(name: str) -> int | None:
        return int(row[name]) if row[name] else None

    return Column(
        name=row["column"],
        kind=Kind(row["kind"]),
        length=number("length"),
        decimals=number("decimals"),
        key=row["role"] == "key",
        nomenclature=row["nomenclature"] or None,
        first_year=number("first_year"),
        last_year=number("last_year"),
        quasi_identifier=row["quasi_identifier"] == "yes",
        label=row["label"],
        required=bool(row["role"]),
        says=row["says"],
        corrections=tuple(row["correction"].split()),
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(_text(name).splitlines())


def _text(name: str) -> str:
    return (files("laennec.snds") / "data" / name).read_text(encoding="utf-8")
