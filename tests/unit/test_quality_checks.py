"""The checks as data: how many there are, what they are called, what they read."""

from collections import Counter

import pytest

from laennec.core.errors import SettingsError
from laennec.omop.cdm import cdm
from laennec.quality.checks import VERSIONS, check_types, checks
from laennec.quality.plan import VISIT, needed, plan_scans


def all_columns(version: str) -> dict[str, tuple[str, ...]]:
    return {table.name: table.field_names for table in cdm(version).tables.values()}


@pytest.mark.parametrize(("version", "expected"), [("5.3", 2005), ("5.4", 2535)])
def test_there_are_as_many_checks_as_the_dashboard_has(version: str, expected: int) -> None:
    found = checks(version)
    assert len(found) == len({check.check_id for check in found}) == expected
    assert {check.name for check in found} == set(check_types())
    assert len(check_types()) == 27


def test_types_of_5_4_are_counted_as_published() -> None:
    counts = Counter(check.name for check in checks("5.4"))
    assert counts["measureValueCompleteness"] == counts["cdmField"] == 432
    assert (counts["plausibleGender"], counts["plausibleUnitConceptIds"]) == (287, 181)
    assert (counts["isForeignKey"], counts["isPrimaryKey"], counts["cdmTable"]) == (177, 28, 39)


def test_another_version_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"5\.2"):
        checks("5.2")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_check_reads_fields_that_the_cdm_has(version: str) -> None:
    columns = all_columns(version)
    for check in checks(version):
        for table, field in needed(check):
            assert field in columns[table], check.check_id


@pytest.mark.parametrize("version", VERSIONS)
def test_every_check_is_in_exactly_one_scan(version: str) -> None:
    scans = plan_scans(version, all_columns(version))
    planned = [check for scan in scans for found in scan.checks.values() for check in found]
    assert Counter(planned) == Counter(checks(version))
    assert len({scan.table for scan in scans}) == len(scans)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_table_whose_rows_are_compared_with_visits_tallies_those_it_does_not_find(
    version: str,
) -> None:
    for scan in plan_scans(version, all_columns(version)):
        if scan.of("withinVisitDates"):
            assert scan.links["visit_occurrence_id"] == (VISIT, "visit_occurrence_id")


def test_a_description_names_the_check_in_capitals() -> None:
    found = {check.check_id: check for check in checks("5.4")}
    said = found["field_isforeignkey_person_gender_concept_id"].description
    assert "GENDER_CONCEPT_ID" in said
    assert "PERSON" in said
    assert "@" not in "".join(check.description for check in found.values())


def test_a_list_of_concepts_is_one_check() -> None:
    found = [check for check in checks("5.4") if check.name == "plausibleGenderUseDescendants"]
    assert (4090861, 4025213) in {check.concepts for check in found}
