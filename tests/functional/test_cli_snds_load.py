"""A data steward loads a delivery of the SNDS, gives it again, and reads what was said."""

import re
from pathlib import Path

import pytest

from fakes.app_small import small_hub
from fakes.cli_shell import new_hub
from fakes.snds_hub import delivery, part_of
from laennec.app.hub import open_ledger
from laennec.cli.command import INTERRUPTED
from laennec.core.clock import system_clock
from laennec.core.errors import SourceError
from laennec.intake.snds.load_folder import Done, LoadFolder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = delivery(tmp_path_factory.mktemp("snds") / "made", persons=300)
    kept = ("_2018", "T_MCO18", "T_SSR18", "IR_", "KI_CCI_R_2018", "KI_ECD_R_2018")
    return part_of(made, made.parent / "delivery", lambda name: any(one in name for one in kept))


def test_a_delivery_is_loaded_once(whole: Path, tmp_path: Path) -> None:
    cli = new_hub(tmp_path)
    said = cli.ok("load", "snds", whole, "--workers", "1")
    assert "Snapshot 1 is the newest." in said
    for word in ("ER_PRS_F", "T_MCOaaB", "IR_BEN_R", "Nobody's", "drug_exposure", "certified"):
        assert word in said
    names = [one.name for one in open_ledger(cli.folder, clock=system_clock).entries()]
    assert names[-2:] == ["vault:snapshot:commit", "intake:snds:load"]
    again = cli.ok("load", "snds", whole)
    assert "There is nothing new to load." in again
    skipped = next(line for line in again.splitlines() if line.startswith("These very bytes"))
    assert "loaded in snapshot 1 and are skipped: claims 2018-0" in skipped
    assert re.search(r"claims 2018-\d\d … 2018-12 \(\d+\), MCO 2018, SSR 2018", skipped)
    assert "Everything is what was sealed and logged." in cli.ok("verify")
    french = cli.ok("load", "snds", whole, lang="fr")
    assert "Ces octets mêmes ont été chargés dans l’instantané 1 et sont passés" in french


def test_a_missing_month_is_said(whole: Path, tmp_path: Path) -> None:
    gap = part_of(whole, tmp_path / "gap", lambda name: "_201806" not in name)
    said = new_hub(tmp_path / "hub").ok("load", "snds", gap)
    assert "Months of flux are missing between the first and the last: 2018-06." in said


def test_a_hub_of_other_persons_is_refused(whole: Path, tmp_path: Path) -> None:
    cli = small_hub(tmp_path)
    said = cli("load", "snds", whole)
    assert said.status == SourceError.exit_status
    assert "holds persons who were not loaded from the SNDS" in said.err


def test_who_ends_a_load_is_told_how_to_go_on(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, real = new_hub(tmp_path), LoadFolder.record

    def two_only(folder: LoadFolder, done: Done) -> None:
        if len(folder.done) == 2:
            raise KeyboardInterrupt
        real(folder, done)

    with monkeypatch.context() as patched:
        patched.setattr(LoadFolder, "record", two_only)
        said = cli("load", "snds", whole, lang="fr")
    assert said.status == INTERRUPTED
    assert "Donnez à nouveau la même commande pour continuer" in said.out
    again = cli.ok("load", "snds", whole)
    assert "An interrupted load went on: 2 months or years were finished already." in again


def test_a_delivery_given_to_the_other_command_is_shown_the_way(
    whole: Path, tmp_path: Path
) -> None:
    cli = new_hub(tmp_path)
    said = cli("load", "omop", whole)
    assert said.status == SourceError.exit_status
    assert "laennec load snds" in said.err
    assert re.search(r"ER_ARO_F_2018\d\d.csv.* and \d+ more\.", said.err)
    assert len(said.err) < 500
    tables = tmp_path / "omop"
    tables.mkdir()
    (tables / "person.csv").write_text("person_id\n")
    said = cli("load", "snds", tables)
    assert said.status == SourceError.exit_status
    assert "laennec load omop" in said.err
