"""A move killed at every phase, and ten times while it copies: the hub works, then it goes on."""

import signal
from pathlib import Path

import pytest

from fakes.app_small import another_person, small_hub
from fakes.cli_shell import Cli
from fakes.move_hub import contents, move_and_die, move_to, opened, store_settings
from fakes.vault_store import seeded
from laennec.core.settings import StoreSettings
from laennec.reversibility.move_model import Phase

ALWAYS = [one for one in Phase if one not in (Phase.WAITING, Phase.REWRAPPED)]
AFTER = (Phase.SWITCHED, Phase.LOGGED, Phase.FINISHED)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return small_hub(tmp_path_factory.mktemp("move"))


@pytest.fixture
def hub(made: Cli, tmp_path: Path) -> Cli:
    return made.copy(tmp_path / "hub")


@pytest.mark.parametrize("phase", ALWAYS)
def test_killed_at_a_phase(hub: Cli, tmp_path: Path, phase: Phase) -> None:
    source, target = store_settings(hub.folder), tmp_path / "target"
    before = contents(source)
    assert move_and_die(hub.folder, target, phase).returncode == -signal.SIGKILL
    assert (store_settings(hub.folder).folder == target) == (phase in AFTER)
    hub.ok("verify")
    if phase is not Phase.FINISHED:
        move_to(hub.folder, StoreSettings(folder=target))
    assert contents(source) == before
    assert contents(store_settings(hub.folder)) == before
    hub.ok("verify")
    assert _moves(hub) == 1
    assert not (hub.folder / "move" / "pending").exists()


def _moves(hub: Cli) -> int:
    with opened(hub.folder) as one:
        return sum(entry.name == "vault:store:move" for entry in one.ledger.entries())


@pytest.mark.parametrize("round_", range(10))
def test_killed_while_it_copies(hub: Cli, tmp_path: Path, round_: int) -> None:
    source, target = store_settings(hub.folder), tmp_path / "target"
    before = contents(source)
    size = sum(map(len, before.values()))
    when = seeded(f"kill {round_}").randrange(size)
    assert move_and_die(hub.folder, target, when).returncode == -signal.SIGKILL
    assert store_settings(hub.folder) == source
    hub.ok("load", "omop", another_person(tmp_path / "data"))
    now = contents(source)
    move_to(hub.folder, StoreSettings(folder=target))
    assert contents(StoreSettings(folder=target)) == now
    assert contents(source) == now
    assert before.items() <= now.items()
    hub.ok("verify")
