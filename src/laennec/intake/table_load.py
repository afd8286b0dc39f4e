"""One file of one table into sealed bucket files, in memory that does not grow with its rows.

First pass: chunk by chunk, fields are typed, rows that break a rule go to quarantine, the rest into
a sealed spool by bucket. Then repeated keys are found over all buckets, and each bucket is sorted
and sealed by a pool of workers. Rows of the bucket that were in the warehouse before are sealed
again together with the new ones. Nothing is visible until the caller commits.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from laennec.core.errors import EngineError
from laennec.intake.csv_records import LINE
from laennec.intake.fields import Typed, type_rows
from laennec.intake.model import Loaded, Means
from laennec.intake.persons import KnownPersons
from laennec.intake.readers import Chunk, TableFile, header_of, read_ahead, read_chunks
from laennec.intake.repeated import EARLIER, DistinctKeys, are_among, repeated_lines
from laennec.intake.rules import Rule, TableCount
from laennec.omop.cdm import CURRENT, Table, cdm
from laennec.omop.versions import to_current
from laennec.vault.manifest import SealedFile
from laennec.vault.scratch import SealedSpool
from laennec.warehouse.buckets import bucket_of
from laennec.warehouse.layout import Layout, sort_keys, statistics

_BUCKET = "$bucket"
_SUSPECT = "$suspect"
_ROWS_PER_WHOLE_FILE = 4_000_000
_WHOLE_SEED = 0x5EA1


class TableLoad:
    """The load of one file of one table; ``run`` once."""

    def __init__(
        self,
        means: Means,
        file: TableFile,
        table: Table,
        *,
        layout: Layout,
        persons: KnownPersons | None,
        existing: Sequence[SealedFile],
    ) -> None:
        """Prepare.

        Args:
            means: What to work with.
            file: The file.
            table: Its table, in the version of the data set.
            layout: Person buckets.
            persons: Who exists, or None for the table of persons itself.
            existing: The table's files in the warehouse; empty when they are to be replaced.
        """
        self._means, self._file, self._table = means, file, table
        self._layout, self._persons, self._existing = layout, persons, tuple(existing)
        self._target = cdm(CURRENT).tables[table.name]
        self._header = header_of(file, table)
        self._count = TableCount(table.name, file.source.name)
        self._distinct = DistinctKeys(memory_bytes=means.memory_bytes // 8)
        self._whole_parts = 1 + file.rows // _ROWS_PER_WHOLE_FILE
        self._lock = threading.Lock()

    def run(self) -> Loaded:
        """Load the file.

        Raises:
            SourceError: the file is damaged.
            StoreError: store or scratch folder failed or are full.
        """
        means = self._means
        with SealedSpool(
            means.scratch, partition=_BUCKET, memory_bytes=means.memory_bytes // 2
        ) as spool:
            self._read_all(spool)
            repeated = self._repeated(spool)
            new = self._finish_all(spool, repeated)
        if not self._count.reconciles:
            raise EngineError(
                f"{self._file.source.name}: the rows read are not those kept and refused.",
                remedy="This is a bug in Laennec; nothing was loaded.",
            )
        touched = {file.bucket for file in new}
        stay = [one for one in self._existing if one.bucket is None or one.bucket not in touched]
        return Loaded(self._count, (*stay, *new), self._header.unknown)

    def _read_all(self, spool: SealedSpool) -> None:
        total = self._file.source.size if self._is_plain_csv() else None
        if self._file.source.form == "parquet":
            total = self._file.rows
        with self._means.reporter.task(f"reading {self._table.name}", total=total) as task:
            chunks = read_chunks(self._file, self._header, encoding=self._means.encoding)
            for chunk in read_ahead(chunks):
                spool.add(self._judge(chunk))
                task.advance(chunk.amount)

    def _is_plain_csv(self) -> bool:
        source = self._file.source
        return source.form == "csv" and not source.name.lower().endswith(".gz")

    def _judge(self, chunk: Chunk) -> pl.DataFrame:
        """Return the good rows of a chunk, typed, with their bucket.

        Only the columns that the file has: those that are null throughout join when the bucket is
        finished, so that they cost nothing on the way.
        """
        self._count.read += len(chunk.rows) + len(chunk.malformed)
        self._refuse(chunk.malformed, Rule.WRONG_FIELD_COUNT, None)
        present = [one for one in self._table.fields if one.name in chunk.rows.columns]
        typed = type_rows(chunk.rows, present)
        rows = typed.rows
        if typed.refused is not None and typed.missing is not None:
            self._refuse_faults(chunk, typed)
            rows = rows.filter(typed.refused.is_null())
        key = self._table.primary_key
        if key is not None:
            self._distinct.see(rows[key])
        return rows.with_columns(self._bucket(rows).alias(_BUCKET))

    def _refuse_faults(self, chunk: Chunk, typed: Typed) -> None:
        present = [one.name for one in self._table.fields if one.name in chunk.rows.columns]
        faults = pl.DataFrame({"refused": typed.refused, "missing": typed.missing})
        for (position, missing), _ in faults.drop_nulls().group_by("refused", "missing"):
            here = (typed.refused == position) & (typed.missing == missing)
            rule = Rule.REQUIRED_MISSING if missing else typed.reasons[int(position)]
            self._refuse(chunk.rows.filter(here), rule, present[int(position)])

    def _unknown(self, rows: pl.DataFrame) -> pl.Series | None:
        """Tell which rows of one bucket are nobody's, or return None when all are somebody's.

        A bucket holds few persons and many rows of each: only the distinct ones are looked up.
        """
        person = self._table.person_field
        if person is None or self._persons is None:
            return None
        ids = rows[person].unique()
        known = self._persons.contains(ids)
        return None if known.all() else ~rows[person].is_in(ids.filter(known).implode())

    def _bucket(self, rows: pl.DataFrame) -> pl.Series:
        person = self._target.person_field
        if person is not None:
            return bucket_of(rows[person], buckets=self._layout.buckets, salt=self._layout.salt)
        name = sort_keys(self._target)[0]
        if name not in rows.columns:  # numbered when the part is finished
            return pl.repeat(0, len(rows), dtype=pl.UInt32, eager=True)
        return (rows[name].hash(_WHOLE_SEED) % self._whole_parts).cast(pl.UInt32)

    def _refuse(self, rows: pl.DataFrame, rule: Rule, column: str | None) -> None:
        with self._lock:
            self._count.refuse(rule, len(rows))
        self._means.quarantine.add(
            rows, table=self._table.name, file=self._file.source.name, rule=rule, column=column
        )

    def _repeated(self, spool: SealedSpool) -> pl.Series:
        """Return the lines to keep out because an earlier row has their key."""
        key = self._target.primary_key
        settled = self._distinct.holds and not self._existing
        if key is None or key not in self._header.names or settled:
            return pl.Series(LINE, [], dtype=pl.Int64)
        with self._means.reporter.task(f"checking keys of {self._table.name}"):
            return repeated_lines(
                self._keys(spool, key),
                rows=self._count.read,
                scratch=self._means.scratch,
                memory_bytes=self._means.memory_bytes // 4,
            )

    def _keys(self, spool: SealedSpool, key: str) -> Iterator[pl.DataFrame]:
        for file in self._existing:
            earlier = self._means.vault.read(file, columns=[key])
            yield earlier.with_columns(pl.lit(EARLIER, dtype=pl.Int64).alias(LINE))
        person = self._table.person_field
        wanted = list(dict.fromkeys([key, LINE, *([person] if person else [])]))
        for part in spool.partitions():
            rows = spool.take(part, columns=wanted)
            unknown = self._unknown(rows)
            rows = rows if unknown is None else rows.filter(~unknown)
            yield rows.select(key, LINE)

    def _finish_all(self, spool: SealedSpool, repeated: pl.Series) -> list[SealedFile]:
        parts = spool.partitions()
        label = f"sealing {self._table.name}"
        with (
            self._means.reporter.task(label, total=len(parts)) as task,
            ThreadPoolExecutor(max_workers=self._means.workers) as pool,
        ):
            done: list[SealedFile] = []
            for file in pool.map(lambda part: self._finish(spool, part, repeated), parts):
                done += [] if file is None else [file]
                task.advance(1)
        return done

    def _finish(self, spool: SealedSpool, part: int, repeated: pl.Series) -> SealedFile | None:
        """Sort and seal one bucket, together with the rows it had before."""
        narrow = self._of_persons(spool.take(part))
        spool.drop(part)
        # Sorted before the columns that are null throughout join: they need no moving.
        keys = sort_keys(self._target)
        in_order = not len(repeated) and {*keys, self._target.primary_key} <= {*narrow.columns}
        rows = self._in_current_cdm(narrow.sort(keys, nulls_last=True) if in_order else narrow)
        del narrow
        bucket = None if self._target.person_field is None else part
        earlier = self._earlier(rows, bucket, repeated)
        if len(earlier):
            rows, in_order = pl.concat([earlier, rows.select(earlier.columns)]), False
        rows = self._without_repeated(rows, repeated)
        new = int((rows[LINE] != EARLIER).sum())
        with self._lock:
            self._count.kept += new
        if not new:
            return None
        if bucket is None and len(earlier):
            rows = rows.filter(pl.col(LINE) != EARLIER)  # they stay where they are
        ordered = rows.drop(LINE)
        ordered = ordered if in_order else ordered.sort(keys, nulls_last=True)
        return self._means.vault.seal_frame(
            ordered,
            table=self._target.name,
            bucket=bucket,
            statistics=statistics(ordered, self._target),
        )

    def _of_persons(self, rows: pl.DataFrame) -> pl.DataFrame:
        unknown = self._unknown(rows)
        if unknown is None:
            return rows
        self._refuse(rows.filter(unknown), Rule.UNKNOWN_PERSON, self._table.person_field)
        return rows.filter(~unknown)

    def _in_current_cdm(self, rows: pl.DataFrame) -> pl.DataFrame:
        current = to_current(self._table.name, rows.drop(LINE))
        current = current.cast(self._target.polars_schema())  # type: ignore[arg-type]
        return current.with_columns(rows[LINE])

    def _earlier(self, rows: pl.DataFrame, bucket: int | None, repeated: pl.Series) -> pl.DataFrame:
        """Return the rows of the warehouse to look at: of this bucket, or of the same keys."""
        if bucket is not None:
            files, where = [one for one in self._existing if one.bucket == bucket], None
        else:
            files, name = list(self._existing), sort_keys(self._target)[0]
            if self._target.primary_key is not None:
                rows = rows.filter(are_among(rows[LINE], repeated))
            where = pl.col(name).is_in(rows[name].unique().implode())
        if not files or rows.is_empty():
            return pl.DataFrame()
        earlier = self._means.vault.read(files, where=where)
        return earlier.with_columns(pl.lit(EARLIER, dtype=pl.Int64).alias(LINE))

    def _without_repeated(self, rows: pl.DataFrame, repeated: pl.Series) -> pl.DataFrame:
        """Part rows that come again into identical (dropped) and different (quarantined).

        Without a primary key only identical rows can be told.
        """
        key = self._target.primary_key
        suspect = pl.repeat(value=True, n=len(rows), eager=True)
        if key is not None:
            suspect = are_among(rows[LINE], repeated)
            if not suspect.any():
                return rows
        held = rows.with_columns(suspect.alias(_SUSPECT)).sort(LINE, maintain_order=True)
        first = held.select(pl.struct(pl.all().exclude(LINE, _SUSPECT)).is_first_distinct())
        identical = held[_SUSPECT] & ~first.to_series() & (held[LINE] != EARLIER)
        with self._lock:
            self._count.refuse(Rule.IDENTICAL_ROW, int(identical.sum()))
        held = held.filter(~identical)
        if key is None:
            return held.drop(_SUSPECT)
        if self._means.keep_repeated:
            with self._lock:
                self._count.repeated_kept += int(held[_SUSPECT].sum())
            return held.drop(_SUSPECT)
        different = held.filter(_SUSPECT).drop(_SUSPECT)
        self._refuse(different, Rule.REPEATED_KEY, key)
        return held.filter(~pl.col(_SUSPECT)).drop(_SUSPECT)
