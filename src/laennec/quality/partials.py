"""What a scan of one table in one bucket answers: whole numbers under names, and its keys.

A partial is a frame of ``table, name, number, second, text, rows``. Counts have a name alone; a
tally has a row for each value it counts, in ``number`` (a concept, a key, a day), ``second`` (a
unit, a sex) or ``text`` (a source value). Two partials merge by adding ``rows`` of equal places, so
the order of buckets and their number do not matter. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from laennec.quality.keys import Keys

PLACE = ("table", "name", "number", "second", "text")
SCHEMA: Mapping[str, type[pl.DataType]] = {
    "table": pl.String,
    "name": pl.String,
    "number": pl.Int64,
    "second": pl.Int64,
    "text": pl.String,
    "rows": pl.Int64,
}
NO_MEASURES = pl.DataFrame(schema=SCHEMA)
ROWS = "rows"
"""Name of the count of all rows."""


@dataclass(frozen=True)
class Partial:
    """The answer of one table in one bucket.

    Attributes:
        measures: The frame above, of one table.
        keys: The keys of the table, if it is cut by person and has a primary key.
    """

    measures: pl.DataFrame
    keys: Keys | None = None


@dataclass
class Book:
    """Collects what a scan counts; nothing is written down for a count of zero.

    Attributes:
        table: The table that is scanned.
    """

    table: str
    _counts: dict[str, int] = field(default_factory=dict)
    _tallies: dict[str, pl.DataFrame] = field(default_factory=dict)

    def counts(self, found: Mapping[str, int]) -> None:
        """Write down counts by name."""
        for name, rows in found.items():
            self._counts[name] = self._counts.get(name, 0) + rows

    def tally(self, name: str, rows: pl.DataFrame) -> None:
        """Write down a tally: ``rows``, and any of ``number``, ``second`` and ``text``.

        Raises:
            ValueError: there is one of this name.
        """
        if name in self._tallies:
            raise ValueError(f"{name} is tallied twice")
        if not rows.is_empty():
            self._tallies[name] = rows

    def closed(self) -> pl.DataFrame:
        """Return all that was written down."""
        kept = {name: rows for name, rows in self._counts.items() if rows}
        frames = [pl.DataFrame({"rows": list(kept.values())}), *self._tallies.values()]
        sizes = [1] * len(kept) + [rows.height for rows in self._tallies.values()]
        names = pl.Series([*kept, *self._tallies], dtype=pl.String)
        every = pl.concat([NO_MEASURES.drop("table", "name"), *frames], how="diagonal_relaxed")
        return every.select(
            pl.lit(self.table).alias("table"),
            names.gather(np.repeat(np.arange(len(sizes)), sizes)).alias("name"),
            *(pl.col(name).cast(SCHEMA[name]) for name in ("number", "second", "text", "rows")),
        )


def merge(measures: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add frames of measures up, in a fixed order."""
    every = pl.concat([NO_MEASURES, *measures])
    return every.group_by(PLACE).agg(pl.col("rows").sum()).sort(PLACE)


def exchanged(
    total: pl.DataFrame, *, old: Iterable[pl.DataFrame], new: Iterable[pl.DataFrame]
) -> pl.DataFrame:
    """Return a sum without some of its measures and with others in their place."""
    gone = [one.with_columns(-pl.col("rows")) for one in old]
    return merge([total, *gone, *new]).filter(pl.col("rows") != 0)


class Measures:
    """Merged measures, to look up."""

    def __init__(self, merged: pl.DataFrame) -> None:
        plain = pl.all_horizontal(pl.col("number", "second", "text").is_null())
        # A tally of a missing value looks like a count; its name tells them apart.
        tallied = pl.col("name").str.starts_with("tally:")
        self._counts: dict[tuple[str, str], int] = {
            (table, name): rows
            for table, name, rows in merged.filter(plain & ~tallied)
            .select("table", "name", "rows")
            .iter_rows()
        }
        self._tallies = merged.filter(tallied).partition_by("table", "name", as_dict=True)
        self._none = NO_MEASURES
        self._numbers: dict[tuple[str, str], frozenset[int]] = {}

    def count(self, table: str, name: str) -> int:
        """Return a count; one that was never written down is 0."""
        return self._counts.get((table, name), 0)

    def tally(self, table: str, name: str) -> pl.DataFrame:
        """Return a tally with ``number``, ``second``, ``text``, ``rows``; empty when absent."""
        return self._tallies.get((table, f"tally:{name}"), self._none)

    def numbers(self, table: str, name: str) -> frozenset[int]:
        """Return the numbers that a tally counts."""
        if (table, name) not in self._numbers:
            counted = self.tally(table, name)["number"].drop_nulls()
            self._numbers[table, name] = frozenset(counted.to_list())
        return self._numbers[table, name]

    def values(self) -> pl.Series:
        """Return each number that any tally of values counts, once."""
        counted = [
            tally["number"]
            for (_, name), tally in self._tallies.items()
            if str(name).startswith("tally:value:")
        ]
        return pl.concat([self._none["number"], *counted]).drop_nulls().unique()

    def tables(self) -> Sequence[str]:
        """Return the tables that have any rows."""
        return [table for (table, name), rows in self._counts.items() if name == ROWS and rows]
