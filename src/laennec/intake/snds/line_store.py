"""Lines on their way from units to buckets, sealed in a folder that outlives a killed process.

One file for each attempt at a unit: Arrow IPC blocks (lz4), one for each table and bucket, each
AES-256-GCM, then their sealed index. The byte table is in ``docs/reference/sealed-formats.md``.

- The key of a file derives from the load's key and the file's own random id. An attempt that is
  made again, by a resumed load or by Spark, makes another file: no nonce is used twice.
- A block's associated data names unit, table, bucket and place in the file. A block moved, or a
  file given for another unit's, does not open.
- Names are random. The host of the folder sees how many files there are and how large they are.

Executors share the folder: it is written once and never changed. Does not know what a line is.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import IntegrityError
from laennec.vault.labels import derive_key, encode_parts
from laennec.vault.scratch import disk_error, sync_folder

MAGIC = b"LNLS\x01"
BUCKET = "$bucket"
"""Column of the person bucket: it chooses the block and is not stored in it."""

_FORMAT = "laennec/line-store/1"
_ID_BYTES = 16
_NONCE_BYTES = 12
_INDEX_NONCE = b"\xff" * _NONCE_BYTES
_LENGTH_BYTES = 8
_HEADER_BYTES = len(MAGIC) + _ID_BYTES
_INDEX = {
    "table": pl.String(),
    "bucket": pl.UInt32(),
    "offset": pl.UInt64(),
    "length": pl.UInt64(),
    "rows": pl.UInt64(),
}

COUNTS = {"table": pl.String(), "bucket": pl.UInt32(), "rows": pl.Int64()}
_Block = tuple[int, int, int]
"""Number of a block in its file, where it begins and how long it is."""


@dataclass(frozen=True)
class StoredLines:
    """A finished file of the store.

    Attributes:
        unit: Fingerprint of the unit it was made from; part of every block's place.
        file: Its random id, in hexadecimal; the name is made of it.
        bytes: Its size.
    """

    unit: str
    file: str
    bytes: int


class LineWriter:
    """Writes the lines of one attempt at a unit; ``finish`` puts the file in place."""

    def __init__(self, folder: Path, *, key: bytes, unit: str) -> None:
        """Begin a file.

        Args:
            folder: Of the store; made when missing.
            key: Of the load, 256 bits.
            unit: Fingerprint of the unit.

        Raises:
            StoreError: the folder cannot be written.
        """
        self._id, self._unit, self._folder = os.urandom(_ID_BYTES), unit, folder
        self._cipher = AESGCM(_file_key(key, self._id))
        self._index: list[tuple[str, int, int, int, int]] = []
        self._end = 0
        self._path = folder / f"{self._id.hex()}.part"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._out = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise disk_error(error) from None
        self._append(MAGIC + self._id)

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Seal rows of one table, one block for each bucket in ``BUCKET``.

        Raises:
            StoreFullError, StoreError: the disk is full or failed.
        """
        if rows.is_empty():
            return
        ordered = rows.sort(BUCKET, maintain_order=True)
        sizes = ordered[BUCKET].rle().struct.unnest()
        bare, begin = ordered.drop(BUCKET), 0
        for length, bucket in sizes.select("len", "value").iter_rows():
            self._block(table, bucket, bare.slice(begin, length))
            begin += length

    def finish(self) -> StoredLines:
        """Write the index, make the file durable and give it its name.

        Raises:
            StoreFullError, StoreError: the disk is full or failed.
        """
        index = pl.DataFrame(self._index, schema=_INDEX, orient="row")
        sealed = self._cipher.encrypt(_INDEX_NONCE, _ipc(index), _index_place(self._unit))
        self._append(sealed)
        self._append(len(sealed).to_bytes(_LENGTH_BYTES, "big"))
        stored = StoredLines(self._unit, self._id.hex(), self._end)
        try:
            os.fsync(self._out)
            os.close(self._out)
            self._path.rename(self._folder / _name(stored.file))
            sync_folder(self._folder)
        except OSError as error:
            raise disk_error(error) from None
        return stored

    def abandon(self) -> None:
        """Take an unfinished file away."""
        os.close(self._out)
        self._path.unlink(missing_ok=True)

    def _block(self, table: str, bucket: int, rows: pl.DataFrame) -> None:
        number = len(self._index)
        place = _place(self._unit, table, bucket, number)
        sealed = self._cipher.encrypt(_nonce(number), _ipc(rows), place)
        self._index.append((table, bucket, self._end, len(sealed), rows.height))
        self._append(sealed)

    def _append(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                written = os.write(self._out, view)
                self._end += written
                view = view[written:]
        except OSError as error:
            raise disk_error(error) from None


class LineStore:
    """The finished files of a load, to be read bucket by bucket. Thread-safe."""

    def __init__(self, folder: Path, *, key: bytes, files: Sequence[StoredLines]) -> None:
        """Open the files that the journal names; others in the folder do not count.

        Raises:
            IntegrityError: a file is missing or is not what was sealed.
        """
        self._folder, self._key = folder, key
        self._places: dict[tuple[str, int], dict[StoredLines, list[_Block]]] = {}
        self._rows: dict[tuple[str, int], int] = {}
        for one in files:
            self._know(one)

    def counts(self) -> pl.DataFrame:
        """Return table, bucket and rows over all files, ordered by table and bucket."""
        rows = [(*place, rows) for place, rows in sorted(self._rows.items())]
        return pl.DataFrame(rows, schema=COUNTS, orient="row")

    def read(self, table: str, bucket: int) -> pl.DataFrame | None:
        """Return a table's rows of one bucket, files in order and rows in theirs; None if none.

        Raises:
            IntegrityError: a file is missing or is not what was sealed.
        """
        places = self._places.get((table, bucket), {})
        parts = [block for one in places for block in self._blocks(one, table, bucket)]
        return pl.concat(parts) if parts else None

    def _know(self, stored: StoredLines) -> None:
        """Note where a file has the blocks of which table and bucket."""
        for number, row in enumerate(self._index(stored).iter_rows()):
            table, bucket, offset, length, rows = row
            place = (table, bucket)
            blocks = self._places.setdefault(place, {}).setdefault(stored, [])
            blocks.append((number, offset, length))
            self._rows[place] = self._rows.get(place, 0) + rows

    def _index(self, stored: StoredLines) -> pl.DataFrame:
        with self._opened(stored) as file:
            head = os.pread(file, _HEADER_BYTES, 0)
            tail = os.pread(file, _LENGTH_BYTES, stored.bytes - _LENGTH_BYTES)
            length = int.from_bytes(tail, "big")
            begin = stored.bytes - _LENGTH_BYTES - length
            if head != MAGIC + bytes.fromhex(stored.file) or begin < _HEADER_BYTES:
                raise altered()
            sealed = os.pread(file, length, begin)
        plain = _open(self._cipher(stored), _INDEX_NONCE, sealed, _index_place(stored.unit))
        return pl.read_ipc(plain)

    def _blocks(self, stored: StoredLines, table: str, bucket: int) -> Iterator[pl.DataFrame]:
        cipher = self._cipher(stored)
        with self._opened(stored) as file:
            for number, offset, length in self._places[table, bucket][stored]:
                sealed = os.pread(file, length, offset)
                place = _place(stored.unit, table, bucket, number)
                yield pl.read_ipc(_open(cipher, _nonce(number), sealed, place))

    def _cipher(self, stored: StoredLines) -> AESGCM:
        return AESGCM(_file_key(self._key, bytes.fromhex(stored.file)))

    @contextmanager
    def _opened(self, stored: StoredLines) -> Iterator[int]:
        try:
            with (self._folder / _name(stored.file)).open("rb") as file:
                yield file.fileno()
        except FileNotFoundError:
            raise altered() from None
        except OSError as error:
            raise disk_error(error) from None


def _file_key(key: bytes, file: bytes) -> bytes:
    return derive_key(key, _FORMAT, "file", file)


def _place(unit: str, table: str, bucket: int, number: int) -> bytes:
    return encode_parts(_FORMAT, "block", unit, table, str(bucket), str(number))


def _index_place(unit: str) -> bytes:
    return encode_parts(_FORMAT, "index", unit)


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _name(file: str) -> str:
    return f"{file}.lines"


def _ipc(rows: pl.DataFrame) -> memoryview:
    plain = io.BytesIO()
    rows.write_ipc(plain, compression="lz4")
    return plain.getbuffer()


def _open(cipher: AESGCM, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, place)
    except (InvalidTag, ValueError):
        raise altered() from None


def altered() -> IntegrityError:
    """Return the error for anything of the load under way that is not what was sealed."""
    return IntegrityError(
        "A sealed file of the load under way is missing or was altered.",
        remedy="Nothing was committed. Find out who writes in runs.scratch; then run "
        "`laennec sweep` and load again.",
    )
