"""Reading studies: both forms, and one clear error for each thing that can be wrong."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from generative.study_strategies import studies
from laennec.core.errors import StudyError
from laennec.study.files import MAX_BYTES, read_study, write_study
from laennec.study.model import Incidence, Study

GOOD = """
name = "small"
title = "A small study"

[concept_sets]
drug.items = [{ concept_id = 1, descendants = true }]
bleed.items = [{ concept_id = -2 }]

[[cohorts]]
name = "users"
entry = { table = "drug_exposure", concepts = "drug" }
exit = { kind = "fixed_days", days = 90 }

[[cohorts.criteria]]
kind = "events"
name = "no_bleed"
events = { table = "condition_occurrence", concepts = "bleed" }
window = { end = -1 }
at_least = 0
at_most = 0

[[results]]
kind = "incidence"
name = "rate"
population = "users"
outcome = { table = "condition_occurrence", concepts = "bleed" }
sexes = ["Both", "Female"]
age_groups = [{ minimum = 18, maximum = 64 }]
start = 2020-01-01
"""


def _write(folder: Path, text: str, name: str = "study.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _message(path: Path) -> str:
    with pytest.raises(StudyError) as raised:
        read_study(path)
    return str(raised.value)


def test_toml_is_read(tmp_path: Path) -> None:
    study = read_study(_write(tmp_path, GOOD))
    assert study.concept_sets["bleed"].items[0].concept_id == -2
    result = study.results[0]
    assert isinstance(result, Incidence)
    assert result.start == date(2020, 1, 1)


def test_json_is_the_same_study(tmp_path: Path) -> None:
    study = read_study(_write(tmp_path, GOOD))
    path = tmp_path / "study.json"
    write_study(study, path)
    assert read_study(path) == study
    assert read_study(path).digest() == study.digest()
    assert path.read_bytes() == study.canonical() + b"\n"


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_study(path).name == "small"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(study=studies())
def test_every_study_survives_its_file(tmp_path: Path, study: Study) -> None:
    path = tmp_path / "study.json"
    write_study(study, path)
    assert read_study(path) == study


WRONG = [
    ("title = ", "titel = ", "the study: there is no field 'titel' here", "Did you mean 'title'?"),
    ("entry = ", "entri = ", "cohorts[0]: there is no field 'entri' here", "'entry'"),
    (
        '"drug_exposure"',
        '"drug_exposur"',
        "cohorts[0].entry.table: there is no event table named",
        "'drug_exposure'",
    ),
    (
        'concepts = "drug"',
        'concepts = "drugs"',
        "cohorts[0].entry.concepts: there is no concept set named 'drugs'",
        "Did you mean 'drug'?",
    ),
    (
        'concepts = "bleed" }\nwindow',
        'concepts = "blood" }\nwindow',
        "cohorts[0].criteria[0].events.concepts: there is no concept set named 'blood'",
        "Known: bleed, drug.",
    ),
    (
        'population = "users"',
        'population = "user"',
        "results[0].population: there is no cohort named 'user'",
        "Did you mean 'users'?",
    ),
    (
        'kind = "fixed_days"',
        'kind = "fixed_day"',
        "cohorts[0].exit: there is no kind 'fixed_day' here",
        "Did you mean 'fixed_days'?",
    ),
    ('kind = "fixed_days", ', "", "cohorts[0].exit: the field 'kind' is missing", "Add it"),
    (
        "days = 90",
        "day = 90",
        "cohorts[0].exit: there is no field 'day' here (1 more like this)",
        "Did you mean 'days'?",
    ),
    (
        "days = 90",
        "days = -1",
        "cohorts[0].exit.days: input should be greater than or equal to 0",
        "Correct it",
    ),
    (
        "days = 90",
        'days = "90"',
        "cohorts[0].exit.days: input should be a valid integer",
        "Correct it",
    ),
    (
        "days = 90",
        "days = 99999999999999999999",
        "cohorts[0].exit.days: input should be less than or equal to 10000000",
        "Correct it",
    ),
    (
        "concept_id = 1,",
        "concept_id = 9223372036854775808,",
        "concept_sets.drug.items[0].concept_id: input should be less than",
        "Correct it",
    ),
    (
        "descendants = true",
        "descendants = 1",
        "concept_sets.drug.items[0].descendants: input should be a valid boolean",
        "Correct it",
    ),
    (
        "descendants = true",
        "descendents = true",
        "concept_sets.drug.items[0]: there is no field 'descendents' here",
        "Did you mean 'descendants'?",
    ),
    (
        "at_most = 0",
        "at_most = 0\nat_mots = 1",
        "cohorts[0].criteria[0]: there is no field 'at_mots' here",
        "Did you mean 'at_most'?",
    ),
    ("at_least = 0\n", "", "cohorts[0].criteria[0]: at_most is below at_least", "Correct it"),
    (
        "window = { end = -1 }",
        "window = { start = 0, end = -1 }",
        "cohorts[0].criteria[0].window: a window ends before it starts",
        "Correct it",
    ),
    (
        'name = "no_bleed"',
        'name = "No bleed"',
        "cohorts[0].criteria[0].name: this is not a name",
        "Change the name",
    ),
    ("bleed.items", "Bleed.items", "concept_sets.Bleed: this is not a name", "Change the name"),
    (
        '"Female"]',
        '"female"]',
        "results[0].sexes[1]: input should be 'Both', 'Female' or 'Male'",
        "Correct it",
    ),
    ('"Female"]', '"Both"]', "results[0]: the sex 'Both' is given twice", "Correct it"),
    (
        "start = 2020-01-01",
        'start = "January"',
        "results[0].start: input should be a valid date",
        "Correct it",
    ),
    ("start = 2020-01-01", "start = 10:00:00", "results[0].start: ", "Correct it"),
    (
        "start = 2020-01-01",
        'strata = [["bled"]]',
        "results[0].strata[0][0]: there is no stratum named 'bled'",
        "None is defined",
    ),
    (
        "start = 2020-01-01",
        'strata = [["sex"]]\n[[strata]]\nkind = "sex"',
        "results[0].strata[0][0]: a rate is not divided by 'sex': its field 'sexes' does so",
        "Correct it",
    ),
    (
        "start = 2020-01-01",
        'strata = [["b", "c"], ["c", "b"]]',
        "results[0]: the division by 'b and c' is given twice",
        "Correct it",
    ),
    (
        "start = 2020-01-01",
        "start = 2020-01-02\nend = 2020-01-01",
        "results[0]: the end date is before the start date",
        "Correct it",
    ),
    (
        "maximum = 64",
        "maximum = 3",
        "results[0].age_groups[0]: an age group ends before it starts",
        "Correct it",
    ),
    (
        "maximum = 64",
        "max = 64",
        "results[0].age_groups[0]: there is no field 'max' here",
        "Known: maximum, minimum.",
    ),
    (
        'kind = "incidence"',
        'kind = "incidences"',
        "results[0]: there is no kind 'incidences' here",
        "Did you mean 'incidence'?",
    ),
]


@pytest.mark.parametrize(("old", "new", "happened", "remedy"), WRONG, ids=[one[2] for one in WRONG])
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, happened: str, remedy: str
) -> None:
    assert GOOD.count(old) >= 1
    path = _write(tmp_path, GOOD.replace(old, new, 1))
    message = _message(path)
    assert message.startswith(f"{path}, line ")
    assert happened in message
    assert remedy in message


def test_results_are_needed(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("[[results]]")]
    assert "the study: the field 'results' is missing" in _message(_write(tmp_path, text))
    message = _message(_write(tmp_path, "results = []\n" + text))
    assert "results: tuple should have at least 1 item" in message


def test_a_list_is_no_study(tmp_path: Path) -> None:
    assert "the study: " in _message(_write(tmp_path, "[]", "study.json"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.toml", 'name = "a"\ntitle = \n', "(at line 2, column 9)"),
        ("s.toml", 'name = "a"\nname = "b"\n', "this is not TOML"),
        ("s.json", '{"name": "a",\n "title" "b"}', ", line 2, column 10: this is not JSON"),
        ("s.json", '{"name": "a", "name": "b"}', "the name 'name' is given twice"),
        ("s.json", "[" * 200_000, "nested too deeply"),
        ("s.toml", "a = " + "[" * 200_000, "nested too deeply"),
        ("s.json", '{"a":' * 300 + "1" + "}" * 300, "nested too deeply"),
        ("s.json", '{"a":' * 900 + "1" + "}" * 900, "nested too deeply"),
        ("s.toml", "a" + ".a" * 3000 + " = 1", "more than 100 dots"),
        ("s.toml", "a = {a" + ".a" * 1_900_000 + " = 1}", "more than 100 dots"),
        ("s.toml", "[a" + ".a" * 1_900_000 + "]", "more than 100 dots"),
        ("s.json", json.dumps({"k" * 1_000_000: 1}), f"no field '{'k' * 80}' here"),
        ("s.json", '{"name": "\\ud800"}', "half of a surrogate pair"),
        ("s.yaml", "name: a", "a study file ends in .toml or .json"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    assert said in _message(_write(tmp_path, text, name))


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes('name = "a"\ntitle = "é"\n'.encode("latin-1"))
    assert ", line 2: the text is not UTF-8" in _message(path)


def test_a_file_that_is_absent_or_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in _message(tmp_path / "absent.toml")
    assert "cannot be read" in _message(tmp_path)


def test_a_file_too_large(tmp_path: Path) -> None:
    assert "larger than" in _message(_write(tmp_path, "#" * (MAX_BYTES + 1)))


def test_a_study_that_cannot_be_written(tmp_path: Path) -> None:
    study = read_study(_write(tmp_path, GOOD))
    with pytest.raises(StudyError, match="cannot be written"):
        write_study(study, tmp_path / "no folder" / "study.json")


def test_numbers_that_are_no_numbers(tmp_path: Path) -> None:
    path = _write(tmp_path, GOOD.replace("days = 90", "days = nan"))
    assert str(path) in _message(path)


def test_equal_studies_have_equal_bytes(tmp_path: Path) -> None:
    first = read_study(_write(tmp_path, GOOD))
    tree = json.loads(first.canonical())
    turned = dict(reversed(tree.items()))
    assert read_study(_write(tmp_path, json.dumps(turned, indent=2), "s.json")) == first
