"""Writing snapshots: two creates, the record under a random name, then the head, which commits.

Killed in between, a writer leaves an object that nothing names. Heads are never deleted, so a
number once taken stays taken and a stale writer cannot slip into a gap.

The rule that keeps sweeps and commits apart: ``sweep`` spares unreferenced objects younger than
``GRACE``, and a commit refuses uploads older than ``UPLOAD_LIFETIME``, half of it. Both ages are
judged on the store's modification times, so the clocks of the two machines may differ by hours.
"""

import dataclasses
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from laennec.core.clock import timestamp
from laennec.core.errors import ConflictError
from laennec.vault.head import (
    Head,
    PastHead,
    Record,
    RecordRef,
    digest_of,
    head_name,
    seal_head,
    seal_record,
)
from laennec.vault.keychain import Keychain
from laennec.vault.landing import land
from laennec.vault.manifest import Anchor, Decoy, Manifest, SealedDocument, SealedFile
from laennec.vault.padding import decoys_for
from laennec.vault.ports import KeyHolder, ObjectStore, StoredObject
from laennec.vault.state import (
    OBJECT_PREFIX,
    State,
    holdings,
    new_object_name,
    wrapping_purpose,
)

_Sealed = TypeVar("_Sealed", SealedFile, SealedDocument)

GRACE = timedelta(hours=48)
"""Age below which an unreferenced object may belong to a commit under way."""

UPLOAD_LIFETIME = GRACE / 2
"""Age above which an upload cannot be committed any more."""


def commit_on(
    store: ObjectStore,
    keys: KeyHolder,
    state: State,
    *,
    seen: Anchor,
    manifest: Manifest,
    now: datetime,
    padded: bool,
) -> State:
    """Commit a manifest that was made on the head ``seen``, with its file keys wrapped anew.

    Raises:
        ConflictError: ``seen`` is not the newest head any more, or as ``check_uploaded``,
            ``rewrap`` and ``next_state``.
        ValueError: as ``check_uploaded``.
    """
    if state.anchor != seen:
        raise ConflictError(
            f"Snapshot {seen.number} is not the newest any more.",
            remedy="Read the newest snapshot, make the change on it, and commit again.",
        )
    check_uploaded(store, state, manifest, now=now)
    renewed = rewrap(manifest, state.keychain)
    return next_state(store, keys, state, renewed, now=now, padded=padded)


def check_uploaded(store: ObjectStore, state: State, manifest: Manifest, *, now: datetime) -> None:
    """Raise unless every object that ``manifest`` adds is in the store and safe from a sweep.

    Safe is what a readable snapshot holds, or what was uploaded within ``UPLOAD_LIFETIME``.

    Raises:
        ConflictError: one is missing, of another size, or too old.
        ValueError: two entries name one object, or one is not an object's name.
    """
    known = {item.object for item in state.record.manifest.objects()}
    names = [item.object for item in manifest.objects()]
    if len(set(names)) != len(names) or not all(name.startswith(OBJECT_PREFIX) for name in names):
        raise ValueError("every object of a manifest is named once, and lies under objects/")
    added = [item for item in manifest.objects() if item.object not in known]
    if not added:
        return
    stored = {item.name: item for item in store.list(OBJECT_PREFIX)}
    old = [item for item in added if not _is_young(item, stored.get(item.object), now)]
    if old:
        readable = holdings(store, state).values()
        held = {item.object for _, past in readable for item in past.objects()}
        for item in old:
            if item.object not in held:
                raise ConflictError(
                    f"{item.object}, to be committed, was uploaded too long ago.",
                    remedy=f"Seal again and commit within {UPLOAD_LIFETIME}; check the clocks.",
                )


def rewrap(manifest: Manifest, keychain: Keychain) -> Manifest:
    """Return ``manifest`` with every file key wrapped by the current warehouse key.

    Raises:
        ConflictError: a key was wrapped by a warehouse key that is destroyed.
    """
    return manifest.replace(
        files=_rewrapped(manifest.files, keychain),
        documents=_rewrapped(manifest.documents, keychain),
    )


def _is_young(
    item: SealedFile | SealedDocument | Decoy, stored: StoredObject | None, now: datetime
) -> bool:
    """Return whether an upload is young; refuse one that is not there as it was uploaded."""
    if stored is None or stored.size != item.size:
        raise ConflictError(
            f"{item.object}, to be committed, is not in the store as it was uploaded.",
            remedy="A sweep or the host removed it; seal the rows again.",
        )
    return now - stored.modified <= UPLOAD_LIFETIME


def _rewrapped(items: Iterable[_Sealed], keychain: Keychain) -> list[_Sealed]:
    for item in items:
        if not keychain.knows(item.wrapped_key):
            raise ConflictError(
                "A file to be committed was sealed under a warehouse key that is destroyed now.",
                remedy="Seal the rows again.",
            )
    return [
        dataclasses.replace(item, wrapped_key=keychain.rewrap(item.wrapped_key)) for item in items
    ]


def write_record(
    store: ObjectStore, record: Record, warehouse_id: str, keychain: Keychain
) -> RecordRef:
    """Store ``record`` under a new name and the current warehouse key; nothing points to it yet."""
    name = new_object_name()
    body = seal_record(record, object_name=name, warehouse_id=warehouse_id, keychain=keychain)
    land(store, name, body)
    return RecordRef(name, digest_of(body), keychain.current)


def first_state(store: ObjectStore, keys: KeyHolder, *, now: datetime) -> State:
    """Commit snapshot 0 of a new warehouse, with an empty manifest.

    Raises:
        ConflictError: the store has a snapshot 0.
    """
    warehouse_id = secrets.token_hex(16)
    keychain = Keychain.fresh()
    ref = write_record(store, Record(Manifest()), warehouse_id, keychain)
    head = Head(0, None, timestamp(now), 0, ref)
    digest = _write_head(store, keys, head, warehouse_id, keychain)
    return State(warehouse_id, head, digest, Record(Manifest()), keychain)


def next_state(
    store: ObjectStore,
    keys: KeyHolder,
    base: State,
    manifest: Manifest,
    *,
    now: datetime,
    padded: bool = False,
    keychain: Keychain | None = None,
    oldest: int | None = None,
    history: Sequence[PastHead] | None = None,
) -> State:
    """Commit the snapshot after ``base``: all of it becomes visible with one conditional create.

    Args:
        store: Where.
        keys: Wraps the warehouse key.
        base: The state it stands on.
        manifest: What it holds; its file keys are wrapped by the current warehouse key.
        now: When.
        padded: Whether decoys hide how many objects are new; those of ``manifest`` are dropped.
        keychain: Warehouse keys from now on; those of ``base`` by default.
        oldest: Smallest readable number from now on; that of ``base`` by default.
        history: ``base.past()``, with records moved by a shred; by default not moved.

    Raises:
        ConflictError: another writer took the number; nothing of this is visible.
        StoreError: the store failed; if it cannot tell whether the head is there, it says so.
    """
    chain = base.keychain if keychain is None else keychain
    past = base.past() if history is None else tuple(history)
    decoys = _decoys(store, base, manifest, past) if padded else ()
    record = Record(dataclasses.replace(manifest, decoys=decoys), past, chain.wrap_former())
    head = Head(
        base.number + 1,
        base.digest,
        timestamp(now),
        base.head.oldest if oldest is None else oldest,
        write_record(store, record, base.warehouse_id, chain),
    )
    digest = _write_head(store, keys, head, base.warehouse_id, chain)
    return dataclasses.replace(base, head=head, digest=digest, record=record, keychain=chain)


def _decoys(
    store: ObjectStore, base: State, manifest: Manifest, past: Sequence[PastHead]
) -> tuple[Decoy, ...]:
    """Upload decoys for the objects and the records that this commit adds."""
    known = {item.object for item in base.record.manifest.objects()}
    held: list[SealedFile | SealedDocument] = [*manifest.files, *manifest.documents]
    moved = sum(
        new.record is not None and new.record != old.record
        for old, new in zip(base.past(), past, strict=True)
    )
    return decoys_for(
        store,
        [item.size for item in held if item.object not in known],
        others=1 + moved,
        examples=[item.size for item in held],
    )


def _write_head(
    store: ObjectStore, keys: KeyHolder, head: Head, warehouse_id: str, keychain: Keychain
) -> str:
    """Create the head object and return its digest."""
    wrapped = keys.wrap(keychain.keys[keychain.current], purpose=wrapping_purpose(warehouse_id))
    body = seal_head(head, warehouse_id=warehouse_id, keychain=keychain, wrapped_key=wrapped)
    land(store, head_name(head.number), body)
    return digest_of(body)
