"""A delivery of the SNDS and what reading gives: frozen values.

Each row of a file is either in ``SndsChunk.rows`` or in exactly one ``Refused``, so that rows read
are rows typed plus rows refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

import polars as pl

from laennec.intake.sources import SourceFile
from laennec.snds.catalogue import Kind


class Variant(StrEnum):
    """How a delivery names persons.

    ``NUM_ENQ``: an extraction with a pseudonym of its own, ``NUM_ENQ``, in place of
    ``BEN_NIR_PSA`` and ``NIR_ANO_17``, as the CNAM makes them for one project.
    """

    STANDARD = "standard"
    NUM_ENQ = "num_enq"


class Fault(StrEnum):
    """Why a row is refused when it is read."""

    WRONG_FIELD_COUNT = "wrong_field_count"
    WRONG_TYPE = "wrong_type"
    THOUSANDS_SEPARATOR = "thousands_separator"
    MISSING_KEY = "missing_key"
    OUTSIDE_NOMENCLATURE = "outside_nomenclature"


FAULTS: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.WRONG_FIELD_COUNT: "The line has more or fewer fields than the header, or cannot be "
        "parted into fields.",
        Fault.WRONG_TYPE: "The value is no number, whole number or date as the catalogue says.",
        Fault.THOUSANDS_SEPARATOR: "The number has thousands separators, so that its size could be "
        "misread.",
        Fault.MISSING_KEY: "A column that joins the row to others is empty.",
        Fault.OUTSIDE_NOMENCLATURE: "The code is none of the closed list of its column.",
    }
)
"""What each fault means. All of them put the row into the sealed quarantine."""


@dataclass(frozen=True)
class DeliveredFile:
    """One table of a delivery, or one year or month of it.

    Attributes:
        family: As the catalogue spells it.
        year: Of the care for the PMSI, of the flux for the DCIR; None if the name has none.
        month: First day of the month of flux; None if the name has none.
        source: Where it is.
    """

    family: str
    year: int | None
    month: date | None
    source: SourceFile

    @property
    def name(self) -> str:
        """The name that messages and reports use."""
        return self.source.name


@dataclass(frozen=True)
class Delivery:
    """The files of a delivery.

    Attributes:
        files: By family, year and month.
        ignored: Names of files whose name is of no table of the SNDS.
    """

    files: tuple[DeliveredFile, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class OpenedFile:
    """A file whose header fits its table; nothing is held open.

    Attributes:
        file: The file.
        spelt: The columns to read, under the catalogue's names, with the file's spelling.
        kinds: Wanted columns in the caller's order with what they hold.
        width: Number of the file's columns.
        places: For each of ``spelt``, its place in the file from 0.
        missing_optional: Wanted columns that the table has in that year and the file has not; they
            are null throughout.
        unknown: Columns of the file that the catalogue does not have in that year; they are not
            read. What is no name is told by its place, ``column 7``.
        encoding: Codec of a CSV file.
    """

    file: DeliveredFile
    spelt: Mapping[str, str]
    kinds: Mapping[str, Kind]
    width: int
    places: Mapping[str, int]
    missing_optional: tuple[str, ...]
    unknown: tuple[str, ...]
    encoding: str


@dataclass(frozen=True)
class Refused:
    """Rows that one rule keeps out.

    Attributes:
        rows: ``LINE`` and the columns read, as the file has them or as the numbers they are; or
            ``LINE`` and ``record`` for a line that could not be parted into fields.
        rule: Value of a ``Fault``.
        column: The column at fault, or None.
    """

    rows: pl.DataFrame
    rule: str
    column: str | None


@dataclass(frozen=True)
class SndsChunk:
    """Some rows of a file, in its order.

    Attributes:
        rows: The wanted columns in order with the types of ``snds.catalogue.POLARS``, and
            ``LINE``.
        refused: Rows kept out, one element for each rule and column.
        amount: What was read for it: bytes of CSV text or rows of Parquet.
    """

    rows: pl.DataFrame
    refused: tuple[Refused, ...]
    amount: int

    @property
    def read(self) -> int:
        """Rows read, typed and refused."""
        return len(self.rows) + sum(len(one.rows) for one in self.refused)
