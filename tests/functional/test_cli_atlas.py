"""Journeys of a researcher who comes from ATLAS: check, convert, run."""

import csv
import json
from pathlib import Path
from typing import Any

from fakes.cli_shell import Cli
from laennec.core import errors
from laennec.study.files import read_study
from laennec.study.model import ConceptItem

DEFINITION: dict[str, Any] = {
    "ConceptSets": [
        {
            "id": 0,
            "name": "Celecoxib",
            "expression": {"items": [{"concept": {"CONCEPT_ID": 1118084}}]},
        }
    ],
    "PrimaryCriteria": {
        "CriteriaList": [{"DrugExposure": {"CodesetId": 0}}],
        "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
        "PrimaryCriteriaLimit": {"Type": "First"},
    },
}


def _write(folder: Path, name: str, tree: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_a_definition_is_checked_converted_and_run(hub: Cli, tmp_path: Path) -> None:
    file = _write(tmp_path, "users.json", DEFINITION)
    said = hub.ok("study", "check", file)
    assert "can run on snapshot 1." in said
    assert "celecoxib" in said
    out = tmp_path / "study.json"
    said = hub.ok("study", "from-atlas", file, "--out", out)
    assert f"{out}: 1 cohorts, 1 concept sets." in said
    assert [one.name for one in read_study(out).cohorts] == ["users"]
    assert "Next: laennec release run-" in hub.ok("study", "run", out)


def test_records_of_webapi_and_sets_are_taken(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    record = {"id": 9, "name": "Users, new", "expression": json.dumps(DEFINITION)}
    first = _write(tmp_path, "a.json", {**record, "expressionType": "SIMPLE_EXPRESSION"})
    second = _write(tmp_path, "b.json", {**record, "expression": DEFINITION})
    items = [{"concept": {"CONCEPT_ID": 5}, "includeMapped": True}]
    third = _write(tmp_path, "bleeding.json", {"items": items})
    fourth = tmp_path / "sets.csv"
    fourth.write_text(
        "Concept Set ID,Name,Concept ID,Concept Code,Concept Name,Domain,Vocabulary,"
        "Standard Concept,Exclude,Descendants,Mapped\r\n"
        '3,"Ulcer, any",7,x,"a, b",Condition,SNOMED,S,false,true,false\r\n'
        '3,"Ulcer, any",8,y,c,Condition,SNOMED,S,TRUE,false,false\r\n',
        encoding="utf-8-sig",
    )
    out = tmp_path / "study.json"
    cli.ok("study", "from-atlas", first, second, third, fourth, "--out", out)
    study = read_study(out)
    assert [one.name for one in study.cohorts] == ["users_new", "users_new_2"]
    assert set(study.concept_sets) == {"celecoxib", "bleeding", "ulcer_any"}
    assert study.concept_sets["bleeding"].items == (ConceptItem(concept_id=5, mapped=True),)
    assert study.concept_sets["ulcer_any"].items == (
        ConceptItem(concept_id=7, descendants=True),
        ConceptItem(concept_id=8, exclude=True),
    )


def test_sets_alone_are_a_part_of_a_study(tmp_path: Path) -> None:
    table = tmp_path / "nsaids.csv"
    table.write_text("concept_id;descendants\n1118084;1\n1124300;0\n\n", encoding="utf-8")
    out = tmp_path / "sets.json"
    assert "concept sets alone" in Cli(tmp_path).ok("study", "from-atlas", table, "--out", out)
    assert json.loads(out.read_text(encoding="utf-8")) == {
        "concept_sets": {
            "nsaids": {
                "items": [
                    {"concept_id": 1118084, "descendants": True, "mapped": False, "exclude": False},
                    {
                        "concept_id": 1124300,
                        "descendants": False,
                        "mapped": False,
                        "exclude": False,
                    },
                ]
            }
        }
    }


def test_a_refusal_names_file_and_place(tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(DEFINITION))
    wrong["PrimaryCriteria"]["CriteriaList"][0]["DrugExposure"]["Dose"] = 5
    file = _write(tmp_path, "wrong.json", wrong)
    for way in (("study", "check", file), ("study", "from-atlas", file, "--out", "s.json")):
        said = Cli(tmp_path)(*way)
        assert said.status == errors.StudyError.exit_status
        assert f"{file}: PrimaryCriteria.CriteriaList[0].DrugExposure.Dose" in said.err


def _with_unknown_sets(tree: Any) -> Any:
    """The definition, entered by two sets more, of which no vocabulary has a concept."""
    tree = json.loads(json.dumps(tree))
    for number, name in enumerate(("Nowhere", "Nowhere else"), 1):
        items = [{"concept": {"CONCEPT_ID": 1_999_999_000 + number}, "includeDescendants": True}]
        tree["ConceptSets"].append({"id": number, "name": name, "expression": {"items": items}})
        tree["PrimaryCriteria"]["CriteriaList"].append({"DrugExposure": {"CodesetId": number}})
    return tree


def test_sets_that_the_vocabulary_does_not_have_find_nothing_and_are_told(
    hub: Cli, tmp_path: Path
) -> None:
    studies = []
    for name, tree in (("plain", DEFINITION), ("more", _with_unknown_sets(DEFINITION))):
        studies.append(tmp_path / f"{name}.json")
        file = _write(tmp_path, f"users_{name}.json", tree)
        hub.ok("study", "from-atlas", file, "--out", studies[-1])
    warning = "the vocabulary has no concept of nowhere, nowhere_else."
    for way in ("check", "explain", "run"):
        assert warning in hub.ok("study", way, studies[1])
        assert "has no concept" not in hub.ok("study", way, studies[0])
    explained = json.loads(hub.ok("study", "explain", studies[1], "--json"))
    assert explained["unknown_sets"] == ["nowhere", "nowhere_else"]
    counted = {}
    for study in studies:
        run = hub.ok("study", "run", study, quiet=True).strip()
        hub.ok("release", run)
        folder = hub.folder / "releases" / run
        (csv_file,) = (one for one in folder.glob("*.csv"))
        text = csv_file.read_text(encoding="utf-8")
        counted[study] = [
            row["estimate_value"]
            for row in csv.DictReader(text.splitlines())
            if row["estimate_name"] == "count"
        ]
        page = (folder / "report.html").read_text(encoding="utf-8")
        told = study is studies[1]
        assert ("nowhere; nowhere_else" in text) == told
        assert ("Concept set without a concept in the vocabulary" in page) == told
    assert counted[studies[0]] == counted[studies[1]]
    assert any(value not in {"0", "-"} for value in counted[studies[0]])


def test_a_vocabulary_that_has_no_concept_of_any_set_is_taken_for_a_wrong_one(
    hub: Cli, tmp_path: Path
) -> None:
    tree = _with_unknown_sets(DEFINITION)
    tree["ConceptSets"].pop(0)
    tree["PrimaryCriteria"]["CriteriaList"].pop(0)
    said = hub("study", "check", _write(tmp_path, "users.json", tree))
    assert said.status == errors.VocabularyError.exit_status
    assert "any of the concept sets nowhere, nowhere_else: 1999999001, 1999999002" in said.err


def test_a_definition_is_not_run_and_nothing_is_written_over(tmp_path: Path) -> None:
    file = _write(tmp_path, "users.json", DEFINITION)
    said = Cli(tmp_path)("study", "run", file)
    assert said.status == errors.StudyError.exit_status
    assert "laennec study from-atlas" in said.err
    said = Cli(tmp_path)("study", "from-atlas", file, "--out", file)
    assert said.status == errors.StudyError.exit_status
    assert json.loads(file.read_text(encoding="utf-8")) == DEFINITION


def test_tables_that_are_not_understood(tmp_path: Path) -> None:
    for text, what in (
        ("code,name\n1,a\n", "line 1"),
        ("concept_id,weight\n1,2\n", "line 1"),
        ("concept_id,exclude\n1,maybe\n", "line 2"),
        ("concept_id\nabc\n", "line 2"),
        ("concept_id\n99999999999999999999\n", "line 2"),
        ("concept_id,exclude\n1\n", "line 2"),
        ("concept_id,exclude\n1,true\n", "the set"),
        ("concept_id\n", "no concepts"),
        ("", "line 1"),
    ):
        table = tmp_path / "table.csv"
        table.write_text(text, encoding="utf-8")
        said = Cli(tmp_path)("study", "from-atlas", table, "--out", tmp_path / "out.json")
        assert said.status == errors.StudyError.exit_status
        assert what in said.err
        assert str(table) in said.err
