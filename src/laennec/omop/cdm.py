"""The OMOP CDM as data: every standard table and field of 5.3 and 5.4, in the order of the source.

The facts lie in ``data/cdm_5_3.csv`` and ``data/cdm_5_4.csv``; ``tools/cdm_tables.py`` makes them
from OHDSI/CommonDataModel f853f6e (Apache-2.0) and says what it changes. Laennec keeps 5.4 and
reads both (``omop.versions``). Names are lower case and bare; ``note_nlp.offset`` is a reserved
word in SQL, so whoever writes SQL quotes every name.

Two things differ from the published types, because real CDMs need it: every integer is 64 bit
(identifiers may be negative and large), and ``varchar(n)`` is text whose ``max_chars`` is kept for
whoever checks it.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

from laennec.core.errors import SettingsError

VERSIONS = ("5.3", "5.4")
CURRENT = "5.4"
"""The version in which a warehouse keeps its rows."""


class FieldType(StrEnum):
    """What a field holds. Dates have no time of day; date-times have no time zone."""

    INTEGER = "integer"
    FLOAT = "float"
    DATE = "date"
    DATETIME = "datetime"
    TEXT = "text"


_POLARS: Mapping[FieldType, pl.DataType] = MappingProxyType(
    {
        FieldType.INTEGER: pl.Int64(),
        FieldType.FLOAT: pl.Float64(),
        FieldType.DATE: pl.Date(),
        FieldType.DATETIME: pl.Datetime("us"),
        FieldType.TEXT: pl.String(),
    }
)
_VARCHAR = re.compile(r"varchar\((\d+|max)\)")


@dataclass(frozen=True)
class Field:
    """One column of a table.

    Attributes:
        name: Lower case, without quotes.
        type: What it holds.
        required: Whether this version of the CDM allows no missing value.
        primary_key: Whether it alone identifies the row. Real CDMs repeat such keys all the same.
        foreign_table: Table it points into, or None.
        foreign_field: Field of that table; given exactly when ``foreign_table`` is.
        foreign_domain: Domain its concepts should have (``"Procedure, Regimen"`` allows two), or
            None.
        foreign_class: Concept class its concepts should have, or None.
        max_chars: Longest text in characters; None for other types and for unlimited text.
    """

    name: str
    type: FieldType
    required: bool
    primary_key: bool
    foreign_table: str | None = None
    foreign_field: str | None = None
    foreign_domain: str | None = None
    foreign_class: str | None = None
    max_chars: int | None = None

    @property
    def polars_type(self) -> pl.DataType:
        """The type of the column in a frame."""
        return _POLARS[self.type]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Lower case.
        schema: ``CDM``, ``VOCAB`` or ``RESULTS``.
        fields: In the order of the CDM.
    """

    name: str
    schema: str
    fields: tuple[Field, ...]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields, in the order of the CDM."""
        return tuple(field.name for field in self.fields)

    @property
    def primary_key(self) -> str | None:
        """The field that alone identifies a row; None for 11 tables, ``death`` among them."""
        return next((field.name for field in self.fields if field.primary_key), None)

    @property
    def person_field(self) -> str | None:
        """The field that says whose row it is; None where the CDM ties no row to a person.

        ``note_nlp``, ``cost``, ``fact_relationship`` and ``episode_event`` tell of persons as
        well, but only through another table: None.
        """
        wanted = "subject_id" if self.name == "cohort" else "person_id"
        return wanted if wanted in self.field_names else None

    @property
    def start_field(self) -> str | None:
        """The day by which a person's rows are sorted: the first required date, or None."""
        if self.person_field is None:
            return None
        dates = (one.name for one in self.fields if one.required and one.type is FieldType.DATE)
        return next(dates, None)

    @property
    def is_vocabulary(self) -> bool:
        """Whether it is one of the ten tables that a vocabulary import replaces."""
        return self.schema == "VOCAB"

    def field(self, name: str) -> Field:
        """Return the field of that exact name.

        Raises:
            KeyError: there is none; names from outside go through ``omop.names`` first.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def polars_schema(self) -> dict[str, pl.DataType]:
        """Return name and type of each column, in the order of the CDM."""
        return {field.name: field.polars_type for field in self.fields}


@dataclass(frozen=True)
class Cdm:
    """One version of the CDM; ``tables`` has lower-case names and the order of the source."""

    version: str
    tables: Mapping[str, Table]


@cache
def cdm(version: str) -> Cdm:
    """Return a version of the CDM; the same object each time.

    Raises:
        SettingsError: ``version`` is neither ``"5.3"`` nor ``"5.4"``.
    """
    if version not in VERSIONS:
        raise SettingsError(
            f"CDM version {version!r} is not known.",
            remedy=f"Give one of: {', '.join(VERSIONS)}.",
        )
    data = files("laennec.omop") / "data" / f"cdm_{version.replace('.', '_')}.csv"
    schemas: dict[str, str] = {}
    fields: dict[str, list[Field]] = {}
    for row in csv.DictReader(data.read_text(encoding="utf-8").splitlines()):
        schemas[row["table"]] = row["schema"]
        fields.setdefault(row["table"], []).append(_field(row))
    tables = {name: Table(name, schemas[name], tuple(fields[name])) for name in schemas}
    return Cdm(version, MappingProxyType(tables))


def _field(row: Mapping[str, str]) -> Field:
    varchar = _VARCHAR.fullmatch(row["datatype"])
    length = varchar.group(1) if varchar else "max"
    return Field(
        name=row["field"],
        type=FieldType.TEXT if varchar else FieldType(row["datatype"]),
        required=row["required"] == "yes",
        primary_key=row["primary_key"] == "yes",
        foreign_table=row["foreign_table"] or None,
        foreign_field=row["foreign_field"] or None,
        foreign_domain=row["foreign_domain"] or None,
        foreign_class=row["foreign_class"] or None,
        max_chars=None if length == "max" else int(length),
    )
