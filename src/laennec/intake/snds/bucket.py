"""The task of one person bucket: sealed lines and the rows so far become sealed tables.

A bucket is worked on alone: memory is bounded by one bucket for each worker, whatever the size of
the base. What it makes is uploaded under random names and visible only when the load commits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from laennec.intake.snds.bench import Bench, Place
from laennec.intake.snds.line_store import LineStore, StoredLines
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.finish import UNITS, BucketInput, BucketOutput, LineCount, Surroundings, finish
from laennec.snds.finish_persons import PERSONAL, PersonalInput, finish_persons
from laennec.snds.lines import FIELDS
from laennec.snds.periods import Base
from laennec.vault.manifest import SealedFile
from laennec.vault.service import Vault
from laennec.warehouse.buckets import bucket_of
from laennec.warehouse.layout import Layout, statistics

WAITING, UNIT_TABLE = "snds_waiting_", "snds_units"
"""Sealed tables beside OMOP: lines that wait, by OMOP table; units that the CDM does not keep."""

BUCKETED = tuple(dict.fromkeys((*(table for table in FIELDS if table != "cost"), *PERSONAL)))
"""Tables of OMOP whose files are cut by bucket."""


@dataclass(frozen=True)
class BucketShared:
    """What the buckets of a load share; picklable.

    Attributes:
        layout: Person buckets.
        stored: Finished files of the line store, in order of unit.
        base: Files of the snapshot that the load stands on.
        around: Providers and care sites.
        days: What days the data can tell about.
        first_ids: ``table``, ``bucket`` and ``first``: numbers set aside.
        merged: ``old`` and ``new`` identifiers of persons found to be one.
    """

    layout: Layout
    stored: tuple[StoredLines, ...]
    base: tuple[SealedFile, ...]
    around: Surroundings
    days: Base
    first_ids: pl.DataFrame
    merged: pl.DataFrame


@dataclass(frozen=True)
class BucketOutcome:
    """What came of a bucket.

    Attributes:
        bucket: Its number.
        files: Its sealed files, those of ``cost`` without bucket.
        replaced: Tables whose earlier files of this bucket they replace.
        counts: What became of the lines, by table.
    """

    bucket: int
    files: tuple[SealedFile, ...]
    replaced: frozenset[str]
    counts: Mapping[str, LineCount]


@dataclass(frozen=True)
class BucketTask:
    """Works on buckets; picklable as far as its place is."""

    place: Place

    def __call__(self, bucket: int) -> BucketOutcome:
        """Finish a bucket.

        Raises:
            IntegrityError: a file is not what was sealed.
            StoreError: the store failed or is full.
        """
        bench = self.place.bench()
        shared: BucketShared = bench.shared
        lines = _store(bench)
        earlier = _Earlier(bench.vault, shared, bucket)
        new = {table: rows for table in FIELDS if (rows := lines.read(table, bucket)) is not None}
        firsts = shared.first_ids.filter(pl.col("bucket") == bucket)
        first_ids = dict(firsts.select("table", "first").iter_rows())
        given = BucketInput(
            lines=new,
            waiting=earlier.waiting(),
            earlier=earlier.tables(),
            units=earlier.units(),
            first_ids=first_ids,
        )
        done = finish(given, shared.around)
        personal = finish_persons(
            PersonalInput(
                persons=lines.read("person", bucket),
                lines=new,
                earlier=given.earlier,
                events={**given.earlier, **done.tables},
                first_period=first_ids["payer_plan_period"],
                base=shared.days,
            )
        )
        moved = earlier.moved_tables(done.tables.keys() | personal.tables.keys())
        counts = {**done.counts, **personal.counts}
        return _sealed(bench, bucket, done, {**personal.tables, **moved}, counts)


@lru_cache(maxsize=2)
def _store(bench: Bench) -> LineStore:
    """Return the lines of a load; their indexes are read once for all buckets."""
    return LineStore(bench.folder, key=bench.key, files=bench.shared.stored)


class _Earlier:
    """The rows that a bucket had, with those of persons who were merged into it."""

    def __init__(self, vault: Vault, shared: BucketShared, bucket: int) -> None:
        self._vault, self._shared, self._bucket = vault, shared, bucket
        olds, news = shared.merged["old"], shared.merged["new"]
        layout = shared.layout
        into = bucket_of(news, buckets=layout.buckets, salt=layout.salt) == bucket
        self._coming = shared.merged.filter(into)
        self._going = olds.implode()
        sources = bucket_of(self._coming["old"], buckets=layout.buckets, salt=layout.salt)
        self._sources = set(sources.unique().to_list())
        self._touched = set(bucket_of(olds, buckets=layout.buckets, salt=layout.salt).to_list())

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the rows of each OMOP table that has any."""
        found = {table: self._rows(table) for table in BUCKETED}
        return {table: rows for table, rows in found.items() if rows is not None}

    def moved_tables(self, done: set[str]) -> dict[str, pl.DataFrame]:
        """Return the tables that change only because persons were merged."""
        if self._bucket not in self._touched and self._coming.is_empty():
            return {}
        return {table: rows for table, rows in self.tables().items() if table not in done}

    def waiting(self) -> dict[str, pl.DataFrame]:
        """Return the lines that waited."""
        found = {table: self._rows(WAITING + table) for table in FIELDS}
        return {table: rows for table, rows in found.items() if rows is not None}

    def units(self) -> pl.DataFrame:
        """Return the units that the CDM does not keep."""
        rows = self._rows(UNIT_TABLE)
        return pl.DataFrame(schema=UNITS) if rows is None else rows

    def _rows(self, table: str) -> pl.DataFrame | None:
        own = [one for one in self._shared.base if (one.table, one.bucket) == (table, self._bucket)]
        parts = [self._vault.read(own)] if own else []
        if parts and self._bucket in self._touched:
            parts[0] = parts[0].filter(~pl.col("person_id").is_in(self._going))
        parts += self._arriving(table)
        return pl.concat(parts) if parts else None

    def _arriving(self, table: str) -> Iterator[pl.DataFrame]:
        wanted = pl.col("person_id").is_in(self._coming["old"].implode())
        for one in self._shared.base:
            if one.table == table and one.bucket in self._sources:
                rows = self._vault.read(one, where=wanted)
                yield rows.with_columns(
                    pl.col("person_id").replace(self._coming["old"], self._coming["new"])
                )


def _sealed(
    bench: Bench,
    bucket: int,
    done: BucketOutput,
    more: Mapping[str, pl.DataFrame],
    counts: Mapping[str, LineCount],
) -> BucketOutcome:
    vault: Vault = bench.vault
    files = []
    tables = {**done.tables, **more}
    for name, rows in tables.items():
        table = cdm(CURRENT).tables[name]
        place = bucket if table.person_field else None
        if len(rows):
            told = statistics(rows, table)
            files.append(vault.seal_frame(rows, table=name, bucket=place, statistics=told))
    beside = {WAITING + table: rows for table, rows in done.waiting.items()}
    beside[UNIT_TABLE] = done.units
    for name, rows in beside.items():
        if len(rows):
            files.append(vault.seal_frame(rows.sort("person_id"), table=name, bucket=bucket))
    gone = {WAITING + table for table in FIELDS} | {UNIT_TABLE}
    replaced = frozenset(tables.keys() - {"cost"} | gone)
    return BucketOutcome(bucket, tuple(files), replaced, counts)


def first_ids(
    counts: pl.DataFrame,
    base: Sequence[SealedFile],
    next_ids: Mapping[str, int],
    *,
    buckets: int,
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Set numbers aside for each table and bucket: as many as it has lines, new and waiting.

    Args:
        counts: ``table``, ``bucket`` and ``rows`` of the line store.
        base: Files of the snapshot; their waiting lines and merged periods are numbered anew.
        next_ids: The first number of each table that was never set aside.
        buckets: How many there are.

    Returns:
        ``table``, ``bucket``, ``first``, and the next numbers after this load.
    """
    again = [
        (one.table.removeprefix(WAITING), one.bucket, one.rows)
        for one in base
        if one.table.startswith(WAITING) or one.table in PERSONAL
    ]
    shape = {"table": pl.String(), "bucket": pl.UInt32(), "rows": pl.Int64()}
    known = pl.concat([counts.cast(shape), pl.DataFrame(again, schema=shape, orient="row")])  # type: ignore[arg-type]
    numbers = pl.DataFrame({"bucket": range(buckets)}, schema={"bucket": pl.UInt32()})
    every = pl.DataFrame({"table": [*BUCKETED, "cost"]}).join(numbers, how="cross")
    rows = (
        every.join(
            known.group_by("table", "bucket").agg(pl.col("rows").sum()),
            on=["table", "bucket"],
            how="left",
        )
        .with_columns(pl.col("rows").fill_null(0))
        .sort("table", "bucket")
    )
    start = pl.col("table").replace_strict(dict(next_ids), default=1, return_dtype=pl.Int64)
    before = pl.col("rows").cum_sum().over("table") - pl.col("rows")
    firsts = rows.select("table", "bucket", (start + before).alias("first"))
    used = dict(rows.group_by("table").agg(pl.col("rows").sum()).iter_rows())
    after = {table: next_ids.get(table, 1) + number for table, number in used.items() if number}
    return firsts, {**next_ids, **after}
