"""What becomes of the columns of the SNDS in OMOP, as data: ``data/omop_mapping_*.csv``.

The converters do the work; these tables say what they do, for people. A test holds them to each
other: every field that a line can have is told of, and what is told of is in the CDM and in the
catalogue of the SNDS. Pure, but for packaged files.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

_DATA = files("laennec.snds") / "data"
_PATTERN = ("omop_mapping_", ".csv")


@dataclass(frozen=True)
class Mapped:
    """One line of a mapping table.

    Attributes:
        target_table: Table of the CDM; empty for a table of the SNDS that none is made of.
        target_field: Its field.
        source_tables: Families of the SNDS; empty where the field comes from no file.
        source_fields: Their columns that decide; may be empty.
        rule: How the field is made of them.
        lost: What the field does not tell; may be empty.
        source: Who says so.
    """

    target_table: str
    target_field: str
    source_tables: tuple[str, ...]
    source_fields: tuple[str, ...]
    rule: str
    lost: str
    source: str


@cache
def mapping() -> tuple[Mapped, ...]:
    """Return all lines, files in the order of their names."""
    names = sorted(
        one.name
        for one in _DATA.iterdir()
        if one.name.startswith(_PATTERN[0]) and one.name.endswith(_PATTERN[1])
    )
    return tuple(_line(row) for name in names for row in _rows(name))


def mapped_fields() -> tuple[Mapped, ...]:
    """Return the lines that fill a field."""
    return tuple(one for one in mapping() if one.target_table)


def without_target() -> tuple[Mapped, ...]:
    """Return the lines of tables of the SNDS that fill no field."""
    return tuple(one for one in mapping() if not one.target_table)


def _rows(name: str) -> list[dict[str, str]]:
    table = pl.read_csv((_DATA / name).read_bytes(), infer_schema=False).fill_null("")
    return table.to_dicts()


def _line(row: dict[str, str]) -> Mapped:
    return Mapped(
        target_table=row["target_table"],
        target_field=row["target_field"],
        source_tables=tuple(row["source_table"].split()),
        source_fields=tuple(row["source_field"].split()),
        rule=row["rule"],
        lost=row["lost"],
        source=row["source"],
    )
