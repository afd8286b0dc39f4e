"""A host that puts back an older state, of one part or of all, and a hub that is tampered with."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.cli_shell import Cli, new_hub, packaged
from fakes.intake_hub import small_data_set
from laennec.app.hub import open_hub
from laennec.core import errors
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.ledger.service import Ledger
from laennec.warehouse.anchor import log_commit

STUDY = "celecoxib.toml"


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, Cli]:
    """The same hub at two times: older, and newer by two loads, a run and a release."""
    folder = tmp_path_factory.mktemp("hubs")
    newer = new_hub(folder)
    newer.ok("load", "omop", small_data_set(folder / "one"))
    older = newer.copy(folder / "older")
    newer.ok("load", "omop", packaged("gibleed.zip", folder))
    run = newer.ok("study", "run", packaged(STUDY, folder), quiet=True).strip()
    newer.ok("release", run, quiet=True)
    return older, newer


@pytest.fixture
def older(hubs: tuple[Cli, Cli]) -> Cli:
    return hubs[0]


@pytest.fixture
def newer(hubs: tuple[Cli, Cli], tmp_path: Path) -> Cli:
    return hubs[1].copy(tmp_path / "hub")


def put_back(newer: Cli, older: Cli, *parts: str) -> None:
    for part in parts:
        shutil.rmtree(newer.folder / part)
        shutil.copytree(older.folder / part, newer.folder / part)


@pytest.mark.parametrize("parts", [["store/warehouse"], ["store"], ["ledger"], ["store", "ledger"]])
def test_an_older_state_is_refused(older: Cli, newer: Cli, parts: list[str]) -> None:
    put_back(newer, older, *parts)
    for command in (["status"], ["load", "omop", str(older.folder)]):
        said = newer(*command)
        assert said.status == errors.RollbackError.exit_status, said
        assert said.out == ""


def test_verify_names_the_head_that_an_older_store_lacks(older: Cli, newer: Cli) -> None:
    put_back(newer, older, "store/warehouse")
    said = newer("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert "rolled back" in said.out


@pytest.mark.parametrize("part", ["warehouse", "results"])
@pytest.mark.parametrize("kind", ["heads", "objects"])
def test_verify_names_a_damaged_object_the_newest_head_included(
    newer: Cli, part: str, kind: str
) -> None:
    store = newer.folder / "store" / part
    path = max(one for one in (store / kind).rglob("*") if one.is_file())
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    said = newer("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert path.relative_to(store).as_posix() in said.out


def test_an_older_ledger_is_named_without_any_key(older: Cli, newer: Cli) -> None:
    put_back(newer, older, "ledger")
    assert newer("log", "verify").status in (
        errors.RollbackError.exit_status,
        errors.ProofError.exit_status,
    )


def test_older_results_are_refused_and_named(older: Cli, newer: Cli) -> None:
    """The memory beside the keys refuses them; the ledger knows which run is gone."""
    put_back(newer, older, "store/results")
    for command in (["status"], ["sweep"], ["release", "any"]):
        said = newer(*command)
        assert said.status == errors.RollbackError.exit_status
        assert "serves snapshot 0, but 1 was seen before" in said.err
    said = newer("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert "rolled back: heads/" in said.out
    assert "is in the ledger and not in the store" in said.out


def test_older_results_before_a_client_without_memory_are_named(older: Cli, newer: Cli) -> None:
    """Opening cannot tell, verification can: the ledger knows the run."""
    put_back(newer, older, "store/results")
    (newer.folder / "keys" / "store.heads").unlink()
    assert newer("status").status == 0
    said = newer("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert "is in the ledger and not in the store" in said.out


def test_a_commit_that_was_never_logged_is_remembered_all_the_same(newer: Cli) -> None:
    """The ledger lacks it, so only the memory knows it when the host takes it back."""
    before = newer.copy(newer.folder.with_name("before"))
    with open_hub(newer.folder, clock=system_clock, reporter=Quiet()) as hub:
        hub.warehouse.vault.rotate()
    assert newer("status").status == 0
    put_back(newer, before, "store/warehouse")
    said = newer("status")
    assert said.status == errors.RollbackError.exit_status
    assert "rolled back" in newer("verify").out


@pytest.mark.parametrize("part", ["warehouse", "results"])
def test_a_fork_met_at_the_memory_is_named(newer: Cli, part: str) -> None:
    """Two commands are served different histories, each right in itself, and end one by one."""
    theirs = newer.copy(newer.folder.with_name("theirs"))
    for cli in (newer, theirs):
        with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
            {"warehouse": hub.warehouse.vault, "results": hub.results}[part].rotate()
    shutil.copy(theirs.folder / "keys" / "store.heads", newer.folder / "keys" / "store.heads")
    said = newer("status")
    assert said.status == errors.RollbackError.exit_status
    assert "is not the one seen before" in said.err
    assert "forked: heads/" in newer("verify").out


def test_a_fork_met_at_the_end_of_a_command_is_named(newer: Cli) -> None:
    """The other command, served another history, ends while this one is under way."""
    theirs = newer.copy(newer.folder.with_name("theirs"))
    with open_hub(theirs.folder, clock=system_clock, reporter=Quiet()) as hub:
        hub.results.rotate()

    def command() -> None:
        with open_hub(newer.folder, clock=system_clock, reporter=Quiet()) as hub:
            hub.results.rotate()
            shutil.copy(theirs.folder / "keys" / "store.heads", newer.folder / "keys")

    with pytest.raises(errors.RollbackError, match="not the one seen before"):
        command()


def test_two_commits_of_one_number_meet_in_the_ledger(newer: Cli) -> None:
    """Two clients with memories of their own share the ledger alone."""
    theirs = newer.copy(newer.folder.with_name("theirs"))
    snapshots = []
    for cli in (newer, theirs):
        with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
            snapshots.append(hub.warehouse.vault.rotate())
    with open_hub(newer.folder, clock=system_clock, reporter=Quiet()) as hub:
        log_commit(hub.ledger, snapshots[0])
        log_commit(hub.ledger, snapshots[0])
        with pytest.raises(errors.RollbackError, match="Two different commits"):
            log_commit(hub.ledger, snapshots[1])
    assert "forked: heads/" in newer("verify").out
    assert newer("status").status == errors.RollbackError.exit_status


def test_a_hub_that_forgot_its_ledger_does_not_open(older: Cli, newer: Cli) -> None:
    """Without what was seen last, store and ledger could be put back together."""
    (newer.folder / "keys" / "ledger.checkpoint").unlink()
    put_back(newer, older, "store", "ledger")
    said = newer("status")
    assert said.status == errors.KeyHolderError.exit_status
    assert "ledger.checkpoint" in said.err
    assert "is missing" in said.err


def test_an_older_memory_serves(older: Cli, newer: Cli) -> None:
    """A copy of the keys made before the last commands still opens the hub."""
    shutil.copy(older.folder / "keys" / "ledger.checkpoint", newer.folder / "keys")
    assert newer("status").status == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\xff",
        "{}",
        "[]",
        '{"format": "laennec/seen-heads/2", "heads": {}}',
        '{"format": "laennec/seen-heads/1", "heads": []}',
        '{"format": "laennec/seen-heads/1", "heads": {"results": {"number": 1}}}',
        '{"format": "laennec/seen-heads/1", "heads": {"results": {"number": "1", "digest": ""}}}',
    ],
)
def test_a_damaged_memory_of_the_stores_is_refused(newer: Cli, text: str) -> None:
    (newer.folder / "keys" / "store.heads").write_bytes(text.encode("latin-1"))
    for command in ("status", "verify"):
        said = newer(command)
        assert said.status == errors.KeyHolderError.exit_status
        assert "store.heads" in said.err


@pytest.mark.parametrize("text", ["", "x", "x\ny\n", "hub.test/log+00000000+AAAA\n\n", "\xff"])
def test_a_damaged_memory_is_refused(newer: Cli, text: str) -> None:
    path = newer.folder / "keys" / "ledger.checkpoint"
    path.write_bytes(text.encode("latin-1"))
    said = newer("status")
    assert said.status in (errors.KeyHolderError.exit_status, errors.ProofError.exit_status)
    assert "Traceback" not in said.err


def test_a_forged_ledger_with_its_own_key_is_refused(newer: Cli) -> None:
    folder = newer.folder / "ledger"
    shutil.rmtree(folder)
    forged = Ledger.create(
        folder,
        origin="hub.test/log",
        signing_key=Ed25519PrivateKey.generate(),
        clock=system_clock,
    )
    forged.append("vault:store:sweep", public={"objects": 0, "bytes": 0})
    for command in (["status"], ["verify"], ["log", "verify"], ["log", "prove", "0"]):
        assert newer(*command).status == errors.ProofError.exit_status


@pytest.mark.parametrize("change", ["altered", "added", "swapped"])
def test_a_changed_release_is_named(newer: Cli, change: str) -> None:
    folder = next((newer.folder / "releases").glob("run-*"))
    victim = folder / "celecoxib.csv"
    match change:
        case "altered":
            victim.write_bytes(victim.read_bytes().replace(b"-", b"3", 1))
        case "added":
            victim = folder / "more.csv"
            victim.write_text("1", encoding="utf-8")
        case _:
            victim = folder.with_name("run-00000000") / "celecoxib.csv"
            folder.rename(victim.parent)
    said = newer("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert f"{victim.relative_to(newer.folder / 'releases')} is not what was released." in said.out


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('profile = "france-11"', 'profile = "open-1"', errors.SettingsError),
        ('origin = "hub.test/log"', 'origin = "hub.other/log"', errors.SettingsError),
        ("workers = 0", "workers = -1", errors.SettingsError),
        ("memory_mb", "memory", errors.SettingsError),
        ("[ledger]\n", "[ledger]\ninsecure = true\n", errors.SettingsError),
        ('"store"', '"elsewhere"', errors.NotFoundError),
        ('folder = "ledger"', 'folder = "nowhere"', errors.NotFoundError),
        ('folder = "keys"', 'folder = "lost"', errors.KeyHolderError),
    ],
)  # fmt: skip
def test_changed_settings_are_refused(
    newer: Cli, old: str, new: str, error: type[errors.LaennecError]
) -> None:
    settings = newer.folder / "laennec.toml"
    text = settings.read_text(encoding="utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), encoding="utf-8")
    said = newer("status")
    assert said.status == error.exit_status, said.err
    assert said.out == ""


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o701])
def test_keys_that_others_reach_are_refused(newer: Cli, mode: int) -> None:
    folder = newer.folder / "keys"
    folder.chmod(mode)
    said = newer("status")
    assert said.status == errors.KeyHolderError.exit_status
    assert f"chmod 700 {folder}" in said.err
    folder.chmod(0o700)
    assert newer("status").status == 0


def test_the_store_of_another_hub_is_refused(newer: Cli, tmp_path: Path) -> None:
    other = new_hub(tmp_path / "other")
    put_back(newer, other, "store")
    said = newer("status")
    assert said.status in {one.exit_status for one in errors.all_errors(errors.IntegrityError)}
