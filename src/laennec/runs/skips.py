"""Files that a plan need not open: their statistics tell that no row of them is asked for.

Statistics lie in the sealed manifest, so that a host can neither read nor change them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.runs.ports import BucketSource
from laennec.runs.scans import TableScan
from laennec.vault.manifest import SealedFile
from laennec.warehouse.layout import may_have

Skipped = frozenset[tuple[str, int]]
"""Tables and buckets of which no row is asked for."""


def skipped(scans: Iterable[TableScan], files: Iterable[SealedFile]) -> Skipped:
    """Return the tables and buckets of which no file has a row that is asked for.

    Args:
        scans: What is read, one scan for each table.
        files: Files of a snapshot; those without statistics may have any row.
    """
    by_table = {one.table: one for one in scans}
    useless: set[tuple[str, int]] = set()
    useful: set[tuple[str, int]] = set()
    for file in files:
        scan = by_table.get(file.table)
        if scan is not None and file.bucket is not None:
            (useful if _needs(scan, file) else useless).add((file.table, file.bucket))
    return frozenset(useless - useful)


def _needs(scan: TableScan, file: SealedFile) -> bool:
    """Whether a file may have a row that is asked for."""
    return scan.concepts is None or any(
        may_have(file.statistics.get(column), ids) for column, ids in scan.concepts.items()
    )


@dataclass(frozen=True)
class SkippingSource:
    """A source that does not open what is skipped: there it has no rows."""

    source: BucketSource
    skipped: Skipped

    def buckets(self) -> Sequence[int]:
        """Return the number of every bucket."""
        return self.source.buckets()

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        """Return rows of one bucket; contract of ``runs.ports.BucketSource``."""
        if (table, bucket) in self.skipped:
            return pl.DataFrame(schema=cdm(CURRENT).tables[table].polars_schema()).select(columns)
        return self.source.read(table, bucket, columns=columns, where=where)

    def ordered(self, table: str, bucket: int) -> bool:
        """Tell whether rows lie in order; contract of ``runs.ports.BucketSource``."""
        return self.source.ordered(table, bucket)

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        """Tell what a column may have; contract of ``runs.ports.BucketSource``."""
        return self.source.may_have(table, bucket, column, concepts)

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a table that is not cut by person."""
        return self.source.read_whole(table, columns=columns)
