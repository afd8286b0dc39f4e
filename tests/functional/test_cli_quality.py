"""A data steward checks the quality of the data, changes some, and checks again."""

import csv
import hashlib
import json
import re
from pathlib import Path

from fakes.cli_shell import Cli
from fakes.intake_hub import write_csv
from laennec.app.hub import open_ledger
from laennec.core.clock import system_clock

READ = re.compile(r"(\d[\d,]*) of ([\d,]+) tables of buckets were read")


def scanned(said: str) -> tuple[int, int]:
    found = READ.search(said)
    assert found is not None, said
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def test_only_what_changed_is_read_again(hub: Cli, tmp_path: Path) -> None:
    first = hub.ok("quality")
    read, there = scanned(first)
    assert read == there
    assert "2,535 checks on snapshot 1" in first
    assert first.index("A foreign key names a row") < first.index("Not applicable")
    assert scanned(hub.ok("quality")) == (0, there)
    assert scanned(hub.ok("quality", "--all")) == (there, there)
    person = write_csv(
        tmp_path / "more",
        {
            "person": "person_id,gender_concept_id,year_of_birth,race_concept_id,"
            "ethnicity_concept_id\n99999999,8507,1700,0,0\n"
        },
    )
    hub.ok("load", "omop", person)
    again = hub.ok("quality")
    read, _ = scanned(again)
    assert 0 < read < there
    assert "on snapshot 2" in again
    assert "on snapshot 1" in hub.ok("quality", "--snapshot", "1")


def test_the_checks_of_5_3_go_by_the_names_of_5_3(hub: Cli) -> None:
    said = hub.ok("quality", "--cdm", "5.3")
    assert "2,005 checks" in said
    assert "Errors" in said
    tail = [line.split() for line in said.splitlines() if line.startswith("Conformance")]
    assert all(line[3] == "0" for line in tail if line[1] in {"Verification", "Validation"})


def test_results_are_written_for_the_steward_and_logged(hub: Cli, tmp_path: Path) -> None:
    files = {form: tmp_path / f"q.{form}" for form in ("html", "json", "csv")}
    asked = [part for form, path in files.items() for part in (f"--{form}", path)]
    hub.ok("quality", *asked, lang="fr")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files.values())
    page = files["html"].read_text()
    assert '<html lang="fr">' in page
    assert "Ce n’est pas une sortie diffusée" in page
    result = json.loads(files["json"].read_text())
    assert len(result["CheckResults"]) == 2535
    assert result["Overview"]["countTotal"] == [2535]
    with files["csv"].open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2535
    log = list(open_ledger(hub.folder, clock=system_clock).entries())[-4:]
    assert [one.name for one in log] == ["quality:run:finish", *["quality:results:write"] * 3]
    # Whoever reads the ledger could try counts until a bare hash of the file came out.
    for path in files.values():
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert not [one for one in log if sha256 in str(one.public)]


def test_a_file_that_cannot_be_written_is_named(hub: Cli, tmp_path: Path) -> None:
    said = hub("quality", "--html", tmp_path / "absent" / "q.html")
    assert said.status != 0
    assert "absent/q.html cannot be written" in said.err


def test_the_answer_in_french(hub: Cli) -> None:
    said = hub.ok("quality", lang="fr")
    assert "Une clé étrangère désigne une ligne" in said
    assert "contrôles sur l’instantané 1" in said
