"""Unit tests of cohorts for researchers: what passes, what fails, and at which line."""

from pathlib import Path

import pytest

from laennec.core.errors import StudyError
from laennec.runs.cohort_tests import run_tests
from laennec.runs.testing import (
    assert_attrition,
    assert_enters,
    assert_out,
    assert_stays,
    patient,
)
from laennec.study.files import write_study
from laennec.study.language import (
    before,
    cohort,
    concept_set,
    conditions,
    counts,
    days_after_start,
    drugs,
    include,
    measurements,
    no,
    rule,
    study,
    value,
)

DRUG, BLEED = concept_set("drug", include(1)), concept_set("bleed", include(2))
USERS = cohort(
    "users",
    drugs(DRUG),
    prior_observation=30,
    rules=[rule("no_bleed", no(conditions(BLEED), before()))],
    leave=days_after_start(9),
)
HIGH = cohort("high", measurements(BLEED, where=value(at_least=7)), leave=days_after_start(0))
STUDY = study("s", "S", counts("n", USERS, HIGH))
ANN = patient(birth="1960-02-29", sex="F").observed("2020-01-01", "2020-12-31")
USES = ANN.has("drug_exposure", 1, "2020-03-01").has("drug_exposure", 1, "2020-06-01", "2020-06-02")
BLED = USES.has("condition_occurrence", 2, "2020-02-01")


def test_what_is_true_passes() -> None:
    assert_enters(STUDY, "users", USES, "2020-03-01", "2020-03-10")
    assert_stays(STUDY, "users", USES, [("2020-03-01", "2020-03-10"), ("2020-06-01", "2020-06-10")])
    assert_out(STUDY, "users", BLED, "no_bleed")
    assert_out(STUDY, "users", ANN, "Has a qualifying event")
    assert_attrition(STUDY, "users", [ANN, USES, BLED], [2, 1, 1])
    tested = ANN.has("measurement", 2, "2020-05-05", value_as_number=7.5)
    assert_enters(STUDY, "high", tested, "2020-05-05")


def test_what_is_not_true_fails_and_says_what_is() -> None:
    with pytest.raises(AssertionError, match="expected entry on 2020-03-02, found 2020-03-01 to"):
        assert_enters(STUDY, "users", USES, "2020-03-02")
    with pytest.raises(AssertionError, match="expected to leave on 2020-03-11"):
        assert_enters(STUDY, "users", USES, "2020-03-01", "2020-03-11")
    with pytest.raises(AssertionError, match=r"found nobody \(fails 'no_bleed'"):
        assert_enters(STUDY, "users", BLED, "2020-03-01")
    with pytest.raises(AssertionError, match="expected no stay, found 2020-03-01"):
        assert_stays(STUDY, "users", USES, [])
    with pytest.raises(AssertionError, match="expected nobody"):
        assert_out(STUDY, "users", USES)
    with pytest.raises(AssertionError, match="expected to fail 'x', failed 'no_bleed'"):
        assert_out(STUDY, "users", BLED, "x")
    with pytest.raises(AssertionError, match=r"expected \[3, 1, 1\], found \[2, 1, 1\]"):
        assert_attrition(STUDY, "users", [ANN, USES, BLED], [3, 1, 1])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(StudyError, match="no cohort named 'user'"):
        assert_out(STUDY, "user", ANN)
    with pytest.raises(StudyError, match="no table of events named 'drug'"):
        ANN.has("drug", 1, "2020-01-01")
    with pytest.raises(StudyError, match="no column 'value'"):
        ANN.has("measurement", 1, "2020-01-01", value=1)
    with pytest.raises(StudyError, match="is no day"):
        ANN.has("measurement", 1, "soon")
    with pytest.raises(StudyError, match="is no sex"):
        patient(sex="f")


TOML = """\
study = "s.json"

[patients.ann]
birth = 1960-02-29
sex = "F"
observed = [[2020-01-01, 2020-12-31]]
events = [{ table = "drug_exposure", concept = 1, start = 2020-03-01 }]

[patients.bob]
observed = [[2020-01-01, 2020-12-31]]
events = [
    { table = "measurement", concept = 2, start = 2020-03-01, columns = { value_as_number = 8 } },
]

[[expect]]
cohort = "users"
patients = ["ann"]
enters = 2020-03-01
leaves = 2020-03-10

[[expect]]
cohort = "users"
patients = ["ann"]
stays = [[2020-03-01, 2020-03-11]]

[[expect]]
cohort = "users"
fails = "any"

[[expect]]
cohort = "high"
attrition = [1, 1]
"""


def test_a_file_of_tests_tells_each_failure_at_its_line(tmp_path: Path) -> None:
    write_study(STUDY, tmp_path / "s.json")
    path = tmp_path / "t.toml"
    path.write_text(TOML, encoding="utf-8")
    outcomes = run_tests(path)
    assert [(one.line, one.name, one.failure is None) for one in outcomes] == [
        (15, "users, ann", True),
        (21, "users, ann", False),
        (26, "users, ann", False),
        (26, "users, bob", True),
        (30, "high", True),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('patients = ["ann"]', 'patients = ["eve"]', "line 15: there is no patient named 'eve'"),
        ('fails = "any"', "", "line 26, column 1: expect.2: "),
        ("leaves", "leave", "line 19, column 1: expect.0.leave: "),
        ("2020-01-01, 2020-12-31", "2020-01-01", "line 3, column 1: patients.ann: "),
        ("concept = 1", "concept = '1'", "line 7, column 38: patients.ann.events.0.concept: "),
        ("[patients.ann]", "[patients.ann", "this is not TOML"),
        ("s.json", "other.json", "cannot be read"),
        ('sex = "F"', "sex = " + "[" * 200_000, "nested too deeply"),
    ],
)
def test_a_wrong_file_of_tests_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    write_study(STUDY, tmp_path / "s.json")
    path = tmp_path / "t.toml"
    path.write_text(TOML.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        run_tests(path)
    assert said in str(refused.value)


def test_python_tests_are_run_and_told_at_the_line_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "tests.py"
    path.write_text(
        "def test_true():\n    assert True\n\n\n"
        "def test_false():\n    x = 1\n    assert x == 2, 'two'\n\n\n"
        "def helper():\n    assert False\n\n\n"
        "def test_stops():\n    len(3)\n",
        encoding="utf-8",
    )
    first, second, third = run_tests(path)
    assert (first.line, first.name, first.failure) == (1, "test_true", None)
    assert (second.line, second.name, second.failure) == (7, "test_false", "two")
    assert (third.line, third.name) == (15, "test_stops")
    assert third.failure == "TypeError: object of type 'int' has no len()"


def test_a_value_that_its_column_cannot_hold_fails_its_test(tmp_path: Path) -> None:
    write_study(STUDY, tmp_path / "s.json")
    path = tmp_path / "t.toml"
    path.write_text(TOML.replace("_number = 8", "_number = 'eight'"), encoding="utf-8")
    failed = [one for one in run_tests(path) if one.name.endswith("bob")]
    assert [one.failure is not None for one in failed] == [True]
