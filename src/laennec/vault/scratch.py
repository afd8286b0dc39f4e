"""Rows set aside while loading, sealed before they touch the disk.

A spool takes rows in any order and gives them back one partition at a time, so that memory is
bounded by the spool's allowance plus one partition, however many rows there are. What does not fit
in memory goes to one scratch file: Arrow IPC blocks, each AES-256-GCM under a key that exists only
in this process and dies with it. The file has no name (it is unlinked as soon as it is open), so a
killed process leaves nothing, not even ciphertext.

Nonces are a counter: the key seals one spool only, so no nonce is used twice. The position of a
block is its nonce, kept in memory; a block moved by somebody else does not open.
"""

import errno
import io
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import IntegrityError, StoreError, StoreFullError

_NONCE_BYTES = 12


@dataclass(frozen=True)
class _Block:
    """Where one sealed block of one partition lies; ``number`` is its nonce."""

    number: int
    offset: int
    length: int


class SealedSpool:
    """Rows by partition, in memory up to an allowance and sealed on disk beyond it.

    Rows of one partition come back in the order in which they were added. ``add`` is for one
    thread; once all rows are in, ``take`` and ``drop`` may be called from several.
    """

    def __init__(self, folder: Path, *, partition: str, memory_bytes: int) -> None:
        """Prepare a spool; nothing is written before memory is short.

        Args:
            folder: Where the unnamed scratch file goes; made when it is missing.
            partition: Column of the partition number (any integer type), dropped on the way out.
            memory_bytes: Rows kept in memory before they are written, in bytes.
        """
        self._folder, self._partition, self._allowance = folder, partition, memory_bytes
        self._blocks: dict[int, list[_Block]] = {}
        self._memory: dict[int, list[pl.DataFrame]] = {}
        self._memory_bytes = 0
        self._columns: pl.DataFrame | None = None
        self._file = -1
        self._end = 0
        self._sealed = 0
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._lock = threading.Lock()

    def __enter__(self) -> "SealedSpool":
        """Use the spool for the time of a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget key, rows and file."""
        del self._cipher
        self._memory, self._blocks = {}, {}
        if self._file >= 0:
            os.close(self._file)

    @property
    def written_bytes(self) -> int:
        """Sealed bytes written to the scratch file."""
        return self._end

    def add(self, rows: pl.DataFrame) -> None:
        """Set rows aside.

        Raises:
            StoreFullError: the disk of the scratch folder is full.
            StoreError: the scratch file cannot be written.
        """
        if self._columns is None:
            self._columns = rows.clear().drop(self._partition)
        parts = rows.partition_by(
            self._partition, as_dict=True, include_key=False, maintain_order=True
        )
        for key, part in parts.items():
            self._memory.setdefault(int(key[0]), []).append(part)
        self._memory_bytes += int(rows.estimated_size())
        if self._memory_bytes > self._allowance:
            self._write()

    def partitions(self) -> list[int]:
        """Return the numbers of partitions that have rows, ascending."""
        return sorted(self._blocks.keys() | self._memory.keys())

    def take(self, partition: int, *, columns: list[str] | None = None) -> pl.DataFrame:
        """Return the rows of one partition, or some columns of them; they stay in the spool.

        Raises:
            IntegrityError: the scratch file was altered.
            StoreError: the scratch file cannot be read.
            ValueError: no row was ever added.
        """
        if self._columns is None:
            raise ValueError("the spool never had a row")
        parts = [self._read(block, columns) for block in self._blocks.get(partition, [])]
        held = self._memory.get(partition, [])
        parts += held if columns is None else [part.select(columns) for part in held]
        empty = self._columns if columns is None else self._columns.select(columns)
        return pl.concat(parts) if parts else empty

    def drop(self, partition: int) -> None:
        """Forget the rows of one partition, to give memory back."""
        with self._lock:
            self._blocks.pop(partition, None)
            self._memory.pop(partition, None)

    def _write(self) -> None:
        """Seal one block for each partition, several at once, and append them to the file."""
        numbered = list(enumerate(self._memory.items(), start=self._sealed))
        self._memory, self._memory_bytes = {}, 0
        self._sealed += len(numbered)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            bodies = pool.map(lambda one: self._seal(one[0], one[1][1]), numbered)
            for (number, (partition, _)), sealed in zip(numbered, bodies, strict=True):
                self._append(sealed)
                block = _Block(number, self._end - len(sealed), len(sealed))
                self._blocks.setdefault(partition, []).append(block)

    def _seal(self, number: int, parts: list[pl.DataFrame]) -> bytes:
        plain = io.BytesIO()
        pl.concat(parts).write_ipc(plain, compression="lz4")
        return self._cipher.encrypt(_nonce(number), plain.getbuffer(), None)

    def _append(self, sealed: bytes) -> None:
        try:
            if self._file < 0:
                self._file = _unnamed_file(self._folder)
            view = memoryview(sealed)
            while view:
                written = os.pwrite(self._file, view, self._end)
                self._end += written
                view = view[written:]
        except OSError as error:
            raise disk_error(error) from None

    def _read(self, block: _Block, columns: list[str] | None) -> pl.DataFrame:
        try:
            sealed = os.pread(self._file, block.length, block.offset)
            plain = self._cipher.decrypt(_nonce(block.number), sealed, None)
        except InvalidTag:
            raise IntegrityError(
                "The sealed scratch file was altered while it was in use.",
                remedy="Nothing was committed; find out who writes there, then load again.",
            ) from None
        except OSError as error:
            raise disk_error(error) from None
        return pl.read_ipc(plain, columns=columns)


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _unnamed_file(folder: Path) -> int:
    """Open a new file that only this process can reach and that vanishes with it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    Path(name).unlink()
    return handle


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut.

    Raises:
        OSError: the disk failed.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError) -> StoreError:
    """Return what to tell the user when the scratch folder fails; no value of a row is in it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFullError(
            "The disk of the scratch folder is full.",
            remedy="Free space there, or give more memory (runs.memory_mb); nothing was committed.",
        )
    return StoreError(
        f"The scratch folder cannot be used: {error.strerror}.",
        remedy="Check runs.scratch and its rights; nothing was committed.",
    )
