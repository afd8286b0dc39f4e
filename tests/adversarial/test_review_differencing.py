"""A study as an attack: sets made to differ by one person, and values that are one person's."""

from dataclasses import replace

import pytest

from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN, MAX_ROWS
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

PROFILE = load_profile("france-11")
OVERALL = ("overall", "overall")


def _row(
    group: tuple[str, str],
    variable: str,
    estimate: str,
    value: object,
    *,
    level: str | None = None,
    strata: tuple[str, str] = OVERALL,
    additional: tuple[str, str] = OVERALL,
) -> ResultRow:
    return ResultRow(
        1, "hub", *group, *strata, variable, level, estimate, "numeric", str(value), *additional
    )


def _result(kind: str, rows: list[ResultRow], **extra: str) -> SummarisedResult:
    return SummarisedResult(tuple(rows), (ResultSettings(1, kind, "laennec", "0", extra),))


def _cohort(name: str, size: int, women: int) -> SummarisedResult:
    group = ("cohort_name", name)
    rows = [_row(group, "Number subjects", "count", size)]
    for sex, n in (("Female", women), ("Male", size - women), ("None", 0)):
        rows.append(_row(group, "Sex", "count", n, level=sex))
        rows.append(_row(group, "Sex", "percentage", 100 * n / size, level=sex))
    rows += [_row(group, "Age", one, 50.25) for one in ("mean", "sd", "median")]
    return _result("summarise_characteristics", rows)


def _attrition(name: str, *steps: tuple[str, int]) -> SummarisedResult:
    rows = [
        _row(
            ("cohort_name", name),
            "number_subjects",
            "count",
            left,
            strata=("reason", reason),
            additional=("reason_id", str(n)),
        )
        for n, (reason, left) in enumerate(steps, start=1)
    ]
    return _result("summarise_cohort_attrition", rows)


def _incidence(result: str, ages: str, persons: int, events: int, **extra: str) -> SummarisedResult:
    group = (
        "denominator_cohort_name &&& outcome_cohort_name",
        "general_population &&& bleed",
    )
    when = (
        "incidence_start_date &&& incidence_end_date &&& analysis_interval",
        "2001-01-01 &&& 2001-12-31 &&& years",
    )
    rows = [
        _row(group, "Denominator", "denominator_count", persons, additional=when),
        _row(group, "Denominator", "person_days", 300 * persons, additional=when),
        _row(group, "Outcome", "outcome_count", events, additional=when),
    ]
    own = {"denominator_sex": "Both", "denominator_age_group": ages, "study_result": result}
    return _result("incidence", rows, **own, **extra)


def _curve(cohort: str, *points: tuple[int, int, int]) -> SummarisedResult:
    """Points are (at risk, events, censored), a day apart."""
    counts: list[ResultRow] = []
    estimates: list[ResultRow] = []
    for day, (at_risk, events, censored) in enumerate(points):
        for estimate, value in (
            ("n_risk_count", at_risk),
            ("n_events_count", events),
            ("n_censor_count", censored),
            ("estimate", 0.1),
        ):
            group = ("target_cohort", cohort)
            made = _row(group, "outcome", estimate, value, additional=("time", str(day)))
            rows = estimates if estimate == "estimate" else counts
            rows.append(replace(made, variable_level="bleed"))
    return bind(
        [
            _result("survival_events", counts, outcome="bleed"),
            _result("survival_estimates", estimates, outcome="bleed"),
        ]
    )


def _shown(given: SummarisedResult, word: str) -> list[str]:
    """Published values of rows whose group or result has the word."""
    named = {one.result_id for one in given.settings if one.extra.get("study_result") == word}
    return [
        one.estimate_value
        for one in check(given, PROFILE).published.rows
        if one.estimate_value != HIDDEN
        and (one.result_id in named or word in one.group_level.split(" &&& "))
    ]


def test_two_cohorts_that_differ_by_one_day_of_entry_are_not_both_described() -> None:
    both = bind([_cohort("a", 1000, 520), _cohort("b", 999, 519)])
    assert _shown(both, "a")
    assert not _shown(both, "b"), "the sex and the age of one person would come out"


@pytest.mark.parametrize("between", [1, 10])
def test_the_larger_cohort_stays_whichever_comes_first(between: int) -> None:
    both = bind([_cohort("b", 1000 - between, 500), _cohort("a", 1000, 520)])
    assert _shown(both, "a")
    assert not _shown(both, "b")


def test_cohorts_of_one_size_or_of_sizes_far_apart_are_both_described() -> None:
    for size in (1000, 989):
        both = bind([_cohort("a", 1000, 520), _cohort("b", size, 500)])
        assert len(_shown(both, "a")) == len(_shown(both, "b")) > 0


def test_two_attritions_do_not_tell_by_a_step_in_between() -> None:
    start, day = ("Has an entry event", 2000), "entry"
    both = bind(
        [
            _attrition("a", start, (day, 1000), ("women", 600)),
            _attrition("b", start, (day, 999), ("treated", 400)),
        ]
    )
    values = _shown(both, "a") + _shown(both, "b")
    assert not {"1000", "999"} <= set(values)
    assert {"600", "400"} <= set(values)


def test_age_groups_of_two_results_are_compared() -> None:
    both = bind([_incidence("one", "0 to 65", 1003, 103), _incidence("two", "0 to 64", 1000, 102)])
    assert _shown(both, "one")
    assert not {"1000", "102", "300000"} & set(_shown(both, "two"))


def test_a_washout_shifted_by_a_day_tells_nobody() -> None:
    both = bind(
        [
            _incidence("one", "0 to 150", 5003, 200, analysis_outcome_washout="365"),
            _incidence("two", "0 to 150", 5000, 199, analysis_outcome_washout="366"),
        ]
    )
    assert not {"5000", "199", "1500000"} & set(_shown(both, "two"))


def test_persons_of_one_age_do_not_come_out_of_nested_groups() -> None:
    both = bind([_incidence("one", "0 to 65", 1003, 103), _incidence("one", "0 to 64", 1000, 80)])
    shown = set(_shown(both, "one"))
    assert not {"1003", "1000"} <= shown
    assert not {"300900", "300000"} <= shown, "the days of three persons are 900"


def test_two_curves_that_differ_by_one_person_are_not_both_drawn() -> None:
    points = ((0, 0), (20, 0), (20, 20))
    both = bind(
        [
            _curve(name, *((start, *one) for one in points))
            for name, start in (("a", 500), ("b", 499))
        ]
    )
    assert _shown(both, "a")
    assert not _shown(both, "b")


def test_the_end_of_a_curve_does_not_tell_the_longest_follow_up() -> None:
    ends = [(500, 0, 0), (500, 40, 20)]
    for length in (3, 300):
        tail = [*[(440, 0, 0)] * 1, *[(5, 0, 0)] * length, (0, 0, 5)]
        review = check(_curve("a", *ends, *tail), PROFILE)
        days = {int(one.additional_level) for one in review.published.rows}
        assert days == {0, 1, 2}
        hidden = sum(one.estimate_value == HIDDEN for one in review.published.rows)
        assert len(review.findings) == hidden, "nor does the number of what is hidden"


def test_a_hidden_curve_has_one_point_whatever_its_length() -> None:
    for length in (1, 50):
        review = check(_curve("a", *[(7, 0, 0)] * length), PROFILE)
        assert {one.additional_level for one in review.published.rows} == {"0"}


def test_a_quantile_of_days_is_not_one_persons() -> None:
    group = ("cohort_name", "a")
    rows = [_row(group, "Number subjects", "count", 1000)]
    rows += [
        _row(group, variable, estimate, 1237)
        for variable in ("Prior observation", "Future observation")
        for estimate in ("q25", "median", "q75")
    ]
    review = check(_result("summarise_characteristics", rows), PROFILE)
    assert {one.estimate_value for one in review.published.rows[1:]} == {"1230"}
    assert review.published.settings[0].extra["quantiles_of_days_rounded_to"] == "30"


def test_too_many_estimates_are_refused_at_once() -> None:
    rows = [_row(("cohort_name", "a"), "Number subjects", "count", 100)] * (MAX_ROWS + 1)
    with pytest.raises(PolicyError, match="more than can be judged"):
        check(_result("summarise_characteristics", rows), PROFILE)
