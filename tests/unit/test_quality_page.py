"""The page and the Dashboard's shapes: every result once, texts stay text, two languages alike."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from laennec.quality.checks import Check, check_types, checks
from laennec.quality.dashboard import COLUMNS, check_result, overview, to_csv, to_json
from laennec.quality.outcomes import Outcome
from laennec.quality.page import quality_words, render
from laennec.quality.run import Assessment
from laennec.quality.service import QualityReport
from laennec.quality.statuses import Reason, Status, judge

HOSTILE = "<script>alert(1)</script>"


def _needs_death(check: Check) -> bool:
    return check.table == "death" or check.name == "plausibleBeforeDeath"


def report(hub: str = HOSTILE) -> QualityReport:
    outcomes = [
        (check, Outcome(0, 0, ("death", "")) if _needs_death(check) else Outcome(n % 7, 100))
        for n, check in enumerate(checks("5.4"))
    ]
    return QualityReport(
        hub=hub,
        version="5.4",
        snapshot=3,
        snapshot_sha256="ab" * 32,
        vocabulary_version="v5.0",
        made_at=datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
        took=timedelta(seconds=4.25),
        persons=1234,
        rows=56789,
        source={"cdm_source_name": hub, "cdm_etl_reference": "x"},
        assessment=Assessment(judge(outcomes), 5, 10),
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_result_stands_once_and_nothing_runs(language: str) -> None:
    page = render(report(), language=language)
    assert page.count('<tr><th scope="row">') >= 2535
    assert HOSTILE not in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert quality_words(language).text("inside.note") in page
    assert not re.findall(r"(?:src|href)=\"(?!#)", page)
    assert page == render(report(), language=language)


def test_failures_come_first_and_the_largest_share_before_others() -> None:
    page = render(report(), language="en")
    order = [page.index(f'id="{part}"') for part in ("failed", "error", "passed", "provenance")]
    assert order == sorted(order)


def test_a_small_share_is_not_written_as_none() -> None:
    check = next(one for one in checks("5.4") if one.name == "isRequired")
    results = judge([(check, Outcome(1, 10**9))])
    one = report()
    small = QualityReport(**{**vars(one), "assessment": Assessment(results, 1, 1)})
    assert "&lt; 0.01" in render(small, language="en")


def test_the_languages_have_the_same_words_and_places() -> None:
    words = {
        language: tomllib.loads(
            (files("laennec.quality") / "data" / f"{language}.toml").read_text(encoding="utf-8")
        )
        for language in ("en", "fr")
    }
    assert words["en"].keys() == words["fr"].keys()
    for key, text in words["en"].items():
        places = re.findall(r"\{\w+\}", text)
        assert sorted(places) == sorted(re.findall(r"\{\w+\}", words["fr"][key])), key
    for name in check_types():
        assert f"type.{name}" in words["en"]
    for reason in Reason:
        assert f"reason.{reason.value}" in words["en"]
    for status in Status:
        assert f"status.{status.value}" in words["en"]


def test_json_has_the_dashboards_parts_and_states_add_up() -> None:
    made = report("hub")
    found = json.loads(to_json(made))
    assert set(found) == {
        "startTimestamp",
        "endTimestamp",
        "executionTime",
        "executionTimeSeconds",
        "CheckResults",
        "Metadata",
        "Overview",
    }
    assert found["Metadata"][0]["cdmSourceName"] == "hub"
    for one in found["CheckResults"]:
        assert set(one) <= set(COLUMNS)
        assert one["failed"] + one["passed"] + one["isError"] + one["notApplicable"] == 1
    totals = overview(made.assessment.results)
    failed = sum(one["failed"] for one in found["CheckResults"])
    assert totals["countOverallFailed"] == failed > 0
    assert totals["countPassed"] == 2535 - failed


def test_csv_has_a_line_for_each_check() -> None:
    lines = to_csv(report("hub")).splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == 2536


def test_what_is_not_applicable_says_why() -> None:
    gone = [one for one in report("hub").assessment.results if one.check.table == "death"]
    written = [check_result(one) for one in gone if one.status is Status.NOT_APPLICABLE]
    assert written
    assert {one["notApplicableReason"] for one in written} == {"There is no table DEATH."}
    assert not any("pctViolatedRows" in one for one in written)
