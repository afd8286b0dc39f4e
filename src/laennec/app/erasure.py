"""Erasing the stores that a hub has moved away from, and the keys of a former key holder.

Only what a certified move left: the certificate is in the ledger, and the store where the hub is
now verifies, object by object, before anything is deleted.
"""

import getpass
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from laennec.app.gate import place_of
from laennec.app.hub import Custody, open_custody
from laennec.app.move_certify import MOVED, public_name
from laennec.app.move_files import MoveFiles, PastMove
from laennec.app.stores import PARTS, store_of
from laennec.app.upkeep import verify
from laennec.core.clock import Clock
from laennec.core.errors import ConflictError, IntegrityError, NotFoundError, ProofError
from laennec.core.log import Message, say
from laennec.core.progress import Reporter
from laennec.core.settings import StoreSettings
from laennec.reversibility.certificate import read_inventory_text, sha256_of
from laennec.reversibility.move_apart import check_apart
from laennec.reversibility.move_erase import Erased, check_ours, erase


@dataclass(frozen=True)
class ErasedStore:
    """A former store that is empty now.

    Attributes:
        move: The move that left it.
        warehouse, results: What each of its parts was emptied of.
    """

    move: PastMove
    parts: tuple[Erased, ...]

    @property
    def objects(self) -> int:
        """Objects deleted."""
        return sum(one.objects for one in self.parts)

    @property
    def bytes(self) -> int:
        """Bytes deleted."""
        return sum(one.bytes for one in self.parts)

    @property
    def asked(self) -> int:
        """Names for which the store said that it has nothing."""
        return sum(one.asked for one in self.parts)


def left_behind(folder: Path) -> list[PastMove]:
    """Return the moves whose former store was not erased yet, oldest first; needs no key."""
    return [one for one in MoveFiles(folder).past() if one.source is not None]


def erase_sources(
    folder: Path,
    *,
    clock: Clock,
    reporter: Reporter,
    ask: Callable[[str], str] = getpass.getpass,
    reason: str | None = None,
) -> list[ErasedStore]:
    """Erase every store that the hub has left and that was not erased yet.

    A store to which the hub has come back since is left alone. Killed, run it again.

    Args:
        folder: The hub.
        clock: Dates the events.
        reporter: Shows progress.
        ask: Asks for the passphrase on the terminal.
        reason: Why, for the ledger, which keeps a salted hash of it.

    Raises:
        NotFoundError: there is none.
        ConflictError: a move is under way.
        IntegrityError: the store where the hub is now does not verify; nothing is deleted.
        ProofError: a certificate is not in the ledger, or its inventory is not its own.
        AlreadyExistsError: a former store is the store where the hub is, by another address, or
            holds what the hub did not leave there; nothing is deleted.
        StoreError: a former store failed, or keeps what it was told to delete.
    """
    files = MoveFiles(folder)
    with files.alone(), open_custody(folder, clock=clock, reporter=reporter, ask=ask) as custody:
        if files.under_way:
            raise ConflictError(
                "A move is under way.", remedy="Finish it with `laennec move` first."
            )
        moves = list(_to_erase(custody, files))
        if not moves:
            raise NotFoundError(
                "There is no former store to erase.", remedy="`laennec move --status` lists moves."
            )
        _check_sound(custody)
        _check_left(custody.settings.store, moves)
        return [_erase(custody, files, one, store, reason) for one, store in moves]


def _to_erase(custody: Custody, files: MoveFiles) -> Iterator[tuple[PastMove, StoreSettings]]:
    logged = {
        entry.public.get("certificate_sha256")
        for entry in custody.ledger.entries()
        if entry.name == MOVED
    }
    here = place_of(custody.settings.store)
    for one in files.past():
        if one.source is None or place_of(one.source) == here:
            continue
        inventory = sha256_of(one.inventory)
        if sha256_of(one.text) not in logged or inventory != one.certificate.inventory_sha256:
            raise ProofError(
                f"{one.file.name} or its inventory is not what the ledger knows.",
                remedy="Restore the hub's folder `move` from a copy; nothing was deleted.",
            )
        yield one, one.source


def _check_sound(custody: Custody) -> None:
    """Refuse to delete anything while the hub could still need it."""
    if not verify(custody).ok:
        raise IntegrityError(
            "The store where the hub is now is not what was sealed and logged.",
            remedy="Run `laennec verify`; the former store can still repair it. Nothing was "
            "deleted.",
        )


def _check_left(now: StoreSettings, moves: Sequence[tuple[PastMove, StoreSettings]]) -> None:
    """Refuse to delete from a store that is in use, by this hub or by another one."""
    items = [item for move, _ in moves for item in read_inventory_text(move.inventory)]
    for part in PARTS:
        heads = {(item.name, item.sha256) for item in items if item.part == part}
        for _, store in moves:
            former = store_of(store, part, cached=False)
            for one in PARTS:
                check_apart(former, store_of(now, one, cached=False))
            check_ours(former, heads)


def _erase(
    custody: Custody, files: MoveFiles, move: PastMove, store: StoreSettings, reason: str | None
) -> ErasedStore:
    items = read_inventory_text(move.inventory)
    done = ErasedStore(
        move,
        tuple(
            erase(
                store_of(store, part, cached=False),
                [item.name for item in items if item.part == part],
                reporter=custody.reporter,
            )
            for part in PARTS
        ),
    )
    custody.ledger.append(
        "vault:store:erase",
        public={
            "bytes": done.bytes,
            "certificate_sha256": sha256_of(move.text),
            "objects": done.objects,
            "source_store": public_name(move.certificate.source),
        },
        private={} if reason is None else {"reason": reason.encode()},
    )
    files.erased(move)
    say(Message.ERASED, objects=done.objects, bytes=done.bytes)
    return done
