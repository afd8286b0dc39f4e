"""Tables in memory as a source for data quality: as they are, cut into any number of buckets."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from laennec.omop.cdm import cdm
from laennec.quality.plan import is_cut
from laennec.vault.summaries import Choose, Footer, Summary


class FrameTables:
    """Plain tables; a row without person lies in bucket 0."""

    def __init__(self, tables: Mapping[str, pl.DataFrame], *, buckets: int, told: int = 1) -> None:
        """Take tables; of every ``told``-th column all is known before it is read, of 0 none."""
        self.tables, self._buckets, self._told = dict(tables), buckets, told
        self.read_places: list[tuple[str, int | None]] = []

    def buckets(self) -> Sequence[int]:
        return range(self._buckets)

    def columns(self, table: str) -> Sequence[str] | None:
        return self.tables[table].columns if table in self.tables else None

    def read(self, table: str, bucket: int | None, columns: Sequence[str]) -> pl.DataFrame:
        self.read_places.append((table, bucket))
        return self._rows(table, bucket).select(columns)

    def chosen(
        self, table: str, bucket: int | None, columns: Sequence[str], choose: Choose
    ) -> pl.DataFrame:
        rows = self._rows(table, bucket).select(columns)
        return self.read(table, bucket, choose(footer_of(rows, told=self._told)))

    def files(self, table: str, bucket: int | None) -> Sequence[str]:
        if table not in self.tables or is_cut(table) != (bucket is not None):
            return []
        body = self._rows(table, bucket).serialize(format="json")
        return [hashlib.sha256(body.encode()).hexdigest()]

    def _rows(self, table: str, bucket: int | None) -> pl.DataFrame:
        rows = self.tables[table]
        if bucket is None or not is_cut(table):
            return rows
        person = "subject_id" if table == "cohort" else "person_id"
        if person not in rows.columns:
            return rows if bucket == 0 else rows.clear()
        place = pl.col(person).cast(pl.Int64).fill_null(0).abs() % self._buckets
        return rows.filter(place == bucket)


@dataclass(frozen=True, eq=False)
class FramePlace:
    """Tables of CDM 5.4 in memory, as a snapshot that is opened wherever it was carried to."""

    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    count: int = 1

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> "FramePlace":
        return self

    def unwrap(self, wrapped: str) -> bytes:
        return bytes.fromhex(wrapped)

    def buckets(self) -> Sequence[int]:
        return range(self.count)

    def bucket_files(self, table: str, bucket: int | None) -> tuple[()]:
        return ()

    def read(
        self, table: str, bucket: int | None, *, columns: Sequence[str], where: None
    ) -> pl.DataFrame:
        empty = {name: one.polars_schema() for name, one in cdm("5.4").tables.items()}[table]
        tables = {table: pl.DataFrame(schema=empty), **self.tables}
        return FrameTables(tables, buckets=self.count).read(table, bucket, columns)

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        return self.read(table, None, columns=columns, where=None)

    def read_chosen(self, table: str, bucket: int | None, *, choose: Choose) -> pl.DataFrame:
        rows = self.read(table, bucket, columns=cdm("5.4").tables[table].field_names, where=None)
        return rows.select(choose(footer_of(rows, told=1)))


def footer_of(rows: pl.DataFrame, *, told: int) -> Footer:
    """Return what a footer would say of rows, with all of every ``told``-th column, or of none."""
    return Footer(
        rows.height,
        {
            name: _summary(rows[name]) if told and not at % told else Summary(kind)
            for at, (name, kind) in enumerate(rows.schema.items())
        },
    )


def _summary(values: pl.Series) -> Summary:
    there, kind, missing = values.drop_nulls(), values.dtype, values.null_count()
    if kind.is_float():
        there = there.drop_nans()
    least, most = there.min(), there.max()
    if not isinstance(least, int | float | date) or not isinstance(most, int | float | date):
        return Summary(kind, missing)
    return Summary(kind, missing, least, most)
