"""Remote stores: the port's contract on real servers, S3 and Azure, with and without a cache."""

from pathlib import Path

import pytest

from fakes.vault_contracts import ObjectStoreContract
from laennec.app.stores import WAREHOUSE, store_of
from laennec.vault.cache import CachedStore
from laennec.vault.cloud import CloudStore
from laennec.vault.ports import ObjectStore
from parts.hosts import Host


class TestCloudStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, any_host: Host, tmp_path: Path) -> ObjectStore:
        store = store_of(any_host.settings(tmp_path), WAREHOUSE, cached=False)
        assert isinstance(store, CloudStore)
        return store


class TestCachedCloudStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, any_host: Host, tmp_path: Path) -> ObjectStore:
        store = store_of(any_host.settings(tmp_path), WAREHOUSE)
        assert isinstance(store, CachedStore)
        return store
