"""What a store must hold: every object that the readable history names, with its hash.

Everything hangs on the newest head by SHA-256, so the list follows from that head and the keys
alone and never from what the host lists. Verification reads what is here, and a move copies it.
Leftovers of interrupted writes are not here: nothing names them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from laennec.core.errors import IntegrityError
from laennec.vault.head import PastHead, head_name
from laennec.vault.manifest import Anchor
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.state import State, load_manifest, load_state, newest_number


@dataclass(frozen=True)
class Expected:
    """What an object must be.

    Attributes:
        sha256: Of its stored bytes.
        size: In bytes; None where only the hash is recorded.
    """

    sha256: str
    size: int | None


@dataclass(frozen=True)
class Inventory:
    """Every object of one vault at one moment.

    Attributes:
        newest: The head that everything hangs on.
        objects: Heads, records, files, documents and decoys, by name.
    """

    newest: Anchor
    objects: Mapping[str, Expected]


def expected_of(store: ObjectStore, state: State, past: PastHead) -> Iterator[tuple[str, Expected]]:
    """Yield what one head of the history needs: itself, its record, and what the record names.

    Raises:
        IntegrityError: the record does not authenticate or is missing; the head and the record
            itself were yielded before.
    """
    yield head_name(past.number), Expected(past.digest, None)
    if past.record is None:
        return
    yield past.record.object, Expected(past.record.sha256, None)
    for item in load_manifest(store, state, past.record).objects():
        yield item.object, Expected(item.sha256, item.size)


def read_inventory(store: ObjectStore, keys: KeyHolder, *, seen: Anchor | None = None) -> Inventory:
    """Return the inventory of the newest head that the store serves.

    A sweep by another process may take records away while they are read; then the newer head that
    says so is read instead.

    Args:
        store: Where the vault is.
        keys: Opens the heads.
        seen: The newest head seen elsewhere, so that no older state passes for the newest.

    Raises:
        NotFoundError: the store holds no warehouse.
        RollbackError: the store is older than ``seen`` or has another history.
        IntegrityError: a head or a record does not authenticate, or is missing.
    """
    while True:
        number = newest_number(store)
        state = load_state(store, keys, number)
        if seen is not None:
            state.check_contains(seen)
        try:
            objects = dict(
                item for past in state.past() for item in expected_of(store, state, past)
            )
        except IntegrityError:
            if newest_number(store) == number:
                raise
            continue
        return Inventory(state.anchor, objects)
