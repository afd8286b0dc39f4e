"""A store that misbehaves: an honest one behind any number of faults, each one small class.

A fault sees every call and may change, refuse, delay or repeat it. Faults are put on a store one
behind the other, so that several act at once, and are taken off to see what is left.
"""

import functools
import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from fakes.vault_store import NOON, MemoryStore
from laennec.core.errors import ConflictError, NotFoundError, StoreError
from laennec.vault.ports import ObjectStore, StoredObject

CALLS = frozenset({"create", "get", "list", "delete"})


class Fault:
    """Passes every call on to ``go``; a subclass overrides what it does wrong."""

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        go(name, body)

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        return go(name)

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        return go(prefix)

    def delete(self, names: Sequence[str], *, go: Callable[[Sequence[str]], None]) -> None:
        go(names)


class MisbehavingStore:
    """An honest store behind ``faults``, the first of which sees each call first."""

    def __init__(self, inner: ObjectStore, *faults: Fault) -> None:
        self.inner, self.faults = inner, list(faults)

    def create(self, name: str, body: bytes) -> None:
        self._call("create", name, body)

    def get(self, name: str) -> bytes:
        return bytes(self._call("get", name))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        yield from self._call("list", prefix)

    def delete(self, names: Sequence[str]) -> None:
        self._call("delete", names)

    def prefetch(self, names: Sequence[str]) -> None:
        self.inner.prefetch(names)

    def _call(self, method: str, *arguments: object):  # type: ignore[no-untyped-def]
        go = getattr(self.inner, method)
        for fault in reversed(self.faults):
            go = functools.partial(getattr(fault, method), go=go)
        return go(*arguments)


class Changes(Fault):
    """Serves ``change(body)`` for one object."""

    def __init__(self, name: str, change: Callable[[bytes], bytes]) -> None:
        self._name, self._change = name, change

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        return self._change(go(name)) if name == self._name else go(name)


class Swaps(Fault):
    """Serves each of some objects under another's name."""

    def __init__(self, served: Mapping[str, str]) -> None:
        self._served = served

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        return go(self._served.get(name, name))


class Drops(Fault):
    """Has lost some objects."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        if name in self._names:
            raise NotFoundError(f"There is no object {name}.", remedy="Look elsewhere.")
        return go(name)

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        return [item for item in go(prefix) if item.name not in self._names]


class ServesOld(Fault):
    """Serves an earlier state of the whole store, and takes writes without showing them."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._old = MemoryStore()
        self._old.bodies, self._old.modified = dict(bodies), dict.fromkeys(bodies, NOON)

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        return self._old.get(name)

    def list(
        self,
        prefix: str,
        *,
        go: Callable[[str], Iterable[StoredObject]],
    ) -> Iterable[StoredObject]:
        return self._old.list(prefix)


class Lists(Fault):
    """Lies in the listing only.

    Args:
        hidden: Says which names are left out.
        invented: Names listed although nothing is there.
        size: What is listed for a size.
    """

    def __init__(
        self,
        *,
        hidden: Callable[[str], bool] = lambda _: False,
        invented: Collection[str] = (),
        size: Callable[[int], int] = lambda size: size,
    ) -> None:
        self._hidden, self._invented, self._size = hidden, invented, size

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        for item in go(prefix):
            if not self._hidden(item.name):
                yield StoredObject(item.name, self._size(item.size), item.modified)
        for name in self._invented:
            if name.startswith(prefix):
                yield StoredObject(name, 100, NOON)


class Fails(Fault):
    """Answers 503 to every ``every``-th call of some kinds.

    Args:
        every: 1 for each call.
        first: Calls that pass before the count begins.
        times: How many fail at most.
        lands: Whether a call that fails takes effect all the same.
        calls: Which kinds count.
    """

    def __init__(
        self,
        *,
        every: int = 1,
        first: int = 0,
        times: int | None = None,
        lands: bool = False,
        calls: Collection[str] = CALLS,
    ) -> None:
        self._every, self._first, self._times = every, first, times
        self._lands, self._calls = lands, calls
        self._seen, self.failed = itertools.count(), 0

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        self._maybe("create", functools.partial(go, name, body))

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        found: bytes = self._maybe("get", functools.partial(go, name))
        return found

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        found: Iterable[StoredObject] = self._maybe("list", functools.partial(go, prefix))
        return found

    def delete(self, names: Sequence[str], *, go: Callable[[Sequence[str]], None]) -> None:
        self._maybe("delete", functools.partial(go, names))

    def _maybe(self, kind: str, go):  # type: ignore[no-untyped-def]
        if kind not in self._calls:
            return go()
        number = next(self._seen) - self._first
        spent = self._times is not None and self.failed >= self._times
        if number < 0 or (number + 1) % self._every or spent:
            return go()
        self.failed += 1
        if self._lands:
            go()
        raise StoreError("The store answered 503.", remedy="Try again later.")


class Waits(Fault):
    """Lets reading or writing of some names take until ``gate`` is set.

    Attributes:
        asked: Set once somebody waits.
        gate: Lets everybody go on.
    """

    def __init__(self, name: Callable[[str], bool]) -> None:
        self._name = name
        self.asked, self.gate = threading.Event(), threading.Event()

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        self._wait(name)
        go(name, body)

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        self._wait(name)
        return go(name)

    def _wait(self, name: str) -> None:
        if self._name(name):
            self.asked.set()
            assert self.gate.wait(timeout=60)


class LetsBothWin(Fault):
    """Ignores that a name is taken: the last writer's bytes stay, and each is told that it won."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        try:
            go(name, body)
        except ConflictError:
            self._store.delete([name])
            go(name, body)


def copied(store: MemoryStore) -> MemoryStore:
    """Return a store of its own with the same objects, to fork a history."""
    copy = MemoryStore()
    copy.bodies, copy.modified = dict(store.bodies), dict(store.modified)
    return copy
