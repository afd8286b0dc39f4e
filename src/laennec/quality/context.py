"""One bucket, or the tables without person, while it is scanned: persons, deaths, visits, once."""

from collections.abc import Mapping, Sequence

import polars as pl

from laennec.quality.plan import BIRTH, DEATH, DIED, PERSON, STAY, VISIT, Columns
from laennec.quality.ports import QualitySource

_WHOLE = ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")

_READ: Mapping[str, tuple[str, ...]] = {
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

    def read(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return rows of a table."""
        return self._source.read(table, self._bucket, columns)

    def frame(self, table: str) -> pl.DataFrame:
        """Return the few columns of a table that others look into; dates and 64-bit integers."""
        if table not in self._frames:
            there = self._columns[table] or ()
            rows = self.read(table, [name for name in _READ[table] if name in there])
            self._frames[table] = rows.with_columns(
                pl.col(name).cast(
                    pl.Int64 if name in _WHOLE or name.endswith("_id") else pl.Date, strict=False
                )
                for name in rows.columns
            )
        return self._frames[table]

    def is_unique(self, table: str, field: str) -> bool:
        """Whether no key of a table occurs twice in this bucket."""
        keys = self.ids(table, field)
        return keys.n_unique() == keys.len()

    def ids(self, table: str, field: str) -> pl.Series:
        """Return the keys of a table, as they are."""
        if table in _READ and field in _READ[table]:
            return self.frame(table)[field]
        key = f"{table}.{field}"
        if key not in self._frames:
            rows = self.read(table, [field])
            self._frames[key] = rows.select(pl.col(field).cast(pl.Int64, strict=False))
        return self._frames[key][field]
