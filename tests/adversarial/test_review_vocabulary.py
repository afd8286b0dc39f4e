"""A vocabulary whose version is a formula, a command for a terminal, or a text about a person.

The version stands in released files and in the public ledger.
"""

from pathlib import Path

import pytest

from fakes.intake_hub import SmallHub
from laennec.warehouse.service import UNSTATED, Warehouse


def _loaded(folder: Path, version: str) -> SmallHub:
    given = folder / "vocabulary"
    given.mkdir()
    header = "vocabulary_id,vocabulary_name,vocabulary_reference,vocabulary_version"
    row = f'None,OMOP,x,"{version}",0'
    (given / "vocabulary.csv").write_text(f"{header},vocabulary_concept_id\n{row}\n")
    hub = SmallHub(folder)
    hub.intake().load_vocabulary(given)
    return hub


@pytest.mark.parametrize(
    "version", ["=HYPERLINK(A1)", "@SUM(1)", "-1+2", "v5\x1b[2J", "Mme Durand; 1850212345678"]
)
def test_a_hostile_version_goes_nowhere_and_the_load_is_logged(
    version: str, tmp_path: Path
) -> None:
    hub = _loaded(tmp_path, version)
    assert Warehouse(hub.vault).view().vocabulary_version == UNSTATED
    entry = hub.ledger.newest("intake:vocabulary:load")
    assert entry is not None
    assert entry.public["vocabulary_version"] == UNSTATED


def test_a_version_of_the_usual_form_is_kept(tmp_path: Path) -> None:
    hub = _loaded(tmp_path, "v5.0 29-FEB-24")
    assert Warehouse(hub.vault).view().vocabulary_version == "v5.0 29-FEB-24"
