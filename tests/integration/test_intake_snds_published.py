"""The small tables in real layouts that others published, through a whole load."""

from pathlib import Path

import pytest

from fakes.snds_hub import SndsHub
from laennec.intake.snds.model import Variant

TABLES = (
    Path(__file__).parents[2] / ".." / "shared" / "data" / "pmsi-dcir-oracle-contents" / "csv-table"
)


def test_every_small_table_loads_and_every_row_has_one_fate(tmp_path: Path) -> None:
    """Files of claims name no month; T_SSR19B has random letters for the sex of its three stays."""
    if not TABLES.exists():
        pytest.skip("shared/data/pmsi-dcir-oracle-contents is absent")
    hub = SndsHub(tmp_path / "hub")
    report = hub.load(TABLES, variant=Variant.NUM_ENQ)
    assert len(report.files) == 26
    assert not report.unread
    assert not report.ignored
    rows = {
        path.name: len([line for line in path.read_text().splitlines()[1:] if line])
        for path in TABLES.rglob("*.csv")
    }
    assert {one.file: one.read for one in report.files} == rows
    assert all(one.reconciles for one in report.files)
    assert report.read == 64
    kept = {one.family: one.kept for one in report.files if one.kept == one.read}
    assert kept.keys() >= {"IR_BEN_R", "IR_IMB_R", "IR_PHA_R", "T_MCOaaB", "T_MCOaaUM"}
    refused = {one.family: one.quarantined for one in report.files if one.quarantined}
    assert refused.pop("T_SSRaaB") == {"outside_nomenclature": 3}
    assert refused.pop("ER_PRS_F") == {"no date of care": 1}
    assert {rule for rules in refused.values() for rule in rules} == {
        "no stay with this establishment and number",
        "its claim is quarantined",
    }
    tables = hub.tables()
    assert tables["person"].height == 2
    assert tables["visit_occurrence"].height > 0
    assert report.months == ()
    assert hub.vault.verify().ok
