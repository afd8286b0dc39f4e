"""What becomes of every row of a file: kept, quarantined, dropped by a named rule, or set apart.

Each row read has one fate, and the counts must add up. Rows in quarantine keep their values, sealed
with the lines of their unit; rows that belong to nobody leave file, line and reason only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from laennec.intake.csv_records import LINE
from laennec.intake.quarantine import SCHEMA as QUARANTINED

APART: Mapping[str, pl.DataType] = {
    "family": pl.String(),
    "file": pl.String(),
    "line": pl.Int64(),
    "reason": pl.String(),
}
"""Rows that belong to nobody: where they are, and why."""


@dataclass
class FileFates:
    """The fates of the rows of one file; counts of rows.

    Attributes:
        family: Its table.
        file: Its name.
        read: Rows read.
        kept: Rows that lines were made of, or that say something about such rows.
        quarantined: By rule.
        dropped: By rule, or by the reason why OMOP has no place for them.
        apart: By the reason why they belong to nobody.
        missing: Columns that were wanted and are not in the file.
        unknown: Columns of the file that the catalogue does not have.
    """

    family: str
    file: str
    read: int = 0
    kept: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def reconciles(self) -> bool:
        """Whether every row has one fate."""
        lost = (self.quarantined, self.dropped, self.apart)
        return self.read == self.kept + sum(sum(one.values()) for one in lost)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "FileFates":
        """Return the fates whose JSON form is ``value``."""
        lists = {name: tuple(value[name]) for name in ("missing", "unknown")}
        return cls(**{**value, **lists})


class Fates:
    """The fates of the rows of one unit, by table; a unit has one file of each."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Take the tables of the unit, each with the name of its file."""
        self._files = {family: FileFates(family, file) for family, file in files.items()}
        self._quarantined: list[pl.DataFrame] = []
        self._apart: list[pl.DataFrame] = []

    def of(self, family: str) -> FileFates:
        """Return the counts of a table, to be changed."""
        return self._files[family]

    def files(self) -> tuple[FileFates, ...]:
        """Return the counts of every table."""
        return tuple(self._files.values())

    def quarantine(
        self, family: str, rows: pl.DataFrame, rule: str, column: str | None = None
    ) -> None:
        """Put rows into quarantine: ``LINE`` with their columns, or with ``record``."""
        if rows.is_empty():
            return
        counts = self._files[family].quarantined
        counts[rule] = counts.get(rule, 0) + len(rows)
        record = (
            pl.col("record")
            if "record" in rows.columns
            else pl.struct(pl.all().exclude(LINE)).struct.json_encode()
        )
        self._quarantined.append(
            rows.select(
                table=pl.lit(family),
                file=pl.lit(self._files[family].file),
                line=pl.col(LINE),
                column=pl.lit(column, dtype=pl.String),
                rule=pl.lit(rule),
                record=record,
            )
        )

    def drop(self, family: str, rule: str, rows: int) -> None:
        """Count rows that a named rule takes out."""
        if rows:
            counts = self._files[family].dropped
            counts[rule] = counts.get(rule, 0) + rows

    def set_apart(self, family: str, rows: pl.DataFrame) -> None:
        """Set rows apart that belong to nobody: ``LINE`` and ``reason``."""
        if rows.is_empty():
            return
        counts = self._files[family].apart
        for reason, number in rows.group_by("reason").len().sort("reason").iter_rows():
            counts[reason] = counts.get(reason, 0) + number
        self._apart.append(
            rows.select(
                family=pl.lit(family),
                file=pl.lit(self._files[family].file),
                line=pl.col(LINE),
                reason=pl.col("reason").cast(pl.String),
            )
        )

    def taken(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the rows that were quarantined or set apart since the last call, by table."""
        for table, waiting, shape in (
            ("quarantine", self._quarantined, QUARANTINED),
            ("snds_apart", self._apart, APART),
        ):
            if waiting:
                yield table, pl.concat([pl.DataFrame(schema=shape), *waiting])
            waiting.clear()
