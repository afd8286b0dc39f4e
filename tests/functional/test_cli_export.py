"""The journey of an operator who leaves with the tables."""

import json
from pathlib import Path

import pytest

from fakes.cli_shell import Cli, run
from laennec.app.hub import open_ledger
from laennec.core import errors
from laennec.core.clock import system_clock


def exports(cli: Cli) -> list[str]:
    ledger = open_ledger(cli.folder, clock=system_clock)
    return [one.name for one in ledger.entries() if "export" in one.name]


def test_an_export_says_what_was_written(hub: Cli, tmp_path: Path) -> None:
    out = tmp_path / "omop"
    said = hub.ok("export", out, "--format", "parquet", "--yes")
    lines = said.splitlines()
    assert lines[0].split() == ["Table", "Rows", "File"]
    assert ["person", "2,694", "person.parquet"] in [one.split() for one in lines]
    assert "7,039 rows in quarantine were left out." in lines
    told = json.loads((out / "manifest.json").read_text())
    size = sum(one["bytes"] for one in told["files"])
    assert f"{len(told['files'])} files, {size:,} bytes, in {out}." in lines
    assert lines[-1].startswith("They are readable")
    assert exports(hub) == ["vault:export:begin", "vault:warehouse:export"]
    assert hub("export", out, "--format", "csv", "--yes").status == (
        errors.AlreadyExistsError.exit_status
    )


@pytest.mark.parametrize(
    ("lang", "question", "ended"),
    [
        (
            "en",
            "of snapshot 1, which holds 2,694 persons, will be readable",
            "Nothing was written.",
        ),
        ("fr", "qui contient 2\u202f694 personnes, seront lisibles", "Rien n’a été écrit."),
    ],
)
def test_it_asks_first(
    hub: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, question: str, ended: str
) -> None:
    asked: list[str] = []

    def no(text: str) -> str:
        asked.append(text)
        return "n"

    monkeypatch.setattr("click.termui.visible_prompt_func", no)
    said = hub("export", tmp_path / "omop", "--format", "csv", lang=lang)
    assert said.status == 130
    assert question in asked[0] + said.out + said.err
    assert said.out.endswith(f"{ended}\n")
    assert not (tmp_path / "omop").exists()
    assert exports(hub) == []


def test_nobody_to_ask_writes_nothing(
    hub: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("click.termui.visible_prompt_func", nobody)
    assert hub("export", tmp_path / "omop", "--format", "csv").status == 130
    assert not (tmp_path / "omop").exists()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("store/omop", errors.StoreError.exit_status),
        ("keys/omop", errors.StoreError.exit_status),
        ("ledger/omop", errors.StoreError.exit_status),
        ("releases/omop", errors.StoreError.exit_status),
        ("scratch/omop", errors.StoreError.exit_status),
        ("scratch", errors.StoreError.exit_status),
    ],
)
def test_no_folder_of_the_hub_is_taken(hub: Cli, name: str, status: int) -> None:
    said = hub("export", hub.folder / name, "--format", "csv", "--yes")
    assert (said.status, exports(hub)) == (status, [])


def test_quarantine_chosen_tables_and_an_older_snapshot(hub: Cli, tmp_path: Path) -> None:
    words = ("--format", "csv", "--yes", "--snapshot", 1, "--table", "person", "--quarantine")
    said = hub.ok("export", tmp_path / "omop", *words, quiet=True)
    assert "quarantine/quarantine.csv" in said
    written = {one.name for one in (tmp_path / "omop").iterdir()}
    assert written == {"person.csv", "quarantine", "ddl", "SHA256SUMS", "manifest.json"}
    assert hub("export", tmp_path / "x", "--format", "csv", "--snapshot", 9, "--yes").status == (
        errors.NotFoundError.exit_status
    )


def test_a_form_is_asked_for(tmp_path: Path) -> None:
    said = run("export", tmp_path / "omop")
    assert said.status == 2
    assert "parquet" in said.err
