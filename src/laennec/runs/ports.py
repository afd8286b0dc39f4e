"""What a run needs from whoever holds the rows.

The warehouse implements this over sealed files, benchmarks over plain Parquet, tests over frames in
memory. The kernel sees nothing else: no file, no key, no path.
"""

from collections.abc import Sequence
from typing import Protocol

import polars as pl


class BucketSource(Protocol):
    """Rows of an OMOP data set, cut into person buckets. Called from several threads at once."""

    def buckets(self) -> Sequence[int]:
        """Return the number of every bucket, each once; all rows of a person are in one bucket."""

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        """Return the rows of one bucket of one table.

        Args:
            table: CDM table.
            bucket: One of ``buckets()``.
            columns: Columns to return, in this order.
            where: Rows to keep, over any column of the table; None keeps all. A source pushes it
                down to its files where it can.

        Returns:
            Identifiers, concepts and parts of dates as integers of any width, days as ``pl.Date``.
            Rows of one person and day are in the order of their primary key; beyond that the order
            is free. A table that the data set does not have has no rows.

        Raises:
            LaennecError: the rows cannot be read, or are not the rows that were sealed.
        """

    def ordered(self, table: str, bucket: int) -> bool:
        """Tell whether ``read`` returns the rows by person, first day and primary key.

        Args:
            table: A CDM table of persons.
            bucket: One of ``buckets()``.

        Returns:
            True only where that is known, as of what was found in order and sealed so.
        """

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        """Tell whether a row may have one of some concepts in a column.

        Args:
            table: A CDM table of events.
            bucket: One of ``buckets()``.
            column: A column of concepts.
            concepts: What is looked for.

        Returns:
            False only where it is known that no row of the bucket has any.
        """

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a table that is not cut by person, such as ``provider``.

        Args:
            table: CDM table.
            columns: Columns to return, in this order.

        Raises:
            LaennecError: as ``read``.
        """
