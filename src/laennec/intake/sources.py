"""The files of a data set: a folder, a zip or one file, each file one table.

The name up to the first dot is the table's name, in any case (``drug_exposure.parquet``,
``DRUG_EXPOSURE.csv.gz``), and ``_seed`` after a vocabulary table's name is left out; nothing else
is guessed. Nothing is unpacked to disk. What was hashed is what was loaded: a file that changes in
the meantime is refused.
"""

import gzip
import hashlib
import io
import itertools
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from laennec.core.errors import SourceError
from laennec.omop.names import normal
from laennec.omop.vocabulary import vocabulary_table

Form = Literal["csv", "parquet"]
_ENDINGS: dict[str, Form] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
    ".parquet": "parquet",
}
_HASH_BYTES = 1 << 20
_DAMAGES = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
_ZIP_DAMAGES = (
    OSError,
    zipfile.BadZipFile,
    # What zipfile raises besides on a directory that was made to mislead it.
    RuntimeError,
    IndexError,
    ValueError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True)
class SourceFile:
    """One file of one table.

    Attributes:
        path: The file, or the zip it is in.
        member: Name inside the zip, or None.
        table: Lower-case name of its table.
        form: What it holds.
    """

    path: Path
    member: str | None
    table: str
    form: Form

    @property
    def name(self) -> str:
        """The name that messages and reports use."""
        return self.path.name if self.member is None else f"{self.path.name}:{self.member}"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the uncompressed bytes.

        Raises:
            SourceError: the file cannot be opened, or its compressed form is damaged.
        """
        try:
            with self._raw() as raw:
                zipped = self.name.lower().endswith(".gz")
                with gzip.open(raw) if zipped else raw as stream:
                    yield stream  # type: ignore[misc]
        except _DAMAGES as error:
            raise _unreadable(self.name, error) from None

    def stamp(self) -> tuple[int, int, int]:
        """Return what changes when somebody writes the file: inode, size and time of writing.

        Raises:
            SourceError: the file is gone.
        """
        try:
            seen = self.path.stat()
        except OSError as error:
            raise _unreadable(self.name, error) from None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns

    def digest(self) -> str:
        """Return the SHA-256 of the file's bytes in hexadecimal; in a zip, of the member's.

        Raises:
            SourceError: the file cannot be read.
        """
        whole = hashlib.sha256()
        try:
            with self._raw() as raw:
                while piece := raw.read(_HASH_BYTES):
                    whole.update(piece)
        except _DAMAGES as error:
            raise _unreadable(self.name, error) from None
        return whole.hexdigest()

    @property
    def size(self) -> int:
        """Bytes as the table's reader sees them, gzip apart."""
        if self.member is None:
            return self.stamp()[1]
        with zipfile.ZipFile(self.path) as archive:
            return archive.getinfo(self.member).file_size

    @contextmanager
    def _raw(self) -> Iterator[BinaryIO]:
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(self.path) as archive:
            try:
                member = archive.open(self.member)
            except RuntimeError:  # a password, an unknown compression
                raise _locked(self.name) from None
            except (KeyError, IndexError, ValueError, OverflowError, struct.error) as error:
                raise _unreadable(self.name, error) from None
            with member:
                yield io.BufferedReader(member, 1 << 20)  # type: ignore[type-var]


def find_sources(path: Path) -> tuple[SourceFile, ...]:
    """Return the table files in a folder (not below it), in a zip, or the one file, by table name.

    Raises:
        SourceError: nothing is there, no file has a known ending, or two files are one table.
    """
    found = sorted(_candidates(path), key=lambda one: one.table)
    if not found:
        raise SourceError(
            f"{path.name} holds no table file.",
            remedy=f"Name files after their table, ending in {', '.join(_ENDINGS)}.",
        )
    for one, two in itertools.pairwise(found):
        if one.table == two.table:
            raise SourceError(
                f"{one.name} and {two.name} are both for the table {one.table}.",
                remedy="Keep one, or load them one after the other.",
            )
    return tuple(found)


def _candidates(path: Path) -> Iterator[SourceFile]:
    for file, member, name in list_files(path):
        source = as_source(file, member, name)
        if source is not None:
            yield source


def list_files(path: Path, *, below: bool = False) -> list[tuple[Path, str | None, str]]:
    """Return every file in a folder, in a zip, or the one file, whatever its name.

    Args:
        path: Folder, zip or file.
        below: Whether files in folders below a folder count; those in folders of a zip always do.

    Returns:
        Path, name inside the zip or None, and the last part of the name.

    Raises:
        SourceError: nothing is there, or the zip is damaged.
    """
    try:
        path.stat()
        found = path.rglob("*") if below else path.iterdir()
        files = sorted(one for one in found if one.is_file()) if path.is_dir() else None
    except OSError as error:
        raise _unreadable(str(path), error) from None
    if files is not None:
        return [(one, None, one.name) for one in files]
    if path.suffix.lower() == ".zip":
        return [(path, name, PurePosixPath(name).name) for name in _zip_names(path)]
    return [(path, None, path.name)]


def as_source(file: Path, member: str | None, name: str) -> SourceFile | None:
    """Return the table file of that name, or None when its ending is none of a table."""
    table, dot, ending = name.partition(".")
    form = _ENDINGS.get((dot + ending).lower())
    if form is None:
        return None
    return SourceFile(file, member, vocabulary_table(name) or normal(table), form)


def _zip_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                one.filename
                for one in archive.infolist()
                if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
    except _ZIP_DAMAGES as error:
        raise _unreadable(path.name, error) from None


def _unreadable(name: str, error: Exception) -> SourceError:
    if not isinstance(error, OSError) or isinstance(error, gzip.BadGzipFile):
        return SourceError(
            f"{name} is damaged or cut short.",
            remedy="Compare its size with the original and get it again; nothing was loaded.",
        )
    detail = f": {error.strerror}" if error.strerror else ""
    return SourceError(
        f"{name} cannot be read{detail}.",
        remedy="Check the path and its rights; nothing was loaded.",
    )


def _locked(name: str) -> SourceError:
    return SourceError(
        f"{name} is in a zip with a password, or packed by a method that is not known.",
        remedy="Unpack it, or pack it without password by deflate; nothing was loaded.",
    )
