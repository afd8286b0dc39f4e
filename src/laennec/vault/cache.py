"""Sealed copies on this machine of what a remote store holds, so that it is not fetched twice.

Only ``objects/`` are kept: they are written once under random names and never change. Heads and
listings, which say what is newest, always come from the store. A copy is the stored sealed bytes
after their SHA-256: one that a disk or a crash damaged is noticed and fetched again. Whoever can
write the folder can forge that; nothing here is trusted, the vault authenticates what it gets from
a cache as what it gets from the host. A copy outlives its object at the host, hence whoever judges
the host reads it without a cache.

Threads and processes may share the folder: a copy gets its name when it is whole, and is removed
while others read it without harm. When copies outgrow the limit, those unused for longest go. The
size is counted again after every 32nd of the limit that a process writes, so up to eight processes
together stay under the limit.
"""

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import LaennecError, StoreError
from laennec.vault.ports import ObjectStore, StoredObject

_KEPT = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{30}")
_STAGED = "staged-"
_CHECK_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class _Copy:
    """One file of the folder."""

    path: Path
    size: int
    used: float


class CopyFolder:
    """The folder of copies, under a limit.

    Args:
        folder: Made with mode 0700 if absent.
        limit_bytes: Size of all copies at most; at least 1.

    Raises:
        StoreError: the folder cannot be made.
    """

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._lock, self._unseen = threading.Lock(), limit_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder of sealed copies {folder} cannot be made: {error.strerror}.",
                remedy="Correct store.cache, or set store.cache_mb to 0.",
            ) from None

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a whole copy, or None; a damaged one is removed."""
        path = self.folder / name
        try:
            kept = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        body = memoryview(kept)[_CHECK_BYTES:]
        if hashlib.sha256(body).digest() != kept[:_CHECK_BYTES]:
            self.remove(name)
            return None
        return bytes(body)

    def has(self, name: str) -> bool:
        """Return whether there is a copy, whole or not."""
        return (self.folder / name).is_file()

    def write(self, name: str, body: bytes) -> None:
        """Keep a copy if it fits and the disk has room; a cache that cannot write is only slow."""
        size = len(body) + _CHECK_BYTES
        if size > self.limit_bytes // 8:
            return
        path, staged = self.folder / name, self.folder / f"{_STAGED}{secrets.token_hex(8)}"
        try:
            with os.fdopen(
                os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as out:
                out.write(hashlib.sha256(body).digest())
                out.write(body)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            staged.replace(path)
        except OSError:
            with suppress(OSError):
                staged.unlink(missing_ok=True)
            return
        self._grown(size)

    def remove(self, name: str) -> None:
        """Remove a copy, if there is one."""
        with suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)

    def _grown(self, size: int) -> None:
        """Count what was written, and make room when it is time to look."""
        with self._lock:
            self._unseen += size
            if self._unseen < self.limit_bytes // 32:
                return
            self._unseen = 0
        self._make_room()

    def _make_room(self) -> None:
        """Remove what was unused for longest until three quarters of the limit are left."""
        copies = sorted(self._copies(), key=lambda copy: copy.used)
        total = sum(copy.size for copy in copies)
        for copy in copies:
            if total <= self.limit_bytes * 3 // 4:
                break
            with suppress(OSError):
                copy.path.unlink()
            total -= copy.size

    def _copies(self) -> Iterator[_Copy]:
        for parent, _, files in os.walk(self.folder):
            for file in files:
                path = Path(parent, file)
                try:
                    seen = path.stat()
                except FileNotFoundError:
                    continue  # another process removed or renamed it
                yield _Copy(path, seen.st_size, seen.st_mtime)


class CachedStore:
    """A store with copies of its objects on this machine. Thread-safe.

    Args:
        inner: The store.
        copies: Where the copies are.
        parallel: Objects fetched ahead at once.
    """

    def __init__(self, inner: ObjectStore, copies: CopyFolder, *, parallel: int) -> None:
        self._inner, self._copies = inner, copies
        self._ahead = _Ahead(self._fetch, copies, parallel=parallel)

    def create(self, name: str, body: bytes) -> None:
        """Store in the store, then keep a copy: what was loaded is what studies read next."""
        self._inner.create(name, body)
        if _KEPT.fullmatch(name):
            self._copies.write(name, body)

    def get(self, name: str) -> bytes:
        """Return the bytes of the copy, else those of the store; see ``ObjectStore.get``."""
        if not _KEPT.fullmatch(name):
            return self._inner.get(name)
        self._ahead.wait_for(name)
        body = self._copies.read(name)
        if body is None:
            body = self._inner.get(name)
            self._copies.write(name, body)
        self._ahead.taken(name)
        return body

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield what the store lists."""
        return self._inner.list(prefix)

    def delete(self, names: Sequence[str]) -> None:
        """Delete from the store, and the copies."""
        self._inner.delete(names)
        for name in names:
            if _KEPT.fullmatch(name):
                self._copies.remove(name)

    def prefetch(self, names: Sequence[str]) -> None:
        """Begin to fetch what has no copy, in this order, in the background."""
        self._ahead.want(
            [name for name in names if _KEPT.fullmatch(name) and not self._copies.has(name)]
        )

    def _fetch(self, name: str) -> int:
        """Make a copy; return its size, 0 when there is none. Who reads it will hear why."""
        try:
            body = self._inner.get(name)
        except LaennecError:
            return 0
        self._copies.write(name, body)
        return len(body)


class JudgedStore(CachedStore):
    """A store read without its copies, to judge it; a copy that differs from it is removed.

    So what a host once served wrong, and was kept, goes when the host is found sound again.
    """

    def get(self, name: str) -> bytes:
        """Return the bytes of the store itself."""
        body = self._inner.get(name)
        if _KEPT.fullmatch(name) and self._copies.read(name) not in {None, body}:
            self._copies.remove(name)
        return body

    def prefetch(self, names: Sequence[str]) -> None:
        """Do nothing: every object is asked of the store."""


class _Ahead:
    """Objects being fetched before they are asked for, up to a quarter of the copies' limit.

    Fetching goes on as what was fetched is read, so it neither pushes out what is still to be read
    nor fills the disk for a reader that stopped.
    """

    def __init__(self, fetch: Callable[[str], int], copies: CopyFolder, *, parallel: int) -> None:
        self._fetch, self._parallel, self._bound = fetch, parallel, copies.limit_bytes // 4
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="laennec-prefetch")
        self._changed = threading.Condition()
        self._wanted: dict[str, None] = {}
        self._running: set[str] = set()
        self._ready: dict[str, int] = {}

    def want(self, names: Sequence[str]) -> None:
        """Fetch these after what was wanted before."""
        with self._changed:
            fresh = (name for name in names if name not in self._running)
            self._wanted.update(dict.fromkeys(fresh))
            self._go_on()

    def wait_for(self, name: str) -> None:
        """Return when ``name`` is not being fetched; it is not begun any more if it was not yet."""
        with self._changed:
            self._wanted.pop(name, None)
            self._changed.wait_for(lambda: name not in self._running)

    def taken(self, name: str) -> None:
        """Note that ``name`` was read, which makes room for the next."""
        with self._changed:
            self._ready.pop(name, None)
            self._go_on()

    def _go_on(self) -> None:
        """Begin what may be begun; the caller holds the lock."""
        while (
            self._wanted
            and len(self._running) < self._parallel
            and sum(self._ready.values()) < self._bound
        ):
            name = next(iter(self._wanted))
            try:
                self._pool.submit(self._work, name)
            except RuntimeError:
                self._wanted.clear()  # the program is ending
                return
            del self._wanted[name]
            self._running.add(name)

    def _work(self, name: str) -> None:
        size = 0
        try:
            size = self._fetch(name)
        finally:
            with self._changed:
                self._running.discard(name)
                if size:
                    self._ready[name] = size
                self._changed.notify_all()
                self._go_on()
