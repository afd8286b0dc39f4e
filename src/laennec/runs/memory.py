"""A source of buckets over rows in memory: made data, patients written by hand, tests.

It behaves as ``runs.ports`` promises. Nothing of it is sealed, so no person's rows belong here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.runs.definition_plan import SHARED

Row = Mapping[str, Any]


class RowsSource:
    """Rows as mappings, cut into ``count`` buckets by person.

    Rows of a table go to their buckets in the order of its primary key, as the port asks of those
    of one day, whatever their persons and days; columns have the types of CDM 5.4, and a row
    without a column has null there.
    """

    def __init__(self, rows: Mapping[str, Iterable[Row]], *, count: int = 1) -> None:
        self._count = count
        self._whole = {table: list(found) for table, found in rows.items() if table in SHARED}
        self._rows = {
            (table, bucket): [row for row in found if row["person_id"] % count == bucket]
            for table, found in rows.items()
            if table not in SHARED
            for bucket in range(count)
        }

    def buckets(self) -> Sequence[int]:
        """Return the number of every bucket."""
        return range(self._count)

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        """Return the rows of one bucket of one table."""
        frame = _frame(table, self._rows.get((table, bucket), []))
        return (frame if where is None else frame.filter(where)).select(columns)

    def ordered(self, table: str, bucket: int) -> bool:  # noqa: ARG002 - the port's
        """Tell that rows come in the order of their key only."""
        return False

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:  # noqa: ARG002 - the port's
        """Tell that nothing is known of any column."""
        return True

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a table that is not cut by person."""
        return _frame(table, self._whole.get(table, [])).select(columns)


def _frame(table: str, rows: Sequence[Row]) -> pl.DataFrame:
    known = cdm(CURRENT).tables[table]
    schema, key = known.polars_schema(), known.primary_key
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in schema}, schema=schema)
    return frame if key is None else frame.sort(key, maintain_order=True)
