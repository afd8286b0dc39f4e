"""The reference page says what the data say."""

from pathlib import Path

from laennec.omop.cdm import cdm
from laennec.omop.reference import coverage_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "omop-coverage.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == coverage_page()


def test_every_table_has_its_line() -> None:
    lines = coverage_page().splitlines()
    for name, table in cdm("5.4").tables.items():
        (line,) = [one for one in lines if one.startswith(f"| `{name}` | {table.schema} |")]
        assert ("by person" in line) == (table.person_field is not None)
