"""Where a task finds what it works with, in this process or on another machine.

A task that Spark carries to an executor holds no key and no row: only where the load's folder is
and how to open the hub. There it opens the hub by the hub's own settings, unwraps the load's key,
and reads what all tasks share, sealed, out of the folder; once for each process.
"""

import functools
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from laennec.core.spill import forbid_spill
from laennec.intake.snds.load_folder import LoadFolder, folder_key, shared_bytes
from laennec.vault.service import Vault


class VaultSource(Protocol):
    """Opens the warehouse; hashable, and picklable without any secret."""

    def vault(self) -> Vault:
        """Return the vault of the warehouse."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What a task works with; equal to itself only.

    Attributes:
        vault: Where rows are sealed.
        folder: Of the load.
        key: Of that folder.
        shared: What all tasks of this kind share.
    """

    vault: Vault
    folder: Path
    key: bytes = field(repr=False)
    shared: Any


class Place(Protocol):
    """Where a task is: it finds its bench there."""

    def bench(self) -> Bench:
        """Return what to work with."""


@dataclass(frozen=True)
class Here:
    """In the process that loads."""

    own: Bench = field(repr=False)

    def bench(self) -> Bench:
        """Return what to work with."""
        return self.own


@dataclass(frozen=True)
class Elsewhere:
    """In a process that shares the load's folder and may open the hub.

    Attributes:
        source: Opens the hub.
        folder: Of the load.
        context: Of the load.
        name: Of what is shared.
    """

    source: VaultSource
    folder: Path
    context: str
    name: str

    def bench(self) -> Bench:
        """Return what to work with.

        Raises:
            KeyHolderError: the hub does not open there.
            IntegrityError: the folder is not that of this load.
        """
        return _opened(self)


@functools.lru_cache(maxsize=2)
def _opened(place: Elsewhere) -> Bench:
    forbid_spill()
    vault = place.source.vault()
    key = folder_key(place.folder, vault, context=place.context)
    body = shared_bytes(place.folder, place.name, key=key, context=place.context)
    # Authenticated under the load's own key before a byte of it is interpreted.
    return Bench(vault, place.folder, key, pickle.loads(body))  # noqa: S301


def place_of(
    source: VaultSource, vault: Vault, folder: LoadFolder, *, name: str, shared: Any, near: bool
) -> Place:
    """Return where tasks are to find ``shared``: in memory if they run near, else in the folder.

    Raises:
        StoreFullError, StoreError: the disk is full or failed.
    """
    if near:
        return Here(Bench(vault, folder.path, folder.key, shared))
    folder.share(name, pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL))
    return Elsewhere(source, folder.path, folder.context, name)
