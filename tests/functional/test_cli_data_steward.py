"""Journeys of a data steward: load, load again, load something wrong, load a vocabulary."""

from pathlib import Path

from fakes.cli_shell import Cli, gibleed, new_hub
from fakes.intake_hub import small_data_set, write_csv
from laennec.core import errors


def test_load_gibleed_twice(tmp_path: Path) -> None:
    cli, source = new_hub(tmp_path), gibleed(tmp_path)
    first = cli.ok("load", "omop", source)
    total = next(one for one in first.splitlines() if one.startswith("all tables"))
    read, kept, quarantined, dropped = (int(one.replace(",", "")) for one in total.split()[2:])
    assert read == kept + quarantined + dropped
    assert "Snapshot 1 is the newest." in first
    assert "unknown_person" in first
    second = cli.ok("load", "omop", source)
    assert second.count("these very bytes were loaded in snapshot 1") > 10
    assert second.endswith("There is nothing new to load.\n")
    assert "Persons             2,694" in cli.ok("status")


def test_load_in_french(tmp_path: Path) -> None:
    cli = new_hub(tmp_path)
    said = cli.ok("load", "omop", small_data_set(tmp_path / "data"), lang="fr")
    assert "toutes les tables" in said
    assert said.endswith("L’instantané 1 est le plus récent.\n")
    assert "Personnes                  4" in cli.ok("status", lang="fr")


def test_what_cannot_be_loaded_changes_nothing(hub: Cli, tmp_path: Path) -> None:
    before = hub.ok("status")
    wrong = write_csv(tmp_path / "wrong", {"person": "a;b\n1;2\n"})
    said = hub("load", "omop", wrong)
    assert said.status == errors.SourceError.exit_status
    assert "person.csv" in said.err
    assert hub.ok("status") == before


def test_a_missing_source(tmp_path: Path) -> None:
    said = Cli(tmp_path)("load", "omop", tmp_path / "absent")
    assert said.status == 2
    assert "does not exist" in said.err


def test_load_a_sites_own_concepts(hub: Cli, tmp_path: Path) -> None:
    concepts = write_csv(
        tmp_path / "ours",
        {
            "concept": "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,"
            "standard_concept,concept_code,valid_start_date,valid_end_date,invalid_reason\n"
            "2000000001,Ours,Condition,OURS,Code,S,A01,1970-01-01,2099-12-31,\n"
        },
    )
    said = hub.ok("vocab", "load", concepts, "--add")
    assert "Snapshot 2 is the newest." in said
    assert "concept                  445" in hub.ok("status")


def test_no_vocabulary_in_the_source(hub: Cli, tmp_path: Path) -> None:
    said = hub("vocab", "load", small_data_set(tmp_path / "data"))
    assert said.status == errors.SourceError.exit_status
    assert "CONCEPT.csv" in said.err
