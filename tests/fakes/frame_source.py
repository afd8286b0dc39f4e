"""The source of buckets over rows in memory, which also remembers what was read."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.runs.memory import Row, RowsSource
from laennec.warehouse.layout import sort_keys


class FrameSource(RowsSource):
    """Rows in memory; ``reads`` has the table and the bucket of every read, in order.

    With ``ordered`` they come as those of a sealed file, by person, first day and primary key.
    """

    def __init__(
        self, rows: Mapping[str, Iterable[Row]], *, count: int = 1, ordered: bool = False
    ) -> None:
        super().__init__(rows, count=count)
        self._ordered = ordered
        self.reads: list[tuple[str, int]] = []

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        self.reads.append((table, bucket))
        if not self._ordered:
            return super().read(table, bucket, columns=columns, where=where)
        keys = sort_keys(cdm(CURRENT).tables[table])
        wanted = list(dict.fromkeys((*columns, *keys)))
        rows = super().read(table, bucket, columns=wanted, where=where)
        return rows.sort(keys, nulls_last=True).select(columns)

    def ordered(self, table: str, bucket: int) -> bool:
        return self._ordered
