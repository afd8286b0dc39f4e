"""The object store in a local folder, through obstore.

An object is written and flushed under ``staging/``, then given its name by a hard link that fails
if the name is taken, and the folder is flushed: killed or unplugged at any point, an object is
absent or whole. What an interrupted write leaves under ``staging/`` is listed like any object, and
swept.

Needs a file system with hard links. Does not hide names or sizes: that is the vault's work.
"""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore as ObstoreLocal

from laennec.core.errors import ConflictError, NotFoundError, StoreError, StoreFullError
from laennec.vault.ports import StoredObject

STAGING = "staging/"
_FULL = re.compile(r"os error (27|28|122)\b")
"""EFBIG, ENOSPC, EDQUOT, as obstore prints them."""
_FULL_ERRNO = frozenset({27, 28, 122})


class LocalStore:
    """Objects as files in ``folder``, which is created with mode 0700 if absent.

    Raises:
        StoreError: the folder cannot be created or is not a folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with _translated(str(folder)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = ObstoreLocal(folder)

    def __reduce__(self) -> tuple[type["LocalStore"], tuple[Path]]:
        """Be carried to another process of this machine as the folder that it is."""
        return LocalStore, (self.folder,)

    def create(self, name: str, body: bytes) -> None:
        """Store ``body`` under ``name`` if nothing is there; see ``ObjectStore.create``."""
        staged = STAGING + secrets.token_hex(16)
        with _translated(name):
            try:
                obstore.put(self._store, staged, body, mode="create", use_multipart=False)
                _flush(self.folder / staged)
                obstore.rename(self._store, staged, name, overwrite=False)
            except BaseException:
                (self.folder / staged).unlink(missing_ok=True)
                raise
            self._flush_folders(name)

    def get(self, name: str) -> bytes:
        """Return all bytes of ``name``; see ``ObjectStore.get``."""
        path = self._path(name)
        with _translated(name):
            if not path.is_file():
                raise _absent(name)  # nor may a pipe, put there by the host, be waited for
            return path.read_bytes()

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the files of the folder, whoever put them there; see ``ObjectStore.list``.

        Walks the folder itself, since obstore hides names it would not have written, and those are
        what a hostile host or an interrupted write leaves. Symbolic links are listed, not followed.
        """
        with _translated(str(self.folder)):
            found = sorted(self._walk(prefix), key=lambda item: item.name)
        yield from found

    def delete(self, names: Sequence[str]) -> None:
        """Delete these objects; see ``ObjectStore.delete``."""
        for name in names:
            with _translated(name):
                self._path(name).unlink(missing_ok=True)

    def prefetch(self, names: Sequence[str]) -> None:
        """Do nothing: reading a local file is as quick as it gets."""

    def _walk(self, prefix: str) -> Iterator[StoredObject]:
        start = self.folder / prefix.rpartition("/")[0]
        for parent, folders, files in os.walk(start, onerror=_unreadable):
            links = [folder for folder in folders if Path(parent, folder).is_symlink()]
            for file in (*files, *links):
                path = Path(parent, file)
                name = path.relative_to(self.folder).as_posix()
                if not name.startswith(prefix):
                    continue
                try:
                    seen = path.lstat()
                except FileNotFoundError:
                    continue  # another writer's staged file got its name, or a sweep took it
                yield StoredObject(
                    name, seen.st_size, datetime.fromtimestamp(seen.st_mtime, tz=UTC)
                )

    def _path(self, name: str) -> Path:
        """Return the file of ``name``, which may not lead out of the folder."""
        parts = name.split("/")
        if not name or any(part in {"", ".", ".."} for part in parts):
            raise ValueError("an object name has no empty, '.' or '..' part")
        return self.folder.joinpath(*parts)

    def _flush_folders(self, name: str) -> None:
        """Make the new name durable, and the folders that were created for it."""
        folder = self._path(name).parent
        while folder != self.folder.parent:
            _flush(folder)
            folder = folder.parent


def _unreadable(error: OSError) -> None:
    """Refuse a folder that cannot be listed; one that is absent has no objects."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn obstore's and the system's errors into ours."""
    try:
        yield
    except AlreadyExistsError:
        raise ConflictError(
            f"{name} exists already.",
            remedy="Another writer was first; read the newest snapshot and try again.",
        ) from None
    except FileNotFoundError:
        raise _absent(name) from None
    except BaseError as error:
        raise _failure(name, full=bool(_FULL.search(str(error)))) from error
    except OSError as error:
        raise _failure(name, full=error.errno in _FULL_ERRNO) from error


def _absent(name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no object {name}.", remedy="Run `laennec verify` to see what is missing."
    )


def _failure(name: str, *, full: bool) -> StoreError:
    if full:
        return StoreFullError(
            f"No space is left in the store for {name}.",
            remedy="Make room, run `laennec sweep`, and try again; nothing half-written shows.",
        )
    return StoreError(
        f"The store failed on {name}.", remedy="Check the folder's disk and its permissions."
    )
