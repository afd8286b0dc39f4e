"""An executor with a role of its own at a real OpenBao: it unwraps the warehouse's keys alone."""

import uuid
from pathlib import Path

import pytest

from fakes.cli_shell import Cli
from functional.test_cli_keys import init_bao, load, secret_file
from laennec.app.elsewhere import HubSnapshot, HubVault
from laennec.app.hub import open_hub
from laennec.core.clock import system_clock
from laennec.core.errors import KeyHolderError, LaennecError
from laennec.core.progress import Quiet
from parts.openbao import OpenBao

EXECUTOR_POLICY = """
path "transit/decrypt/{key}-warehouse" {{ capabilities = ["update"] }}
"""
"""What an executor needs; docs/how-to/hold-keys.md shows the same text."""


@pytest.fixture
def made(tmp_path: Path, bao: OpenBao) -> tuple[Cli, HubSnapshot, str]:
    """A hub with rows, what a task carries of it, and the beginning of its keys' names."""
    key = f"hub-{uuid.uuid4().hex[:10]}"
    cli = init_bao(tmp_path, bao, key)
    load(cli, tmp_path / "data")
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        snapshot = hub.warehouse.view().snapshot
        vault = HubVault(cli.folder, hub.warehouse.vault.seen)
        return cli, HubSnapshot(vault, snapshot.number, snapshot.digest), key


def test_decrypting_one_key_is_enough(
    made: tuple[Cli, HubSnapshot, str], bao: OpenBao, tmp_path: Path
) -> None:
    cli, carried, key = made
    bao.policy(f"{key}-executor", EXECUTOR_POLICY.format(key=key))
    secret_file(tmp_path, "token", bao.token_with(f"{key}-executor"))
    for other in ("ledger.checkpoint", "store.heads", *_ledger_keys(cli)):
        (cli.folder / "keys" / other).unlink()
    view = carried.source(tables=("person",), buckets=(0,))
    rows = [view.read("person", one, columns=["person_id"], where=None) for one in view.buckets()]
    assert sum(one.height for one in rows) == 4
    with (
        pytest.raises(LaennecError),
        open_hub(cli.folder, clock=system_clock, reporter=Quiet()),
    ):
        pass


def test_another_hubs_role_opens_nothing(
    made: tuple[Cli, HubSnapshot, str], bao: OpenBao, tmp_path: Path
) -> None:
    _, carried, key = made
    bao.policy(f"{key}-other", EXECUTOR_POLICY.format(key=f"{key}-other"))
    secret_file(tmp_path, "token", bao.token_with(f"{key}-other"))
    with pytest.raises(KeyHolderError):
        carried.hub.vault()


def test_the_docs_show_this_policy() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "hold-keys.md"
    assert EXECUTOR_POLICY.format(key="laennec").strip() in page.read_text(encoding="utf-8")


def _ledger_keys(cli: Cli) -> list[str]:
    return [one.name for one in (cli.folder / "keys").glob("ledger.*.key")]
