"""Cutting a warehouse into another number of person buckets.

Every row of every table of persons goes through a sealed spool into its new bucket; tables without
persons, quarantine and documents stay as they are. One commit: before it the old layout is whole,
after it the new one, and earlier snapshots keep theirs. The salt stays, so doubling splits each
bucket in two. Memory is bounded by the allowance and one new bucket per worker, whatever the size
of the tables; old buckets are read one at a time.

What a study finds does not depend on the layout: the same rows, in the same order for each person.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from laennec.core.errors import EngineError, NotFoundError, SettingsError
from laennec.core.progress import Reporter
from laennec.omop.cdm import CURRENT, Table, cdm
from laennec.vault.manifest import SealedFile, Snapshot
from laennec.vault.scratch import SealedSpool
from laennec.vault.service import Vault
from laennec.warehouse.buckets import MOST, bucket_of
from laennec.warehouse.layout import PROPERTY, Layout, layout_of, sort_keys, statistics

_BUCKET = "$bucket"


def rebucket(
    vault: Vault,
    *,
    buckets: int,
    scratch: Path,
    memory_bytes: int,
    workers: int,
    reporter: Reporter,
) -> Snapshot:
    """Commit the newest snapshot's rows in another number of person buckets.

    The caller writes the commit in the ledger (``anchor.log_commit``).

    Args:
        vault: Where the warehouse is.
        buckets: How many from now on: a power of two, at most ``buckets.MOST``.
        scratch: Folder for sealed scratch files.
        memory_bytes: Memory for rows in hand.
        workers: New buckets sealed at once.
        reporter: Shows progress.

    Raises:
        SettingsError: ``buckets`` is no such number, or is the present one.
        NotFoundError: nothing was loaded yet.
        ConflictError: somebody else committed meanwhile; nothing changed.
        StoreError: store or scratch folder failed or are full; nothing changed.
    """
    if not 1 <= buckets <= MOST or buckets & (buckets - 1):
        raise SettingsError(
            f"{buckets} is not a number of person buckets.",
            remedy=f"Choose a power of two up to {MOST:,}.",
        )
    base = vault.snapshot()
    present = layout_of(base.manifest)
    if present is None:
        raise NotFoundError(
            "Nothing was loaded yet.", remedy="Load a data set with `laennec load omop`."
        )
    if present.buckets == buckets:
        raise SettingsError(
            f"The warehouse has {buckets} person buckets already.", remedy="Choose another number."
        )
    layout = Layout(buckets, present.salt)
    files: list[SealedFile] = []
    for name, held in _by_table(base.manifest.files).items():
        table = cdm(CURRENT).tables.get(name)
        if table is None or table.person_field is None:
            files += held
            continue
        with SealedSpool(scratch, partition=_BUCKET, memory_bytes=memory_bytes // 2) as spool:
            _cut(vault, held, table, layout, spool, reporter)
            files += _seal(vault, table, spool, workers, reporter)
    if sum(one.rows for one in files) != sum(one.rows for one in base.manifest.files):
        raise EngineError(
            "There are not as many rows after rebucketing as before.",
            remedy="This is a bug in Laennec; nothing was changed.",
        )
    properties = {**base.manifest.properties, PROPERTY: layout.as_property()}
    return vault.commit(base, base.manifest.replace(files=files, properties=properties))


def _by_table(files: Sequence[SealedFile]) -> dict[str, list[SealedFile]]:
    found: dict[str, list[SealedFile]] = {}
    for file in files:
        found.setdefault(file.table, []).append(file)
    return found


def _cut(
    vault: Vault,
    held: Sequence[SealedFile],
    table: Table,
    layout: Layout,
    spool: SealedSpool,
    reporter: Reporter,
) -> None:
    """Put every row of a table into the spool, under its new bucket."""
    with reporter.task(f"reading {table.name}", total=len(held)) as task:
        for file in held:
            rows = vault.read(file)
            owner = rows[str(table.person_field)]
            bucket = bucket_of(owner, buckets=layout.buckets, salt=layout.salt)
            spool.add(rows.with_columns(bucket.alias(_BUCKET)))
            task.advance(1)


def _seal(
    vault: Vault, table: Table, spool: SealedSpool, workers: int, reporter: Reporter
) -> list[SealedFile]:
    """Sort and seal what the spool holds, bucket by bucket."""

    def seal(bucket: int) -> SealedFile:
        rows = spool.take(bucket).sort(sort_keys(table), nulls_last=True)
        spool.drop(bucket)
        found = statistics(rows, table)
        return vault.seal_frame(rows, table=table.name, bucket=bucket, statistics=found)

    buckets = spool.partitions()
    done = []
    with (
        reporter.task(f"sealing {table.name}", total=len(buckets)) as task,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        for file in pool.map(seal, buckets):
            done.append(file)
            task.advance(1)
    return done
