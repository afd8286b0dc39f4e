"""A researcher without a hub: check, build and test; and beside a hub, no program of theirs."""

from pathlib import Path

import pytest

from fakes.cli_shell import Cli, packaged
from laennec.core import errors
from laennec.study.files import read_study

STUDY = """\
from laennec.study.language import *

drug = concept_set("drug", include(1))
users = cohort("users", drugs(drug), rules=[rule("adult", aged(18))])
asked = study("mine", "My study", counts("n", users))
"""
RAN = "open('it_ran', 'w').close()\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "study.py"
    path.write_text(RAN.replace("it_ran", str(tmp_path / "it_ran")) + STUDY, encoding="utf-8")
    return path


def test_a_study_in_python_is_checked_on_made_up_data(tmp_path: Path, program: Path) -> None:
    said = Cli(tmp_path).ok("study", "check", program)
    assert "with your rights" in said
    assert "MADE-UP" in said
    assert "adult" in said
    assert "There is no hub here" in said


def test_a_study_in_toml_is_checked_without_a_hub(tmp_path: Path) -> None:
    said = Cli(tmp_path).ok("study", "check", packaged("celecoxib.toml", tmp_path))
    assert "MADE-UP" in said
    assert "no_earlier_gi_haemorrhage" in said


def test_what_would_be_refused_at_release_is_told_first(tmp_path: Path) -> None:
    path = tmp_path / "study.py"
    asked = 'large_scale_characteristics("n", users, event_in_window=["drug_exposure", "drug_era"])'
    path.write_text(STUDY.replace('counts("n", users)', asked), encoding="utf-8")
    said = Cli(tmp_path)("study", "check", path)
    assert said.status == 0
    assert "refused at release: Large-scale characterisations of one cohort count" in said.out
    assert "refused" not in Cli(tmp_path).ok("study", "check", packaged("celecoxib.toml", tmp_path))


def test_building_writes_a_study_that_a_hub_takes(tmp_path: Path, program: Path) -> None:
    out = tmp_path / "study.json"
    said = Cli(tmp_path).ok("study", "build", program, "-o", out)
    assert "mine: 1 cohorts and 1 results" in said
    assert read_study(out).name == "mine"


def test_building_writes_json_only(tmp_path: Path, program: Path) -> None:
    said = Cli(tmp_path)("study", "build", program, "-o", tmp_path / "study.toml")
    assert said.status == errors.StudyError.exit_status


def test_tests_pass_or_fail(tmp_path: Path, program: Path) -> None:
    tests = tmp_path / "t.toml"
    text = (
        f'study = "{program.name}"\n[patients.ann]\nobserved = [[2010-01-01, 2020-12-31]]\n'
        'events = [{ table = "drug_exposure", concept = 1, start = 2015-03-01 }]\n'
        '[[expect]]\ncohort = "users"\nenters = 2015-03-01\n'
    )
    tests.write_text(text, encoding="utf-8")
    assert "1 passed, 0 failed." in Cli(tmp_path).ok("study", "test", tests)
    tests.write_text(text.replace("enters = 2015-03-01", "enters = 2015-03-02"), encoding="utf-8")
    said = Cli(tmp_path)("study", "test", tests)
    assert said.status == 1
    assert f"{tests}, line 5: users, ann: " in said.out
    assert "0 passed, 1 failed." in said.out


def test_python_is_not_run_beside_a_hub(hub: Cli, tmp_path: Path, program: Path) -> None:
    test = tmp_path / "t.toml"
    test.write_text('study = "study.py"\n', encoding="utf-8")
    for command in (
        ("check", program),
        ("build", program, "-o", tmp_path / "s.json"),
        ("test", program),
        ("test", test),
        ("run", program),
    ):
        said = hub("study", *command)
        assert said.status == errors.StudyError.exit_status
        assert "runs no program" in said.err or "no program of a researcher's is run" in said.err
    assert not (tmp_path / "it_ran").exists()
