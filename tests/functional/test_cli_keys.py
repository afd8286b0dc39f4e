"""Journeys of an operator with keys: each kind of holder, rotation, destruction with its proof."""

import base64
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from fakes.app_small import CONCEPTS, PERIODS, another_person, small_hub, study_file
from fakes.cli_shell import PASSPHRASE, Cli, passphrase_file, run
from fakes.intake_hub import small_data_set
from laennec.app.destroy import DESTROYED
from laennec.app.hub import open_hub, open_ledger
from laennec.core import errors
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.vault.head import parse_head
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import PassphraseKeyring
from laennec.vault.state import wrapping_purpose
from parts.openbao import HUB_POLICY, OPERATOR_POLICY, OpenBao
from parts.softhsm import SoftHsm


def secret_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def init_bao(folder: Path, bao: OpenBao, key: str) -> Cli:
    """Make a hub with an operator's token of the documented policy."""
    for role, text in (("hub", HUB_POLICY), ("operator", OPERATOR_POLICY)):
        bao.policy(f"{key}-{role}", text.format(mount="transit", key=key))
    token = secret_file(folder, "token", bao.token_with(f"{key}-operator"))
    cli = Cli(folder / "hub")
    cli.ok(
        "init", "--name", "test", "--origin", "hub.test/log", "--keys", "openbao",
        "--key-name", key, "--openbao-address", bao.address,
        "--openbao-ca-file", bao.ca_file, "--openbao-token-file", token,
    )  # fmt: skip
    return cli


def init_hsm(folder: Path, hsm: SoftHsm, key: str) -> Cli:
    pin = secret_file(folder, "pin", hsm.pin)
    cli = Cli(folder / "hub")
    cli.ok(
        "init", "--name", "test", "--origin", "hub.test/log", "--keys", "pkcs11",
        "--key-name", key, "--pkcs11-module", hsm.module, "--pkcs11-token", hsm.label,
        "--pkcs11-pin-file", pin,
    )  # fmt: skip
    return cli


def load(cli: Cli, folder: Path) -> None:
    cli.ok("load", "omop", small_data_set(folder, concept=CONCEPTS, observation_period=PERIODS))


@pytest.fixture
def key() -> str:
    return f"hub-{uuid.uuid4().hex[:10]}"


@pytest.fixture(params=["passphrase", "openbao", "pkcs11"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path, key: str) -> Cli:
    """A hub of each kind of holder, with four persons."""
    if request.param == "passphrase":
        return small_hub(tmp_path)
    if request.param == "openbao":
        cli = init_bao(tmp_path, request.getfixturevalue("bao"), key)
    else:
        cli = init_hsm(tmp_path, request.getfixturevalue("hsm"), key)
    load(cli, tmp_path / "one")
    return cli


def names(cli: Cli) -> list[str]:
    return [one.name for one in open_ledger(cli.folder, clock=system_clock).entries()]


def opened(said: str) -> list[tuple[int, int]]:
    """Return tried and opened of each line of the table of trials."""
    lines = [one.split() for one in said.splitlines()]
    return [(int(one[-2]), int(one[-1])) for one in lines if len(one) > 3 and one[-1].isdigit()]


def test_every_holder_serves_a_whole_hub(loaded: Cli, tmp_path: Path) -> None:
    study = study_file(tmp_path)
    before = loaded.ok("study", "run", study, quiet=True).strip()
    assert "Keys rotated" in loaded.ok("keys", "rotate")
    loaded.ok("load", "omop", another_person(tmp_path / "two"))
    after = loaded.ok("study", "run", study, quiet=True).strip()
    loaded.ok("shred", "--before", 2, "--yes")
    for run_name in (before, after):
        loaded.ok("release", run_name)
    assert loaded.ok("verify").endswith("Everything is what was sealed and logged.\n")
    assert names(loaded).count("vault:key:rotate") == 1


def test_a_destroyed_warehouse(loaded: Cli, tmp_path: Path) -> None:
    loaded.ok("keys", "rotate")
    run_name = loaded.ok("study", "run", study_file(tmp_path), quiet=True).strip()
    loaded.ok("release", run_name)
    said = loaded.ok("keys", "destroy", "warehouse", "--yes")
    trials = opened(said)
    assert trials[0][0] == trials[0][1] >= 3
    assert [count for _, count in trials[1:]] == [0, 0, 0]
    assert trials[1][0] == trials[2][0] == trials[0][0]
    assert names(loaded)[-1] == DESTROYED
    for command in (["status"], ["study", "run", study_file(tmp_path)], ["keys", "rotate"],
                    ["sweep"], ["load", "omop", another_person(tmp_path / "two")]):  # fmt: skip
        refused = loaded(*command)
        assert refused.status == errors.KeyDestroyedError.exit_status, refused
        assert "The warehouse of this hub was destroyed on" in refused.err
    verified = loaded.ok("verify")
    assert "warehouse: its keys were destroyed; nobody can read it." in verified
    assert verified.endswith("Everything is what was sealed and logged.\n")
    loaded.ok("log", "verify")
    released = next((loaded.folder / "releases" / run_name).glob("*.csv"))
    loaded.ok("log", "verify", "--file", released)
    again = loaded.ok("keys", "destroy", "warehouse", "--yes")
    assert all(count == 0 for _, count in opened(again))
    assert names(loaded).count(DESTROYED) == 1


def test_destroyed_results(loaded: Cli, tmp_path: Path) -> None:
    study = study_file(tmp_path)
    run_name = loaded.ok("study", "run", study, quiet=True).strip()
    heads = sorted((loaded.folder / "store" / "results" / "heads").iterdir())
    said = loaded.ok("keys", "destroy", "results", "--yes")
    trials = opened(said)
    assert trials[0] == (len(heads) + 1, len(heads) + 1)
    assert [count for _, count in trials[1:]] == [0, 0, 0]
    assert run_name not in loaded.ok("status")
    assert loaded("release", run_name).status == errors.NotFoundError.exit_status
    assert loaded.ok("verify").endswith("Everything is what was sealed and logged.\n")
    fresh = loaded.ok("study", "run", study, quiet=True).strip()
    loaded.ok("release", fresh)
    assert loaded.ok("verify").endswith("Everything is what was sealed and logged.\n")
    loaded.ok("keys", "destroy", "results", "--yes")
    assert loaded.ok("verify").endswith("Everything is what was sealed and logged.\n")


def test_an_attacker_with_a_copy_of_everything_but_the_old_keyring(tmp_path: Path) -> None:
    """Store, ledger, settings and passphrase from before; the keyring from after."""
    cli = small_hub(tmp_path)
    stolen = tmp_path / "stolen"
    shutil.copytree(cli.folder, stolen)
    cli.ok("keys", "destroy", "warehouse", "--yes")
    shutil.copy(cli.folder / "keys" / "warehouse.json", stolen / "keys" / "warehouse.json")
    assert run("--hub", stolen, "status").status == errors.KeyDestroyedError.exit_status


def test_a_copy_of_keyring_and_passphrase_still_opens(tmp_path: Path) -> None:
    """The limit that the documentation states."""
    cli = small_hub(tmp_path)
    copy = shutil.copy(cli.folder / "keys" / "warehouse.json", tmp_path / "copy.json")
    cli.ok("keys", "destroy", "warehouse", "--yes")
    head = max((cli.folder / "store" / "warehouse" / "heads").iterdir())
    envelope = parse_head(head.read_bytes(), name=head.name)
    keys = PassphraseKeyring.open(Path(copy), PASSPHRASE)
    assert keys.unwrap(envelope.wrapped_key, purpose=wrapping_purpose(envelope.warehouse_id))


def test_destruction_asks_for_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = small_hub(tmp_path)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "Test")
    said = cli("keys", "destroy", "warehouse")
    assert said.status == 130
    assert said.out.endswith("Nothing was destroyed.\n")
    assert "Persons" in cli.ok("status")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "test")
    cli.ok("keys", "destroy", "warehouse")


def test_a_host_that_is_gone_or_damages_cannot_prevent_it(tmp_path: Path) -> None:
    cli = small_hub(tmp_path)
    cli.ok("study", "run", study_file(tmp_path))
    head = max((cli.folder / "store" / "results" / "heads").iterdir())
    head.write_bytes(head.read_bytes()[:-1])
    said = cli.ok("keys", "destroy", "results", "--yes")
    assert [count for _, count in opened(said)[1:]] == [0, 0, 0]
    assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
    shutil.rmtree(cli.folder / "store" / "warehouse")
    cli.ok("keys", "destroy", "warehouse", "--yes")
    assert cli("status").status != 0


def test_a_host_that_puts_old_results_back_cannot_prevent_it(tmp_path: Path) -> None:
    cli = small_hub(tmp_path)
    study = study_file(tmp_path)
    shutil.copytree(cli.folder / "store" / "results", tmp_path / "old")
    cli.ok("study", "run", study)
    shutil.rmtree(cli.folder / "store" / "results")
    shutil.copytree(tmp_path / "old", cli.folder / "store" / "results")
    said = cli.ok("keys", "destroy", "results", "--yes")
    assert [count for _, count in opened(said)[1:]] == [0, 0, 0]
    assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
    cli.ok("study", "run", study)


def test_a_host_that_does_not_serve_cannot_prevent_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are destroyed and that is logged; the empty vault comes when the host is back."""
    cli = small_hub(tmp_path)
    cli.ok("study", "run", study_file(tmp_path))

    def fail(*_: object) -> NoReturn:
        raise errors.StoreError("The store does not answer.", remedy="")

    for call in ("list", "get", "create", "delete"):
        monkeypatch.setattr(LocalStore, call, fail)
    said = cli("keys", "destroy", "results", "--yes")
    assert said.status == errors.StoreError.exit_status, said
    assert names(cli)[-1] == DESTROYED
    monkeypatch.undo()
    assert cli("status").status == errors.IntegrityError.exit_status
    again = opened(cli.ok("keys", "destroy", "results", "--yes"))
    # What could be tried now: the old heads, which nothing opened even before, and a fresh witness.
    assert again[0][1] == 1
    assert again[0][0] > 2
    assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
    cli.ok("study", "run", study_file(tmp_path))


KILLED = """
import os, signal, sys
import laennec.app.destroy as destroy
from laennec.app import secrets
from laennec.cli.main import main
from laennec.vault import passphrase
from laennec.vault.local import LocalStore

calls = int(sys.argv[1])

def counted(function):
    def call(*arguments, **values):
        global calls
        calls -= 1
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **values)
    return call

passphrase.write_keyring = counted(passphrase.write_keyring)
passphrase.write_tombstone = counted(passphrase.write_tombstone)
secrets._write_signing_key = counted(secrets._write_signing_key)
LocalStore.create = counted(LocalStore.create)
LocalStore.delete = counted(LocalStore.delete)
destroy._proven = counted(destroy._proven)
sys.exit(main(["--hub", sys.argv[2], "--quiet", "keys", "destroy", sys.argv[3], "--yes"]))
"""


@pytest.mark.parametrize("part", ["warehouse", "results"])
def test_killed_at_any_step_doing_it_again_finishes(part: str, tmp_path: Path) -> None:
    made = small_hub(tmp_path)
    study = study_file(tmp_path)
    run_name = made.ok("study", "run", study, quiet=True).strip()
    for step in range(1, 40):
        cli = made.copy(tmp_path / f"hub-{step}")
        command = [sys.executable, "-c", KILLED, str(step), str(cli.folder), part]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        said = cli.ok("keys", "destroy", part, "--yes")
        assert all(count == 0 for _, count in opened(said)[1:])
        assert names(cli).count(DESTROYED) == 1
        assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
        if part == "results":
            assert run_name not in cli.ok("status")
            cli.ok("study", "run", study)
        shutil.rmtree(cli.folder)
    assert 1 < step < 39


class TestOpenBaoHub:
    def test_day_to_day_with_a_role_that_may_not_change_keys(
        self, bao: OpenBao, tmp_path: Path, key: str
    ) -> None:
        cli = init_bao(tmp_path, bao, key)
        load(cli, tmp_path / "one")
        role, secret = bao.role(key, f"{key}-hub")
        settings = cli.folder / "laennec.toml"
        text = settings.read_text(encoding="utf-8")
        lines = [one for one in text.splitlines() if not one.startswith("token_file")]
        place = lines.index("[openbao]") + 1
        lines[place:place] = [
            f'role_id = "{role}"',
            f'secret_id_file = "{secret_file(tmp_path, "secret", secret)}"',
        ]
        settings.write_text("\n".join(lines), encoding="utf-8")
        cli.ok("study", "run", study_file(tmp_path))
        assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
        for command in (["keys", "rotate"], ["keys", "destroy", "warehouse", "--yes"]):
            said = cli(*command)
            assert said.status == errors.KeyHolderError.exit_status
            assert "does not let this client" in said.err
        assert "Persons" in cli.ok("status")

    def test_nothing_of_a_failed_init_is_left(
        self, bao: OpenBao, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise errors.StoreFullError("Full.", remedy="")

        monkeypatch.setattr("laennec.app.create._write_settings", fail)
        with pytest.raises(AssertionError):
            init_bao(tmp_path, bao, key)
        monkeypatch.undo()
        (tmp_path / "token").unlink()
        init_bao(tmp_path, bao, key)

    def test_two_hubs_never_share_keys(self, bao: OpenBao, tmp_path: Path, key: str) -> None:
        (tmp_path / "one").mkdir()
        init_bao(tmp_path / "one", bao, key)
        (tmp_path / "two").mkdir()
        with pytest.raises(AssertionError, match="has a transit key"):
            init_bao(tmp_path / "two", bao, key)
        Cli(tmp_path / "one" / "hub").ok("status")

    def test_no_token_in_what_is_said_and_kept(
        self, bao: OpenBao, tmp_path: Path, key: str
    ) -> None:
        cli = init_bao(tmp_path, bao, key)
        token = (tmp_path / "token").read_text().strip()
        files = [one.read_bytes() for one in cli.folder.rglob("*") if one.is_file()]
        bao.ask("POST", "auth/token/revoke", {"token": token})
        said = cli("status")
        assert said.status == errors.KeyHolderError.exit_status
        assert "does not accept the token" in said.err
        assert not any(token.encode() in one for one in (*files, said.err.encode()))
        assert not any(base64.b64encode(token.encode()) in one for one in files)


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "hub")
    for options in (
        ["--key-name", "x"],
        ["--openbao-address", "https://x"],
        ["--keys", "pkcs11"],
        ["--keys", "openbao", "--pkcs11-token", "x"],
        ["--keys", "openbao", "--passphrase-env", "X"],
    ):
        assert cli("init", "--name", "x", *options).status == 2
    said = cli("init", "--name", "x", "--keys", "openbao", "--openbao-address", "https://x")
    assert said.status == errors.SettingsError.exit_status
    assert "openbao.token_file" in said.err
    assert not (tmp_path / "hub").exists() or not list((tmp_path / "hub").iterdir())


def test_a_hub_without_passphrase_has_none_to_change(
    hsm: SoftHsm, tmp_path: Path, key: str
) -> None:
    cli = init_hsm(tmp_path, hsm, key)
    said = cli("keys", "passphrase", "--new-passphrase-file", passphrase_file(tmp_path))
    assert said.status == errors.SettingsError.exit_status
    assert "under no passphrase" in said.err


@pytest.mark.parametrize(("extra", "library"), [("openbao", "hvac"), ("pkcs11", "pkcs11")])
def test_a_missing_library_is_named(extra: str, library: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules[sys.argv[1]] = None\n"
        "from laennec.cli.main import main\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    options = ["--pkcs11-module", "x.so"] if extra == "pkcs11" else []
    done = subprocess.run(
        [sys.executable, "-c", program, library, "--hub", str(tmp_path / "hub"), "init",
         "--name", "x", "--keys", extra, *options],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == errors.SettingsError.exit_status
    assert f"pip install 'laennec[{extra}]'" in done.stderr


def test_what_a_study_sealed_before_a_destruction_is_never_committed_after_it(
    tmp_path: Path,
) -> None:
    cli = small_hub(tmp_path)
    study = study_file(tmp_path)
    cli.ok("study", "run", study)
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        sealed = hub.results.seal_document(b"a result", kind="run:late")
        cli.ok("keys", "destroy", "results", "--yes")
        base = hub.results.snapshot()
        with pytest.raises(errors.ConflictError):
            hub.results.commit(base, base.manifest.replace(documents=[sealed]))
    cli.ok("study", "run", study)
    assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")


def test_a_change_of_a_warehouse_that_another_process_destroyed(tmp_path: Path) -> None:
    cli = small_hub(tmp_path)
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        vault = hub.warehouse.vault
        cli.ok("keys", "destroy", "warehouse", "--yes")
        base = vault.snapshot()
        changes: tuple[Callable[[], object], ...] = (
            lambda: vault.commit(base, base.manifest),
            vault.rotate,
        )
        for change in changes:
            with pytest.raises(errors.KeyDestroyedError):
                change()
