"""The fakes keep the ports' contracts, so what is tested on them holds for the real ones."""

import pytest

from fakes.vault_contracts import FullStoreContract, KeyHolderContract, ObjectStoreContract
from fakes.vault_keys import MemoryKeys
from fakes.vault_misbehaving import Fault, MisbehavingStore
from fakes.vault_store import HostileStore, MemoryStore


class TestMemoryStore(ObjectStoreContract, FullStoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def full_store(self) -> MemoryStore:
        return MemoryStore(max_bytes=1000)


class TestHostileStoreThatBehaves(ObjectStoreContract, FullStoreContract):
    @pytest.fixture
    def store(self) -> HostileStore:
        return HostileStore()

    @pytest.fixture
    def full_store(self) -> HostileStore:
        return HostileStore(MemoryStore(max_bytes=1000))


class TestMisbehavingStoreThatBehaves(ObjectStoreContract, FullStoreContract):
    @pytest.fixture
    def store(self) -> MisbehavingStore:
        return MisbehavingStore(MemoryStore(), Fault())

    @pytest.fixture
    def full_store(self) -> MisbehavingStore:
        return MisbehavingStore(MemoryStore(max_bytes=1000), Fault(), Fault())


class TestMemoryKeys(KeyHolderContract):
    @pytest.fixture
    def keys(self) -> MemoryKeys:
        return MemoryKeys()

    @pytest.fixture
    def other_keys(self) -> MemoryKeys:
        return MemoryKeys()
