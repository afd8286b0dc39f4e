"""The catalogue against the sources it is made of, and against tables in the real layouts."""

import csv
import sys
from pathlib import Path

import pytest

from laennec.snds.catalogue import catalogue, family_of, required

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
LAYOUTS = SHARED / "pmsi-dcir-oracle-contents" / "csv-table"
NOT_OF_THE_PORTAL = {
    "IR_PHA_R": {"PHA_PRD_UND", "PHA_PRD_UNI", "PHA_DAT_OPP", "PHA_GRD_CND"},
    "T_MCO08C": {"ENT_DAT", "SOR_DAT"},
}
"""Columns that these sample tables have and no source knows for their year."""


def layouts() -> list[Path]:
    return sorted(LAYOUTS.rglob("*.csv"))


@pytest.mark.skipif(not LAYOUTS.exists(), reason="shared/data has no tables in real layouts")
def test_the_catalogue_knows_the_tables_in_real_layouts() -> None:
    """Samples write NUM_ENQ for the identifiers, as the declared variant says."""
    stands_for = catalogue().variants["NUM_ENQ"]
    assert len(layouts()) >= 20
    for path in layouts():
        known = family_of(path.stem)
        assert known is not None, path.name
        family, year = known
        with path.open(encoding="utf-8", newline="") as lines:
            header = next(csv.reader(lines, delimiter=";"))
        there = set(catalogue().tables[family].in_year(year))
        unknown = set(header) - there - stands_for.keys()
        assert unknown == NOT_OF_THE_PORTAL.get(path.stem, set()), path.name
        written = {name for own in header for name in stands_for.get(own, (own,))}
        assert required(family, year) <= written, path.name


@pytest.mark.skipif(
    not (SHARED / "snds-kwikly").exists(), reason="shared/data has no sources of the catalogue"
)
def test_the_sources_still_make_the_catalogue_that_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script of the tools, run anew, gives the same bytes."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(sys, "path", list(sys.path))
    from tools import snds_catalogue

    shipped = snds_catalogue.DATA
    (tmp_path / "catalogue.toml").write_bytes((shipped / "catalogue.toml").read_bytes())
    monkeypatch.setattr(snds_catalogue, "DATA", tmp_path)
    assert snds_catalogue.main([str(SHARED)]) == 0
    made = sorted(tmp_path.glob("*.csv"))
    assert [one.name for one in made] == [
        "catalogue.csv",
        "catalogue_references.csv",
        "catalogue_tables.csv",
    ]
    for one in made:
        assert one.read_bytes() == (shipped / one.name).read_bytes(), one.name
