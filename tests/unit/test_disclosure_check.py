"""The rules of profile france-11 on whole results: truth tables, and the engine's own output."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import PolicyError, SettingsError
from laennec.disclosure import Profile, Rule, check, load_profile
from laennec.disclosure.curves import coarse_grid
from laennec.disclosure.kinds import HIDDEN, Role
from laennec.disclosure.rules import distribution_rule
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

PROFILE = load_profile("france-11")
COHORT = ("cohort_name", "users")
INTERVAL = "incidence_start_date &&& incidence_end_date &&& analysis_interval"
INCIDENCE = "denominator_cohort_name &&& outcome_cohort_name"


def row(
    variable: str,
    estimate: str,
    value: object,
    *,
    level: str | None = None,
    group: tuple[str, str] = COHORT,
    strata: tuple[str, str] = ("overall", "overall"),
    additional: tuple[str, str] = ("overall", "overall"),
) -> ResultRow:
    kind = "integer" if isinstance(value, int) else "numeric"
    return ResultRow(
        1, "hub", *group, *strata, variable, level, estimate, kind, str(value), *additional
    )


def result(kind: str, rows: list[ResultRow], **extra: str) -> SummarisedResult:
    return SummarisedResult(tuple(rows), (ResultSettings(1, kind, "laennec", "0", extra),))


OF_CURVE = ("outcome", "bleed")


def characteristics(
    size: int,
    *,
    sexes: Mapping[str, int] | None = None,
    flags: Mapping[str, int] | None = None,
    ages: Mapping[str, int] | None = None,
    age: tuple[str, ...] = (),
) -> SummarisedResult:
    rows = [row("Number subjects", "count", size), row("Number records", "count", size)]
    for variable, levels in (("Sex", sexes), ("Covariates", flags), ("Age group", ages)):
        for level, n in (levels or {}).items():
            rows.append(row(variable, "count", n, level=level))
            rows.append(row(variable, "percentage", 100 * n / max(size, 1), level=level))
    rows += [row("Age", estimate, 50.0) for estimate in age]
    return result("summarise_characteristics", rows)


def attrition(*left: int) -> SummarisedResult:
    rows = []
    for n, persons in enumerate(left):
        gone = left[n - 1] - persons if n else 0
        for variable, value in (
            ("number_records", persons),
            ("number_subjects", persons),
            ("excluded_records", gone),
            ("excluded_subjects", gone),
        ):
            strata, additional = ("reason", f"step {n}"), ("reason_id", str(n + 1))
            rows.append(row(variable, "count", value, strata=strata, additional=additional))
    return result("summarise_cohort_attrition", rows)


def incidence(cells: Mapping[tuple[str, str], tuple[int, int]], **extra: str) -> SummarisedResult:
    """Cells are (sex, interval) -> (persons, outcomes); everyone is at risk for 300 days."""
    parts = []
    for sex in dict.fromkeys(sex for sex, _ in cells):
        rows = []
        for (other, interval), (persons, outcomes) in cells.items():
            if other != sex:
                continue
            kind = "overall" if interval == "overall" else "years"
            year = "2001" if interval == "overall" else interval
            when = (INTERVAL, f"{year}-01-01 &&& {year}-12-31 &&& {kind}")
            for variable, estimate, value in (
                ("Denominator", "denominator_count", persons),
                ("Denominator", "person_days", 300 * persons),
                ("Denominator", "person_years", round(300 * persons / 365.25, 3)),
                ("Outcome", "outcome_count", outcomes),
                ("Outcome", "incidence_100000_pys", 1.5),
                ("Outcome", "incidence_100000_pys_95CI_lower", 1.0),
                ("Outcome", "incidence_100000_pys_95CI_upper", 2.0),
            ):
                group = (INCIDENCE, "everyone &&& bleed")
                rows.append(row(variable, estimate, value, group=group, additional=when))
        own = {"denominator_sex": sex, "denominator_age_group": "0 to 150", **extra}
        parts.append(result("incidence", rows, **own))
    return bind(parts)


def curve(*points: tuple[int, int, int]) -> SummarisedResult:
    """Points are (at risk, events, censored), 100 days apart."""
    counts, estimates = [], []
    group = ("target_cohort", "users")
    for n, (at_risk, events, censored) in enumerate(points):
        place: dict[str, Any] = {"level": "bleed", "group": group}
        place["additional"] = ("time", str(100 * n))
        counts += [
            row("outcome", estimate, value, **place)
            for estimate, value in (
                ("n_risk_count", at_risk),
                ("n_events_count", events),
                ("n_censor_count", censored),
            )
        ]
        estimates += [
            row("outcome", estimate, value, **place)
            for estimate, value in (
                ("estimate", 0.123456),
                ("estimate_95CI_lower", 0.1),
                ("estimate_95CI_upper", 0.2),
            )
        ]
    return bind(
        [
            result("survival_events", counts, outcome="bleed", eventgap="100"),
            result("survival_estimates", estimates, outcome="bleed"),
        ]
    )


def published(given: SummarisedResult) -> dict[tuple[str, ...], str]:
    """Published values by variable, level, estimate, additional level and sex."""
    review = check(given, PROFILE)
    sex = {one.result_id: one.extra.get("denominator_sex", "") for one in given.settings}
    return {
        tuple(
            part
            for part in (
                one.variable_name,
                one.variable_level or "",
                one.estimate_name,
                "" if one.additional_level == "overall" else one.additional_level,
                sex[one.result_id],
            )
            if part
        ): one.estimate_value
        for one in review.published.rows
    }


@pytest.mark.parametrize(("persons", "shown"), [(0, "0"), (1, "-"), (10, "-"), (11, "11")])
def test_a_count_is_hidden_from_1_to_10(persons: int, shown: str) -> None:
    found = published(characteristics(persons))
    assert found["Number subjects", "count"] == shown


@pytest.mark.parametrize(
    ("have", "shown"), [(0, "0"), (1, "-"), (10, "-"), (11, "11"), (89, "89"), (90, "-"), (99, "-")]
)
def test_a_flag_is_hidden_with_few_persons_on_either_side(have: int, shown: str) -> None:
    found = published(characteristics(100, flags={"statin": have}))
    assert found["Covariates", "statin", "count"] == shown
    assert (found["Covariates", "statin", "percentage"] == HIDDEN) == (shown == HIDDEN)


def test_everybody_having_a_flag_is_publishable() -> None:
    found = published(characteristics(100, flags={"statin": 100}))
    assert found["Covariates", "statin", "count"] == "100"


def test_a_small_sex_hides_the_other_and_keeps_the_zero() -> None:
    found = published(characteristics(100, sexes={"Female": 96, "Male": 4, "None": 0}))
    assert (found["Sex", "Female", "count"], found["Sex", "Male", "count"]) == (HIDDEN, HIDDEN)
    assert found["Sex", "Female", "percentage"] == HIDDEN
    assert (found["Sex", "None", "count"], found["Number subjects", "count"]) == ("0", "100")


def test_few_persons_of_unknown_sex_are_merged_with_one_sex_only() -> None:
    found = published(characteristics(100, sexes={"Female": 50, "Male": 46, "None": 4}))
    assert found["Sex", "None", "count"] == found["Sex", "Female", "count"] == HIDDEN
    assert found["Sex", "Male", "count"] == "46"


def test_age_groups_are_merged_with_their_neighbour() -> None:
    ages = {"0 to 17": 30, "18 to 64": 3, "65 to 79": 40, "80 to 150": 27, "None": 0}
    found = published(characteristics(100, ages=ages))
    shown = [found["Age group", label, "count"] for label in ages]
    assert shown == [HIDDEN, HIDDEN, "40", "27", "0"]


def test_few_persons_in_no_age_group_do_not_come_back() -> None:
    ages = {"18 to 64": 60, "65 to 150": 37, "None": 3}
    found = published(characteristics(100, ages=ages))
    assert HIDDEN in {
        found["Age group", "18 to 64", "count"],
        found["Age group", "65 to 150", "count"],
    }
    assert found["Age group", "None", "count"] == HIDDEN


@pytest.mark.parametrize(
    ("role", "persons", "rule"),
    [
        (Role.MEDIAN, 21, Rule.QUANTILE),
        (Role.MEDIAN, 22, None),
        (Role.Q25, 43, Rule.QUANTILE),
        (Role.Q25, 44, None),
        (Role.Q75, 43, Rule.QUANTILE),
        (Role.Q75, 44, None),
        (Role.MOMENT, 10, Rule.MOMENTS),
        (Role.MOMENT, 11, None),
    ],
)
def test_distributions_need_persons_on_each_side(
    role: Role, persons: int, rule: Rule | None
) -> None:
    assert distribution_rule(role, persons, PROFILE) is rule


def test_extremes_are_one_persons_value() -> None:
    found = published(characteristics(1000, age=("min", "median", "max")))
    assert [found["Age", one] for one in ("min", "median", "max")] == [HIDDEN, "50.0", HIDDEN]


def test_a_small_exclusion_is_merged_with_the_next_step() -> None:
    found = published(attrition(500, 497, 300, 300))
    left = [found["number_subjects", "count", str(n)] for n in (1, 2, 3, 4)]
    gone = [found["excluded_subjects", "count", str(n)] for n in (1, 2, 3, 4)]
    assert left == ["500", HIDDEN, "300", "300"]
    assert gone == ["0", HIDDEN, HIDDEN, "0"]


def test_few_exclusions_in_all_hide_the_start_and_keep_the_cohort() -> None:
    found = published(attrition(500, 499, 495))
    assert [found["number_subjects", "count", str(n)] for n in (1, 2, 3)] == [HIDDEN, HIDDEN, "495"]


def test_what_one_result_hides_another_does_not_tell() -> None:
    both = bind([attrition(100, 7), characteristics(7, age=("mean",))])
    found = published(both)
    assert found["Number subjects", "count"] == found["number_subjects", "count", "2"] == HIDDEN
    assert found["Age", "mean"] == HIDDEN


def test_rates_are_hidden_with_their_outcomes_and_days_are_not() -> None:
    found = published(incidence({("Both", "2001"): (400, 3)}))
    when = "2001-01-01 &&& 2001-12-31 &&& years"
    assert found["Outcome", "outcome_count", when, "Both"] == HIDDEN
    assert found["Outcome", "incidence_100000_pys", when, "Both"] == HIDDEN
    assert found["Outcome", "incidence_100000_pys_95CI_upper", when, "Both"] == HIDDEN
    assert found["Denominator", "person_days", when, "Both"] == "120000"


def test_days_of_few_persons_do_not_come_back_by_sex() -> None:
    cells = {("Both", "2001"): (400, 60), ("Female", "2001"): (395, 60), ("Male", "2001"): (5, 0)}
    found = published(incidence(cells))
    when = "2001-01-01 &&& 2001-12-31 &&& years"
    for sex in ("Female", "Male"):
        for estimate in ("denominator_count", "person_days", "person_years"):
            assert found["Denominator", estimate, when, sex] == HIDDEN
    assert found["Outcome", "incidence_100000_pys", when, "Female"] == HIDDEN
    assert found["Denominator", "person_days", when, "Both"] == "120000"


def test_few_persons_without_a_first_outcome_are_protected() -> None:
    cells = {("Both", "overall"): (100, 95)}
    when = "2001-01-01 &&& 2001-12-31 &&& overall"
    first = published(incidence(cells, analysis_repeated_events="FALSE"))
    every = published(incidence(cells, analysis_repeated_events="TRUE"))
    assert first["Outcome", "outcome_count", when, "Both"] == HIDDEN
    assert every["Outcome", "outcome_count", when, "Both"] == "95"


def test_outcomes_of_years_left_out_do_not_come_back() -> None:
    cells = {
        ("Both", "overall"): (900, 100),
        ("Both", "2001"): (500, 50),
        ("Both", "2002"): (500, 47),
    }
    found = published(incidence(cells))
    years = [
        found["Outcome", "outcome_count", f"{y}-01-01 &&& {y}-12-31 &&& years", "Both"]
        for y in (2001, 2002)
    ]
    overall = found["Outcome", "outcome_count", "2001-01-01 &&& 2001-12-31 &&& overall", "Both"]
    assert HIDDEN in {*years, overall}


def test_curve_steps_are_merged_until_they_may_be_seen() -> None:
    given = curve((500, 0, 0), (495, 5, 0), (480, 8, 12), (400, 0, 60), (12, 3, 385))
    found = published(given)
    events = [found[*OF_CURVE, "n_events_count", str(100 * n)] if n else "0" for n in range(4)]
    assert events == ["0", HIDDEN, "13", "0"]
    assert found[*OF_CURVE, "n_censor_count", "200"] == "12"
    assert found[*OF_CURVE, "estimate", "200"] == "0.1000", "the curve is coarse"


def test_a_hidden_point_shows_only_its_estimate_and_that_coarsely() -> None:
    found = published(curve((500, 0, 0), (495, 5, 0), (480, 8, 12), (400, 0, 60)))
    shown = {key: value for key, value in found.items() if key[-1] == "100" and value != HIDDEN}
    assert shown == {(*OF_CURVE, "estimate", "100"): "0.1000"}


def test_the_settings_say_to_what_a_curve_was_rounded() -> None:
    review = check(curve((500, 0, 0), (495, 5, 0), (480, 8, 12), (400, 0, 60)), PROFILE)
    assert review.published.settings[1].extra["estimates_rounded_to"] == "users: 0.05"


def test_a_hidden_point_of_few_persons_shows_nothing() -> None:
    found = published(curve((60, 0, 0), (55, 5, 0), (20, 20, 15), (0, 0, 20)))
    assert {value for key, value in found.items() if key[-1] == "100"} == {HIDDEN}
    assert found[*OF_CURVE, "estimate", "200"] == "0.1235", "nothing is coarse"


@pytest.mark.parametrize("start", [100, 267, 500, 789, 1731, 20_000])
def test_each_coarse_value_stands_for_enough_counts_of_events(start: int) -> None:
    grid = coarse_grid(start, PROFILE)
    if grid is None:
        assert start < 267
        return
    by_value: dict[int, list[int]] = {}
    for events in range(start // 4):
        by_value.setdefault(round(events / start / grid), []).append(events)
    # The last value is cut off by the range of events looked at.
    counts = [len(one) for value, one in by_value.items() if value < max(by_value)]
    assert min(counts) >= PROFILE.possible_values


def test_few_persons_left_out_of_a_curve_hide_it() -> None:
    both = bind([characteristics(503), curve((500, 0, 0), (400, 20, 80))])
    found = published(both)
    assert {value for key, value in found.items() if key[0] == "outcome"} == {HIDDEN}


def test_a_value_hidden_before_stays_hidden_and_hides_what_would_tell_it() -> None:
    given = characteristics(100, sexes={"Female": 50, "Male": 50, "None": 0})
    rows = tuple(
        replace(one, estimate_value=HIDDEN) if one.variable_level == "Male" else one
        for one in given.rows
    )
    found = published(SummarisedResult(rows, given.settings))
    assert found["Sex", "Female", "count"] == found["Sex", "Male", "count"] == HIDDEN


@pytest.mark.parametrize(
    "change",
    [
        {"variable_name": "Weight"},
        {"estimate_name": "mode"},
        {"estimate_value": "about 20"},
        {"estimate_value": "-3"},
        {"estimate_value": "1.5"},
        {"estimate_value": "٣"},
        {"strata_name": "region"},
        {"group_name": "hospital"},
        {"additional_name": "time"},
    ],
)
def test_what_is_unknown_is_refused_whole(change: dict[str, str]) -> None:
    given = characteristics(100)
    rows = (ResultRow(**{**asdict(given.rows[0]), **change}), *given.rows[1:])
    with pytest.raises(PolicyError):
        check(SummarisedResult(rows, given.settings), PROFILE)


def test_an_unknown_type_is_refused_even_without_rows() -> None:
    with pytest.raises(PolicyError, match="survival_probability"):
        check(result("survival_probability", []), PROFILE)


@pytest.mark.parametrize(
    "given",
    [
        bind([characteristics(100), characteristics(101)]),
        characteristics(100, sexes={"Female": 60, "Male": 50, "None": 0}),
        characteristics(100, flags={"statin": 101}),
        attrition(100, 120),
        bind([attrition(100, 50), characteristics(51)]),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(given: SummarisedResult) -> None:
    with pytest.raises(PolicyError):
        check(given, PROFILE)


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="france-11"):
        load_profile("france-1")


@pytest.mark.parametrize(("threshold", "possible"), [(2, 2), (11, 1), (11, 11)])
def test_a_profile_that_protects_nothing_is_refused(threshold: int, possible: int) -> None:
    with pytest.raises(ValueError, match=r"threshold|possible_values"):
        Profile("weak", 1, "", "", threshold, possible, 11, 11, 10, 4, (0.01,), 0.75, 1)


def test_findings_name_each_hidden_estimate_once() -> None:
    review = check(characteristics(100, flags={"statin": 4}, age=("min",)), PROFILE)
    hidden = [n for n, one in enumerate(review.published.rows) if one.estimate_value == HIDDEN]
    assert [one.row for one in review.findings] == hidden
    assert [one.rule for one in review.findings] == [Rule.THRESHOLD, Rule.DERIVED, Rule.EXTREME]
    (counts,) = review.counts
    assert (counts.estimates, counts.hidden, counts.left_out, counts.rewritten) == (5, 3, 0, 0)


@settings(max_examples=60, deadline=None)
@given(
    women=st.integers(0, 40),
    men=st.integers(0, 40),
    unknown=st.integers(0, 15),
    share=st.floats(0, 1),
    steps=st.lists(st.integers(0, 30), max_size=4),
)
def test_checking_is_repeatable_shows_no_small_count_and_changes_no_other(
    women: int, men: int, unknown: int, share: float, steps: list[int]
) -> None:
    size = women + men + unknown
    left = [size + sum(steps[n:]) for n in range(len(steps) + 1)]
    given = bind(
        [
            attrition(*left),
            characteristics(
                size,
                sexes={"Female": women, "Male": men, "None": unknown},
                flags={"statin": int(share * size)},
            ),
        ]
    )
    review = check(given, PROFILE)
    assert review == check(given, PROFILE)
    for before, after in zip(given.rows, review.published.rows, strict=True):
        assert replace(after, estimate_value=before.estimate_value) == before
        assert after.estimate_value in {HIDDEN, before.estimate_value}
        if after.estimate_name == "count" and after.estimate_value != HIDDEN:
            assert not PROFILE.is_small(int(after.estimate_value))


def test_cohorts_that_start_from_the_same_persons_do_not_tell_on_each_other() -> None:
    other = attrition(500, 300)
    renamed = tuple(replace(one, group_level="others") for one in other.rows)
    given = bind([attrition(500, 495), SummarisedResult(renamed, other.settings)])
    review = check(given, PROFILE)
    starts = [
        one.estimate_value
        for one in review.published.rows
        if one.variable_name == "number_subjects" and one.additional_level == "1"
    ]
    excluded = [
        one.estimate_value
        for one in review.published.rows
        if one.variable_name == "excluded_subjects" and one.additional_level == "2"
    ]
    assert starts == excluded == [HIDDEN, HIDDEN]


def test_few_persons_of_a_cohort_not_at_risk_do_not_come_back() -> None:
    cells = {("Both", "overall"): (495, 100)}
    given = incidence(cells, denominator_target_cohort_name="users")
    found = published(bind([characteristics(500), given]))
    when = "2001-01-01 &&& 2001-12-31 &&& overall"
    assert found["Denominator", "denominator_count", when, "Both"] == HIDDEN
    assert found["Denominator", "person_days", when, "Both"] == "148500"


def test_an_interval_does_not_tell_the_first_and_last_day_of_one_person() -> None:
    given = result(
        "incidence",
        [
            row(
                "Denominator",
                "denominator_count",
                500,
                group=("denominator_cohort_name &&& outcome_cohort_name", "all &&& bleed"),
                additional=(
                    "incidence_start_date &&& incidence_end_date &&& analysis_interval",
                    "1941-12-05 &&& 2019-06-28 &&& overall",
                ),
            )
        ],
        denominator_sex="Both",
        denominator_age_group="0 to 150",
    )
    (only,) = check(given, PROFILE).published.rows
    assert only.additional_level == "1941-01-01 &&& 2019-12-31 &&& overall"
