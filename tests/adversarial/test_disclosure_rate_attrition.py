"""The attacker subtracts the steps of attritions: from one another, from rates, between the sexes.

Small tables are enumerated and judged whole, as ``check`` does, with a threshold of 3: tables with
one published output are what the attacker cannot tell apart.
"""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from adversarial.brute_force import Cells, Rows, check_rows_keep_two_values
from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

ELEVEN = load_profile("france-11")
GROUP = "denominator_cohort_name &&& outcome_cohort_name"
REASONS = {1: "Starting population", 5: "Observed", 8: "Not", 10: "Seen", 12: "Washout"}
YEAR = "2020-01-01 &&& 2020-12-31 &&& years"
OVERALL = "2020-01-01 &&& 2021-12-31 &&& overall"


def settings(kind: str, sex: str, **extra: str) -> ResultSettings:
    said = {"denominator_sex": sex, "denominator_age_group": "0 to 150", "study_result": "rate"}
    return ResultSettings(1, kind, "laennec", "0", {**said, **extra})


def attrition(sex: str, left: Mapping[int, int], **extra: str) -> SummarisedResult:
    rows, before = [], None
    for step, n in left.items():
        out = 0 if before is None else before - n
        for variable, value in (("number_subjects", n), ("excluded_subjects", out)):
            reason = f"{REASONS[step]} {sex}" if step == 8 else REASONS[step]
            place = ("hub", GROUP, "general_population &&& bleed", "reason", reason, variable, None)
            rows.append(
                ResultRow(1, *place, "count", "integer", str(value), "reason_id", str(step))
            )
        before = n
    return SummarisedResult(tuple(rows), (settings("incidence_attrition", sex, **extra),))


def at_risk(persons: Mapping[str, int], sex: str = "Both") -> SummarisedResult:
    names = "incidence_start_date &&& incidence_end_date &&& analysis_interval"
    rows = [
        ResultRow(
            1,
            "hub",
            GROUP,
            "general_population &&& bleed",
            "overall",
            "overall",
            "Denominator",
            None,
            "denominator_count",
            "integer",
            str(n),
            names,
            interval,
        )
        for interval, n in persons.items()
    ]
    return SummarisedResult(tuple(rows), (settings("incidence", sex),))


def summed(*after: int) -> list[int]:
    """The persons left after each step, from those who are excluded, and those who stay, last."""
    return [sum(after[n:]) for n in range(len(after))]


def alone(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Excluded by the second, third and fourth step, and who stays."""
    left = summed(*cells)
    return attrition("Both", dict(zip((1, 5, 10, 12), left, strict=True))), (*cells, *left)


def by_sex(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Women and men, excluded by the washout or not."""
    women_out, women, men_out, men = cells
    seen_women, seen_men = women_out + women, men_out + men
    both = {5: seen_women + seen_men, 10: seen_women + seen_men, 12: women + men}
    parts = [
        attrition("Both", both),
        attrition("Female", {5: both[5], 8: seen_women, 10: seen_women, 12: women}),
        attrition("Male", {5: both[5], 8: seen_men, 10: seen_men, 12: men}),
    ]
    return bind(parts), (*cells, seen_women, seen_men, women_out + men_out)


def beside_the_rate(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Excluded by the washout; of the others some are at risk in the year, and some are not."""
    out, later, in_year = cells
    steps = attrition("Both", {10: sum(cells), 12: later + in_year})
    rates = at_risk({OVERALL: later + in_year, YEAR: in_year})
    return bind([steps, rates]), (*cells, out + later, later + in_year)


def size(persons: int) -> SummarisedResult:
    """The number of persons of a cohort."""
    place = ("hub", "cohort_name", "users", "overall", "overall", "Number subjects", None)
    row = ResultRow(1, *place, "count", "integer", str(persons))
    about = ResultSettings(1, "summarise_cohort_count", "laennec", "0", {})
    return SummarisedResult((row,), (about,))


def in_a_cohort(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Members of a cohort that are excluded by the first or the second step, and who stays."""
    left = summed(*cells)
    steps = attrition(
        "Both", dict(zip((1, 10, 12), left, strict=True)), denominator_target_cohort_name="users"
    )
    return bind([size(left[0]), steps]), (*cells, *left, cells[0] + cells[1])


CASES: dict[str, tuple[Rows, int, int]] = {
    "alone": (alone, 4, 9),
    "by sex": (by_sex, 4, 8),
    "in a cohort": (in_a_cohort, 3, 12),
    "beside the rate": (beside_the_rate, 3, 12),
}


@pytest.mark.parametrize("name", CASES)
def test_every_small_count_and_difference_keeps_two_values(name: str) -> None:
    check_rows_keep_two_values(*CASES[name])


def shown(result: SummarisedResult) -> dict[tuple[str, str], str]:
    """Published counts of attritions by step and variable."""
    return {
        (one.additional_level, one.variable_name): one.estimate_value
        for one in check(result, ELEVEN).published.rows
        if one.estimate_value != HIDDEN and one.additional_name == "reason_id"
    }


def test_what_is_large_is_shown() -> None:
    made = attrition("Both", {1: 1000, 5: 900, 10: 800, 12: 600})
    assert len(shown(made)) == 8


def test_few_who_are_excluded_hide_every_step() -> None:
    assert shown(attrition("Both", {1: 1000, 5: 900, 10: 800, 12: 796})) == {}


def test_few_who_are_excluded_from_a_cohort_leave_it_as_it_is() -> None:
    named = {"denominator_target_cohort_name": "users"}
    made = bind([size(1000), attrition("Both", {1: 1000, 10: 1000, 12: 996}, **named)])
    assert check(made, ELEVEN).published.rows[0].estimate_value == "1000"
    assert shown(made) == {}


def test_women_and_men_and_both_are_hidden_together() -> None:
    left = {"Both": (900, 846, 700), "Female": (500, 450, 400), "Male": (400, 396, 300)}
    parts = [
        attrition(sex, dict(zip((8, 10, 12), numbers, strict=True)))
        for sex, numbers in left.items()
    ]
    assert shown(bind(parts)) == {}


@pytest.mark.parametrize("fewer", [0, 5, 10, 11])
def test_steps_near_who_is_at_risk_in_a_year_are_hidden_and_the_year_stays(fewer: int) -> None:
    made = bind([attrition("Both", {10: 800, 12: 600}), at_risk({YEAR: 600 - fewer})])
    values = {
        one.additional_level: one.estimate_value for one in check(made, ELEVEN).published.rows
    }
    assert values[YEAR] == str(600 - fewer)
    assert bool(shown(made)) == (fewer in (0, 11))


def test_a_step_does_not_tell_who_is_at_risk_where_that_is_hidden() -> None:
    hidden = at_risk({OVERALL: 600})
    rows = (replace(hidden.rows[0], estimate_value=HIDDEN),)
    made = bind([attrition("Both", {10: 800, 12: 600}), SummarisedResult(rows, hidden.settings)])
    assert check(made, ELEVEN).published.rows[-1].estimate_value == HIDDEN


def test_steps_of_populations_that_a_set_operation_links_are_hidden() -> None:
    made = {"combined_cohorts": "rest = difference of days (users, patients)"}
    both = [
        attrition(
            "Both",
            {10: n, 12: n - 50},
            denominator_target_cohort_name=one,
            study_result=one,
            **made,
        )
        for one, n in (("users", 800), ("rest", 500))
    ]
    assert shown(bind(both)) == {}


def test_what_cannot_be_told_apart_or_has_no_number_is_refused() -> None:
    made = attrition("Both", {1: 1000, 5: 900})
    with pytest.raises(PolicyError, match="same analysis"):
        check(bind([made, made]), ELEVEN)
    odd = tuple(replace(one, additional_level="last") for one in made.rows)
    with pytest.raises(PolicyError, match="number of a step"):
        check(SummarisedResult(odd, made.settings), ELEVEN)
    grown = attrition("Both", {1: 900, 5: 1000})
    rows = tuple(one for one in grown.rows if one.variable_name == "number_subjects")
    with pytest.raises(PolicyError):
        check(SummarisedResult(rows, grown.settings), ELEVEN)
