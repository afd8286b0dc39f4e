"""A data steward looks up tables and cleaning rules of the SNDS: no hub is needed."""

import csv
import io
import json
from pathlib import Path

import pytest

from laennec.cli.main import main
from laennec.core.errors import AlreadyExistsError, NotFoundError, StoreError
from laennec.snds.catalogue import catalogue
from laennec.snds.rules import rules


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> "Run":
    return Run(capsys)


class Run:
    """The command line, in English unless told otherwise."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def ok(self, *words: str, language: str = "en") -> str:
        """Run what must succeed; returns what it answers."""
        status = main(["--lang", language, "snds", *words])
        captured = self._capsys.readouterr()
        assert status == 0, captured.err
        return captured.out

    def refused(self, *words: str, status: int) -> str:
        """Run what must fail with a status; returns the message."""
        assert main(["--lang", "en", "snds", *words]) == status
        return self._capsys.readouterr().err


def test_all_tables(run: Run) -> None:
    lines = run.ok("catalogue").splitlines()
    assert lines[0].split() == ["Table", "Product", "Years", "Columns", "Label"]
    assert len(lines) == len(catalogue().tables) + 1
    before = run.ok("catalogue", "--year", "2006").splitlines()
    assert not [one for one in before if one.startswith("T_MCOaaCSTC ")]
    assert len([one for one in before if one.startswith("T_MCOaaB ")]) == 1


@pytest.mark.parametrize("asked", [("T_MCO19C",), ("T_MCOaaC", "--year", "2019"), ("t_mco19c",)])
def test_the_columns_of_a_table_in_a_year(run: Run, asked: tuple[str, ...]) -> None:
    shown = [line.split()[0] for line in run.ok("catalogue", *asked).splitlines()[1:]]
    assert sorted(shown) == sorted(catalogue().tables["T_MCOaaC"].in_year(2019))
    assert "SOR_ANN" not in shown


def test_columns_show_keys_and_years(run: Run) -> None:
    lines = {line.split()[0]: line.split() for line in run.ok("catalogue", "T_MCOaaC").splitlines()}
    assert lines["RSA_NUM"][:5] == ["RSA_NUM", "TEXT", "10", "key", "2005-"]
    assert lines["NIR_ANO_17"][:5] == ["NIR_ANO_17", "TEXT", "17", "identifier", "2005-"]
    assert lines["SOR_ANN"][1:4] == ["TEXT", "4", "2005-2018"]


def test_disagreements_show_what_each_source_says(run: Run) -> None:
    shown = run.ok("catalogue", "IR_BEN_R", "--disagreements")
    assert "portal text(18); kwikly text(18); schema text(17)" in shown
    assert "length-of-ben-idt-ano" in shown
    assert "BEN_NIR_PSA" not in shown


def test_csv_of_the_catalogue(run: Run, tmp_path: Path) -> None:
    whole = tmp_path / "catalogue.csv"
    assert run.ok("catalogue", "--format", "csv", "--output", str(whole)) == ""
    with whole.open(encoding="utf-8", newline="") as lines:
        assert {row["table"] for row in csv.DictReader(lines)} == set(catalogue().tables)
    one = csv.DictReader(io.StringIO(run.ok("catalogue", "T_MCO19C", "--format", "csv")))
    assert {row["column"] for row in one} == set(catalogue().tables["T_MCOaaC"].in_year(2019))


def test_table_schema_of_one_table_and_data_package_of_all(run: Run) -> None:
    one = json.loads(run.ok("catalogue", "T_MCO19C", "--format", "table-schema"))
    assert {"fields", "primaryKey", "foreignKeys", "missingValues"} <= one.keys()
    every = json.loads(run.ok("catalogue", "--year", "2019", "--format", "table-schema"))
    paths = {resource["path"] for resource in every["resources"]}
    assert {"T_MCO19C.csv", "ER_PRS_F.csv", "CT_IND_2019_GN.csv"} <= paths


def test_rules_for_readers(run: Run) -> None:
    shown = run.ok("rules")
    for rule in rules():
        assert f"{rule.id}  {rule.family}" in shown
        assert rule.reason in shown
        for reading in rule.alternatives:
            assert f"Other reading {reading.id}: {reading.why}" in shown
    assert f"Rules: {len(rules())}." in shown
    assert "Chosen reading zero-is-sound" in shown


def test_rules_of_a_table_in_a_year(run: Run) -> None:
    assert "mco-sent-twice" in run.ok("rules", "--family", "T_MCOaaB", "--year", "2017")
    assert "mco-sent-twice" not in run.ok("rules", "--family", "T_MCO18B")
    assert run.ok("rules", "--family", "ER_BIO_F") == "Rules: 0.\n"


def test_rules_as_csv(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run.ok("rules", "--format", "csv"))))
    assert [(row["rule"], row["table"]) for row in rows] == [(r.id, r.family) for r in rules()]
    twice = next(row for row in rows if row["rule"] == "mco-sent-twice")
    assert (twice["first_year"], twice["last_year"], twice["reading"]) == ("2005", "2017", "table")
    assert "flat: " in twice["other_readings"]
    assert "text: " in twice["other_readings"]


def test_in_french(run: Run) -> None:
    assert "Lecture retenue" in run.ok("rules", language="fr")
    assert "Libellé" in run.ok("catalogue", language="fr").splitlines()[0]


@pytest.mark.parametrize("asked", [("catalogue", "T_XYZ19B"), ("rules", "--family", "T_MCO13_02B")])
def test_an_unknown_table_is_refused(run: Run, asked: tuple[str, ...]) -> None:
    assert "no table of that name" in run.refused(*asked, status=NotFoundError.exit_status)


def test_a_year_without_the_table_is_refused(run: Run) -> None:
    message = run.refused("catalogue", "T_MCO06CSTC", status=NotFoundError.exit_status)
    assert "has no columns in 2006" in message


@pytest.mark.parametrize(
    "asked",
    [
        ("catalogue", "T_MCO19B", "--year", "2018"),
        ("catalogue", "--disagreements", "--format", "csv"),
        ("catalogue", "--output", "file.csv"),
        ("catalogue", "--year", "19"),
        ("rules", "--format", "table-schema"),
    ],
)
def test_contradictory_questions_are_refused(run: Run, asked: tuple[str, ...]) -> None:
    run.refused(*asked, status=2)


def test_no_file_is_overwritten_and_a_bad_place_is_told(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("mine", encoding="utf-8")
    given = ("catalogue", "--format", "csv", "--output")
    run.refused(*given, str(mine), status=AlreadyExistsError.exit_status)
    assert mine.read_text(encoding="utf-8") == "mine"
    run.refused(*given, str(tmp_path / "no" / "x.csv"), status=StoreError.exit_status)
