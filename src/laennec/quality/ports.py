"""What the checks need from whoever holds the rows, and the warehouse as such a source."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl

from laennec.omop.cdm import cdm
from laennec.omop.versions import RENAMED
from laennec.vault.summaries import Choose, Footer
from laennec.warehouse.service import View


class QualitySource(Protocol):
    """Rows of an OMOP data set, cut into person buckets; all rows of a person are in one bucket.

    Called from several threads at once.
    """

    def buckets(self) -> Sequence[int]:
        """Return the number of every bucket, each once."""

    def columns(self, table: str) -> Sequence[str] | None:
        """Return the columns that a table has, or None when the data set has no such table."""

    def read(self, table: str, bucket: int | None, columns: Sequence[str]) -> pl.DataFrame:
        """Return rows in any order: of one bucket, or with None of a table without person.

        Raises:
            LaennecError: the rows cannot be read, or are not the rows that were sealed.
        """

    def chosen(
        self, table: str, bucket: int | None, columns: Sequence[str], choose: Choose
    ) -> pl.DataFrame:
        """Return what ``read`` does, with those of the columns that ``choose`` names.

        Args:
            table: As for ``read``.
            bucket: As for ``read``.
            columns: What there is to choose from.
            choose: Is told what is known of these columns before any is read, and at least of which
                type they are; called once.

        Raises:
            LaennecError: as ``read``.
        """

    def files(self, table: str, bucket: int | None) -> Sequence[str]:
        """Return the digests of what ``read`` would read; equal digests mean equal rows."""


class ViewSource:
    """A snapshot of a warehouse, under the names of one version of the CDM.

    A warehouse has every table and field of CDM 5.4. Under 5.3 the nine fields that 5.4 renamed go
    by their old names; 5.3 has no field that a warehouse lacks.
    """

    def __init__(self, view: View, version: str) -> None:
        self._view, self._tables = view, cdm(version).tables
        self._renamed: Mapping[str, Mapping[str, str]] = RENAMED if version == "5.3" else {}

    def buckets(self) -> Sequence[int]:
        """Return the person buckets."""
        return self._view.buckets()

    def columns(self, table: str) -> Sequence[str] | None:
        """Return the columns of a table of this version."""
        known = self._tables.get(table)
        return known.field_names if known else None

    def read(self, table: str, bucket: int | None, columns: Sequence[str]) -> pl.DataFrame:
        """Return rows; contract of ``QualitySource``."""
        stored = self._stored(table, columns)
        if bucket is None:
            rows = self._view.read_whole(table, columns=list(stored))
        else:
            rows = self._view.read(table, bucket, columns=list(stored), where=None)
        return rows.rename(stored)

    def chosen(
        self, table: str, bucket: int | None, columns: Sequence[str], choose: Choose
    ) -> pl.DataFrame:
        """Return chosen columns; contract of ``QualitySource``."""
        stored = self._stored(table, columns)
        back = {name: at for at, name in stored.items()}

        def choose_stored(footer: Footer) -> Sequence[str]:
            known = {name: footer.columns[at] for at, name in stored.items()}
            return [back[name] for name in choose(Footer(footer.rows, known))]

        rows = self._view.read_chosen(table, bucket, choose=choose_stored)
        return rows.rename(stored, strict=False)

    def _stored(self, table: str, columns: Sequence[str]) -> dict[str, str]:
        """Return the columns by the names under which they are stored."""
        current = self._renamed.get(table, {})
        return {current.get(name, name): name for name in columns}

    def files(self, table: str, bucket: int | None) -> Sequence[str]:
        """Return the SHA-256 of each sealed file."""
        return sorted(one.sha256 for one in self._view.bucket_files(table, bucket))
