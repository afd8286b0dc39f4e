"""A source of buckets over rows in memory, with the behaviour that ``runs.ports`` promises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

Row = Mapping[str, Any]


class FrameSource:
    """Rows as lists of dicts, cut into ``count`` buckets by person.

    Rows of a table go to their buckets in the order given. A column whose name ends in ``_date`` is
    a day, every other one a 64-bit integer; a row without a column has null there.
    """

    def __init__(self, rows: Mapping[str, Iterable[Row]], *, count: int = 1) -> None:
        self._count = count
        self._rows = {
            (table, bucket): [row for row in found if row["person_id"] % count == bucket]
            for table, found in rows.items()
            for bucket in range(count)
        }
        self.reads: list[tuple[str, int]] = []

    def buckets(self) -> Sequence[int]:
        return range(self._count)

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        self.reads.append((table, bucket))
        rows = self._rows.get((table, bucket), [])
        names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
        frame = pl.DataFrame(
            {name: [row.get(name) for row in rows] for name in names},
            schema={name: pl.Date if name.endswith("_date") else pl.Int64 for name in names},
        )
        return (frame if where is None else frame.filter(where)).select(columns)
