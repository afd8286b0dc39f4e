"""Whether a store keeps the one promise that commits stand on: create only if absent.

Some services accept the condition and ignore it. On such a store two writers would both believe to
have committed, and one's rows would vanish; it is refused before anything is written to it. A host
that keeps the promise today and breaks it later is not honest: heads and ledger then show the fork.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from laennec.core.errors import ConflictError, NotFoundError, StoreError
from laennec.vault.ports import ObjectStore

PROBE_PREFIX = "probe/"
"""Where trial objects go; a leftover of a killed trial is swept like any other."""

_WRITERS = 8
_ROUNDS = 3


def probe(store: ObjectStore) -> None:
    """Write, refuse, read, list and delete trial objects; nothing of them is left.

    Raises:
        StoreError: the store does not honour create-if-absent, does not return or list what was
            stored, or keeps what was deleted; or it failed, and the message says how.
    """
    with _trial_name(store) as name:
        _check_one_after_the_other(store, name)
        _check_listing(store, name)
    _check_gone(store, name)
    for _ in range(_ROUNDS):
        with _trial_name(store) as name:
            _check_at_once(store, name)


def _check_one_after_the_other(store: ObjectStore, name: str) -> None:
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    store.create(name, first)
    if store.get(name) != first:
        raise _unfit("it does not return what was stored")
    if _created(store, name, second):
        raise _unfit("it replaces an object that a writer asked to create only if absent")
    if store.get(name) != first:
        raise _unfit("it replaced an object although it refused to")


def _check_at_once(store: ObjectStore, name: str) -> None:
    bodies = [secrets.token_bytes(32) for _ in range(_WRITERS)]
    with ThreadPoolExecutor(_WRITERS) as pool:
        won = list(pool.map(lambda body: _created(store, name, body), bodies))
    if won.count(True) != 1:
        raise _unfit(f"{won.count(True)} of {_WRITERS} writers of one name at once succeeded")
    if store.get(name) != bodies[won.index(True)]:
        raise _unfit("it keeps another object than that of the writer that succeeded")


def _check_listing(store: ObjectStore, name: str) -> None:
    if name not in {one.name for one in store.list(PROBE_PREFIX)}:
        raise _unfit("it does not list an object that was just stored")


def _check_gone(store: ObjectStore, name: str) -> None:
    try:
        store.get(name)
    except NotFoundError:
        return
    raise _unfit("it returns an object that was deleted")


def _created(store: ObjectStore, name: str, body: bytes) -> bool:
    try:
        store.create(name, body)
    except ConflictError:
        return False
    return True


@contextmanager
def _trial_name(store: ObjectStore) -> Iterator[str]:
    """Give a name for one trial; what lies under it goes at the end."""
    name = f"{PROBE_PREFIX}{secrets.token_hex(16)}"
    try:
        yield name
    except StoreError as error:
        _delete_after(error, store, name)
        raise
    store.delete([name])


def _delete_after(error: StoreError, store: ObjectStore, name: str) -> None:
    """Delete the trial object; what failed first is what the user has to hear of."""
    try:
        store.delete([name])
    except StoreError as another:
        error.add_note(f"The trial object {name} could not be deleted: {another.happened}")


def _unfit(what: str) -> StoreError:
    return StoreError(
        f"This store cannot hold a warehouse: {what}.",
        remedy="Two writers could both believe to have committed. Choose a service that honours "
        "conditional writes; docs/how-to/choose-a-host.md names some.",
    )
