"""A data steward loads a delivery of the SNDS, gives it again, and reads what was said."""

from pathlib import Path

import pytest

from fakes.app_small import small_hub
from fakes.cli_shell import new_hub
from fakes.snds_hub import delivery, part_of
from laennec.app.hub import open_ledger
from laennec.core.clock import system_clock
from laennec.core.errors import SourceError


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
    assert "claims 2018-05: these very bytes were loaded in snapshot 1." in again
    assert "Everything is what was sealed and logged." in cli.ok("verify")
    french = cli.ok("load", "snds", whole, lang="fr")
    assert "ces octets mêmes ont été chargés dans l’instantané 1" in french


def test_a_missing_month_is_said(whole: Path, tmp_path: Path) -> None:
    gap = part_of(whole, tmp_path / "gap", lambda name: "_201806" not in name)
    said = new_hub(tmp_path / "hub").ok("load", "snds", gap)
    assert "Months of flux are missing between the first and the last: 2018-06." in said


def test_a_hub_of_other_persons_is_refused(whole: Path, tmp_path: Path) -> None:
    cli = small_hub(tmp_path)
    said = cli("load", "snds", whole)
    assert said.status == SourceError.exit_status
    assert "holds persons who were not loaded from the SNDS" in said.err
