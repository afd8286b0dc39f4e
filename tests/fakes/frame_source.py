"""The source of buckets over rows in memory, which also remembers what was read."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from laennec.runs.memory import Row, RowsSource


class FrameSource(RowsSource):
    """Rows in memory; ``reads`` has the table and the bucket of every read, in order."""

    def __init__(self, rows: Mapping[str, Iterable[Row]], *, count: int = 1) -> None:
        super().__init__(rows, count=count)
        self.reads: list[tuple[str, int]] = []

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        self.reads.append((table, bucket))
        return super().read(table, bucket, columns=columns, where=where)
