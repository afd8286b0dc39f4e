"""Journeys of an operator: make a hub, look after it, and hear plainly what is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.cli_shell import PASSPHRASE, Cli, new_hub, passphrase_file, run
from laennec.app.hub import open_ledger
from laennec.core import errors
from laennec.core.clock import system_clock
from laennec.vault.passphrase import PassphraseKeyring


def test_a_new_hub_is_sound_and_empty(tmp_path: Path) -> None:
    cli = new_hub(tmp_path, name="Lariboisière")
    shown = cli.ok("status", "--history")
    assert "Lariboisière" in shown
    assert "Rows                0" in shown
    assert cli.ok("verify").endswith("Everything is what was sealed and logged.\n")
    assert (cli.folder / "keys").stat().st_mode & 0o077 == 0


def test_upkeep(hub: Cli) -> None:
    """Rotate, rebucket, sweep, shred: each is a snapshot or an entry, and all stays sound."""
    rows = [one for one in hub.ok("status").splitlines() if one.startswith(("person ", "Rows"))]
    assert hub.ok("keys", "rotate") == "Keys rotated in snapshot 2.\n"
    assert hub.ok("rebucket", 8) == "Snapshot 3 has 8 person buckets.\n"
    assert "spared because they are young" in hub.ok("sweep", "--keep", 2)
    assert "Snapshots before 4 are unreadable" in hub.ok("shred", "--before", 4, "--yes")
    history = hub.ok("status", "--history")
    assert [one for one in history.splitlines() if one.startswith(("person ", "Rows"))] == rows
    readable = [line.split() for line in history.splitlines() if "  no  " in line]
    assert [line[0] for line in readable] == ["0", "1", "2", "3"]
    assert "Everything is what was sealed" in hub.ok("verify")


def test_the_passphrase_can_be_changed_also_after_an_interruption(tmp_path: Path) -> None:
    cli = new_hub(tmp_path)
    (tmp_path / "new").mkdir()
    new = passphrase_file(tmp_path / "new", "another passphrase of several words")
    # As if it was interrupted: one keyring is under the new passphrase already.
    ring = PassphraseKeyring.open(cli.folder / "keys" / "warehouse.json", PASSPHRASE)
    ring.change_passphrase(new.read_text().strip())
    assert cli("status").status == errors.WrongPassphraseError.exit_status
    assert "under the new" in cli.ok("keys", "passphrase", "--new-passphrase-file", new)
    assert cli("status").status == errors.WrongPassphraseError.exit_status
    (tmp_path / "passphrase").write_bytes(new.read_bytes())
    assert "Persons" in cli.ok("status")
    names = [one.name for one in open_ledger(cli.folder, clock=system_clock).entries()]
    assert names == ["hub:hub:create", "vault:passphrase:change"]


def test_shred_asks_first(hub: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    said = hub("shred", "--before", 1)
    assert said.status == 130
    assert said.out.endswith("Nothing was destroyed.\n")
    assert hub.ok("status", "--history").count("  yes  ") == 2


def test_unknown_number_of_buckets_is_refused(hub: Cli) -> None:
    said = hub("rebucket", 3)
    assert said.status not in (0, 1)
    assert "power of two" in said.err


def test_an_altered_object_is_named(hub: Cli) -> None:
    objects = sorted((hub.folder / "store" / "warehouse" / "objects").rglob("*"))
    victim = next(one for one in objects if one.is_file())
    victim.write_bytes(victim.read_bytes()[:-1])
    said = hub("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert victim.name in said.out
    assert "Restore what is named above" in said.err


def test_wrong_passphrase(hub: Cli, tmp_path: Path) -> None:
    settings = hub.folder / "laennec.toml"
    text = settings.read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if one.startswith("passphrase_file"))
    wrong = passphrase_file(tmp_path, "wrong")
    settings.write_text(text.replace(line, f"passphrase_file = {json.dumps(str(wrong))}"))
    said = hub("status")
    assert said.status == errors.WrongPassphraseError.exit_status
    assert said.out == ""
    assert "Error: The passphrase does not open the keyring." in said.err


def test_passphrase_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = Cli(tmp_path / "hub")
    monkeypatch.setenv("HUB_SECRET", "several words")
    cli.ok("init", "--name", "x", "--passphrase-env", "HUB_SECRET", quiet=True)
    assert "several words" not in (cli.folder / "laennec.toml").read_text(encoding="utf-8")
    monkeypatch.delenv("HUB_SECRET")
    said = cli("status")
    assert said.status == errors.KeyHolderError.exit_status
    assert "HUB_SECRET is not set" in said.err


def test_no_hub_says_where_and_what_to_do(tmp_path: Path) -> None:
    said = Cli(tmp_path)("status")
    assert said.status == errors.SettingsError.exit_status
    assert str(tmp_path) in said.err
    assert "laennec init" in said.err


def test_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "laennec.toml").write_text(
        '[hub]\nname = "x"\norigin = "x"\n[runs]\nworker = 3\n', encoding="utf-8"
    )
    said = Cli(tmp_path)("status")
    assert said.status == errors.SettingsError.exit_status
    assert "Did you mean runs.workers?" in said.err


def test_a_second_init_is_refused(hub: Cli, tmp_path: Path) -> None:
    before = (hub.folder / "laennec.toml").read_bytes()
    said = hub("init", "--name", "other", "--passphrase-file", passphrase_file(tmp_path))
    assert said.status == errors.AlreadyExistsError.exit_status
    assert (hub.folder / "laennec.toml").read_bytes() == before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = run("--hub", tmp_path / "file" / "hub", "init", "--name", "x", "--passphrase-file",
               passphrase_file(tmp_path))  # fmt: skip
    assert said.status == errors.StoreError.exit_status
    assert "Check its owner and rights." in said.err


def test_the_operators_log(hub: Cli, tmp_path: Path) -> None:
    file = tmp_path / "laennec.jsonl"
    assert run("--hub", hub.folder, "--log", file, "verify").status == 0
    assert run("--hub", hub.folder, "--log", file, "release", "run-0").status == 14
    lines = [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]
    assert [one["message"] for one in lines] == [
        "hub verified",
        "hub opened",
        "command failed",
    ]
    assert lines[0]["findings"] == 0
    assert (lines[-1]["error"], lines[-1]["exit_status"]) == ("NotFoundError", 14)
    assert file.stat().st_mode & 0o077 == 0


def test_the_log_of_the_settings(hub: Cli) -> None:
    with (hub.folder / "laennec.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[log]\nfile = "log.jsonl"\n')
    hub.ok("status")
    assert (hub.folder / "log.jsonl").read_text(encoding="utf-8").count("\n") == 1


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    said = run("--hub", tmp_path, "--log", tmp_path / "no" / "log", "status")
    assert said.status == errors.StoreError.exit_status
    assert "The log file" in said.err


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("laennec", path=str(Path(sys.executable).parent))
    command = (
        [program] if program else [sys.executable, "-c", "from laennec.cli.main import run; run()"]
    )
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    """A passphrase is not read from a pipe, where it would be echoed or end in a file."""
    done = process("--hub", tmp_path / "hub", "init", "--name", "x")
    assert done.returncode == errors.KeyHolderError.exit_status
    assert "There is no terminal to ask for the passphrase." in done.stderr
    assert "Warning" not in done.stderr
    assert not (tmp_path / "hub").exists()


def test_an_answer_in_a_pipe_is_whole_and_plain(hub: Cli) -> None:
    done = process("--hub", hub.folder, "status", COLUMNS="40")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert all(one == one.rstrip() for one in done.stdout.splitlines())
    assert "condition_occurrence  65,332" in done.stdout


def test_an_answer_that_cannot_be_written(loaded: Cli) -> None:
    program = [sys.executable, "-c", "from laennec.cli.main import run; run()"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*program, "--hub", loaded.folder, "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == errors.StoreError.exit_status
    assert "The answer cannot be written: No space left on device." in done.stderr


def test_the_status_of_a_process(tmp_path: Path) -> None:
    done = process("--hub", tmp_path, "status", LANG="fr_FR.UTF-8", LC_ALL="fr_FR.UTF-8")
    assert done.returncode == errors.SettingsError.exit_status
    assert done.stderr.startswith("Erreur\u202f: ")
    assert "Traceback" not in done.stderr
