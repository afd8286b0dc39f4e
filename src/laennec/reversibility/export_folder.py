"""A folder that appears whole or not at all, for whoever reads it afterwards and for nobody else.

Everything is written into ``<folder>.partial``, mode 0700, each file 0600 and hashed on its way to
the disk. ``publish`` brings all to the disk and gives the folder its name; whatever ends the work
before that removes it. A killed process leaves the partial folder, without the manifest that makes
an export of it; the next export refuses to go on until somebody has deleted it.

Attackers resisted: another user of the machine, and whoever takes a torn export for a whole one.
"""

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from laennec.core.errors import AlreadyExistsError, EngineError, StoreError, StoreFullError
from laennec.reversibility.export_model import WrittenFile

PARTIAL = ".partial"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PIECE = 1 << 20


class _HashedFile(io.RawIOBase):
    """A file that is written once, from beginning to end, and hashed on the way."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._digest, self._size = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, piece: object) -> int:
        view = memoryview(piece).cast("B")  # type: ignore[arg-type]
        self._digest.update(view)
        self._size += len(view)
        rest = view
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(view)

    def close(self) -> None:
        if not self.closed:
            super().close()
            try:
                os.fsync(self._descriptor)
            finally:
                os.close(self._descriptor)

    def facts(self, name: str) -> WrittenFile:
        return WrittenFile(name, self._size, self._digest.hexdigest())


class Stage:
    """The folder while it is being written; made by ``staged``.

    Attributes:
        path: Where its files are until the folder is whole.
        files: What was written, in order.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self._folder = path, folder
        self.files: list[WrittenFile] = []

    @contextmanager
    def create(self, name: str) -> Iterator[io.RawIOBase]:
        """Open a new file for writing, and note its size and hash when it is complete."""
        path = self.path / name
        if path.parent != self.path:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        file = _HashedFile(path)
        try:
            yield file
        finally:
            file.close()
        self.files.append(file.facts(name))

    def adopt(self, name: str) -> None:
        """Note a file that another library wrote into the folder."""
        path = self.path / name
        path.chmod(0o600)
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
            os.fsync(file.fileno())
        self.files.append(WrittenFile(name, path.stat().st_size, digest.hexdigest()))

    def write(self, name: str, text: str) -> WrittenFile:
        """Write a file of text."""
        with self.create(name) as file:
            file.write(text.encode())
        return self.files[-1]

    def publish(self) -> None:
        """Give the folder its name.

        Raises:
            OSError: something is there meanwhile.
        """
        folders = [self.path, *(one for one in self.path.iterdir() if one.is_dir())]
        for one in folders:
            _sync(one)
        self.path.rename(self._folder)
        _sync(self._folder.parent)


def check_target(folder: Path, *, keep_out: Sequence[Path]) -> None:
    """Refuse a folder that cannot take an export.

    Args:
        folder: Where it is to go, as the user named it.
        keep_out: Folders of the hub that must hold nothing readable, or that others may read.

    Raises:
        AlreadyExistsError: it holds something, or an interrupted export is beside it.
        StoreError: it is inside a folder of the hub, or its parent does not exist.
    """
    place = folder.resolve()
    for one in keep_out:
        if place.is_relative_to(one.resolve()):
            raise StoreError(
                f"{folder} is inside {one}, which belongs to the hub.",
                remedy="Choose a folder elsewhere: an export is readable by whoever gets it.",
            )
    if not place.parent.is_dir():
        raise StoreError(f"{place.parent} is not a folder.", remedy="Make it first.")
    try:
        taken = os.path.lexists(place) and (not place.is_dir() or any(place.iterdir()))
    except OSError as error:
        raise _unwritable(folder, error) from None
    if taken:
        raise AlreadyExistsError(
            f"{folder} is there and not empty.", remedy="Choose a folder that does not exist yet."
        )
    if os.path.lexists(_partial(place)):
        raise AlreadyExistsError(
            f"{_partial(place)} is there: an export is under way, or was killed and left records "
            "in clear.",
            remedy="If none is under way, delete that folder, then export again.",
        )


@contextmanager
def staged(folder: Path, *, keep_out: Sequence[Path]) -> Iterator[Stage]:
    """Make a folder for an export; what is not published at the end is removed.

    Args:
        folder: Its name once it is published.
        keep_out: As for ``check_target``.

    Raises:
        AlreadyExistsError, StoreError: as ``check_target``.
        StoreFullError: the disk is full; nothing is left.
        EngineError: rows cannot be written in this form; likewise.
    """
    check_target(folder, keep_out=keep_out)
    place = folder.resolve()
    partial = _partial(place)
    try:
        partial.mkdir(mode=0o700)
        try:
            yield Stage(partial, place)
        finally:
            if partial.exists():
                shutil.rmtree(partial)
    except OSError as error:
        raise _unwritable(folder, error) from None
    except pa.ArrowException:
        # The library's own message may quote a value from a row.
        raise EngineError(
            f"The rows cannot be written into {folder}.",
            remedy="Choose another form; what was written was removed.",
        ) from None


def _partial(place: Path) -> Path:
    return place.with_name(place.name + PARTIAL)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> StoreError:
    if error.errno in _FULL:
        return StoreFullError(
            f"The disk of {folder} is full.",
            remedy="Free space there or choose another; what was written was removed.",
        )
    return StoreError(
        f"{folder} cannot be written: {error.strerror}.",
        remedy="Check its owner and rights; what was written was removed.",
    )
