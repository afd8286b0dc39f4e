"""Object stores in memory: an honest one, and a host that knows every trick."""

import errno
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from laennec.core.errors import ConflictError, NotFoundError, StoreFullError
from laennec.vault.ports import StoredObject


def seeded(seed: int | str) -> random.Random:
    """Return the same chance each time."""
    return random.Random(seed)  # noqa: S311 - tests must repeat


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class FixedClock:
    """A clock that moves when told."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class MemoryStore:
    """Keeps objects in a dictionary; behaves as ``ObjectStore`` promises."""

    def __init__(
        self, *, clock: Callable[[], datetime] | None = None, max_bytes: int | None = None
    ):
        self.bodies: dict[str, bytes] = {}
        self.modified: dict[str, datetime] = {}
        self._clock, self._max_bytes = clock or FixedClock(), max_bytes

    def create(self, name: str, body: bytes) -> None:
        if name in self.bodies:
            raise ConflictError(f"{name} exists already.", remedy="Read again.")
        used = sum(map(len, list(self.bodies.values())))
        if self._max_bytes is not None and used + len(body) > self._max_bytes:
            raise StoreFullError(f"No space for {name}.", remedy=str(errno.ENOSPC))
        self.bodies[name] = bytes(body)
        self.modified[name] = self._clock()

    def get(self, name: str) -> bytes:
        if name not in self.bodies:
            raise NotFoundError(f"There is no object {name}.", remedy="Look elsewhere.")
        return self.bodies[name]

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        for name in sorted(self.bodies):
            if name.startswith(prefix):
                yield StoredObject(name, len(self.bodies[name]), self.modified[name])

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self.bodies.pop(name, None)
            self.modified.pop(name, None)

    def prefetch(self, names: Sequence[str]) -> None:
        pass


@dataclass
class HostileStore:
    """A host with full control over another store's objects.

    It serves the honest store until told otherwise; what it changes it changes in place.
    """

    inner: MemoryStore = field(default_factory=MemoryStore)

    def create(self, name: str, body: bytes) -> None:
        self.inner.create(name, body)

    def get(self, name: str) -> bytes:
        return self.inner.get(name)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return self.inner.list(prefix)

    def delete(self, names: Sequence[str]) -> None:
        self.inner.delete(names)

    def prefetch(self, names: Sequence[str]) -> None:
        pass

    def names(self) -> tuple[str, ...]:
        """Return every object's name."""
        return tuple(sorted(self.inner.bodies))

    def saved(self) -> dict[str, bytes]:
        """Return a copy of everything, to serve again later."""
        return dict(self.inner.bodies)

    def put(self, name: str, body: bytes) -> None:
        """Serve these bytes under that name, whatever was there."""
        self.inner.bodies[name] = body
        self.inner.modified.setdefault(name, NOON)

    def flip(self, name: str, offset: int, bit: int = 0) -> None:
        """Flip one bit."""
        body = bytearray(self.inner.bodies[name])
        body[offset % len(body)] ^= 1 << bit
        self.put(name, bytes(body))

    def truncate(self, name: str, size: int) -> None:
        """Keep only the first ``size`` bytes."""
        self.put(name, self.inner.bodies[name][:size])

    def swap(self, one: str, other: str) -> None:
        """Exchange two objects' bytes."""
        first, second = self.inner.bodies[one], self.inner.bodies[other]
        self.put(one, second)
        self.put(other, first)

    def serve(self, bodies: dict[str, bytes]) -> None:
        """Go back to an earlier state of the whole store."""
        self.inner.bodies = dict(bodies)
        self.inner.modified = dict.fromkeys(bodies, NOON)
