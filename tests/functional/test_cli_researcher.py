"""Journeys of a researcher and of an output checker: check, run, release, read what left."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq

from fakes.cli_shell import Cli, packaged
from laennec.core import errors

RESULT = ["celecoxib.csv", "celecoxib.parquet", "celecoxib_settings.parquet"]


def test_check_shows_what_would_be_read(hub: Cli, tmp_path: Path) -> None:
    said = hub.ok("study", "check", packaged("celecoxib.toml", tmp_path))
    assert "gi_haemorrhage" in said
    assert "scan drug_exposure" in said
    assert "can run on snapshot 1." in said


def test_explain_shows_the_tables_the_steps_and_no_name_of_the_store(
    hub: Cli, tmp_path: Path
) -> None:
    study = packaged("celecoxib.toml", tmp_path)
    assert "drug_exposure" in hub.ok("study", "explain", study)
    found = json.loads(hub.ok("study", "explain", study, "--json"))
    tables = {one["table"]: one for one in found["tables"]}
    assert tables["person"]["concepts"] is None
    assert tables["drug_exposure"]["files"] + tables["drug_exposure"]["skipped_files"] > 0
    assert found["steps"][0]["kind"] == "cohort"
    for name in (one.name for one in (hub.folder / "store").rglob("*") if one.is_file()):
        assert name not in json.dumps(found)


def test_run_and_look(hub: Cli, tmp_path: Path) -> None:
    said = hub.ok("study", "run", packaged("celecoxib.toml", tmp_path))
    run = said.split()[-1]
    assert said.endswith(f"Next: laennec release {run}\n")
    assert run in hub.ok("status")


def test_a_wrong_study_is_named_before_the_hub_opens(tmp_path: Path) -> None:
    said = Cli(tmp_path)("study", "run", tmp_path / "absent.toml")
    assert said.status == errors.StudyError.exit_status
    assert "absent.toml" in said.err


def test_an_unknown_snapshot(hub: Cli, tmp_path: Path) -> None:
    said = hub("study", "run", packaged("celecoxib.toml", tmp_path), "--snapshot", 9)
    assert said.status == errors.NotFoundError.exit_status


def test_release(run_of_hub: tuple[Cli, str]) -> None:
    cli, run = run_of_hub
    said = cli.ok("release", run)
    folder = cli.folder / "releases" / run
    names = [*RESULT, "release.json", "report.html"]
    proofs = [f"{name}.tlog-proof" for name in names]
    assert sorted(one.name for one in folder.iterdir()) == sorted([*names, *proofs])
    assert str(folder / "report.html") in said
    text = (folder / "celecoxib.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    hidden = [row for row in rows if row["estimate_value"] == "-"]
    assert 0 < len(hidden) < len(rows)
    counts = [row for row in rows if row["estimate_name"].endswith("count")]
    shown = {int(row["estimate_value"]) for row in counts if row["estimate_value"].isdigit()}
    assert shown
    assert not shown & set(range(1, 11))
    assert pq.read_table(folder / "celecoxib.parquet").to_pylist() == [
        {**row, "result_id": int(row["result_id"]), "variable_level": level(row)}
        for row in rows
        if row["variable_name"] != "settings"
    ]
    facts = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    assert facts["run"] == run
    again = cli("release", run)
    assert again.status == errors.AlreadyExistsError.exit_status
    assert str(folder) in again.err


def level(row: dict[str, str]) -> str | None:
    return None if row["variable_level"] == "NA" else row["variable_level"]


def test_files_of_a_released_result_need_no_hub(
    run_of_hub: tuple[Cli, str], tmp_path: Path
) -> None:
    cli, run = run_of_hub
    csv_path = next(Path(one) for one in cli.ok("release", run, quiet=True).splitlines())
    away = tmp_path / "away"
    away.mkdir()
    (away / csv_path.name).write_bytes(csv_path.read_bytes())
    out = away / "paper"
    said = Cli(away).ok("report", away / csv_path.name, out, "--format", "page", "--format", "png")
    made = [path for path in out.rglob("*") if path.is_file()]
    assert all(str(one) in said for one in made)
    assert {one.suffix for one in made} == {".html", ".png"}
    again = Cli(away)("report", away / csv_path.name, out)
    assert again.status == errors.AlreadyExistsError.exit_status


def test_release_quietly_in_french(run_of_hub: tuple[Cli, str]) -> None:
    cli, run = run_of_hub
    paths = cli.ok("release", run, quiet=True, lang="fr").splitlines()
    assert [Path(one).name for one in paths] == [*RESULT, "report.html", "release.json"]
    report = Path(paths[3]).read_text(encoding="utf-8")
    assert '<html lang="fr"' in report


def test_an_unknown_run(hub: Cli) -> None:
    said = hub("release", "run-00000000")
    assert said.status == errors.NotFoundError.exit_status
    assert "laennec status" in said.err
