"""Make a CDM: block after block, each table a Parquet file, the vocabulary beside them."""

import os
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from laennec.core.errors import AlreadyExistsError
from laennec.core.progress import Reporter
from laennec.omop.cdm import CURRENT, cdm
from laennec.synthetic.cdm.catalogue import Catalogues, catalogues
from laennec.synthetic.cdm.order import Order
from laennec.synthetic.cdm.tables import frame, places, rows

_SOURCE = "Synthetic CDM"

Tables = list[tuple[str, pl.DataFrame]]


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes:
        folder: Where the tables are, one Parquet file each.
        rows: Rows by table, without those of the vocabulary.
        bytes: Size of all files.
    """

    folder: Path
    rows: Counter[str]
    bytes: int


def make(order: Order, folder: Path, *, vocabulary: Path, reporter: Reporter) -> Made:
    """Write a CDM into a folder that is made for it.

    A row group of a file is a block. Blocks are made side by side and written in order, so that
    the files depend on the order and the vocabulary alone.

    Args:
        order: What to make.
        folder: A path that does not exist, or an empty folder.
        vocabulary: Folder of the tables of a vocabulary as Parquet files; they are copied.
        reporter: Is told of the persons done.

    Returns:
        What was made.

    Raises:
        AlreadyExistsError: the folder holds something.
        NotFoundError: the vocabulary is not there, or has no conditions or drugs.
    """
    if folder.exists() and any(folder.iterdir()):
        raise AlreadyExistsError(
            f"{folder} is not empty.",
            remedy="Name a new folder: a base is never mixed with another.",
        )
    found = catalogues(vocabulary)
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with _Files(folder) as files, reporter.task("Synthetic CDM", total=order.persons) as task:
        for table, rows_ in (*places(), ("cdm_source", _source(order))):
            counts[table] += files.append(table, rows_)
        for tables in _blocks(order, found):
            for table, rows_ in tables:
                counts[table] += files.append(table, rows_)
            task.advance(tables[0][1].height)
    _copy_vocabulary(vocabulary, folder)
    return Made(folder, counts, sum(one.stat().st_size for one in folder.iterdir()))


class _Files:
    """The files of tables, appended to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def append(self, table: str, rows: pl.DataFrame) -> int:
        """Add rows to the file of a table as one row group, and return how many."""
        found = rows.to_arrow()
        if table not in self._writers:
            path = self._folder / f"{table}.parquet"
            writer = pq.ParquetWriter(path, found.schema, compression="zstd", compression_level=1)
            self._writers[table] = self._open.enter_context(writer)
        self._writers[table].write_table(found, row_group_size=max(1, rows.height))
        return rows.height


def _blocks(order: Order, found: Catalogues) -> Iterator[Tables]:
    """Make blocks side by side, one per processor; yield them in order."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[Tables]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for block in order.blocks:
            waiting.append(pool.submit(lambda one=block: list(rows(order, one, found))))  # type: ignore[misc]
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _source(order: Order) -> pl.DataFrame:
    """The row that says what this CDM is."""
    last = date(order.last_year, 12, 31)
    columns: dict[str, list[str] | list[date]] = {
        "cdm_source_name": [_SOURCE],
        "cdm_source_abbreviation": ["SYNTHETIC"],
        "cdm_holder": ["nobody"],
        "source_description": ["Made-up rows; no person is in it."],
        "source_release_date": [last],
        "cdm_release_date": [last],
        "cdm_version": [CURRENT],
        "vocabulary_version": ["see vocabulary"],
    }
    return frame("cdm_source", columns)


def _copy_vocabulary(vocabulary: Path, folder: Path) -> None:
    for table in cdm(CURRENT).tables.values():
        source = vocabulary / f"{table.name}.parquet"
        if table.is_vocabulary and source.is_file():
            shutil.copyfile(source, folder / source.name)
