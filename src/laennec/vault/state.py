"""Reading snapshots: heads, records, and the keys that open them.

A ``State`` is an authenticated newest head with everything under it. Reading starts at the newest
head: the key holder opens its warehouse key, and its record carries the former keys and says where
every readable older record lies. Everything here reads; ``commit`` writes.
"""

import secrets
from dataclasses import dataclass

from laennec.core.errors import IntegrityError, NotFoundError, RollbackError
from laennec.vault.head import (
    HEAD_PREFIX,
    Head,
    PastHead,
    Record,
    RecordRef,
    digest_of,
    head_name,
    head_number,
    open_head,
    open_record,
    parse_head,
)
from laennec.vault.keychain import Keychain
from laennec.vault.manifest import Anchor, Manifest, Snapshot, SnapshotHead
from laennec.vault.ports import KeyHolder, ObjectStore

OBJECT_PREFIX = "objects/"


@dataclass(frozen=True)
class State:
    """The newest head the store serves, opened.

    Attributes:
        warehouse_id: In hexadecimal.
        head: What the head says.
        digest: SHA-256 of the head object.
        record: What it holds.
        keychain: Its warehouse key and the former ones.
    """

    warehouse_id: str
    head: Head
    digest: str
    record: Record
    keychain: Keychain

    @property
    def number(self) -> int:
        """Number of the snapshot."""
        return self.head.number

    @property
    def anchor(self) -> Anchor:
        """The head as something to hold a store to."""
        return Anchor(self.head.number, self.digest)

    def snapshot(self) -> Snapshot:
        """Return the snapshot this state is."""
        head = self.head
        return Snapshot(
            head.number, self.digest, head.parent, head.created_at, self.record.manifest
        )

    def past(self) -> tuple[PastHead, ...]:
        """Return every head from 0 to this one."""
        head = self.head
        own = PastHead(head.number, self.digest, head.created_at, head.record)
        return (*self.record.history, own)

    def heads(self) -> tuple[SnapshotHead, ...]:
        """Return the history, oldest first, this state's own head included."""
        past = self.past()
        parents = (None, *(one.digest for one in past))
        return tuple(
            SnapshotHead(one.number, one.digest, parent, one.created_at, one.record is not None)
            for one, parent in zip(past, parents, strict=False)
        )

    def check_contains(self, anchor: Anchor) -> None:
        """Raise unless the head ``anchor`` is this one or behind it.

        Raises:
            RollbackError: the store is older than the anchor, or has another history.
        """
        past = self.past()
        if anchor.number >= len(past):
            raise RollbackError(
                f"The store serves snapshot {self.number}, but {anchor.number} was seen before.",
                remedy="The host went back to an older state; restore the newer one.",
            )
        if past[anchor.number].digest != anchor.digest:
            raise _another_history(anchor.number)


def new_object_name() -> str:
    """Return a random object name; it says nothing about what the object is."""
    token = secrets.token_hex(16)
    return f"{OBJECT_PREFIX}{token[:2]}/{token[2:]}"


def wrapping_purpose(warehouse_id: str) -> str:
    """Return the purpose under which a key holder wraps this warehouse's keys."""
    return f"laennec/warehouse-key/1/{warehouse_id}"


def head_numbers(store: ObjectStore) -> tuple[int, ...]:
    """Return the numbers of the heads that the store lists, in order."""
    listed = (head_number(item.name) for item in store.list(HEAD_PREFIX))
    return tuple(sorted(number for number in listed if number is not None))


def newest_number(store: ObjectStore) -> int:
    """Return the number of the newest head.

    Raises:
        NotFoundError: there is none: no warehouse was created here.
    """
    numbers = head_numbers(store)
    if not numbers:
        raise NotFoundError(
            "The store holds no warehouse.",
            remedy="Check the store's address, or create the warehouse with `laennec init`.",
        )
    return numbers[-1]


def get_expected(store: ObjectStore, name: str) -> bytes:
    """Return an object that must be there.

    Raises:
        IntegrityError: it is not.
    """
    try:
        return store.get(name)
    except NotFoundError:
        raise missing(name) from None


def check_head(store: ObjectStore, state: State) -> None:
    """Raise unless the store serves the head of ``state`` as it was read or made.

    Raises:
        IntegrityError: it is missing.
        RollbackError: another head is in its place.
    """
    if digest_of(get_expected(store, head_name(state.number))) != state.digest:
        raise _another_history(state.number)


def missing(name: str) -> IntegrityError:
    """Return the error for an object that a snapshot needs and the store does not serve."""
    return IntegrityError(
        f"{name} is missing from the store.",
        remedy="Run `laennec verify`, then restore the named objects from a copy.",
    )


@dataclass(frozen=True)
class OpenedHead:
    """A head that authenticates; its record is not read yet."""

    warehouse_id: str
    head: Head
    digest: str
    keychain: Keychain


def load_head(store: ObjectStore, keys: KeyHolder, number: int) -> OpenedHead:
    """Return head ``number``, opened through the key holder.

    Raises:
        IntegrityError: it does not authenticate, or is missing.
    """
    name = head_name(number)
    body = get_expected(store, name)
    envelope = parse_head(body, name=name)
    key = keys.unwrap(envelope.wrapped_key, purpose=wrapping_purpose(envelope.warehouse_id))
    keychain = Keychain(envelope.key_id, {envelope.key_id: key})
    head = open_head(envelope, number=number, keychain=keychain)
    return OpenedHead(envelope.warehouse_id, head, digest_of(body), keychain)


def load_state(store: ObjectStore, keys: KeyHolder, number: int) -> State:
    """Return the state at head ``number``.

    Raises:
        IntegrityError: the head, its record or a key does not authenticate, or is missing.
    """
    return complete(store, load_head(store, keys, number))


def complete(store: ObjectStore, opened: OpenedHead) -> State:
    """Return the state of an opened head: its record, the former keys, the history.

    Raises:
        IntegrityError: the record or a key does not authenticate, or is missing.
    """
    record = _load_record(store, opened.head.record, opened.warehouse_id, opened.keychain)
    keychain = opened.keychain.with_former(record.former_keys)
    state = State(opened.warehouse_id, opened.head, opened.digest, record, keychain)
    _check_chain(state)
    return state


def load_snapshot(store: ObjectStore, state: State, number: int) -> Snapshot:
    """Return snapshot ``number``, which ``state`` stands on.

    Raises:
        NotFoundError: there is none of that number, or it was swept or shredded.
        IntegrityError: its record does not authenticate, or is missing.
    """
    past = state.past()
    if not 0 <= number < len(past):
        raise NotFoundError(
            f"There is no snapshot {number}.", remedy=f"The newest is {state.number}."
        )
    entry = past[number]
    if entry.record is None:
        raise NotFoundError(
            f"Snapshot {number} was swept or shredded.",
            remedy=f"The oldest that can be read is {state.head.oldest}.",
        )
    if number == state.number:
        return state.snapshot()
    parent = past[number - 1].digest if number else None
    manifest = load_manifest(store, state, entry.record)
    return Snapshot(number, entry.digest, parent, entry.created_at, manifest)


def load_manifest(store: ObjectStore, state: State, ref: RecordRef) -> Manifest:
    """Return the manifest in the record that ``ref`` names.

    Raises:
        IntegrityError: the record does not authenticate, or is missing.
    """
    if ref == state.head.record:
        return state.record.manifest
    return _load_record(store, ref, state.warehouse_id, state.keychain).manifest


def holdings(store: ObjectStore, state: State) -> dict[int, tuple[RecordRef, Manifest]]:
    """Return, for every readable snapshot by number, where its record lies and what it holds.

    Raises:
        IntegrityError: a record does not authenticate, or is missing.
    """
    return {
        past.number: (past.record, load_manifest(store, state, past.record))
        for past in state.past()
        if past.record is not None
    }


def _load_record(
    store: ObjectStore, ref: RecordRef, warehouse_id: str, keychain: Keychain
) -> Record:
    body = get_expected(store, ref.object)
    if digest_of(body) != ref.sha256:
        raise IntegrityError(
            f"{ref.object} is not the record that its head names.",
            remedy="Run `laennec verify`, then restore it from a copy.",
        )
    return open_record(body, ref=ref, warehouse_id=warehouse_id, keychain=keychain)


def _check_chain(state: State) -> None:
    """Refuse a record whose history is not the head's: without gaps, ending in the parent."""
    history = state.record.history
    parent = history[-1].digest if history else None
    gapless = [past.number for past in history] == list(range(state.number))
    readable = all(
        (past.record is not None) == (past.number >= state.head.oldest) for past in history
    )
    if parent != state.head.parent or not gapless or not readable:
        raise IntegrityError(
            f"{head_name(state.number)} and its record disagree about the history.",
            remedy="Run `laennec verify`, then restore the store from a copy.",
        )


def _another_history(number: int) -> RollbackError:
    return RollbackError(
        f"Snapshot {number} in the store is not the one seen before.",
        remedy="The host serves another history, or let two writers make one snapshot; restore "
        "the one you know.",
    )
