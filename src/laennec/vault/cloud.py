"""The object store at a remote host, S3 or Azure Blob, through obstore.

A body of up to ``PART_BYTES`` is created by one conditional request: of all writers of a name one
wins, whatever happens in between. A larger one is looked for first and then uploaded in parts; that
is free of races only because the vault gives large objects random names of 128 bits, while heads,
which writers compete for, are small.

A conditional request is never repeated blindly: an attempt that got no answer may have been carried
out, and then a repetition would find its own object in the way. So attempts are counted here, and a
conflict after a doubtful one is settled by reading back: bodies are sealed under fresh randomness,
and equal bytes are our own.

Reading and deleting are repeated freely, after growing and partly random waits. Listing goes by
folder and is filtered and put in order here, since not every service does either (Azurite ignores
where a listing should begin). Does not judge what the host serves: the vault does.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import obstore

from laennec.core.errors import SettingsError, StoreError
from laennec.vault.cloud_access import Client, CloudPlace, tried_once
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

PART_BYTES = 32 << 20
"""Largest body of one request."""

LARGEST_BYTES = 1 << 40
"""Size above which a host is not believed: what is asked for in parts is counted first."""

_LISTED_AT_ONCE = 1000
Value = TypeVar("Value")
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
        self._patient, self._once = _clients(place)
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
            first, size = self._tried(name, lambda: self._beginning(name))
        if len(first) == size:
            return first
        if size > LARGEST_BYTES:
            raise StoreError(
                f"{self.place} says that {name} has {size} bytes.",
                remedy="Run `laennec verify`, and ask the host.",
            )
        with self._transfers.holding(size):
            starts = range(len(first), size, PART_BYTES)
            parts = self._pool.map(lambda start: self._part(name, start, size), starts)
            return b"".join((first, *parts))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects under ``prefix``, in order of name; see ``ObjectStore.list``."""
        found = self._tried(prefix or self.place, lambda: self._listed(prefix))
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
            failed = self._attempt(name, body)
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
        if self._tried(name, lambda: self._there(name)):
            raise explained(CONFLICT, name=name, place=self.place)
        self._tried(
            name,
            lambda: obstore.put(
                self._patient,
                name,
                body,
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=self._transfers.parallel,
            ),
        )

    def _beginning(self, name: str) -> tuple[bytes, int]:
        """Return the first ``PART_BYTES`` of an object, and its size."""
        try:
            answer = obstore.get(self._once, name, options={"range": (0, PART_BYTES)})
            return bytes(answer.bytes()), answer.meta["size"]
        except CLOUD_ERRORS as error:
            if reason_of(error) is not EMPTY_RANGE:
                raise
        # No range of an empty object can be asked for.
        body = bytes(obstore.get(self._once, name).bytes())
        return body, len(body)

    def _part(self, name: str, start: int, size: int) -> bytes:
        end = min(start + PART_BYTES, size)
        part = self._tried(
            name, lambda: bytes(obstore.get_range(self._once, name, start=start, end=end))
        )
        if len(part) != end - start:
            raise explained(BROKEN, name=name, place=self.place)
        return part

    def _listed(self, prefix: str) -> Sequence[StoredObject]:
        folder = prefix.rpartition("/")[0]
        pages = obstore.list(self._once, prefix=folder or None, chunk_size=_LISTED_AT_ONCE)
        return [
            StoredObject(one["path"], one["size"], one["last_modified"])
            for page in pages
            for one in page
            if one["path"].startswith(prefix)
        ]

    def _found(self, name: str) -> bytes | None:
        """Return what is stored under ``name`` now, if anything."""
        return self._tried(name, lambda: self._body(name))

    def _body(self, name: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._once, name).bytes())
        except FileNotFoundError as error:
            if reason_of(error) is ABSENT:
                return None
            raise

    def _there(self, name: str) -> bool:
        try:
            obstore.head(self._once, name)
        except FileNotFoundError:
            return False
        return True

    def _delete_one(self, name: str) -> None:
        self._tried(name, lambda: self._deleted(name))

    def _deleted(self, name: str) -> None:
        try:
            obstore.delete(self._once, name)
        except FileNotFoundError as error:
            if reason_of(error) is not ABSENT:
                raise

    def _tried(self, name: str, request: Callable[[], Value]) -> Value:
        """Make a request that may be repeated, until it is answered or patience ends."""
        reason = UNKNOWN
        for wait in self._waits():
            self._sleep(wait)
            try:
                with self._transfers.request():
                    return request()
            except CLOUD_ERRORS as error:
                reason = reason_of(error)
            if not reason.passing:
                break
        # Outside the handler, so that obstore's text is not chained to ours.
        raise explained(reason, name=name, place=self.place)

    def _attempt(self, name: str, body: bytes) -> Reason | None:
        """Ask once to create an object; return why that failed, or None."""
        try:
            with self._transfers.request():
                obstore.put(self._once, name, body, mode="create", use_multipart=False)
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


def _clients(place: CloudPlace) -> tuple[Client, Client]:
    """Return a client that repeats parts of an upload, and one that repeats nothing.

    Raises:
        SettingsError: obstore cannot make sense of the address or the credentials.
    """
    try:
        return place.client(), tried_once(place).client()
    except (ValueError, *CLOUD_ERRORS):
        pass
    raise SettingsError(
        f"{place} cannot be addressed.",
        remedy="Check store.endpoint, store.ca_file and the form of the credentials.",
    )


def _check_name(name: str) -> None:
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError("an object name has no empty, '.' or '..' part")
