"""Files of a base under way: blocks append rows, in order, while the next block is made.

One thread writes what the generator hands over, in that order; so a file does not depend on the
number of cores. A gzip file is a sequence of members, one per block, as RFC 1952 allows; a Parquet
file is put together from parts at the end.
"""

import gzip
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from laennec.synthetic.snds import layout
from laennec.synthetic.snds.order import Format

_WAITING = 3
"""Blocks that may wait to be written; more would only fill the memory."""

_FAST = 1
"""Level of gzip: synthetic data is made once and read a few times."""

_PARTS = "parts"


@dataclass(frozen=True)
class Target:
    """A table's file: its name without ending, and the table and year of its layout."""

    name: str
    family: str
    year: int | None


@dataclass
class Files:
    """The files of a base.

    Attributes:
        folder: Where they are made; it exists and is empty.
        format: How they are written.
        rows: Rows by file name without ending.
        faults: Rows planted as faults: class, file, line (the first row is on line 2).
    """

    folder: Path
    format: Format
    rows: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    _parts: dict[Target, int] = field(default_factory=dict)

    def append(
        self,
        target: Target,
        cells: layout.Cells,
        height: int,
        faults: dict[str, np.ndarray] | None = None,
    ) -> None:
        """Add rows to a file, and note which of them are faults (places in these rows)."""
        name = target.name
        for kind, places in (faults or {}).items():
            if len(places):
                self.faults.append((kind, name, places + self.rows[name] + 2))
        if self.format is Format.PARQUET:
            self._append_part(target, cells, height)
        else:
            self._append_text(target, cells, height)
        self.rows[name] += height

    def path(self, name: str) -> Path:
        """Return the path of a file."""
        return self.folder / f"{name}.{self.format}"

    def finish(self) -> None:
        """Put the parts of Parquet files together."""
        for target, count in self._parts.items():
            parts = [self._part(target, place) for place in range(count)]
            pl.scan_parquet(parts).sink_parquet(self.path(target.name))
            for part in parts:
                part.unlink()
        if self._parts:
            (self.folder / _PARTS).rmdir()

    def _append_text(self, target: Target, cells: layout.Cells, height: int) -> None:
        content = BytesIO()
        if target.name not in self.rows:
            content.write(layout.header(target.family, target.year).encode())
        if height:
            layout.as_text(target.family, target.year, cells, height).write_csv(
                content, separator=layout.SEPARATOR, include_header=False, quote_style="never"
            )
        block = content.getvalue()
        if self.format is Format.GZIP:
            block = gzip.compress(block, _FAST, mtime=0)
        with self.path(target.name).open("ab") as file:
            file.write(block)

    def _append_part(self, target: Target, cells: layout.Cells, height: int) -> None:
        place = self._parts.setdefault(target, 0)
        (self.folder / _PARTS).mkdir(exist_ok=True)
        layout.as_typed(target.family, target.year, cells, height).write_parquet(
            self._part(target, place)
        )
        self._parts[target] = place + 1

    def _part(self, target: Target, place: int) -> Path:
        return self.folder / _PARTS / f"{target.name}.{place:05d}.parquet"


class Background:
    """Runs the writing of one block after another in one thread, a few blocks behind."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for one in self._waiting:
                one.result()

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over work; waits while too much of it is pending, and raises what it raised."""
        self._waiting.append(self._pool.submit(work))
        while len(self._waiting) > _WAITING or self._waiting[0].done():
            self._waiting.pop(0).result()
            if not self._waiting:
                return
