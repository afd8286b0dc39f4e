"""The tables of rules are whole, and a report adds up."""

import json

import pytest

from laennec.intake.report import LoadReport
from laennec.intake.rules import DROPPED, KEPT_WITHOUT, QUARANTINED, Rule, TableCount, lenient
from laennec.omop.cdm import CURRENT, VERSIONS, cdm
from laennec.omop.versions import NUMBERED, RENAMED


def test_every_rule_quarantines_or_drops_and_says_why() -> None:
    assert QUARANTINED.keys() | DROPPED.keys() == set(Rule)
    assert not QUARANTINED.keys() & DROPPED.keys()
    assert all(text.endswith(".") for text in (*QUARANTINED.values(), *DROPPED.values()))


@pytest.mark.parametrize("version", VERSIONS)
def test_only_descriptions_of_vocabulary_and_source_may_be_missing(version: str) -> None:
    for name, table in cdm(version).tables.items():
        spared = {one.name for one in table.fields if one.required} - {
            one.name for one in lenient(table).fields if one.required
        }
        assert spared == KEPT_WITHOUT.get(name, frozenset()) & spared
        assert not spared or table.is_vocabulary or name == "cdm_source"
        assert table.primary_key not in spared
        assert lenient(table).field_names == table.field_names


def test_what_may_be_missing_is_a_field_that_some_cdm_requires() -> None:
    required = {
        (table.name, field.name)
        for version in VERSIONS
        for table in cdm(version).tables.values()
        for field in table.fields
        if field.required
    }
    assert {(name, one) for name, ones in KEPT_WITHOUT.items() for one in ones} <= required


def test_what_cdm_5_3_keeps_is_kept_in_5_4() -> None:
    """Rows of an older data set can be exported in the current CDM, and loaded again."""
    for name, table in cdm(CURRENT).tables.items():
        old = cdm("5.3").tables.get(name)
        if old is None:
            continue
        renamed = {new: was for was, new in RENAMED.get(name, {}).items()}
        was_required = {one.name for one in lenient(old).fields if one.required}
        for one in lenient(table).fields:
            numbered = NUMBERED.get(name) == one.name
            assert not one.required or numbered or renamed.get(one.name, one.name) in was_required


def test_a_report_adds_up_and_holds_no_value() -> None:
    one = TableCount("person", "person.csv", read=10, kept=4)
    one.refuse(Rule.NOT_A_DATE, 3)
    one.refuse(Rule.NOT_A_DATE, 1)
    one.refuse(Rule.IDENTICAL_ROW, 2)
    one.refuse(Rule.UNKNOWN_PERSON, 0)
    other = TableCount("letters", "letters.csv", read=5)
    other.refuse(Rule.TABLE_NOT_IN_CDM_54, 5)
    assert one.reconciles
    assert other.reconciles
    report = LoadReport(3, "5.4", (one, other), {"person.csv": ("x",)}, {"death.csv": 2})
    assert (report.read, report.kept, report.quarantined, report.dropped) == (15, 4, 4, 7)
    assert report.by_rule() == {
        Rule.NOT_A_DATE: 4,
        Rule.IDENTICAL_ROW: 2,
        Rule.TABLE_NOT_IN_CDM_54: 5,
    }
    told = json.loads(report.to_json())
    assert told["files"][0]["refused"] == {"not_a_date": 4, "identical_row": 2}
    one.kept += 1
    assert not one.reconciles
