"""The ledger's files: whole or absent, and one writer at a time.

A file is written beside its place, flushed to the disk, renamed, and the folder flushed, so that a
crash leaves the old file or the new one. Writers hold an exclusive ``flock`` on the file ``lock``:
it is released by the kernel when its holder dies, however it dies, and it excludes threads as well
as processes. It does not reach across machines: a ledger's folder is written by one host.

What this module does not do: it knows nothing of tiles, signatures or entries.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from laennec.core.errors import LedgerError, StoreFullError

LOCK = "lock"
TEMPORARY = ".writing"
"""Ending of a file that is being written; only one writer can have one."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Folder:
    """A folder of small static files, addressed by paths with ``/``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return the bytes at ``path``, or None when there is no such file.

        Raises:
            LedgerError: the file is longer than ``max_bytes``, or the host does not give it.
        """
        try:
            with (self.root / path).open("rb") as file:
                data = file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed(path, "cannot be read") from error
        if len(data) > max_bytes:
            raise _failed(path, "is longer than any file of its kind")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Put ``data`` at ``path``, durable and whole; the caller holds the lock.

        Raises:
            StoreFullError: no space is left.
            LedgerError: the host does not take it.
        """
        target = self.root / path
        beside = target.with_name(target.name + TEMPORARY)
        try:
            self._make_parents(target.parent)
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
            _flush_folder(target.parent)
        except OSError as error:
            raise _not_written(path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file if it is there.

        Raises:
            LedgerError: the host does not do it.
        """
        try:
            (self.root / path).unlink(missing_ok=True)
        except OSError as error:
            raise _not_written(path, error) from error

    def remove_all(self, below: str) -> None:
        """Remove the folder ``below`` and the files in it, if it is there.

        Raises:
            LedgerError: the host does not do it, or the folder holds folders.
        """
        for path in tuple(self.paths(below)):
            self.remove(path)
        try:
            with suppress(FileNotFoundError):
                (self.root / below).rmdir()
        except OSError as error:
            raise _not_written(below, error) from error

    def holds(self, path: str) -> bool:
        """Say whether there is a file at ``path``."""
        return (self.root / path).is_file()

    def paths(self, below: str = "") -> Iterator[str]:
        """Yield the path of every file below ``below``, symbolic links included, in no order."""
        for place, folders, files in os.walk(self.root / below):
            linked = [name for name in folders if (Path(place) / name).is_symlink()]
            for name in (*files, *linked):
                yield (Path(place) / name).relative_to(self.root).as_posix()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the writers' lock; waits for another writer to finish.

        Raises:
            LedgerError: the lock file cannot be opened.
        """
        try:
            self._make_parents(self.root)
            handle = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _not_written(LOCK, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _make_parents(self, folder: Path) -> None:
        """Create ``folder`` and flush each new name, so that a durable file has a durable path."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            _flush_folder(one.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(path: str, what: str) -> LedgerError:
    return LedgerError(
        f"The ledger's file {path} {what}.",
        remedy="Check the ledger's folder and its permissions, then run `laennec log verify`.",
    )


def _not_written(path: str, error: OSError) -> LedgerError | StoreFullError:
    if error.errno in _FULL:
        return StoreFullError(
            f"No space is left for the ledger's file {path}.",
            remedy="Free some space and repeat the command; the log stands as it was.",
        )
    return _failed(path, "cannot be written")
