"""Sweeping: delete what no snapshot names, and forget snapshots on purpose.

Two kinds of objects go: leftovers of interrupted writes, once they are older than the grace period
(``commit`` says why that is safe), and, when asked, what only forgotten snapshots held. A forgotten
snapshot is recorded in a new head first, so ``verify`` never takes it for a loss, and a commit
under way on the older head fails instead of standing on deleted objects. Names that the vault never
makes are left alone: they are somebody else's, and ``verify`` lists them.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laennec.vault.commit import GRACE, next_state
from laennec.vault.ports import KeyHolder, ObjectStore, StoredObject
from laennec.vault.state import State, holdings

_OURS = re.compile(
    r"objects/[0-9a-f]{2}/[0-9a-f]{30}|probe/[0-9a-f]{32}|staging/[0-9a-f]{32}(#\d+)?"
)


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        deleted: Objects that are gone, in order of name.
        spared: Unreferenced objects too young to delete, in order of name.
        forgotten: Numbers of the snapshots that this sweep made unreadable.
    """

    deleted: tuple[StoredObject, ...]
    spared: tuple[StoredObject, ...]
    forgotten: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Bytes deleted."""
        return sum(item.size for item in self.deleted)


def is_vault_name(name: str) -> bool:
    """Return whether the vault itself could have made an object or staging file of that name."""
    return _OURS.fullmatch(name) is not None


def forget_snapshots(
    store: ObjectStore,
    keys: KeyHolder,
    state: State,
    *,
    keep: int,
    now: datetime,
    padded: bool = False,
) -> State:
    """Commit that only the newest ``keep`` snapshots stay readable, this commit being the newest.

    Returns ``state`` when there are not more than ``keep`` anyway.

    Raises:
        ValueError: ``keep`` is below 1.
        ConflictError: another writer committed meanwhile.
    """
    if keep < 1:
        raise ValueError("a sweep keeps at least one snapshot")
    if state.number - state.head.oldest + 1 <= keep:
        return state
    oldest = state.number + 2 - keep
    return next_state(
        store,
        keys,
        state,
        state.record.manifest,
        now=now,
        padded=padded,
        oldest=oldest,
        history=tuple(
            replace(past, record=None) if past.number < oldest else past for past in state.past()
        ),
    )


def sweep_objects(
    store: ObjectStore,
    state: State,
    *,
    listed: tuple[StoredObject, ...],
    released: Set[str],
    now: datetime,
    grace: timedelta = GRACE,
) -> tuple[tuple[StoredObject, ...], tuple[StoredObject, ...]]:
    """Delete what ``state`` does not name; return what went, and what was too young to go.

    Args:
        store: Where.
        state: The newest state.
        listed: The store's objects, listed before ``state`` was read, so that what another writer
            commits in between is seen as named.
        released: Names that a forgotten snapshot held: whatever their age, they belong to no commit
            under way.
        now: When.
        grace: Age below which other unreferenced objects are spared.

    Raises:
        IntegrityError: a readable snapshot does not authenticate; nothing is deleted, since what it
            needs is unknown.
    """
    needed = named_objects(store, state)
    loose = [item for item in listed if is_vault_name(item.name) and item.name not in needed]
    deleted = tuple(item for item in loose if item.name in released or now - item.modified >= grace)
    store.delete([item.name for item in deleted])
    return deleted, tuple(item for item in loose if item not in deleted)


def named_objects(store: ObjectStore, state: State) -> set[str]:
    """Return the names of every record, file, document and decoy of the readable snapshots."""
    names: set[str] = set()
    for ref, manifest in holdings(store, state).values():
        names |= {ref.object, *(item.object for item in manifest.objects())}
    return names
