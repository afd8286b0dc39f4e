"""Rows of a small study, in the shapes that disclosure and users build on."""

from datetime import date

import pytest

from laennec.omop.summarised_result import ResultRow, SummarisedResult, from_csv, to_csv
from laennec.study.estimates import summarise
from laennec.study.model import (
    AgeGroup,
    Characteristics,
    Cohort,
    ConceptItem,
    ConceptSet,
    Counts,
    Covariate,
    CumulativeIncidence,
    Events,
    Incidence,
    Sex,
    SexIs,
    Study,
    Window,
)
from laennec.study.partials import Key, Partial

DRUG = Events(table="drug_exposure", concepts="drug")
BLEED = Events(table="condition_occurrence", concepts="bleed")
STUDY = Study(
    name="small",
    title="Small",
    concept_sets={
        name: ConceptSet(items=(ConceptItem(concept_id=n),))
        for n, name in ((1, "drug"), (2, "bleed"))
    },
    cohorts=(
        Cohort(
            name="users",
            entry=DRUG,
            prior_observation=30,
            criteria=(SexIs(name="women", sex=Sex.FEMALE),),
        ),
        Cohort(name="nobody", entry=BLEED),
    ),
    results=(
        Counts(name="how_many", cohorts=("users", "nobody")),
        Characteristics(
            name="who",
            cohorts=("users", "nobody"),
            age_groups=(AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)),
            covariates=(Covariate(name="bled", events=BLEED, window=Window(end=-1)),),
        ),
        Incidence(name="rate", outcome=BLEED, sexes=(Sex.BOTH, Sex.MALE), start=date(2020, 1, 1)),
        CumulativeIncidence(
            name="curve", cohorts=("users", "nobody"), outcome=BLEED, horizon=5, step=3
        ),
    ),
)
WOMEN: Key = ("incidence", "rate", "Both", "0 to 150")
PARTIAL = Partial(
    {
        ("attrition", "users", 0): 9,
        ("attrition", "users", 1): 9,
        ("attrition", "users", 2): 5,
        ("attrition", "users", 3): 4,
        ("sex", "who", "users", "Female"): 4,
        ("age", "who", "users", 17): 1,
        ("age", "who", "users", 40): 1,
        ("age", "who", "users", 70): 1,
        ("prior_observation", "who", "users", 30): 4,
        ("future_observation", "who", "users", 0): 3,
        ("future_observation", "who", "users", 10): 1,
        ("covariate", "who", "users", "bled"): 3,
        (*WOMEN, 2020, "persons"): 4,
        (*WOMEN, 2020, "days"): 1461,
        (*WOMEN, 2020, "events"): 1,
        (*WOMEN, 2021, "persons"): 3,
        (*WOMEN, 2021, "days"): 90,
        (*WOMEN, "overall", "persons"): 4,
        (*WOMEN, "overall", "days"): 1551,
        (*WOMEN, "overall", "events"): 1,
        ("survival", "curve", "users", 0, "events"): 1,
        ("survival", "curve", "users", 3, "censored"): 1,
        ("survival", "curve", "users", 5, "censored"): 2,
    },
    {WOMEN: date(2020, 1, 1)},
    {WOMEN: date(2021, 2, 1)},
)


@pytest.fixture(scope="module")
def result() -> SummarisedResult:
    return summarise(STUDY, PARTIAL, cdm_name="test", settings={"snapshot_id": "7"})


def _of(result: SummarisedResult, result_type: str, **wanted: str | None) -> list[ResultRow]:
    return [
        row
        for row in result.rows
        if result.type_of(row) == result_type
        and all(getattr(row, name) == value for name, value in wanted.items())
    ]


def _values(rows: list[ResultRow]) -> list[tuple[str, str | None, str, str, str]]:
    return [
        (
            one.variable_name,
            one.variable_level,
            one.estimate_name,
            one.estimate_type,
            one.estimate_value,
        )
        for one in rows
    ]


def test_one_settings_row_per_table_in_the_order_of_the_study(result: SummarisedResult) -> None:
    assert [(one.result_id, one.result_type) for one in result.settings] == [
        (1, "summarise_cohort_count"),
        (2, "summarise_cohort_attrition"),
        (3, "summarise_characteristics"),
        (4, "incidence"),
        (5, "incidence"),
        (6, "incidence_attrition"),
        (7, "incidence_attrition"),
        (8, "survival_estimates"),
        (9, "survival_events"),
        (10, "survival_summary"),
        (11, "survival_attrition"),
    ]
    for one in result.settings:
        assert one.package_name == "laennec"
        assert one.extra["study_hash"] == STUDY.digest()
        assert one.extra["study_name"] == "small"
        assert one.extra["snapshot_id"] == "7"
    assert [one.extra["study_result"] for one in result.settings] == [
        "how_many", "how_many", "who", *["rate"] * 4, *["curve"] * 4,
    ]  # fmt: skip


def test_every_row_names_the_data_and_the_text_form_reads_back(result: SummarisedResult) -> None:
    assert {row.cdm_name for row in result.rows} == {"test"}
    assert from_csv(to_csv(result), name="test") == result


def test_cohort_count(result: SummarisedResult) -> None:
    rows = _of(result, "summarise_cohort_count")
    assert [
        (one.group_name, one.group_level, one.variable_name, one.estimate_value) for one in rows
    ] == [
        ("cohort_name", "users", "Number records", "4"),
        ("cohort_name", "users", "Number subjects", "4"),
        ("cohort_name", "nobody", "Number records", "0"),
        ("cohort_name", "nobody", "Number subjects", "0"),
    ]
    assert {(one.estimate_name, one.estimate_type) for one in rows} == {("count", "integer")}


def test_attrition(result: SummarisedResult) -> None:
    rows = _of(result, "summarise_cohort_attrition", group_level="users")
    subjects = [one for one in rows if one.variable_name.endswith("subjects")]
    assert [
        (one.strata_level, one.additional_level, one.variable_name, one.estimate_value)
        for one in subjects
    ] == [
        ("Has an entry event", "1", "number_subjects", "9"),
        ("Has an entry event", "1", "excluded_subjects", "0"),
        ("Entry day is observed", "2", "number_subjects", "9"),
        ("Entry day is observed", "2", "excluded_subjects", "0"),
        ("At least 30 days observed before entry", "3", "number_subjects", "5"),
        ("At least 30 days observed before entry", "3", "excluded_subjects", "4"),
        ("women", "4", "number_subjects", "4"),
        ("women", "4", "excluded_subjects", "1"),
    ]
    assert {(one.strata_name, one.additional_name) for one in rows} == {("reason", "reason_id")}
    records = [one for one in rows if one.variable_name.endswith("records")]
    assert [one.estimate_value for one in records] == [one.estimate_value for one in subjects]


def test_characteristics(result: SummarisedResult) -> None:
    rows = _of(result, "summarise_characteristics", group_level="users")
    assert _values(rows) == [
        ("Number records", None, "count", "integer", "4"),
        ("Number subjects", None, "count", "integer", "4"),
        ("Age", None, "min", "integer", "17"),
        ("Age", None, "q25", "integer", "17"),
        ("Age", None, "median", "integer", "40"),
        ("Age", None, "q75", "integer", "70"),
        ("Age", None, "max", "integer", "70"),
        ("Age", None, "mean", "numeric", "42.33"),
        ("Age", None, "sd", "numeric", "26.58"),
        ("Prior observation", None, "min", "integer", "30"),
        ("Prior observation", None, "q25", "integer", "30"),
        ("Prior observation", None, "median", "integer", "30"),
        ("Prior observation", None, "q75", "integer", "30"),
        ("Prior observation", None, "max", "integer", "30"),
        ("Prior observation", None, "mean", "numeric", "30"),
        ("Prior observation", None, "sd", "numeric", "0"),
        ("Future observation", None, "min", "integer", "0"),
        ("Future observation", None, "q25", "integer", "0"),
        ("Future observation", None, "median", "integer", "0"),
        ("Future observation", None, "q75", "integer", "0"),
        ("Future observation", None, "max", "integer", "10"),
        ("Future observation", None, "mean", "numeric", "2.5"),
        ("Future observation", None, "sd", "numeric", "5"),
        ("Age group", "0 to 17", "count", "integer", "1"),
        ("Age group", "0 to 17", "percentage", "percentage", "25"),
        ("Age group", "18 to 64", "count", "integer", "1"),
        ("Age group", "18 to 64", "percentage", "percentage", "25"),
        ("Age group", "None", "count", "integer", "2"),
        ("Age group", "None", "percentage", "percentage", "50"),
        ("Sex", "Female", "count", "integer", "4"),
        ("Sex", "Female", "percentage", "percentage", "100"),
        ("Sex", "Male", "count", "integer", "0"),
        ("Sex", "Male", "percentage", "percentage", "0"),
        ("Sex", "None", "count", "integer", "0"),
        ("Sex", "None", "percentage", "percentage", "0"),
        ("Covariates", "bled", "count", "integer", "3"),
        ("Covariates", "bled", "percentage", "percentage", "75"),
    ]


def test_an_empty_cohort_has_its_numbers_only(result: SummarisedResult) -> None:
    assert _values(_of(result, "summarise_characteristics", group_level="nobody")) == [
        ("Number records", None, "count", "integer", "0"),
        ("Number subjects", None, "count", "integer", "0"),
    ]
    for kind in ("survival_estimates", "survival_events", "survival_summary"):
        assert _of(result, kind, group_level="nobody") == []


def test_incidence(result: SummarisedResult) -> None:
    rows = _of(result, "incidence")
    assert {one.result_id for one in rows} == {4}
    assert {(one.group_name, one.group_level) for one in rows} == {
        ("denominator_cohort_name &&& outcome_cohort_name", "general_population &&& bleed")
    }
    assert {one.additional_name for one in rows} == {
        "incidence_start_date &&& incidence_end_date &&& analysis_interval"
    }
    assert list(dict.fromkeys(one.additional_level for one in rows)) == [
        "2020-01-01 &&& 2020-12-31 &&& years",
        "2020-01-01 &&& 2021-02-01 &&& overall",
    ]
    year = [one for one in rows if one.additional_level.endswith("years")]
    assert _values(year) == [
        ("Denominator", None, "denominator_count", "integer", "4"),
        ("Denominator", None, "person_days", "numeric", "1461"),
        ("Denominator", None, "person_years", "numeric", "4"),
        ("Outcome", None, "outcome_count", "integer", "1"),
        ("Outcome", None, "incidence_100000_pys", "numeric", "25000"),
        ("Outcome", None, "incidence_100000_pys_95CI_lower", "numeric", "632.945"),
        ("Outcome", None, "incidence_100000_pys_95CI_upper", "numeric", "139291.085"),
    ]


def test_incidence_settings(result: SummarisedResult) -> None:
    extra = result.settings[4].extra
    assert {
        name: extra[name] for name in extra if name.startswith(("analysis", "denominator"))
    } == {
        "analysis_outcome_washout": "inf",
        "analysis_repeated_events": "FALSE",
        "analysis_complete_database_intervals": "TRUE",
        "analysis_censor_cohort_name": "None",
        "denominator_age_group": "0 to 150",
        "denominator_sex": "Male",
        "denominator_days_prior_observation": "0",
        "denominator_requirements_at_entry": "FALSE",
        "denominator_target_cohort_name": "None",
        "denominator_time_at_risk": "0 to Inf",
        "denominator_start_date": "2020-01-01",
    }


def test_survival_estimates_and_events(result: SummarisedResult) -> None:
    """One event among four on day 0, and then nobody's; limits are those of R's log-log."""
    estimates = _of(result, "survival_estimates")
    assert {
        (one.group_name, one.group_level, one.additional_name, one.variable_name)
        for one in estimates
    } == {("target_cohort", "users", "time", "outcome")}
    assert {one.variable_level for one in estimates} == {"bleed"}
    assert [(one.additional_level, one.estimate_name, one.estimate_value) for one in estimates] == [
        (day, name, value)
        for day in ("0", "3", "5")
        for name, value in (
            ("estimate", "0.75"),
            ("estimate_95CI_lower", "0.127947"),
            ("estimate_95CI_upper", "0.960549"),
        )
    ]
    events = _of(result, "survival_events")
    names = ("n_risk_count", "n_events_count", "n_censor_count")
    found = [(one.additional_level, one.estimate_name, one.estimate_value) for one in events]
    assert found == [
        (day, name, value)
        for day, values in (("0", "410"), ("3", "301"), ("5", "202"))
        for name, value in zip(names, values, strict=True)
    ]


def test_survival_summary(result: SummarisedResult) -> None:
    """Four persons: one has the event on day 0, so that 3.75 days of 5 are expected without it."""
    rows = _of(result, "survival_summary")
    assert {one.additional_name for one in rows} == {"overall"}
    found = {one.estimate_name: one.estimate_value for one in rows}
    assert found["number_records_count"] == "4"
    assert found["n_events_count"] == "1"
    assert (found["q05_survival"], found["q25_survival"]) == ("0", "0")
    assert (found["median_survival"], found["q95_survival"]) == ("NA", "NA")
    # The area after day 0 is 3.75; its error is 3.75 sqrt(1 / (4 * 3)).
    assert found["restricted_mean_survival"] == "3.75"
    assert found["restricted_mean_survival_95CI_lower"] == "1.63"
    assert found["restricted_mean_survival_95CI_upper"] == "5.87"


def test_survival_attrition(result: SummarisedResult) -> None:
    rows = _of(result, "survival_attrition", group_level="users", variable_name="number_subjects")
    assert [(one.strata_level, one.additional_level, one.estimate_value) for one in rows] == [
        ("Initial qualifying events", "1", "4"),
        ("No outcome event in washout period", "2", "4"),
        ("Survival days for outcome less than 0", "3", "4"),
    ]
    nobody = _of(result, "survival_attrition", group_level="nobody")
    assert {one.estimate_value for one in nobody} == {"0"}


def test_survival_settings_are_those_of_cohort_survival(result: SummarisedResult) -> None:
    settings = {one.result_type: one.extra for one in result.settings}
    extra = settings["survival_events"]
    assert {name: extra[name] for name in extra if not name.startswith(("study", "snap"))} == {
        "group": "target_cohort",
        "additional": "time",
        "eventgap": "3",
        "analysis_type": "single_event",
        "outcome": "bleed",
        "competing_outcome": "none",
        "outcome_date_variable": "cohort_start_date",
        "outcome_washout": "Inf",
        "censor_on_cohort_exit": "TRUE",
        "event_censor_tie": "event",
        "follow_up_days": "5",
        "minimum_survival_days": "0",
        "restricted_mean_follow_up": "5",
    }
    assert settings["survival_attrition"]["strata"] == "reason"
