"""What is read of one table of a bucket, once for all that ask for its rows.

Cohorts in the words of this language and those defined as in ATLAS ask for rows in different ways;
a table that both ask for is read once, with the columns and rows of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from laennec.runs.ports import BucketSource

PERIOD_COLUMNS = (
    "person_id",
    "observation_period_start_date",
    "observation_period_end_date",
)


@dataclass(frozen=True)
class TableScan:
    """One read of one table in each bucket.

    Attributes:
        table: CDM table.
        columns: Columns to read.
        concepts: Rows with one of these concepts are asked for, by the column that holds them; None
            when every row is.
        forms: How many forms of cohort ask for it.
    """

    table: str
    columns: tuple[str, ...]
    concepts: Mapping[str, frozenset[int]] | None
    forms: int = 1

    def where(self, source: BucketSource, bucket: int) -> pl.Expr | None:
        """Return the condition on rows of a bucket, for the reader of files to push down.

        A column that has none of its concepts is not asked: of one column alone the reader asks the
        dictionary of each page.
        """
        if self.concepts is None:
            return None
        there = {
            column: ids
            for column, ids in self.concepts.items()
            if source.may_have(self.table, bucket, column, ids)
        }
        return pl.any_horizontal(
            pl.col(column).is_in(pl.lit(pl.Series([sorted(ids)], dtype=pl.List(pl.Int64))))
            for column, ids in (there or self.concepts).items()
        )

    def and_also(self, other: "TableScan") -> "TableScan":
        """Return one scan for what both ask of the same table."""
        columns = tuple(dict.fromkeys((*self.columns, *other.columns)))
        concepts: dict[str, frozenset[int]] | None = None
        if self.concepts is not None and other.concepts is not None:
            concepts = dict(self.concepts)
            for column, ids in other.concepts.items():
                concepts[column] = concepts.get(column, frozenset()) | ids
        return TableScan(self.table, columns, concepts, self.forms + other.forms)


class SharedSource:
    """A source that reads once, for one bucket, what several forms of cohort ask for."""

    def __init__(self, source: BucketSource, scans: Iterable[TableScan]) -> None:
        self._source = source
        self._scans = {one.table: one for one in scans if one.forms > 1}
        self._rows: dict[str, pl.DataFrame] = {}

    def buckets(self) -> Sequence[int]:
        """Return the number of every bucket."""
        return self._source.buckets()

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        """Return rows of the bucket; contract of ``runs.ports.BucketSource``."""
        scan = self._scans.get(table)
        if scan is None:
            return self._source.read(table, bucket, columns=columns, where=where)
        if table not in self._rows:
            self._rows[table] = self._source.read(
                table, bucket, columns=scan.columns, where=scan.where(self._source, bucket)
            )
        rows = self._rows[table]
        return (rows if where is None else rows.filter(where)).select(columns)

    def ordered(self, table: str, bucket: int) -> bool:
        """Tell whether rows lie in order; contract of ``runs.ports.BucketSource``."""
        return self._source.ordered(table, bucket)

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        """Tell what a column may have; contract of ``runs.ports.BucketSource``."""
        return self._source.may_have(table, bucket, column, concepts)

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a table that is not cut by person."""
        return self._source.read_whole(table, columns=columns)
