"""The folder of a load under way: its key, its journal, its sealed lines.

It outlives the process, so that a load that was killed goes on where it was. There is one for each
hub, and one process works in it at a time. Its key is random, wrapped by the warehouse key, and
kept beside what it seals: whoever has the folder alone opens nothing. The journal is a sealed
record for each finished unit, appended and made durable; a record cut short by a crash is one that
was never written. A folder that belongs to another state of the hub, to another delivery or to
another version of the program is emptied.

The byte table is in ``docs/reference/sealed-formats.md``.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from laennec.core.errors import ConflictError, FormatError, IntegrityError
from laennec.intake.snds.line_store import StoredLines, altered
from laennec.vault.labels import KEY_BYTES, derive_key
from laennec.vault.scratch import disk_error, sync_folder
from laennec.vault.sealed_bytes import open_sealed, seal

NAME = "snds-load"
_FORMAT = "laennec/load-folder/1"
_LENGTH_BYTES = 8
_PIECE_BYTES = 1 << 28


class KeyWrapper(Protocol):
    """What wraps the key of the folder; a ``Vault`` does."""

    def wrap_scratch_key(self, key: bytes) -> str:
        """Return the key, wrapped."""

    def unwrap_scratch_key(self, wrapped: str) -> bytes:
        """Return the key in ``wrapped``."""


@dataclass(frozen=True)
class Done:
    """A finished unit.

    Attributes:
        unit: Its fingerprint: what it was made from, and for which state of the hub.
        lines: Its file in the line store.
        outcome: What it says of itself: counts, in JSON.
    """

    unit: str
    lines: StoredLines
    outcome: str


@dataclass
class LoadFolder:
    """The open folder of one load; a context that lets go of it.

    Attributes:
        path: Where it is.
        key: Opens what is in it.
        context: What the load stands on; in every place.
        done: Finished units, by fingerprint, those of an earlier process included.
        resumed: Whether an earlier process began it.
    """

    path: Path
    key: bytes = field(repr=False)
    context: str
    done: dict[str, Done]
    resumed: bool
    _lock: int = field(repr=False)

    @classmethod
    def open(cls, scratch: Path, wrapper: KeyWrapper, *, context: str) -> "LoadFolder":
        """Open the folder of this context, or begin one.

        Args:
            scratch: Folder of scratch files; made when missing.
            wrapper: Wraps the key of a new folder.
            context: Fingerprint of what the load stands on: the hub's snapshot, the beneficiaries,
                the version of the program. A folder of another context is emptied.

        Raises:
            ConflictError: another process is loading.
            IntegrityError: the journal was altered.
            StoreError: the folder cannot be used, or is a link to another.
        """
        path = scratch / NAME
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(path)
        except OSError as error:
            raise disk_error(error) from None
        try:
            key = _key_of(path, wrapper, context)
            done = _journal(path, key, context)
            _drop_unnamed(path, done)
        except BaseException as error:
            os.close(lock)
            if isinstance(error, OSError):
                raise disk_error(error) from None
            raise
        return cls(path, key, context, done, bool(done), lock)

    def __enter__(self) -> "LoadFolder":
        """Use the folder for the time of a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def record(self, done: Done) -> None:
        """Write in the journal that a unit is finished; durable on return.

        Raises:
            StoreFullError, StoreError: the disk is full or failed.
        """
        body = json.dumps(asdict(done), sort_keys=True).encode()
        place = (_FORMAT, "journal", self.context, str(len(self.done)))
        sealed = seal(body, key=_journal_key(self.key), place=place)
        try:
            with (self.path / "journal").open("ab") as file:
                file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(error) from None
        self.done[done.unit] = done

    def share(self, name: str, body: bytes) -> None:
        """Put bytes in the folder that whoever has its key can read.

        Raises:
            StoreFullError, StoreError: the disk is full or failed.
        """
        key = derive_key(self.key, _FORMAT, "shared")
        count = -(-len(body) // _PIECE_BYTES)
        try:
            with (self.path / f"{name}.shared").open("wb") as file:
                for number in range(count):
                    piece = body[number * _PIECE_BYTES : (number + 1) * _PIECE_BYTES]
                    place = (_FORMAT, "shared", self.context, name, str(number), str(count))
                    sealed = seal(piece, key=key, place=place)
                    file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        except OSError as error:
            raise disk_error(error) from None

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def shared_bytes(path: Path, name: str, *, key: bytes, context: str) -> bytes:
    """Return the bytes that ``LoadFolder.share`` put in the folder at ``path``.

    Raises:
        IntegrityError: they are not what was put there.
    """
    own = derive_key(key, _FORMAT, "shared")
    try:
        pieces = _records((path / f"{name}.shared").read_bytes())
    except FileNotFoundError:
        raise altered() from None
    except OSError as error:
        raise disk_error(error) from None
    if not pieces:
        raise altered()
    places = [
        (_FORMAT, "shared", context, name, str(number), str(len(pieces)))
        for number in range(len(pieces))
    ]
    return b"".join(
        _opened(piece, key=own, place=place) for piece, place in zip(pieces, places, strict=True)
    )


def folder_key(path: Path, wrapper: KeyWrapper, *, context: str) -> bytes:
    """Return the key of a load's folder, for a process that works for the one that has it.

    Raises:
        IntegrityError: the folder is not that of this load, or its key does not unwrap.
    """
    key = _reopened(path, wrapper, context)
    if key is None:
        raise IntegrityError(
            "The folder of the load under way is not there, or is another load's.",
            remedy="Executors need the same runs.scratch, at the same path, as the hub.",
        )
    return key


def remove_abandoned(scratch: Path) -> int:
    """Remove the folder of a load that nobody works on any more; return the bytes that were in it.

    Raises:
        StoreError: the folder cannot be looked at.
    """
    path = scratch / NAME
    try:
        if not path.exists():
            return 0
        lock = _locked(path)
        size = sum(one.stat().st_size for one in path.iterdir())
        shutil.rmtree(path)
        os.close(lock)
    except ConflictError:
        return 0
    except OSError as error:
        raise disk_error(error) from None
    return size


def _locked(path: Path) -> int:
    # A link put in the folder's place would have another folder's files deleted.
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if not _taken(path, lock):
        os.close(lock)
        raise ConflictError(
            "Another process is loading the SNDS into this hub.",
            remedy="Wait until it has ended; what it finished need not be done again.",
        )
    return lock


def _taken(path: Path, lock: int) -> bool:
    """Lock the folder if it is free, and still there: its owner may just have removed it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _key_of(path: Path, wrapper: KeyWrapper, context: str) -> bytes:
    """Return the key of the folder, or begin it anew under a key of its own."""
    known = _reopened(path, wrapper, context)
    if known is not None:
        return known
    _empty(path)
    key = os.urandom(KEY_BYTES)
    _begin(path, {"context": context, "wrapped_key": wrapper.wrap_scratch_key(key)})
    return key


def _reopened(path: Path, wrapper: KeyWrapper, context: str) -> bytes | None:
    """Return the key of a folder that belongs to this context, or None."""
    try:
        head: Mapping[str, str] = json.loads((path / "load.json").read_text(encoding="utf-8"))
        if head["format"] != _FORMAT or head["context"] != context:
            return None
        return wrapper.unwrap_scratch_key(head["wrapped_key"])
    except (FileNotFoundError, ValueError, KeyError, TypeError, IntegrityError):
        return None  # none, or one that nobody can go on with


def _begin(path: Path, head: Mapping[str, str]) -> None:
    with (path / "load.json").open("w", encoding="utf-8") as file:
        json.dump({"format": _FORMAT, **head}, file)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path)


def _empty(path: Path) -> None:
    for one in path.iterdir():
        one.unlink()


def _drop_unnamed(path: Path, done: Mapping[str, Done]) -> None:
    """Remove what attempts left that did not get as far as the journal."""
    named = {one.lines.file for one in done.values()}
    for one in path.iterdir():
        if one.suffix in {".part", ".lines"} and one.stem not in named:
            one.unlink()


def _journal(path: Path, key: bytes, context: str) -> dict[str, Done]:
    """Return the finished units, and cut off what a crash left of a record."""
    file = path / "journal"
    body = file.read_bytes() if file.exists() else b""
    done: dict[str, Done] = {}
    kept = 0
    for number, sealed in enumerate(_records(body)):
        place = (_FORMAT, "journal", context, str(number))
        plain = _opened(sealed, key=_journal_key(key), place=place)
        kept += _LENGTH_BYTES + len(sealed)
        one = json.loads(plain)
        done[one["unit"]] = Done(one["unit"], StoredLines(**one["lines"]), one["outcome"])
    if kept < len(body):
        os.truncate(file, kept)
    return done


def _records(body: bytes) -> list[bytes]:
    """Return the records of a file, each after its length; the last may be cut short."""
    found, begin = [], 0
    while begin + _LENGTH_BYTES <= len(body):
        length = int.from_bytes(body[begin : begin + _LENGTH_BYTES], "big")
        end = begin + _LENGTH_BYTES + length
        if end > len(body):
            break
        found.append(body[begin + _LENGTH_BYTES : end])
        begin = end
    return found


def _opened(sealed: bytes, *, key: bytes, place: tuple[str, ...]) -> bytes:
    """Open a record of the folder; what to do about one that does not open is not a store's."""
    try:
        return open_sealed(sealed, key=key, place=place, name="the load under way")
    except (FormatError, IntegrityError):
        raise altered() from None


def _journal_key(key: bytes) -> bytes:
    return derive_key(key, _FORMAT, "journal")
