"""One bucket, or the tables without person, while it is scanned: persons, deaths, visits, once."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from laennec.quality.finder import Finder
from laennec.quality.plan import BIRTH, DEATH, DIED, PERSON, STAY, VISIT, Columns
from laennec.quality.ports import QualitySource
from laennec.vault.summaries import Choose, Footer

_WHOLE = ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")

LOOKED_INTO: Mapping[str, tuple[str, ...]] = {
    PERSON: (*BIRTH, "gender_concept_id"),
    DEATH: DIED,
    VISIT: STAY,
    "condition_era": ("person_id",),
}


class Context:
    """Reads one bucket of a source, and keeps what several scans of it look into.

    Not shared between threads.
    """

    def __init__(self, source: QualitySource, bucket: int | None, columns: Columns) -> None:
        self._source, self._bucket, self._columns = source, bucket, columns
        self._frames: dict[str, pl.DataFrame] = {}
        self._made: dict[Callable[[Context], pl.DataFrame], pl.DataFrame] = {}
        self._finders: dict[tuple[str, str], Finder] = {}

    def scanned(self, table: str, columns: Sequence[str], choose: Choose) -> pl.DataFrame:
        """Return rows of a table to scan, with the columns that ``choose`` names.

        Args:
            table: The table.
            columns: What there is to choose from.
            choose: See ``QualitySource.chosen``; what other scans look into is read beside.
        """
        wanted = self._wanted(table)
        beside = wanted if table not in self._frames and set(wanted) <= set(columns) else []

        def all_chosen(footer: Footer) -> Sequence[str]:
            filled = [one for one in beside if footer.columns[one].missing != footer.rows]
            return list(dict.fromkeys([*choose(footer), *filled]))

        # In one piece: a file's row groups are one each, and most counts would join them anew.
        rows = self._source.chosen(table, self._bucket, columns, all_chosen).rechunk()
        if beside and not rows.is_empty():
            self._frames[table] = _typed(with_columns(rows, beside))
        return rows

    def frame(self, table: str) -> pl.DataFrame:
        """Return the few columns of a table that others look into; dates and 64-bit integers."""
        if table not in self._frames:
            self._frames[table] = _typed(
                self._source.read(table, self._bucket, self._wanted(table))
            )
        return self._frames[table]

    def once(self, make: Callable[["Context"], pl.DataFrame]) -> pl.DataFrame:
        """Return what ``make`` makes of this bucket, made once."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def finder(self, table: str, field: str) -> Finder:
        """Return what finds rows of ``frame`` by their key."""
        place = (table, field)
        if place not in self._finders:
            self._finders[place] = Finder(self.frame(table)[field])
        return self._finders[place]

    def is_unique(self, table: str, field: str) -> bool:
        """Whether no key of ``frame`` occurs twice in this bucket."""
        keys = self.frame(table)[field]
        # Keys that ascend with persons are told at a tenth of the cost.
        return self.finder(table, field).ascend or keys.n_unique() == keys.len()

    def _wanted(self, table: str) -> list[str]:
        there = self._columns[table] or ()
        return [name for name in LOOKED_INTO.get(table, ()) if name in there]

    def ids(self, table: str, field: str) -> pl.Series:
        """Return the keys of a table, as they are."""
        if table in LOOKED_INTO and field in LOOKED_INTO[table]:
            return self.frame(table)[field]
        key = f"{table}.{field}"
        if key not in self._frames:
            rows = self._source.read(table, self._bucket, [field])
            self._frames[key] = rows.select(pl.col(field).cast(pl.Int64, strict=False))
        return self._frames[key][field]


def with_columns(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return these columns of rows; one that was left out has no value."""
    there = set(rows.columns)
    return rows.select(
        pl.col(name) if name in there else pl.lit(None, dtype=pl.Int64).alias(name)
        for name in names
    )


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.col(name).cast(
            pl.Int64 if name in _WHOLE or name.endswith("_id") else pl.Date, strict=False
        )
        for name in rows.columns
    )
