"""Copying a hub's vaults while they are in use: again and again until little is left, then all.

Which objects must be at the destination follows from the newest heads, opened with the hub's keys;
the objects themselves stay sealed. ``catch_up`` works beside studies and loads. ``settle`` is for
whoever holds the gate, when nothing changes any more: after it the destination holds the newest
state, each object of which was read back.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laennec.core.clock import Clock, timestamp
from laennec.core.errors import AlreadyExistsError, IntegrityError, NotFoundError
from laennec.core.progress import Reporter
from laennec.reversibility.move_journal import Journal
from laennec.reversibility.move_model import Item, Limits, Part
from laennec.reversibility.move_transfer import Outcome, transfer
from laennec.vault.head import HEAD_PREFIX, digest_of
from laennec.vault.inventory import Inventory, read_inventory
from laennec.vault.manifest import Anchor
from laennec.vault.sweep import is_vault_name

LITTLE = 32
"""Objects that are few enough to be copied while changes wait."""

PASSES = 20
"""Passes after which a source that changes faster than it is copied is held all the same."""


@dataclass(frozen=True)
class Settled:
    """What the destination holds.

    Attributes:
        newest: The newest head of each vault.
        items: Every object, in order.
        left_objects, left_bytes: What stays behind: the source has it and no snapshot names it.
    """

    newest: Mapping[str, Anchor]
    items: tuple[Item, ...]
    left_objects: int
    left_bytes: int


class Copying:
    """One move's copying, resumed from its journal."""

    def __init__(
        self,
        parts: Sequence[Part],
        journal: Journal,
        *,
        limits: Limits,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._journal, self._limits = journal, limits
        self._clock, self._reporter = clock, reporter
        self._copied = journal.items()
        self._seconds = 0.0

    def check_target(self) -> None:
        """Refuse a destination that holds another warehouse, or a newer state of this one.

        Raises:
            AlreadyExistsError: it does.
        """
        for part in self._parts.values():
            known = read_inventory(part.source, part.keys, seen=part.seen).objects
            for listed in part.target.list(HEAD_PREFIX):
                expected = known.get(listed.name)
                if expected is None or digest_of(part.target.get(listed.name)) != expected.sha256:
                    raise AlreadyExistsError(
                        f"The destination holds another warehouse ({part.name}, {listed.name}).",
                        remedy="Choose an empty bucket, prefix or folder.",
                    )

    def catch_up(self) -> None:
        """Copy until little is left; loads and sweeps of others may go on meanwhile.

        Raises:
            IntegrityError: an object is not what was sealed, at the source or the destination.
            RollbackError: the source went back.
            StoreFullError, StoreError: a store failed.
        """
        gone: set[Item] = set()
        for _ in range(PASSES):
            inventories, sizes = self._inventories(), self._sizes()
            wanted = self._wanted(inventories, sizes)
            _check_still_there(gone & set(wanted))
            missing = [item for item in wanted if not self._has(item)]
            gone = self._copy(missing)
            if len(missing) <= LITTLE and not gone:
                return

    def settle(self) -> Settled:
        """Copy what is left and compare the destination's list; nothing may change meanwhile.

        Raises:
            IntegrityError, StoreError: as ``catch_up``; or the destination lost an object.
        """
        inventories, sizes = self._inventories(), self._sizes()
        wanted = self._wanted(inventories, sizes)
        _check_still_there(self._copy([item for item in wanted if not self._has(item)]))
        self._tidy({(item.part, item.name) for item in wanted})
        self._compare_listing()
        held = sorted(self._copied)
        left = sum(map(len, sizes.values())) - len(held)
        listed = sum(sum(one.values()) for one in sizes.values())
        return Settled(
            {name: one.newest for name, one in inventories.items()},
            tuple(held),
            left,
            listed - sum(item.size for item in held),
        )

    def _inventories(self) -> dict[str, Inventory]:
        return {
            name: read_inventory(part.source, part.keys, seen=part.seen)
            for name, part in self._parts.items()
        }

    def _sizes(self) -> dict[str, dict[str, int]]:
        """Return what the sources list, with sizes: for progress and memory, not for trust."""
        return {
            name: {one.name: one.size for one in part.source.list()}
            for name, part in self._parts.items()
        }

    def _wanted(
        self, inventories: Mapping[str, Inventory], sizes: Mapping[str, Mapping[str, int]]
    ) -> list[Item]:
        """Return every expected object, heads last: no head is there before what it stands on."""
        items = [
            Item(part, name, one.sha256, one.size or sizes[part].get(name, 0))
            for part, inventory in inventories.items()
            for name, one in inventory.objects.items()
        ]
        return sorted(items, key=lambda item: (item.name.startswith(HEAD_PREFIX), item))

    def _has(self, item: Item) -> bool:
        return item in self._copied

    def _copy(self, items: Sequence[Item]) -> set[Item]:
        """Copy; return what the source has no more."""
        gone: set[Item] = set()
        began = time.monotonic()
        before = self._seconds

        def note(outcomes: list[Outcome]) -> None:
            there = [one.item for one in outcomes if one.there]
            gone.update(one.item for one in outcomes if not one.there)
            self._seconds = before + time.monotonic() - began
            self._journal.add(there, time=timestamp(self._clock()), seconds=self._seconds)
            self._copied.update(there)
            task.advance(sum(item.size for item in there))

        total = sum(item.size for item in items)
        with self._reporter.task("copying", total=total, in_bytes=True) as task:
            transfer(self._parts, items, limits=self._limits, done=note)
        return gone

    def _tidy(self, wanted: set[tuple[str, str]]) -> None:
        """Forget what a sweep or a shred took out of the history since it was copied."""
        stale = {item for item in self._copied if (item.part, item.name) not in wanted}
        self._journal.remove(stale)
        self._copied -= stale

    def _compare_listing(self) -> None:
        """Hold the destination's list against what was read back; delete what nothing names.

        Unnamed are what an interrupted command left and what is stale. Names that the vault never
        makes are somebody else's, and stay.
        """
        copied = {(one.part, one.name, one.size) for one in self._copied}
        for name, part in self._parts.items():
            names = {one.name for one in self._copied if one.part == name}
            listed = list(part.target.list())
            copied -= {(name, one.name, one.size) for one in listed}
            extra = [one.name for one in listed if one.name not in names]
            part.target.delete([one for one in extra if is_vault_name(one)])
        lost = {one for one in self._copied if (one.part, one.name, one.size) in copied}
        if lost:
            self._journal.remove(lost)
            self._copied -= lost
            raise IntegrityError(
                f"The destination lost {min(lost).name} and {len(lost) - 1} more objects that it "
                "had taken.",
                remedy="The hub stays where it is. Run the move again, or choose another place.",
            )


def _check_still_there(gone: set[Item]) -> None:
    """Raise when the newest history names objects that the source did not serve."""
    if gone:
        raise NotFoundError(
            f"{min(gone).part}: {min(gone).name} is missing at the source.",
            remedy="Run `laennec verify`, restore what it names from a copy, and run the move "
            "again.",
        )
