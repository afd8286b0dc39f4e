"""A process that dies at every single call to the store or the key holder, one after the other.

Whatever it was doing, the last committed snapshot reads, nothing is altered or missing, and doing
the same again ends as if nothing had happened.
"""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta

import polars as pl
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, MemoryStore
from laennec.core.errors import NotFoundError
from laennec.vault.commit import GRACE
from laennec.vault.service import Vault
from laennec.vault.verify import FindingKind


class KilledError(BaseException):
    """The process is gone; nothing after this call runs."""


@dataclasses.dataclass
class Fuse:
    """Counts calls, and kills before or after the one it is set for."""

    left: int | None = None
    after: bool = False

    def call(self, work: Callable[[], None]) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                if self.after:
                    work()
                raise KilledError
        work()


class FusedStore(HostileStore):
    """Dies at a call that changes something; of several deletions, in the middle."""

    fuse = Fuse()

    def create(self, name: str, body: bytes) -> None:
        self.fuse.call(lambda: super(FusedStore, self).create(name, body))

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self.fuse.call(lambda name=name: super(FusedStore, self).delete([name]))  # type: ignore[misc]


class FusedKeys(MemoryKeys):
    """Dies at a call that changes its keys."""

    fuse = Fuse()

    def rotate(self) -> None:
        self.fuse.call(super().rotate)

    def forget(self) -> None:
        self.fuse.call(super().forget)


class Scene:
    """Three commits, and a leftover old enough to sweep."""

    def __init__(self, fuse: Fuse) -> None:
        self.clock, self.keys = FixedClock(), FusedKeys()
        self.store = FusedStore(MemoryStore(clock=self.clock))
        self.vault = Vault.create(self.store, self.keys, clock=self.clock)
        for value in (1, 2, 3):
            load(self.vault, value)
        self.vault.seal_document(b"left behind", kind="leftover")
        self.clock.now += GRACE
        self.store.fuse = self.keys.fuse = fuse

    def reopened(self) -> Vault:
        self.store.fuse = self.keys.fuse = Fuse()
        return Vault.open(self.store, self.keys, clock=self.clock)


def load(vault: Vault, value: int) -> None:
    base = vault.snapshot()
    file = vault.seal_frame(pl.DataFrame({"value": [value]}), table="person", bucket=0)
    vault.commit(base, base.manifest.replace(files=[file], properties={"value": value}))


OPERATIONS: dict[str, Callable[[Vault], object]] = {
    "load": lambda vault: load(vault, 4),
    "rotate": lambda vault: vault.rotate(),
    "sweep": lambda vault: vault.sweep(),
    "sweep, keep 2": lambda vault: vault.sweep(keep=2),
    "shred": lambda vault: vault.shred(before=3),
}


def check_readable(vault: Vault, *, at_least: int) -> None:
    """Every snapshot that says it is readable reads as it was written; verify finds no wrong."""
    assert vault.snapshot().number >= at_least
    for head in vault.history():
        if head.readable and head.number:
            manifest = vault.snapshot(head.number).manifest
            assert vault.read(manifest.files)["value"].to_list() == [manifest.properties["value"]]
    kinds = {finding.kind for finding in vault.verify().findings}
    assert kinds <= {FindingKind.UNREFERENCED}


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_dying_at_any_call_loses_nothing_and_can_be_done_again(
    operation: str, *, after: bool
) -> None:
    run, deaths = OPERATIONS[operation], 0
    while True:
        scene = Scene(Fuse(deaths, after=after))
        try:
            run(scene.vault)
        except KilledError:
            deaths += 1
        else:
            break
        check_readable(scene.reopened(), at_least=3)
        run(scene.reopened())
        scene.clock.now += GRACE + timedelta(seconds=1)
        vault = scene.reopened()
        vault.sweep()
        check_readable(vault, at_least=3)
        assert vault.verify().findings == ()
    assert deaths >= 1


@pytest.mark.parametrize("deaths", range(20))
def test_a_shred_that_died_and_was_run_again_has_destroyed(deaths: int) -> None:
    scene = Scene(Fuse(deaths))
    copies = scene.store.saved()
    file = scene.vault.snapshot(1).manifest.files[0]
    try:
        scene.vault.shred(before=3)
    except KilledError:
        scene.reopened().shred(before=3)
    vault = scene.reopened()
    for number in (0, 1, 2):
        with pytest.raises(NotFoundError):
            vault.snapshot(number)
    for name, body in copies.items():
        if name not in scene.store.names():
            scene.store.put(name, body)
    assert not vault._state.keychain.knows(file.wrapped_key)
