"""The study language in Python: the values that it builds, and errors at the researcher's line."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from laennec.core.errors import StudyError
from laennec.study import language
from laennec.study.circe.files import read_exported
from laennec.study.definition import TABLES, Definition
from laennec.study.files import read_study, write_study
from laennec.study.language import (
    aged,
    all_of,
    any_of,
    at_least,
    at_least_of,
    at_most,
    at_most_of,
    before,
    by_age,
    by_events,
    by_period,
    by_sex,
    by_year,
    characteristics,
    cohort,
    cohort_incidence,
    cohort_overlap,
    cohort_timing,
    concept,
    concept_set,
    concept_set_from_atlas,
    concept_set_from_csv,
    conditions,
    counts,
    covariate,
    cumulative_incidence,
    days,
    days_after_end,
    days_after_start,
    difference,
    drugs,
    end_of_drug_era,
    ended,
    entered,
    eras_of,
    events,
    exactly,
    exclude,
    female,
    in_visit,
    incidence,
    include,
    intersection,
    large_scale_characteristics,
    male,
    measurements,
    no,
    nth_from_last,
    number,
    of_type,
    on_entry,
    period_prevalence,
    point_prevalence,
    result,
    risk_bound,
    rule,
    some,
    split,
    started,
    study,
    text,
    treatment_pathways,
    union,
    unit,
    value,
    value_is,
    within,
)
from laennec.study.language.events import plain
from laennec.study.language.places import Place
from laennec.study.language.results import KINDS
from laennec.study.language.run import build_study
from laennec.study.model import (
    CohortOverlap,
    CohortTiming,
    Counts,
    Incidence,
    LargeScaleCharacteristics,
    PeriodPrevalence,
    PointPrevalence,
    Result,
    Stays,
    Study,
    TreatmentPathways,
    Window,
)

DRUG = concept_set("drug", include(1, 2, descendants=True), exclude(3))
BLEED = concept_set("bleed", include(4))


def test_a_whole_study_is_what_its_toml_says(tmp_path: Path) -> None:
    users = cohort(
        "users",
        [drugs(DRUG, first=True), conditions(source=BLEED, where=[started(from_="2020-01-01")])],
        take=nth_from_last(2),
        prior_observation=365,
        later_observation=30,
        qualify=all_of(some(conditions(BLEED), on_entry())),
        take_qualified="first",
        rules=[
            rule("clean", no(conditions(BLEED), before(90)), aged(18, 64)),
            rule("either", any_of(female(), at_least_of(1, male(), aged(maximum=9)))),
        ],
        take_included="last",
        leave=end_of_drug_era(DRUG, gap=30, offset=7, supply=28),
        until=conditions(BLEED),
        gap=5,
        first_day="2019-01-01",
        last_day=date(2021, 12, 31),
    )
    path = tmp_path / "s.toml"
    path.write_text(
        """
name = "s"
title = "S"
concept_sets.drug.items = [
    { concept_id = 1, descendants = true },
    { concept_id = 2, descendants = true },
    { concept_id = 3, exclude = true },
]
concept_sets.bleed.items = [{ concept_id = 4 }]

[[cohorts]]
kind = "definition"
name = "users"
entry = [
    { table = "drug_exposure", concepts = "drug", first = true },
    { table = "condition_occurrence", source_concepts = "bleed", filters = [
        { kind = "date", column = "start", compare = "gte", value = 2020-01-01 } ] },
]
entry_limit = "last"
entry_number = 2
prior = 365
post = 30
qualify.criteria = [{ query.table = "condition_occurrence", query.concepts = "bleed", \
    window = { start = 0, end = 0 }, occurrence = "at_least", count = 1 }]
qualify_limit = "first"
limit = "last"
leave = { kind = "drug_era", concepts = "drug", gap = 30, offset = 7, supply = 28 }
censoring = [{ table = "condition_occurrence", concepts = "bleed" }]
era_pad = 5
first_day = 2019-01-01
last_day = 2021-12-31

[[cohorts.rules]]
name = "clean"
[cohorts.rules.group]
criteria = [{ query.table = "condition_occurrence", query.concepts = "bleed", \
    window = { start = -90, end = -1 }, occurrence = "exactly", count = 0 }]
demographics = [{ filters = [
    { kind = "number", column = "age", compare = "between", value = 18.0, extent = 64.0 },
] }]

[[cohorts.rules]]
name = "either"
[[cohorts.rules.group.groups]]
accepts = "any"
demographics = [{ filters = [
    { kind = "concept", column = "person.gender_concept_id", concepts = [8532] },
] }]
[[cohorts.rules.group.groups.groups]]
accepts = "at_least"
count = 1
demographics = [
    { filters = [{ kind = "concept", column = "person.gender_concept_id", concepts = [8507] }] },
    { filters = [{ kind = "number", column = "age", compare = "lte", value = 9.0 }] },
]

[[results]]
kind = "counts"
name = "n"
cohorts = ["users"]
""",
        encoding="utf-8",
    )
    made = study("s", "S", counts("n", users))
    assert made == read_study(path)
    write_study(made, tmp_path / "s.json")
    assert read_study(tmp_path / "s.json").digest() == made.digest()


def test_filters_take_the_column_of_the_table() -> None:
    wanted = [value(at_least=6.5, at_most=9.0), unit(8554), value_is(DRUG), of_type(32817)]
    wanted += [number("length", above=3.0), ended(until="2020-01-01"), in_visit(9201)]
    wanted += [
        text("value_source_value", contains="x", negate=True),
        concept("operator_concept_id", 1),
    ]
    found = measurements(BLEED, where=wanted)
    assert [one.column for one in found.value.filters] == [
        "value_as_number",
        "unit_concept_id",
        "value_as_concept_id",
        "measurement_type_concept_id",
        "length",
        "end",
        "visit.visit_concept_id",
        "value_source_value",
        "operator_concept_id",
    ]
    assert {one.name for one in found.sets} == {"bleed", "drug"}


def test_cohorts_made_of_cohorts_bring_them_along() -> None:
    users, patients = cohort("users", drugs(DRUG)), cohort("patients", conditions(BLEED))
    either = union("either", users, patients)
    rest = difference("rest", either, intersection("both", users, patients, by="persons"))
    made = study("s", "S", counts("n", rest))
    assert [one.name for one in made.cohorts] == ["users", "patients", "either", "both", "rest"]
    assert set(made.concept_sets) == {"drug", "bleed"}


def test_results_and_strata_take_values_of_the_language() -> None:
    users = cohort("users", drugs(DRUG), leave=days_after_start(30))
    bled = by_events("bled", conditions(BLEED), days(end=-1))
    made = study(
        "s",
        "S",
        counts("n", users, strata=[by_sex(), [by_age((0, 17), (18, 150)), bled]]),
        characteristics(
            "who",
            users,
            age_groups=[(0, 64)],
            covariates=[covariate("bled", conditions(BLEED), days(-30, 0))],
            strata=[by_year(2019, 2020)],
        ),
        incidence(
            "rate",
            conditions(BLEED),
            population=users,
            age_groups=[(0, 64)],
            strata=[bled, [bled, by_year(2019, 2020)]],
        ),
        cohort_incidence(
            "risk",
            users,
            outcome=conditions(BLEED),
            risk_until=risk_bound("start", 30),
            age_groups=[(0, 64)],
        ),
        cumulative_incidence("curve", users, outcome=conditions(BLEED), horizon=9, step=3),
        result("counts", "again", cohort("others", conditions(BLEED), leave=days_after_end(2))),
    )
    assert [one.label for one in made.strata] == ["sex", "age_group", "bled", "entry_period"]
    first = made.results[0]
    assert isinstance(first, Counts)
    assert first.strata == (("sex",), ("age_group", "bled"))
    rate = made.results[2]
    assert isinstance(rate, Incidence)
    assert rate.strata == (("bled",), ("bled", "entry_period"))
    assert [one.name for one in made.cohorts] == ["users", "others"]
    assert by_period(("2019-01-01", "2019-12-31"), ("2020-01-01", "2020-12-31")) == by_year(
        2019, 2020
    )


def test_every_kind_of_result_and_every_table_can_be_asked() -> None:
    assert {one.model_fields["kind"].default for one in get_args(get_args(Result)[0])} == set(KINDS)
    named = {table for table in TABLES if hasattr(events(table), "value")}
    assert named == set(TABLES)


def test_every_kind_of_result_has_a_function_of_its_name() -> None:
    assert set(KINDS) <= set(language.__all__)


def test_results_on_several_cohorts_and_on_none() -> None:
    users = cohort("users", drugs(DRUG))
    others = cohort("others", conditions(BLEED))
    asked = study(
        "s",
        "S",
        cohort_overlap("shared", users, others),
        cohort_timing("between", users, others, first_entry=False),
        large_scale_characteristics(
            "all_drugs", users, episode_in_window=["drug_exposure"], windows=[days(-30, -1)]
        ),
        point_prevalence("on_a_day", conditions(BLEED), time_point="middle"),
        period_prevalence("in_a_year", conditions(BLEED), population=others, level="record"),
    )
    shared, between, drug, day, year = asked.results
    assert isinstance(shared, CohortOverlap)
    assert isinstance(between, CohortTiming)
    assert isinstance(drug, LargeScaleCharacteristics)
    assert isinstance(day, PointPrevalence)
    assert isinstance(year, PeriodPrevalence)
    assert shared.cohorts == between.cohorts == ("users", "others")
    assert not between.first_entry
    assert drug.windows == (Window(start=-30, end=-1),)
    assert (day.time_point, year.level, year.population) == ("middle", "record", "others")


def test_a_place_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_text("a = 1\nb = missing\n", encoding="utf-8")
    with pytest.raises(StudyError) as told:
        build_study(path)
    assert str(told.value.happened) == (
        f"{path}, line 2, at `b = missing`: NameError: name 'missing' is not defined."
    )


def test_every_public_name_has_a_docstring() -> None:
    assert all(getattr(language, name).__doc__ for name in language.__all__)


def test_windows_and_counts() -> None:
    definition = cohort(
        "c",
        drugs(DRUG),
        rules=[
            rule(
                "r",
                at_least(2, drugs(DRUG), within(None, 30, of="end"), distinct="drug_concept_id"),
                at_most(1, drugs(DRUG), before(), same_visit=True, unobserved=True),
                exactly(1, drugs(DRUG), before(), ending=within(-9, 0, event="end")),
                at_most_of(1, aged(18), entered(from_="2020-01-01", until="2020-12-31")),
            )
        ],
    ).value
    assert isinstance(definition, Definition)
    first, second, third = definition.rules[0].group.criteria
    assert (first.window.start, first.window.end, first.window.index) == (
        "observation_start",
        30,
        "end",
    )
    assert (first.distinct, second.same_visit, second.ignore_observation) == (
        "drug_concept_id",
        True,
        True,
    )
    assert third.end_window is not None
    assert third.end_window.event == "end"


def test_eras_join_events_of_several_tables() -> None:
    found = eras_of(drugs(DRUG), conditions(BLEED), where=number("length", at_least=3))
    assert [one.table for one in found.value.eras] == ["drug_exposure", "condition_occurrence"]
    assert {one.name for one in found.sets} == {"drug", "bleed"}
    assert isinstance(cohort("c", found).value, Definition)


def test_sets_from_files(tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    table.write_text("concept_id,name,descendants,exclude\n1,x,true,\n2,y,,yes\n", encoding="utf-8")
    found = concept_set_from_csv("s", table)
    assert [(one.concept_id, one.descendants, one.exclude) for one in found.concepts.items] == [
        (1, True, False),
        (2, False, True),
    ]
    exported = tmp_path / "set.json"
    item = {"concept": {"CONCEPT_ID": 7}, "includeMapped": True}
    exported.write_text(json.dumps({"items": [item]}), encoding="utf-8")
    (one,) = concept_set_from_atlas("t", exported).concepts.items
    assert (one.concept_id, one.mapped) == (7, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("concept_id,exclude,excluded\n1,yes,no\n", "line 1: two columns say exclude"),
        (f"concept_id,name\n1,{'x' * 200_000}\n", "this is not CSV, or a cell is too long"),
        ("", "line 1: there is no column of concept ids"),
    ],
)
def test_tables_that_are_no_set(tmp_path: Path, text: str, said: str) -> None:
    longest = csv.field_size_limit(131_072)
    table = tmp_path / "set.csv"
    table.write_text(text, encoding="utf-8")
    try:
        with pytest.raises(StudyError, match=said):
            read_exported([table])
    finally:
        csv.field_size_limit(longest)


HEAD = "from laennec.study.language import *\ndrug = concept_set('drug', include(1))\n"
TAIL = "asked = study('s', 'S', counts('n', cohort('users', drugs(drug))))\n"
WRONG = [
    (
        "bleed = concept_set('Bleed', include(4))\nx = study('s', 'S', counts('n', cohort('c', "
        "drugs(bleed))))\n",
        4,
        "this is not a name",
    ),
    ("c = cohort('c', drugs(drug), prior_observation=-1)\n", 3, "prior: input should be"),
    (
        "c = cohort(\n    'c',\n    drugs(drug, where=value(at_least=1)),\n)\n",
        5,
        "there is no column named 'value_as_number'",
    ),
    ("e = drugs(drug, where=started(from_='1 May'))\n", 3, "'1 May' is no day"),
    ("r = rule('r', 5)\n", 3, "rule: a part is"),
    ("w = no(drugs(drug), before(), windows=3)\n", 3, "there is no argument 'windows'"),
    ("c = cohort('c', drugs(drug), takes='first')\n", 3, "unexpected keyword argument 'takes'"),
    (
        "d2 = concept_set('drug', include(2))\na = study('s', 'S', counts('n', cohort('c', "
        "[drugs(drug), drugs(d2)])))\n",
        3,
        "the concept set 'drug' is defined again",
    ),
    (
        "a = cohort('c', drugs(drug))\nb = cohort('c', drugs(drug), gap=1)\n"
        "s = study('s', 'S', counts('n', a), counts('m', b))\n",
        4,
        "the cohort 'c' is defined again",
    ),
    ("x = incidence('rate', drugs(drug, first=True))\n", 3, "takes all events of a concept set"),
    ("x = result('prevalences', 'p')\n", 3, "there is no result 'prevalences'"),
    ("x = 1 / 0\n", 3, "ZeroDivisionError"),
    ("x = (1,\n", 3, "this is not Python"),
    ("x = by_age((0, 17), (17, 20))\n", 3, "overlap"),
]


@pytest.mark.parametrize(("lines", "line", "said"), WRONG, ids=[one[2] for one in WRONG])
def test_errors_point_at_the_line_of_the_researcher(
    tmp_path: Path, lines: str, line: int, said: str
) -> None:
    path = tmp_path / "study.py"
    path.write_text(HEAD + lines, encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        build_study(path)
    message = str(refused.value)
    assert message.startswith(f"{path}, line {line}")
    assert said in message
    assert path.read_text(encoding="utf-8").splitlines()[line - 1].strip() in message


def test_a_file_is_built_with_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "codes_of_mine.py").write_text("DRUG = 1\n", encoding="utf-8")
    path = tmp_path / "study.py"
    path.write_text("from codes_of_mine import DRUG\n" + HEAD + TAIL, encoding="utf-8")
    assert isinstance(build_study(path), Study)


def test_a_file_makes_one_study(tmp_path: Path) -> None:
    path = tmp_path / "study.py"
    path.write_text(HEAD, encoding="utf-8")
    with pytest.raises(StudyError, match="makes 0 studies"):
        build_study(path)
    path.write_text(
        HEAD + TAIL + TAIL.replace("asked", "more").replace("'S'", "'T'"), encoding="utf-8"
    )
    with pytest.raises(StudyError, match="makes 2 studies: asked, more"):
        build_study(path)
    path.write_text(HEAD + TAIL + "same = asked\n", encoding="utf-8")
    assert build_study(path).name == "s"


def test_a_hub_runs_no_python(tmp_path: Path) -> None:
    path = tmp_path / "study.py"
    path.write_text("raise SystemExit('it ran')\n", encoding="utf-8")
    with pytest.raises(StudyError, match="runs no program") as refused:
        read_study(path)
    assert "laennec study build" in str(refused.value)


def test_a_place_without_a_text_names_its_line() -> None:
    assert str(Place("nowhere.py", 3)).startswith("nowhere.py, line 3")


def test_pathways_take_cohorts_and_events_as_treatments() -> None:
    asthma, inhaler = cohort("asthma", conditions(BLEED)), cohort("inhaler", drugs(DRUG))
    bled = conditions(BLEED)
    made = study(
        "s",
        "S",
        treatment_pathways(
            "lines",
            asthma,
            treatments=[inhaler, bled],
            exits=[cohort("end", drugs(DRUG))],
            splits=[split(inhaler, 30), split(bled, 7)],
            strata=[by_sex()],
            combination_window=14,
        ),
        incidence("rate", inhaler, population=asthma),
    )
    lines, rate = made.results
    assert isinstance(lines, TreatmentPathways)
    assert lines.treatments == (Stays(cohort="inhaler"), plain(bled, what="a treatment"))
    assert lines.exits == (Stays(cohort="end"),)
    assert [(one.treatment, one.days) for one in lines.splits] == [("inhaler", 30), ("bleed", 7)]
    assert (lines.combination_window, lines.strata) == (14, (("sex",),))
    assert isinstance(rate, Incidence)
    assert rate.outcome == Stays(cohort="inhaler")
    assert [one.name for one in made.cohorts] == ["asthma", "inhaler", "end"]
