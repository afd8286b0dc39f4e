"""Cutting a warehouse into another number of person buckets; the rows stay the same.

Table by table, every row goes through a sealed spool into its new bucket, so memory is bounded by
the spool's allowance and one bucket. One commit at the end; before it, nothing is visible.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from laennec.core.errors import NotFoundError, SettingsError
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
    """Commit the newest snapshot's rows in ``buckets`` person buckets.

    Args:
        vault: The warehouse's.
        buckets: A power of two, at most ``buckets.MOST``.
        scratch: Folder for sealed scratch files.
        memory_bytes: Memory for rows in hand.
        workers: Buckets sealed at once.
        reporter: Shows progress.

    Raises:
        SettingsError: ``buckets`` is no such number.
        NotFoundError: nothing was loaded yet.
        ConflictError: somebody else committed meanwhile.
        StoreError: store or scratch folder failed or are full.
    """
    if not 1 <= buckets <= MOST or buckets & (buckets - 1):
        raise SettingsError(
            f"{buckets} is not a number of person buckets.",
            remedy=f"Choose a power of two up to {MOST:,}.",
        )
    base = vault.snapshot()
    old = layout_of(base.manifest)
    if old is None:
        raise NotFoundError("Nothing was loaded yet.", remedy="Load a data set first.")
    layout = Layout(buckets, old.salt)
    files: list[SealedFile] = []
    for table in _tables(base):
        known = cdm(CURRENT).tables.get(table)
        mine = base.manifest.table(table)
        if known is None or known.person_field is None:
            files += mine
            continue
        with SealedSpool(scratch, partition=_BUCKET, memory_bytes=memory_bytes // 2) as spool:
            _cut(vault, mine, known, layout, spool, reporter)
            files += _seal(vault, known, spool, workers, reporter)
    properties = {**base.manifest.properties, PROPERTY: layout.as_property()}
    return vault.commit(base, base.manifest.replace(files=files, properties=properties))


def _tables(snapshot: Snapshot) -> list[str]:
    return list(dict.fromkeys(file.table for file in snapshot.manifest.files))


def _cut(
    vault: Vault,
    files: Sequence[SealedFile],
    table: Table,
    layout: Layout,
    spool: SealedSpool,
    reporter: Reporter,
) -> None:
    with reporter.task(f"reading {table.name}", total=len(files)) as task:
        for file in files:
            rows = vault.read(file)
            owner = rows[str(table.person_field)]
            bucket = bucket_of(owner, buckets=layout.buckets, salt=layout.salt)
            spool.add(rows.with_columns(bucket.alias(_BUCKET)))
            task.advance(1)


def _seal(
    vault: Vault, table: Table, spool: SealedSpool, workers: int, reporter: Reporter
) -> list[SealedFile]:
    def seal(bucket: int) -> SealedFile:
        rows = spool.take(bucket).sort(sort_keys(table), nulls_last=True)
        spool.drop(bucket)
        return vault.seal_frame(
            rows, table=table.name, bucket=bucket, statistics=statistics(rows, table)
        )

    parts = spool.partitions()
    with (
        reporter.task(f"sealing {table.name}", total=len(parts)) as task,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        sealed = []
        for file in pool.map(seal, parts):
            sealed.append(file)
            task.advance(1)
    return sealed
