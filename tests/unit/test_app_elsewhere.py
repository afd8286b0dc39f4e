"""Opening a hub's warehouse in another process: with which keys, and of which history."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from fakes.app_small import small_hub
from fakes.cli_shell import PASSPHRASE
from laennec.app.elsewhere import HubSnapshot, HubVault, check_unattended
from laennec.app.hub import Hub, open_hub
from laennec.core.clock import system_clock
from laennec.core.errors import KeyHolderError, RollbackError, SettingsError
from laennec.core.progress import Quiet
from laennec.core.settings import FILE_NAME, parse_settings


def _carried(hub: Hub, folder: Path) -> HubSnapshot:
    snapshot = hub.warehouse.view().snapshot
    vault = HubVault(folder, hub.warehouse.vault.seen)
    return HubSnapshot(vault, snapshot.number, snapshot.digest)


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Path, HubSnapshot, str, bytes]:
    """A hub's folder, what is carried of it, and a key wrapped in it."""
    folder = small_hub(tmp_path).folder
    with open_hub(folder, clock=system_clock, reporter=Quiet()) as hub:
        key = bytes(range(32))
        wrapped = hub.warehouse.vault.wrap_scratch_key(key)
        return folder, _carried(hub, folder), wrapped, key


def test_another_process_needs_the_warehouses_keyring_alone(
    opened: tuple[Path, HubSnapshot, str, bytes],
) -> None:
    folder, carried, wrapped, key = opened
    for other in ("hub.json", "ledger.key", "ledger.checkpoint", "store.heads"):
        (folder / "keys" / other).unlink()
    there: HubSnapshot = pickle.loads(pickle.dumps(carried))  # noqa: S301
    view = there.source(tables=("person",), buckets=(0,))
    assert view.rows()["person"] == 4
    assert there.unwrap(wrapped) == key
    assert there.source(tables=(), buckets=()) is view


def test_what_is_carried_holds_no_secret(opened: tuple[Path, HubSnapshot, str, bytes]) -> None:
    body = pickle.dumps(opened[1])
    assert PASSPHRASE.encode() not in body
    assert len(body) < 1000


def test_another_history_is_refused(opened: tuple[Path, HubSnapshot, str, bytes]) -> None:
    _, carried, _, _ = opened
    with pytest.raises(RollbackError, match="another one on an executor"):
        dataclasses.replace(carried, digest="0" * 64).source(tables=(), buckets=())
    ahead = dataclasses.replace(carried.hub.seen, number=9)
    with pytest.raises(RollbackError):
        dataclasses.replace(carried.hub, seen=ahead).vault()


def test_where_nobody_can_be_asked_the_remedy_is_told(
    opened: tuple[Path, HubSnapshot, str, bytes],
) -> None:
    folder, carried, _, _ = opened
    settings = folder / FILE_NAME
    lines = settings.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("passphrase_file")]
    settings.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(KeyHolderError, match="nobody to ask"):
        carried.hub.vault()


@pytest.mark.parametrize(
    ("keys", "works"),
    [
        ({}, False),
        ({"passphrase_env": "SOME"}, True),
        ({"holder": "pkcs11"}, False),
        ({"holder": "openbao"}, True),
    ],
)
def test_a_hub_that_asks_is_refused_before_anything_starts(
    keys: dict[str, str], *, works: bool, tmp_path: Path
) -> None:
    hub = {"name": "x", "origin": "hub.test"}
    settings = parse_settings({"hub": hub, "keys": keys}, base=tmp_path, name="test")
    if works:
        check_unattended(settings)
        return
    with pytest.raises(SettingsError, match="cannot ask"):
        check_unattended(settings)
