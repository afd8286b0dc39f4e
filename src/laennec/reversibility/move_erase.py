"""Erasing a store that the hub has left: delete, list until nothing is left, ask for each name.

What deletion cannot prove: that the host kept no copy, no earlier version and no backup. Only
destroying the keys covers that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from laennec.core.errors import NotFoundError, StoreError
from laennec.core.progress import Reporter
from laennec.vault.ports import ObjectStore

ROUNDS = 5
"""How often a store may list something again before it is taken at its word that it keeps it."""

_BATCH = 500


@dataclass(frozen=True)
class Erased:
    """What a store was emptied of.

    Attributes:
        objects, bytes: Deleted by this call.
        asked: Former names for which the store said that there is no such object.
    """

    objects: int
    bytes: int
    asked: int


def erase(store: ObjectStore, names: Iterable[str], *, reporter: Reporter) -> Erased:
    """Delete every object of a store, and have it say of each former name that nothing is there.

    Args:
        store: The store; it is asked itself, not a cache of it.
        names: Names it once had, besides those it lists now.
        reporter: Shows progress.

    Raises:
        StoreError: it failed, or still lists or serves something.
    """
    former, deleted, size = set(names), 0, 0
    for _ in range(ROUNDS):
        listed = list(store.list())
        if not listed:
            break
        former |= {one.name for one in listed}
        deleted, size = deleted + len(listed), size + sum(one.size for one in listed)
        with reporter.task("erasing", total=len(listed)) as task:
            for start in range(0, len(listed), _BATCH):
                batch = [one.name for one in listed[start : start + _BATCH]]
                store.delete(batch)
                task.advance(len(batch))
    else:
        raise _still_there(listed[0].name)
    with reporter.task("asking for erased objects", total=len(former)) as task:
        for name in sorted(former):
            _check_absent(store, name)
            task.advance(1)
    return Erased(deleted, size, len(former))


def _check_absent(store: ObjectStore, name: str) -> None:
    try:
        store.get(name)
    except NotFoundError:
        return
    raise _still_there(name)


def _still_there(name: str) -> StoreError:
    return StoreError(
        f"The former store still has {name} after it was told to delete it.",
        remedy="Check the rights of your credentials, retention rules and versions of the bucket; "
        "then run `laennec move --erase-source` again.",
    )
