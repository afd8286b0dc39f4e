"""What an export is: what was asked for, what is to be written, what was written. Frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from laennec.intake import quarantine
from laennec.omop.cdm import FieldType, Table
from laennec.vault.manifest import SealedFile
from laennec.warehouse.service import View

_ARROW: Mapping[FieldType, pa.DataType] = MappingProxyType(
    {
        FieldType.INTEGER: pa.int64(),
        FieldType.FLOAT: pa.float64(),
        FieldType.DATE: pa.date32(),
        FieldType.DATETIME: pa.timestamp("us"),
        # One bucket's notes may be more than the 2 GiB that a column with short offsets holds.
        FieldType.TEXT: pa.large_string(),
    }
)


class Form(StrEnum):
    """Forms in which tables can be written."""

    PARQUET = "parquet"
    CSV = "csv"
    DUCKDB = "duckdb"


@dataclass(frozen=True)
class Sheet:
    """One table to write.

    Attributes:
        name: Its name.
        types: What each column holds, by name, in the order in which columns are written.
        sealed: Its files in the warehouse, in the order in which their rows are written.
        key: Its primary key, or None.
        required: Columns in which the CDM allows no missing value.
    """

    name: str
    types: Mapping[str, FieldType]
    sealed: tuple[SealedFile, ...]
    key: str | None = None
    required: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(one.rows for one in self.sealed)

    @property
    def schema(self) -> pa.Schema:
        """Columns as Arrow types them."""
        return pa.schema([(name, _ARROW[kind]) for name, kind in self.types.items()])


@dataclass(frozen=True)
class Plan:
    """An export that may be written.

    Attributes:
        folder: Where to.
        form: Form of the tables.
        view: The snapshot.
        sheets: Tables, in the order of the CDM.
        quarantine: The rows in quarantine, or None when they are not to be written.
        rows_quarantined: Rows in quarantine at that snapshot, written or not.
        persons: Persons the snapshot holds.
    """

    folder: Path
    form: Form
    view: View
    sheets: tuple[Sheet, ...]
    quarantine: Sheet | None
    rows_quarantined: int
    persons: int

    @property
    def rows(self) -> int:
        """Rows of all tables, quarantine apart."""
        return sum(one.rows for one in self.sheets)


@dataclass(frozen=True)
class WrittenFile:
    """A file of an export: its name in the folder, bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class WrittenTable:
    """A table of an export.

    Attributes:
        sheet: What was to be written.
        file: Name of its file.
        missing: Missing values in each required column that has any.
        repeated: Rows whose primary key an earlier row has.
    """

    sheet: Sheet
    file: str
    missing: Mapping[str, int]
    repeated: int


@dataclass(frozen=True)
class ExportReport:
    """A finished export.

    Attributes:
        folder: Where it is.
        tables: In the order in which they were written; the quarantine last.
        files: Every file but the manifest and the list of sums.
        manifest_sha256: Of the manifest, in hexadecimal.
    """

    folder: Path
    tables: tuple[WrittenTable, ...]
    files: tuple[WrittenFile, ...]
    manifest_sha256: str

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(one.size for one in self.files)


def sheet_of(table: Table, sealed: Sequence[SealedFile]) -> Sheet:
    """Return what to write of a table: every column of the CDM, bucket after bucket."""
    return Sheet(
        table.name,
        {one.name: one.type for one in table.fields},
        tuple(sorted(sealed, key=lambda one: -1 if one.bucket is None else one.bucket)),
        table.primary_key,
        tuple(one.name for one in table.fields if one.required),
    )


def quarantine_sheet(sealed: Sequence[SealedFile]) -> Sheet:
    """Return what to write of the quarantine."""
    types = {
        name: FieldType.INTEGER if kind.is_integer() else FieldType.TEXT
        for name, kind in quarantine.SCHEMA.items()
    }
    return Sheet(quarantine.TABLE, types, tuple(sealed))
