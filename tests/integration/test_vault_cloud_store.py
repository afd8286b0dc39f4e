"""Remote stores: the port's contract on real servers, S3 and Azure, with and without a cache."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.vault_contracts import ObjectStoreContract
from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.errors import ConflictError, NotFoundError, StoreError
from laennec.vault.cache import CachedStore
from laennec.vault.cloud import CloudStore
from laennec.vault.cloud_access import Patience
from laennec.vault.ports import ObjectStore
from laennec.vault.probe import probe
from parts import free_port
from parts.hosts import Host, signature_for
from parts.tls import tls_server


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


def test_the_environment_sends_no_request_elsewhere(
    moto_host: Host, azurite_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What obstore would read by itself: other addresses, no signature, other credentials."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ENDPOINT": "http://127.0.0.1:9",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_CONDITIONAL_PUT": "disabled",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/absent",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9",
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURE_STORAGE_ACCOUNT_KEY": "YW5vdGhlcg==",
        "AZURE_STORAGE_TOKEN": "another",
        "AZURE_SKIP_SIGNATURE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for host in (moto_host, azurite_host):
        store = store_of(host.settings(tmp_path), WAREHOUSE, cached=False)
        store.create("objects/a", b"a")
        with pytest.raises(ConflictError):
            store.create("objects/a", b"b")
        assert store.get("objects/a") == b"a"


SOON = Patience(attempts=2, first_wait_s=0.01, connect_s=5, silence_s=5, request_s=10)


def refused(store: ObjectStore, words: str) -> None:
    """Every call says the same, names no address, and a missing store is no empty one."""
    for call in (
        lambda: store.create("heads/0", b"x"),
        lambda: store.get("heads/0"),
        lambda: list(store.list()),
        lambda: probe(store),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            call()
        assert not isinstance(caught.value, ConflictError)
        assert "127.0.0.1" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_a_bucket_that_is_not_there_is_named(any_host: Host, tmp_path: Path) -> None:
    given = any_host.settings(tmp_path).model_copy(
        update={"url": f"{any_host.kind}://no-such-bucket/hub"}
    )
    refused(store_of(given, WAREHOUSE, cached=False, patience=SOON), "does not exist")


@pytest.mark.parametrize("server", ["ceph_host", "azurite_host"])
def test_wrong_credentials_are_named(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    host: Host = request.getfixturevalue(server)
    wrong = base64.b64encode(b"wrong" * 10).decode()
    secret = "account_key" if host.kind == "az" else "secret_access_key"
    other = replace(host, credentials={**host.credentials, secret: wrong})
    refused(
        store_of(other.settings(tmp_path), WAREHOUSE, cached=False, patience=SOON),
        "refuses these credentials",
    )


def test_a_signature_opens_a_container(azurite_host: Host, tmp_path: Path) -> None:
    token = signature_for(azurite_host, rights="rcwdl")
    host = replace(azurite_host, credentials={"sas_token": token})
    store = store_of(host.settings(tmp_path), WAREHOUSE, cached=False)
    probe(store)
    store.create("objects/a", b"a")
    assert store.get("objects/a") == b"a"
    reads = replace(host, credentials={"sas_token": signature_for(azurite_host, rights="rl")})
    weak = store_of(reads.settings(tmp_path), WAREHOUSE, cached=False, patience=SOON)
    with pytest.raises(StoreError, match="refuses these credentials") as caught:
        weak.create("objects/a", b"a")
    assert "sig=" not in str(caught.value)


def test_an_address_where_nobody_answers_is_named(moto_host: Host, tmp_path: Path) -> None:
    for address in (f"http://127.0.0.1:{free_port()}", "http://nowhere.invalid"):
        given = moto_host.at(address).settings(tmp_path)
        refused(store_of(given, WAREHOUSE, cached=False, patience=SOON), "cannot be reached")


def test_a_certificate_that_nobody_trusts_is_named(moto_host: Host, tmp_path: Path) -> None:
    with tls_server(tmp_path) as (address, authority):
        given = moto_host.at(address).settings(tmp_path)
        refused(
            store_of(given, WAREHOUSE, cached=False, patience=SOON), "certificate of .* not trusted"
        )
        trusted = given.model_copy(update={"ca_file": authority})
        store = store_of(trusted, WAREHOUSE, cached=False, patience=SOON)
        with pytest.raises(NotFoundError):
            store.get("heads/0")
