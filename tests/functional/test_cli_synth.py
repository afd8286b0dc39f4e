"""The journey of whoever tries a hub on made-up data: order, look, be refused."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from fakes.cli_shell import gibleed, new_hub
from fakes.small_vocabulary import write_vocabulary
from laennec.cli.main import main
from laennec.core.errors import AlreadyExistsError, SettingsError

RUN = "from laennec.cli.main import run; run()"


def test_a_base_is_made_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "base"
    order = ["synth", "snds", "--persons", "200", "--seed", "4", "--years", "2016", str(folder)]
    assert main(["--lang", "en", *order]) == 0
    told = json.loads((folder / "truth" / "summary.json").read_text(encoding="utf-8"))
    said = capsys.readouterr().out
    assert "200 synthetic persons" in said
    assert f"{len(told['files'])} files" in said
    assert str(folder / "truth") in said
    assert told["years"] == [2016, 2016]
    assert (folder / "T_MCO16B.csv").is_file()
    assert (folder / "ER_PRS_F_201712.csv").is_file()
    assert not (folder / "ER_PRS_F_201801.csv").exists()


def test_the_number_of_cores_changes_nothing(tmp_path: Path) -> None:
    bases = {}
    for cores in ("1", "2"):
        folder = tmp_path / cores
        order = ["synth", "snds", "--persons", "1500", "--years", "2016", str(folder)]
        subprocess.run(
            [sys.executable, "-c", RUN, "--quiet", *order],
            env=os.environ | {"POLARS_MAX_THREADS": cores},
            check=True,
            timeout=120,
            stdout=subprocess.DEVNULL,
        )
        files = sorted(one for one in folder.rglob("*") if one.is_file())
        bases[cores] = {
            str(one.relative_to(folder)): sha256(one.read_bytes()).hexdigest() for one in files
        }
    assert bases["1"] == bases["2"]


def test_quiet_prints_the_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "base"
    order = ["synth", "snds", "--persons", "20", "--years", "2016", "--format", "parquet"]
    assert main(["--quiet", *order, str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert not list(folder.glob("*.csv"))


def test_more_lines_are_made_where_more_are_ordered(tmp_path: Path) -> None:
    rows = {}
    for asked in ("2", "12"):
        order = ["--persons", "2000", "--years", "2016", "--lines-per-year", asked]
        assert main(["-q", "synth", "snds", *order, str(tmp_path / asked)]) == 0
        told = json.loads((tmp_path / asked / "truth" / "summary.json").read_text("utf-8"))
        claims = (one for name, one in told["files"].items() if name.startswith("ER_PRS_F"))
        rows[asked] = sum(one["rows"] for one in claims) / 2000
    assert rows["2"] == pytest.approx(2, rel=0.1)
    assert rows["12"] == pytest.approx(12, rel=0.1)


def test_years_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for years in ("2019-2015", "2015/2019", "1998"):
        order = ["synth", "snds", "--years", years, str(tmp_path / "base")]
        assert main(order) == SettingsError.exit_status
    assert not (tmp_path / "base").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["synth", "snds", "--persons", "5", str(tmp_path)]) == (
        AlreadyExistsError.exit_status
    )
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_a_cdm_is_made_from_a_vocabulary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    folder = tmp_path / "cdm"
    order = ["synth", "cdm", "--persons", "50", "--years", "2019"]
    order += ["--vocabulary", str(vocabulary), "--out", str(folder)]
    assert main(["--lang", "en", *order]) == 0
    said = capsys.readouterr().out
    assert "50 synthetic persons in" in said
    assert f"laennec load omop {folder}" in said
    assert pl.read_parquet(folder / "person.parquet").height == 50
    assert (folder / "concept.parquet").read_bytes() == (
        vocabulary / "concept.parquet"
    ).read_bytes()
    assert main(["--lang", "en", *order]) == AlreadyExistsError.exit_status


def test_a_hub_loads_a_made_cdm_whole(tmp_path: Path) -> None:
    cli = new_hub(tmp_path)
    folder = tmp_path / "cdm"
    order = ("--persons", 300, "--vocabulary", gibleed(tmp_path), "--out", folder)
    cli.ok("synth", "cdm", *order)
    said = cli.ok("load", "omop", folder)
    total = next(one for one in said.splitlines() if one.startswith("all tables"))
    read, kept, quarantined, dropped = (int(one.replace(",", "")) for one in total.split()[2:])
    assert read == kept > 300
    assert quarantined == dropped == 0
