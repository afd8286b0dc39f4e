"""The trial of a store: a fit one is left as it was, an unfit one is refused with the reason."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.vault_store import MemoryStore
from laennec.core.errors import ConflictError, StoreError
from laennec.vault.local import LocalStore
from laennec.vault.ports import ObjectStore, StoredObject
from laennec.vault.probe import probe
from laennec.vault.sweep import is_vault_name


class _Replaces(MemoryStore):
    def create(self, name: str, body: bytes) -> None:
        self.bodies.pop(name, None)
        super().create(name, body)


class _RefusesAndReplaces(MemoryStore):
    def create(self, name: str, body: bytes) -> None:
        try:
            super().create(name, body)
        except ConflictError:
            self.bodies[name] = body
            raise


class _ChecksTooEarly(MemoryStore):
    """Looks first and writes then: writers that come together all find nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._together = threading.Barrier(8)
        self._trials = 0

    def create(self, name: str, body: bytes) -> None:
        if threading.current_thread() is threading.main_thread():
            super().create(name, body)
            return
        self._together.wait(30)
        self.bodies[name] = body
        self.modified[name] = self._clock()


class _RefusesAll(MemoryStore):
    def create(self, name: str, body: bytes) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ConflictError("There.", remedy="")
        super().create(name, body)


class _KeepsAnother(MemoryStore):
    def get(self, name: str) -> bytes:
        return super().get(name)[::-1]


class _Hides(MemoryStore):
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        yield from ()


class _KeepsDeleted(MemoryStore):
    def delete(self, names: object) -> None:
        """Say that it is done."""


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        (_Replaces(), "replaces an object"),
        (_RefusesAndReplaces(), "although it refused"),
        (_ChecksTooEarly(), "8 of 8 writers"),
        (_RefusesAll(), "0 of 8 writers"),
        (_KeepsAnother(), "does not return"),
        (_Hides(), "does not list"),
        (_KeepsDeleted(), "was deleted"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, MemoryStore) else "",
)
def test_an_unfit_store_is_refused(store: MemoryStore, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        probe(store)
    assert isinstance(store, _KeepsDeleted) or not store.bodies


def test_a_fit_store_is_left_as_it_was(tmp_path: Path) -> None:
    stores: tuple[ObjectStore, ...] = (MemoryStore(), LocalStore(tmp_path / "store"))
    for store in stores:
        store.create("theirs", b"theirs")
        probe(store)
        assert [one.name for one in store.list()] == ["theirs"]


def test_a_failure_is_passed_on_and_a_leftover_is_one_that_a_sweep_knows() -> None:
    class Fails(MemoryStore):
        def get(self, name: str) -> bytes:
            raise StoreError("Out of order.", remedy="")

        def delete(self, names: object) -> None:
            raise StoreError("Out of order too.", remedy="")

    store = Fails()
    with pytest.raises(StoreError, match=r"Out of order\. "):
        probe(store)
    assert [is_vault_name(name) for name in store.bodies] == [True]
