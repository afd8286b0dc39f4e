"""Moves between real services: Azure Blob to Ceph's S3 and back, with keys to OpenBao."""

from pathlib import Path

import pytest

from fakes.app_small import another_person, small_hub
from fakes.cli_shell import Cli
from fakes.move_hub import contents, store_settings
from laennec.core import errors
from laennec.core.settings import StoreSettings
from parts.hosts import Host
from parts.openbao import OpenBao
from parts.s3rver import s3rver


@pytest.fixture
def hub(tmp_path: Path) -> Cli:
    return small_hub(tmp_path)


def to(host: Host, folder: Path, prefix: str) -> tuple[str, ...]:
    """Return the options that name a prefix at a host."""
    account = ("--account", host.account) if host.account else ()
    return (
        *("--to", host.url(prefix), "--endpoint", host.endpoint, *account, "--insecure-http"),
        *("--credentials-file", str(host.credentials_file(folder))),
    )


def test_azure_to_s3_and_back(
    hub: Cli, tmp_path: Path, azurite_host: Host, ceph_host: Host
) -> None:
    folder = store_settings(hub.folder)
    hub.ok("move", *to(azurite_host, tmp_path, "hub/one"))
    azure = store_settings(hub.folder)
    assert contents(azure) == contents(folder)
    hub.ok("move", *to(ceph_host, tmp_path, "hub/two"))
    ceph = store_settings(hub.folder)
    assert contents(ceph) == contents(azure) == contents(folder)
    hub.ok("load", "omop", another_person(tmp_path / "data"))
    assert len(contents(ceph)) > len(contents(azure))
    hub.ok("move", *to(azurite_host, tmp_path, "hub/one"))
    assert contents(azure) == contents(ceph)
    assert "person                   5" in hub.ok("status")
    hub.ok("move", "--erase-source", "--yes")
    assert contents(ceph) == contents(folder) == {}
    assert contents(azure)
    assert "Everything is what was sealed and logged." in hub.ok("verify")


def test_a_move_that_hands_the_keys_to_openbao(
    hub: Cli, tmp_path: Path, moto_host: Host, bao: OpenBao
) -> None:
    bao.ask("POST", "sys/mounts/move", {"type": "transit"})
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(bao.token)
    keys = tmp_path / "keys.toml"
    keys.write_text(
        '[keys]\nholder = "openbao"\nfolder = "keys"\n\n[openbao]\nmount = "move"\n'
        f'address = "{bao.address}"\nca_file = "{bao.ca_file}"\ntoken_file = "{token}"\n'
    )
    hub.ok("move", *to(moto_host, tmp_path, "hub"), "--keys-to", keys)
    assert store_settings(hub.folder).url == "s3://bucket/hub"
    hub.ok("load", "omop", another_person(tmp_path / "data"))
    assert "Everything is what was sealed and logged." in hub.ok("verify")
    said = hub.ok("move", "--erase-source", "--yes", "--destroy-keys")
    assert "(passphrase) are destroyed" in said
    assert "person                   5" in hub.ok("status")
    assert bao.token not in (hub.folder / "laennec.toml").read_text("utf-8")


def test_a_host_without_conditional_create_is_refused(hub: Cli, tmp_path: Path) -> None:
    with s3rver(tmp_path) as host:
        said = hub("move", *to(host, tmp_path, "hub"))
    assert said.status == errors.StoreError.exit_status
    assert store_settings(hub.folder).url is None
    hub.ok("verify")


def test_wrong_credentials_are_said_and_the_hub_stays(
    hub: Cli, tmp_path: Path, moto_host: Host, azurite_host: Host
) -> None:
    wrong = Host("az", azurite_host.endpoint, {"account_key": "AAAA"}, azurite_host.account)
    before = contents(store_settings(hub.folder))
    said = hub("move", *to(wrong, tmp_path, "hub"))
    assert said.status in {errors.StoreError.exit_status, errors.SettingsError.exit_status}
    assert "AAAA" not in said.out + said.err
    assert contents(StoreSettings(folder=hub.folder / "store")) == before
    hub.ok("verify")
