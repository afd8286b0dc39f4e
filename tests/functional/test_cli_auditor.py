"""Journeys of an auditor, who has no secret: verify the log, prove an entry, verify a file."""

import shutil
from pathlib import Path

import pytest

from fakes.cli_shell import Cli, run
from laennec.core import errors


@pytest.fixture(scope="module")
def released(
    studied: tuple[Cli, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Cli, Path]:
    cli = studied[0].copy(tmp_path_factory.mktemp("released") / "hub")
    cli.ok("release", studied[1])
    return cli, cli.folder / "releases" / studied[1]


def key_of(cli: Cli) -> str:
    return (cli.folder / "ledger" / "key.vkey").read_text(encoding="utf-8").strip()


def test_verify_the_log(released: tuple[Cli, Path]) -> None:
    cli, _ = released
    said = cli.ok("log", "verify")
    assert said.startswith("hub.test/log: ")
    assert said.endswith("all proven.\n")
    assert cli.ok("log", "verify", "--key", key_of(cli)) == said


def test_verify_a_mirror_without_a_hub(released: tuple[Cli, Path], tmp_path: Path) -> None:
    cli, _ = released
    mirror = shutil.copytree(cli.folder / "ledger", tmp_path / "mirror")
    nowhere = Cli(tmp_path)
    said = nowhere.ok("log", "verify", "--ledger", mirror, "--key", key_of(cli))
    assert said == cli.ok("log", "verify")
    assert nowhere("log", "verify", "--ledger", mirror).status == 2
    wrong = key_of(cli).replace("hub.test/log", "hub.other/log")
    assert nowhere("log", "verify", "--ledger", mirror, "--key", wrong).status == 51


def test_prove_an_entry(released: tuple[Cli, Path]) -> None:
    cli, _ = released
    assert cli.ok("log", "prove", 0).startswith("c2sp.org/tlog-proof@v1\n")
    said = cli("log", "prove", 999)
    assert said.status == errors.NotFoundError.exit_status


def test_verify_a_file_with_and_without_the_hub(released: tuple[Cli, Path], tmp_path: Path) -> None:
    cli, folder = released
    for name in ("celecoxib.csv", "celecoxib.parquet", "report.html", "release.json"):
        shutil.copy(folder / name, tmp_path / name)
        shutil.copy(folder / f"{name}.tlog-proof", tmp_path)
        said = run("--hub", tmp_path, "log", "verify", "--file", tmp_path / name,
                   "--key", key_of(cli))  # fmt: skip
        assert said.status == 0, said.err
        assert f"{name} is entry" in said.out
    inside = cli.ok("log", "verify", "--file", folder / "report.html")
    assert inside.startswith("report.html is entry")


def test_a_stranger_is_asked_for_the_key(released: tuple[Cli, Path], tmp_path: Path) -> None:
    said = Cli(tmp_path)("log", "verify", "--file", released[1] / "report.html")
    assert said.status == errors.NotFoundError.exit_status
    assert "--key" in said.err


def test_an_altered_file_is_refused(released: tuple[Cli, Path], tmp_path: Path) -> None:
    cli, folder = released
    for name in ("celecoxib.csv", "celecoxib.csv.tlog-proof"):
        shutil.copy(folder / name, tmp_path)
    altered = tmp_path / "celecoxib.csv"
    altered.write_bytes(altered.read_bytes().replace(b"-", b"7", 1))
    said = run("log", "verify", "--file", altered, "--key", key_of(cli))
    assert said.status == errors.ProofError.exit_status
    assert "not the file that was logged" in said.err


def test_a_file_without_its_proof(released: tuple[Cli, Path], tmp_path: Path) -> None:
    shutil.copy(released[1] / "celecoxib.csv", tmp_path)
    said = run("log", "verify", "--file", tmp_path / "celecoxib.csv", "--key", key_of(released[0]))
    assert said.status == errors.NotFoundError.exit_status
    assert "celecoxib.csv.tlog-proof" in said.err


@pytest.mark.parametrize("key", ["", "x", "a+b+c", "hub.test/log+00000000+AAAA"])
def test_a_key_that_is_none(released: tuple[Cli, Path], key: str) -> None:
    said = run("log", "verify", "--file", released[1] / "release.json", "--key", key)
    assert said.status == errors.ProofError.exit_status
