"""Every kind of result, raw and released, is a CSV that omopgenerics reads without a remark."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fakes.omopgenerics_reader import broken_rules
from fakes.report_example import raw_result
from generative.study_strategies import Case, cases
from laennec.disclosure import check, load_profile
from laennec.omop.summarised_result import to_csv
from laennec.study.estimates import summarise
from laennec.study.model import Study
from laennec.study.reference import evaluate
from spec.spec_case import CONCEPTS, SpecCase
from spec.test_study_spec import CASES

PROFILE = load_profile("france-11")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_results_of_the_spec_are_read(case: SpecCase) -> None:
    partial = evaluate(case.study, case.rows, CONCEPTS)
    result = summarise(case.study, partial, cdm_name="spec", settings={"snapshot_id": "1"})
    for one in (result, check(result, PROFILE).published):
        assert broken_rules(to_csv(one)) == []


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases())
def test_the_results_of_random_studies_are_read(case: Case) -> None:
    partial = evaluate(case.study, case.rows, case.concepts)
    result = summarise(case.study, partial, cdm_name="random", settings={})
    assert broken_rules(to_csv(result)) == []


def test_every_kind_of_result_is_in_the_spec() -> None:
    asked = {result.kind for case in CASES for result in case.study.results}
    assert asked == kinds()


def kinds() -> set[str]:
    """Return the kinds of results that the study language has."""
    schema = Study.model_json_schema()
    return set(schema["properties"]["results"]["items"]["discriminator"]["mapping"])


RELEASED = check(raw_result(), PROFILE).published
GOOD = to_csv(RELEASED)


def test_a_released_result_of_many_persons_is_read() -> None:
    assert len({row.estimate_value == "-" for row in RELEASED.rows}) == 2
    assert broken_rules(GOOD) == []


def test_a_released_result_says_that_it_is_suppressed() -> None:
    """Otherwise omopgenerics warns that small counts may be in it, and offers to hide them."""
    assert {one.extra["min_cell_count"] for one in RELEASED.settings} == {str(PROFILE.threshold)}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("result_id", "result", "columns"),
        ('"GiBleed"', '""', "cdm_name is missing"),
        ('"GiBleed"', '" NA "', "cdm_name is missing"),
        ('"overall","overall"\n', '"overall"\n', "thirteen fields"),
        ('"integer"', '"int"', "estimate_type int is unknown"),
        ('"integer","-"', '"integer","few"', "not of its estimate_type integer"),
        ('"percentage","percentage","', '"percentage","percentage","9', "type percentage"),
        ('"cohort_name","celecoxib_new_users"', '"Cohort Name","x"', "not in snake case"),
        ('"cohort_name","celecoxib_new_users"', '"cohort_name","a &&& b"', "as many levels"),
        ('"cohort_name","celecoxib_new_users"', '"overall","b"', "overall stands on one side"),
        ('"result_type","character"', '"other","character"', "compulsory setting"),
        ('"package_version","character"', '"package_version","numeric"', "type character"),
        ('"settings","NA","study_name"', '"settings","NA","package_name"', "setting stands twice"),
        ('"settings","NA","study_name"', '"settings","NA","cohort_name"', "two things"),
        ('"settings","NA","study_name"', '"settings","NA","result_id"', "two things"),
        ('"group","character","cohort_name"', '"group","character","x"', "does not name"),
    ],
)
def test_the_reader_refuses(old: str, new: str, rule: str) -> None:
    assert old in GOOD
    assert any(rule in one for one in broken_rules(GOOD.replace(old, new)))


def test_the_reader_refuses_repetitions() -> None:
    header, *lines = GOOD.splitlines(keepends=True)
    again = lines[0].replace(',"count",', ',"record_count",')
    assert "an estimate stands twice" in broken_rules(header + lines[0] + "".join(lines))
    assert any("twice in a group" in one for one in broken_rules(header + again + "".join(lines)))
    rows = [line for line in lines if ',"settings",' not in line]
    assert "a row has no settings" in broken_rules(header + "".join(rows))
    same = "".join(
        f'{n},"NA","overall","overall","overall","overall","settings","NA","{name}",'
        f'"character","x","overall","overall"\n'
        for n in (1, 2)
        for name in ("result_type", "package_name", "package_version")
    )
    assert broken_rules(header + same) == ["two results have the same settings"]
