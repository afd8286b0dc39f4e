"""Values of a move: what is copied, where a move stands, and the moments at which it can be cut."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from laennec.vault.manifest import Anchor
from laennec.vault.ports import KeyHolder, ObjectStore


class Phase(StrEnum):
    """Moments of a move, in order; a kill at any of them leaves a hub that works.

    ``WAITING`` comes only when another command is changing the store.
    """

    BEGUN = "begun"
    COPIED = "copied"
    WAITING = "waiting"
    HELD = "held"
    SETTLED = "settled"
    REWRAPPED = "rewrapped"
    SIGNED = "signed"
    SWITCHED = "switched"
    LOGGED = "logged"
    FINISHED = "finished"


Watch = Callable[[Phase], None]
"""Told when a phase is reached, before anything else is done."""


def unwatched(phase: Phase) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Part:
    """One of the hub's vaults, under way.

    Attributes:
        name: Which.
        source: Where it is; not trusted.
        target: Where it goes; not trusted either.
        keys: Opens its heads. What is copied stays sealed.
        seen: The newest head known from elsewhere, so that no older state is moved.
    """

    name: str
    source: ObjectStore
    target: ObjectStore
    keys: KeyHolder
    seen: Anchor | None = None


@dataclass(frozen=True, order=True)
class Item:
    """One object to be at the destination.

    Attributes:
        part: The vault it belongs to.
        name: Its name in both stores.
        sha256: What it must hash to, by the history and not by the host.
        size: In bytes; before it is read, as the source lists it.
    """

    part: str
    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Limits:
    """What a transfer may take.

    Attributes:
        parallel: Objects under way at once.
        memory_bytes: Memory for them: each counts twice its size, as it is sent and as it is read
            back. A larger object goes alone.
    """

    parallel: int
    memory_bytes: int
