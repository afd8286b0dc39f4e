"""Published PMSI tables in their real layouts, read by the reader, make lines."""

from pathlib import Path

import polars as pl
import pytest

from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.model import Variant
from laennec.intake.snds.read import open_file, read
from laennec.snds import stays
from laennec.snds.catalogue import catalogue
from laennec.snds.codes import Codes

TABLES = (
    Path(__file__).resolve().parents[3] / "shared/data/pmsi-dcir-oracle-contents/csv-table/PMSI"
)


def year_of(field: str, year: int) -> dict[str, pl.DataFrame]:
    """Return the published tables of a field and year; everybody is person 1."""
    if not TABLES.is_dir():
        pytest.skip("shared/data/pmsi-dcir-oracle-contents is absent")
    frames = {}
    for file in find_delivery(TABLES).files:
        if file.year != year or file.family not in stays.families(field):
            continue
        there = catalogue().tables[file.family].in_year(year)
        wanted = [name for name in stays.NEEDS[file.family] if name in there]
        opened = open_file(file, columns=wanted, variant=Variant.NUM_ENQ)
        rows = pl.concat([chunk.rows for chunk in read(opened)])
        key = stays.key(file.family, year)
        rows = rows if key is None else rows.with_columns(key)
        whose = file.family in stays.chaining(field)
        frames[file.family] = rows.with_columns(pl.lit(1).alias("person_id")) if whose else rows
    return frames


@pytest.mark.parametrize(
    ("field", "year", "visits", "codes"),
    [
        ("MCO", 2006, 2, {"C670", "C671", "E08", "C669"}),
        ("MCO", 2007, 2, {"C670", "C671", "E05", "C665"}),
        ("MCO", 2008, 2, {"C670", "C671", "E02", "C652"}),
        ("SSR", 2019, 2, {"C55", "C66", "C68", "C70"}),
    ],
)
def test_published_tables_make_stays(field: str, year: int, visits: int, codes: set[str]) -> None:
    frames = year_of(field, year)
    lines = stays.convert(field, year, frames, Codes.site())
    assert len(lines["visit_occurrence"]) == visits
    assert (lines["visit_occurrence"]["visit_start_date"].dt.year() == year).all()
    assert set(lines["condition_occurrence"]["condition_source_value"]) == codes
    assert len(lines["procedure_occurrence"]) > 0
    told = stays.fates(field, year, frames)
    assert {name: len(rows) for name, rows in told.items()} == {
        name: len(rows) for name, rows in frames.items()
    }
