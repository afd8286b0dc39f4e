"""Rotation and destruction of keys; neither rewrites a data file.

``rotate`` makes a new root and a new warehouse key and wraps the current file keys anew; older
snapshots stay readable through the former keys. ``shred`` makes older snapshots unreadable for
ever, also for a host that kept copies of everything: it starts a warehouse key without history,
carries the snapshots that stay over to it, and destroys the older root keys, without which no copy
of an older head opens.
"""

from dataclasses import replace
from datetime import datetime

from laennec.core.errors import NotFoundError
from laennec.vault.commit import next_state, rewrap, write_record
from laennec.vault.head import PastHead, Record
from laennec.vault.keychain import Keychain
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.state import State, check_head, load_manifest
from laennec.vault.sweep import named_objects


def rotate(
    store: ObjectStore, keys: KeyHolder, state: State, *, now: datetime, padded: bool = False
) -> State:
    """Commit the same manifest under a new root key and a new warehouse key.

    Killed at any point, the last committed snapshot stays readable: an unused root key is harmless.

    Raises:
        ConflictError: another writer committed meanwhile; the new root key stays.
    """
    keys.rotate()
    keychain = state.keychain.renewed()
    manifest = rewrap(state.record.manifest, keychain)
    return next_state(store, keys, state, manifest, now=now, padded=padded, keychain=keychain)


def hand_over(
    store: ObjectStore, state: State, *, to: KeyHolder, now: datetime, padded: bool = False
) -> State:
    """Commit the same manifest under a new warehouse key that another key holder wraps.

    From then on the former holder opens nothing newer, and is needed for nothing: the keys of older
    snapshots open from the new head. What the former holder wrapped it still opens, in every copy
    of an older head, until its root keys are destroyed.

    Raises:
        ConflictError: another writer committed meanwhile.
        KeyHolderError: the new holder does not answer; nothing is committed.
    """
    keychain = state.keychain.renewed()
    manifest = rewrap(state.record.manifest, keychain)
    return next_state(store, to, state, manifest, now=now, padded=padded, keychain=keychain)


def shred(
    store: ObjectStore,
    keys: KeyHolder,
    state: State,
    *,
    before: int,
    now: datetime,
    padded: bool = False,
) -> State:
    """Destroy the snapshots numbered below ``before`` and commit the rest under fresh keys.

    The order matters: what stays is committed under the new root first, then the old roots are
    destroyed, then objects are deleted. Killed in between, run it again: it does all of it anew.

    Args:
        store: Where.
        keys: A key holder of this warehouse alone; all its older root keys are destroyed.
        state: The newest state.
        before: From 1 to the newest number plus 1, which leaves only the new commit readable.
        now: When.
        padded: Whether decoys hide how many objects are new.

    Raises:
        NotFoundError: ``before`` is beyond that range.
        ConflictError: another writer committed meanwhile; nothing is destroyed.
        IntegrityError: the store does not serve what it just took; nothing is destroyed.
    """
    if not 1 <= before <= state.number + 1:
        raise NotFoundError(
            f"There is nothing to shred before snapshot {before}.",
            remedy=f"Name a number from 1 to {state.number + 1}.",
        )
    doomed = named_objects(store, state)
    keys.rotate()
    fresh = Keychain.fresh()
    opens_both = Keychain(fresh.current, {**state.keychain.keys, **fresh.keys})
    after = next_state(
        store,
        keys,
        state,
        rewrap(state.record.manifest, opens_both),
        now=now,
        padded=padded,
        keychain=fresh,
        oldest=max(before, state.head.oldest),
        history=_carried_over(store, state, opens_both, before=before),
    )
    needed = named_objects(store, after)
    # A store that took the new head and does not serve it would leave nothing that opens.
    check_head(store, after)
    keys.forget()
    store.delete(sorted(doomed - needed))
    return after


def _carried_over(
    store: ObjectStore, state: State, keychain: Keychain, *, before: int
) -> tuple[PastHead, ...]:
    """Write the records of the snapshots that stay again, under the new key; forget the others'."""
    carried = []
    for past in state.past():
        ref = None
        if past.record is not None and past.number >= before:
            manifest = rewrap(load_manifest(store, state, past.record), keychain)
            ref = write_record(store, Record(manifest), state.warehouse_id, keychain)
        carried.append(replace(past, record=ref))
    return tuple(carried)
