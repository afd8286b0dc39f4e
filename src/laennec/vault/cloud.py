"""The object store at a remote host, S3 or Azure Blob, through obstore.

A body of up to ``PART_BYTES`` is created by one conditional request: of all writers of a name one
wins, whatever happens in between. A larger one is looked for first and then uploaded in parts; that
is free of races only because the vault gives large objects random names of 128 bits, while heads,
which writers compete for, are small.

A conditional request is never repeated blindly: an attempt that got no answer may have been carried
out, and then a repetition would find its own object in the way. So attempts are counted here, and a
conflict after a doubtful one is settled by reading back: bodies are sealed under fresh randomness,
and equal bytes are our own.

Listing goes by folder and is filtered and put in order here, since not every service does either
(Azurite ignores where a listing should begin). Does not judge what the host serves: the vault does.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import obstore

from laennec.vault.cloud_access import CloudPlace, tried_once
from laennec.vault.cloud_errors import (
    ABSENT,
    BROKEN,
    CLOUD_ERRORS,
    CONFLICT,
    EMPTY_RANGE,
    UNKNOWN,
    Reason,
    explained,
    reason_of,
)
from laennec.vault.ports import StoredObject
from laennec.vault.transfers import Transfers

PART_BYTES = 8 << 20
"""Largest body of one request."""

_LISTED_AT_ONCE = 1000
_CHANCE = secrets.SystemRandom()


class CloudStore:
    """Objects under a prefix of a bucket or container. Thread-safe.

    Nothing is sent before the first call.

    Args:
        place: Where it is and what opens it.
        transfers: What may be under way at once.
        sleep: Waits a number of seconds between two attempts.
    """

    def __init__(
        self,
        place: CloudPlace,
        *,
        transfers: Transfers,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = str(place)
        self._patience, self._transfers, self._sleep = place.line.patience, transfers, sleep
        with self._translated(self.place):
            self._store, self._once = place.client(), tried_once(place).client()
        self._pool = ThreadPoolExecutor(transfers.parallel, thread_name_prefix="laennec-transfer")

    def create(self, name: str, body: bytes) -> None:
        """Store ``body`` under ``name`` if nothing is there; see ``ObjectStore.create``.

        Raises:
            ConflictError, StoreFullError: as ``ObjectStore.create``.
            StoreError: the store failed to the end of our patience. If it gave no answer, it may
                hold the object, or may come to hold it.
        """
        _check_name(name)
        with self._transfers.holding(len(body)):
            if len(body) <= PART_BYTES:
                self._create_at_once(name, body)
            else:
                self._create_in_parts(name, body)

    def get(self, name: str) -> bytes:
        """Return all bytes of ``name``; see ``ObjectStore.get``."""
        _check_name(name)
        with self._transfers.holding(PART_BYTES):
            first, size = self._beginning(name)
        if len(first) == size:
            return first
        with self._transfers.holding(size):
            starts = range(len(first), size, PART_BYTES)
            parts = self._pool.map(lambda start: self._part(name, start, size), starts)
            return b"".join((first, *parts))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects under ``prefix``, in order of name; see ``ObjectStore.list``."""
        folder = prefix.rpartition("/")[0]
        with self._translated(prefix or self.place), self._transfers.request():
            pages = obstore.list(self._store, prefix=folder or None, chunk_size=_LISTED_AT_ONCE)
            found = [
                StoredObject(one["path"], one["size"], one["last_modified"])
                for page in pages
                for one in page
                if one["path"].startswith(prefix)
            ]
        yield from sorted(found, key=lambda one: one.name)

    def delete(self, names: Sequence[str]) -> None:
        """Delete these objects, several at once; see ``ObjectStore.delete``."""
        for name in names:
            _check_name(name)
        for _ in self._pool.map(self._delete_one, names):
            pass

    def prefetch(self, names: Sequence[str]) -> None:
        """Do nothing: there is no place here to keep what is read; see ``cache.CachedStore``."""

    def _create_at_once(self, name: str, body: bytes) -> None:
        """Create by one conditional request, repeated while that can help."""
        doubtful, reason = False, UNKNOWN
        for wait in self._waits():
            self._sleep(wait)
            failed = self._attempt(
                lambda: obstore.put(self._once, name, body, mode="create", use_multipart=False)
            )
            if failed is None:
                return
            reason = failed
            if reason is CONFLICT:
                found = self._found(name)
                if found is not None:
                    if doubtful and found == body:
                        return
                    raise explained(CONFLICT, name=name, place=self.place)
                # Refused though nothing is there: another request for the name was under way.
            elif not reason.passing:
                break
            doubtful |= reason.doubtful
        if doubtful and self._found(name) == body:
            return
        raise explained(reason, name=name, place=self.place)

    def _create_in_parts(self, name: str, body: bytes) -> None:
        """Upload in parts; a repetition writes the same bytes under the same random name."""
        with self._translated(name):
            if self._there(name):
                raise explained(CONFLICT, name=name, place=self.place)
            with self._transfers.request():
                obstore.put(
                    self._store,
                    name,
                    body,
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=self._transfers.parallel,
                )

    def _beginning(self, name: str) -> tuple[bytes, int]:
        """Return the first ``PART_BYTES`` of an object, and its size."""
        failed: Reason | None = None
        try:
            with self._transfers.request():
                answer = obstore.get(self._store, name, options={"range": (0, PART_BYTES)})
                return bytes(answer.bytes()), answer.meta["size"]
        except CLOUD_ERRORS as error:
            failed = reason_of(error)
        if failed is not EMPTY_RANGE:
            raise explained(failed, name=name, place=self.place)
        with self._translated(name), self._transfers.request():
            # No range of an empty object can be asked for.
            body = bytes(obstore.get(self._store, name).bytes())
        return body, len(body)

    def _part(self, name: str, start: int, size: int) -> bytes:
        end = min(start + PART_BYTES, size)
        with self._translated(name), self._transfers.request():
            part = bytes(obstore.get_range(self._store, name, start=start, end=end))
        if len(part) != end - start:
            raise explained(BROKEN, name=name, place=self.place)
        return part

    def _found(self, name: str) -> bytes | None:
        """Return what is stored under ``name`` now, if anything."""
        with self._translated(name), self._transfers.request():
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError as error:
                if reason_of(error) is ABSENT:
                    return None
                raise

    def _there(self, name: str) -> bool:
        with self._transfers.request():
            try:
                obstore.head(self._store, name)
            except FileNotFoundError:
                return False
        return True

    def _delete_one(self, name: str) -> None:
        with self._translated(name), self._transfers.request():
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError as error:
                if reason_of(error) is not ABSENT:
                    raise

    def _attempt(self, request: Callable[[], object]) -> Reason | None:
        """Make one request; return why it failed, or None."""
        try:
            with self._transfers.request():
                request()
        except CLOUD_ERRORS as error:
            return reason_of(error)
        return None

    def _waits(self) -> Iterator[float]:
        """Yield how many seconds to wait before each attempt."""
        patience = self._patience
        yield 0.0
        longest = patience.first_wait_s
        for _ in range(patience.attempts - 1):
            yield _CHANCE.uniform(0, min(longest, patience.longest_wait_s))
            longest *= 2

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Turn obstore's errors into ours, and drop its words."""
        reason: Reason | None = None
        try:
            yield
        except CLOUD_ERRORS as error:
            reason = reason_of(error)
        if reason is not None:
            # Outside the handler, so that obstore's text is not chained to ours.
            raise explained(reason, name=name, place=self.place)


def _check_name(name: str) -> None:
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError("an object name has no empty, '.' or '..' part")
