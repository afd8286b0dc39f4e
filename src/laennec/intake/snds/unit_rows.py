"""The rows of one unit: read, typed, keyed, and parted when they are too many for memory.

Rows that reading refuses go to quarantine at once. What is left comes back as frames by table: all
at once, or in *shards* that each hold whole claims or whole stays, so that nothing which joins is
parted. Shards wait in a sealed spool. Memory is bounded by a shard, whatever the size of a month.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from laennec.intake.csv_records import LINE
from laennec.intake.snds.fates import Fates
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.intake.snds.read import open_file, read
from laennec.snds.catalogue import POLARS
from laennec.snds.rules import needs
from laennec.vault.scratch import SealedSpool

_SHARD = "$shard"
_UNPACKED = 6
"""Bytes of text in a byte of a packed file, about."""

Prepare = Callable[[str, pl.DataFrame], pl.DataFrame]
"""Adds keys to the rows of a table, and takes away what only they were made of."""

Frames = Mapping[str, pl.DataFrame]


def _as_it_is(family: str, rows: pl.DataFrame) -> pl.DataFrame:
    del family
    return rows


def wanted_columns(family: str, year: int | None, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to read: those a converter needs and those that rules ask about."""
    return tuple(dict.fromkeys((*columns, *sorted(needs(family, year)))))


def text_bytes(file: DeliveredFile) -> int:
    """Return about how much text a file holds."""
    source = file.source
    packed = source.form == "parquet" or source.name.lower().endswith(".gz")
    return source.size * (_UNPACKED if packed else 1)


class UnitRows:
    """Reads the tables of a unit."""

    def __init__(
        self,
        files: Mapping[str, DeliveredFile],
        *,
        columns: Mapping[str, tuple[str, ...]],
        variant: Variant,
        encoding: str,
        fates: Fates,
    ) -> None:
        """Prepare.

        Args:
            files: By table.
            columns: For each table, what to read.
            variant: How the delivery names persons.
            encoding: Codec of CSV files.
            fates: Counts what is read, and takes what is refused.
        """
        self._files, self._columns, self._fates = files, columns, fates
        self._variant, self._encoding = variant, encoding

    def whole(self, prepare: Prepare = _as_it_is) -> Frames:
        """Return the rows by table, in one piece.

        Raises:
            SourceError: a file is damaged, or is not what its name says.
        """
        return {
            family: pl.concat(list(self._chunks(family, prepare)), rechunk=True)
            for family in self._files
        }

    def shards(
        self, prepare: Prepare, *, key: str, shard_bytes: int, scratch: Path, memory_bytes: int
    ) -> Iterator[Frames]:
        """Yield the rows by table, every table in each, in one piece or several.

        Args:
            prepare: Adds ``key``.
            key: Column that chooses the shard; a table without it goes whole into the first.
            shard_bytes: Text that makes a shard, about.
            scratch: Folder of the spool.
            memory_bytes: Rows kept before they are spooled.

        Raises:
            SourceError: a file is damaged, or is not what its name says.
            StoreError: the scratch folder failed or is full.
        """
        count = 1 + sum(map(text_bytes, self._files.values())) // shard_bytes
        if count == 1:
            yield self.whole(prepare)
            return
        with ExitStack() as stack:
            spools: dict[str, SealedSpool] = {}
            for family in self._files:
                spool = SealedSpool(
                    scratch, partition=_SHARD, memory_bytes=memory_bytes // len(self._files)
                )
                spools[family] = stack.enter_context(spool)
                for rows in self._chunks(family, prepare):
                    place = pl.col(key) % count if key in rows.columns else pl.lit(0)
                    spool.add(rows.with_columns(place.cast(pl.UInt32).alias(_SHARD)))
            for number in range(count):
                yield {family: spool.take(number).rechunk() for family, spool in spools.items()}
                for spool in spools.values():
                    spool.drop(number)

    def _chunks(self, family: str, prepare: Prepare) -> Iterator[pl.DataFrame]:
        opened = open_file(
            self._files[family],
            columns=self._columns[family],
            variant=self._variant,
            encoding=self._encoding,
        )
        counts = self._fates.of(family)
        counts.missing, counts.unknown = opened.missing_optional, opened.unknown
        empty = {name: POLARS[kind] for name, kind in opened.kinds.items()} | {LINE: pl.Int64()}
        yield prepare(family, pl.DataFrame(schema=empty))
        for chunk in read(opened):
            counts.read += chunk.read
            for refused in chunk.refused:
                self._fates.quarantine(family, refused.rows, refused.rule, refused.column)
            if len(chunk.rows):
                yield prepare(family, chunk.rows)
