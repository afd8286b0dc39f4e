"""Erasing a store that the hub has left: delete, list until nothing is left, ask for each name.

What deletion cannot prove: that the host kept no copy, no earlier version and no backup. Only
destroying the keys covers that.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from laennec.core.errors import AlreadyExistsError, NotFoundError, StoreError
from laennec.core.progress import Reporter
from laennec.vault.head import HEAD_PREFIX, digest_of
from laennec.vault.ports import ObjectStore
from laennec.vault.sweep import is_vault_name

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


def check_ours(store: ObjectStore, heads: Collection[tuple[str, str]]) -> None:
    """Raise if a former store holds what the hub did not leave there.

    A place can be used again: by another hub, or by this one a level below. All that is listed is
    going to be deleted, so nothing may be listed but heads that were left and names that only a
    vault makes.

    Args:
        store: The former store.
        heads: Name and SHA-256 of every head that may be there.

    Raises:
        AlreadyExistsError: it holds another head, or a name that no vault makes.
        StoreError: it failed.
    """
    for one in store.list():
        if one.name.startswith(HEAD_PREFIX):
            ours = (one.name, digest_of(store.get(one.name))) in heads
        else:
            ours = is_vault_name(one.name)
        if not ours:
            raise AlreadyExistsError(
                f"The former store holds {one.name}, which the hub did not leave there.",
                remedy="Nothing was deleted. See whose it is and take it away, or erase the store "
                "with its host's own tools.",
            )


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
