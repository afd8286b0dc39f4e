"""A store that loses its answers: what landed stands, what did not is not believed, and no third.

Every call that writes fails in turn, before or after it took effect, and the look that follows is
answered, refused, or answered with somebody else's object.
"""

import dataclasses
from collections.abc import Callable

import polars as pl
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, MemoryStore
from laennec.core.errors import AlreadyExistsError, ConflictError, LaennecError, StoreError
from laennec.vault.ports import ObjectStore
from laennec.vault.service import Vault

BUSY = StoreError("The store answered 503.", remedy="Try again later.")
TAKEN = ConflictError("The name is taken.", remedy="Read again.")


@dataclasses.dataclass
class LostAnswers(HostileStore):
    """Fails the write number ``at`` of those under ``prefix``.

    Attributes:
        prefix: Which writes count.
        at: Which of them fails; None for none.
        lands: Whether it takes effect all the same.
        blind: Whether reading fails from then on, until ``at`` is None again.
        error: What is raised.
        theirs: What another writer has put there meanwhile.
    """

    prefix: str = "heads/"
    at: int | None = None
    lands: bool = True
    blind: bool = False
    error: StoreError = BUSY
    theirs: bytes | None = None
    _failed: bool = False

    def create(self, name: str, body: bytes) -> None:
        if self.at is None or not name.startswith(self.prefix):
            return super().create(name, body)
        self.at -= 1
        if self.at >= 0:
            return super().create(name, body)
        self.at = None
        self._failed = True
        if self.theirs is not None:
            super().create(name, self.theirs)
        elif self.lands:
            super().create(name, body)
        raise self.error

    def get(self, name: str) -> bytes:
        if self._failed and self.blind:
            raise BUSY
        return super().get(name)

    def recover(self) -> None:
        self.blind = self._failed = False


class Scene:
    """Two commits, then a store that loses an answer."""

    def __init__(self, *, padded: bool = False) -> None:
        self.clock, self.keys = FixedClock(), MemoryKeys()
        self.store = LostAnswers(MemoryStore(clock=self.clock))
        self.vault = Vault.create(self.store, self.keys, clock=self.clock, padded=padded)
        for value in (1, 2):
            load(self.vault, value)

    def fresh(self) -> Vault:
        return Vault.open(self.store, self.keys, clock=self.clock)


def load(vault: Vault, value: int) -> None:
    base = vault.snapshot()
    file = vault.seal_frame(pl.DataFrame({"value": [value]}), table="person", bucket=0)
    vault.commit(base, base.manifest.replace(files=[file], properties={"value": value}))


def content(vault: Vault) -> list[int]:
    manifest = vault.snapshot().manifest
    values: list[int] = vault.read(manifest.files)["value"].to_list()
    assert values == [manifest.properties["value"]]
    return values


CHANGES: dict[str, tuple[Callable[[Vault], object], list[int]]] = {
    "commit": (lambda vault: load(vault, 3), [3]),
    "rotate": (lambda vault: vault.rotate(), [2]),
    "shred": (lambda vault: vault.shred(before=2), [2]),
    "sweep": (lambda vault: vault.sweep(keep=1), [2]),
}


@pytest.mark.parametrize("error", [BUSY, TAKEN], ids=["503", "a retry that finds it taken"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_head_that_landed_is_a_commit(change: str, error: StoreError) -> None:
    scene, (run, after) = Scene(), CHANGES[change]
    scene.store.at, scene.store.error = 0, error
    run(scene.vault)
    for vault in (scene.vault, scene.fresh()):
        assert vault.snapshot().number == 3
        assert content(vault) == after
    assert scene.vault.verify().ok


@pytest.mark.parametrize("change", CHANGES)
def test_a_head_that_did_not_land_is_no_commit(change: str) -> None:
    scene, (run, after) = Scene(), CHANGES[change]
    scene.store.at, scene.store.lands = 0, False
    with pytest.raises(StoreError, match="503"):
        run(scene.vault)
    for vault in (scene.vault, scene.fresh()):
        assert (vault.snapshot().number, content(vault)) == (2, [2])
    run(scene.vault)
    assert (scene.fresh().snapshot().number, content(scene.fresh())) == (3, after)


@pytest.mark.parametrize("error", [BUSY, TAKEN], ids=["503", "a conflict"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_head_that_somebody_else_took_is_a_conflict(change: str, error: StoreError) -> None:
    scene, (run, _) = Scene(), CHANGES[change]
    scene.store.at, scene.store.theirs, scene.store.error = 0, b"of another writer", error
    with pytest.raises(ConflictError):
        run(scene.vault)


@pytest.mark.parametrize("lands", [True, False])
@pytest.mark.parametrize("error", [BUSY, TAKEN], ids=["503", "a conflict"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_head_that_nobody_can_tell_of_is_said_to_be_so(
    change: str, error: StoreError, *, lands: bool
) -> None:
    """The error says so; it is no conflict, and the next command sees what is there."""
    scene, (run, after) = Scene(), CHANGES[change]
    scene.store.at, scene.store.blind = 0, True
    scene.store.lands, scene.store.error = lands, error
    with pytest.raises(StoreError, match="does not say whether it has it") as caught:
        run(scene.vault)
    assert not isinstance(caught.value, ConflictError)
    scene.store.recover()
    for vault in (scene.vault, scene.fresh()):
        assert vault.snapshot().number == (3 if lands else 2)
        assert content(vault) == (after if lands else [2])
    assert scene.vault.verify().ok


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("lands", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_any_lost_answer_of_any_write_leaves_the_old_state_or_the_new(
    change: str, *, lands: bool, padded: bool
) -> None:
    run, after = CHANGES[change]
    failures = 0
    while True:
        scene = Scene(padded=padded)
        scene.store.prefix, scene.store.at, scene.store.lands = "", failures, lands
        try:
            run(scene.vault)
        except StoreError:
            assert not lands
            assert content(scene.fresh()) == [2]
            run(scene.vault)
        assert content(scene.fresh()) == content(scene.vault) == after
        assert scene.fresh().snapshot().number == 3
        assert scene.fresh().verify().ok
        if scene.store.at is not None:
            break
        failures += 1
    assert failures >= 2


@pytest.mark.parametrize("prefix", ["heads/", "objects/"])
def test_a_warehouse_whose_answer_was_lost_is_made(prefix: str) -> None:
    store = LostAnswers(prefix=prefix, at=0)
    vault = Vault.create(store, MemoryKeys(), clock=FixedClock())
    assert vault.snapshot().number == 0
    with pytest.raises(AlreadyExistsError):
        Vault.create(store, MemoryKeys(), clock=FixedClock())


def created(store: ObjectStore) -> LaennecError | None:
    try:
        Vault.create(store, MemoryKeys(), clock=FixedClock())
    except LaennecError as error:
        return error
    return None


def test_a_warehouse_that_was_not_made_is_not_said_to_be() -> None:
    failed = created(LostAnswers(at=0, lands=False))
    assert isinstance(failed, StoreError)
    assert not isinstance(failed, ConflictError)
    unknown = created(LostAnswers(at=0, blind=True))
    assert isinstance(unknown, StoreError)
    assert "does not say whether it has it" in unknown.happened
    theirs = created(LostAnswers(at=0, theirs=b"of another hub"))
    assert isinstance(theirs, AlreadyExistsError)
