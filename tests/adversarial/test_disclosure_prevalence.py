"""The attacker subtracts prevalences: sexes, ages, intervals, persons without the outcome.

Small tables are enumerated and judged whole, as ``check`` does, with a threshold of 3: tables with
one published output are what the attacker cannot tell apart.
"""

from collections.abc import Mapping

import pytest

from adversarial.brute_force import Cells, Rows, check_rows_keep_two_values
from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.calendars import time_branches, widened
from laennec.disclosure.cubes import Branch
from laennec.disclosure.kinds import HIDDEN
from laennec.omop.summarised_result import (
    ResultRow,
    ResultSettings,
    SummarisedResult,
    bind,
)

ELEVEN = load_profile("france-11")
YEAR = "2020-01-01 &&& 2020-12-31 &&& years"
MARCH = "2020-03-01 &&& 2020-03-31 &&& months"
WEEK = "2020-03-09 &&& 2020-03-15 &&& weeks"
DAY = "2020-01-01 &&& 2020-01-01 &&& years"
NAMES = "prevalence_start_date &&& prevalence_end_date &&& analysis_interval"
GROUP = "denominator_cohort_name &&& outcome_cohort_name"

Place = tuple[str, str, str]
"""Sex, age group and interval."""
Shares = Mapping[Place, tuple[int, int]]
"""Persons looked at, and those of them who have the outcome."""


def prevalence(
    kind: str, shares: Shares, *, outcome: str = "bleed", **extra: str
) -> SummarisedResult:
    analyses = list(dict.fromkeys(place[:2] for place in shares))
    rows, settings = [], []
    for number, (sex, ages) in enumerate(analyses, start=1):
        said = {"denominator_sex": sex, "denominator_age_group": ages, **extra}
        settings.append(ResultSettings(number, kind, "laennec", "0", said))
        for place, (persons, having) in shares.items():
            if place[:2] == (sex, ages):
                for variable, estimate, value in (
                    ("Denominator", "denominator_count", str(persons)),
                    ("Outcome", "outcome_count", str(having)),
                    ("Outcome", "prevalence", str(having / max(persons, 1))),
                ):
                    rows.append(
                        ResultRow(
                            number,
                            "hub",
                            GROUP,
                            f"general_population &&& {outcome}",
                            "overall",
                            "overall",
                            variable,
                            None,
                            estimate,
                            "numeric",
                            value,
                            NAMES,
                            place[2],
                        )
                    )
    return SummarisedResult(tuple(rows), tuple(settings))


def parted(parts: Mapping[tuple[str, str], tuple[int, int]], when: str) -> Shares:
    """The parts, and under ``Both`` of all ages their sum."""
    shares = {(*part, when): counts for part, counts in parts.items()}
    total = tuple(sum(one[n] for one in parts.values()) for n in range(2))
    return {("Both", "0 to 150", when): (total[0], total[1])} | shares


def by_sex(cells: Cells) -> tuple[SummarisedResult, Cells]:
    have_w, lack_w, have_m, lack_m = cells
    women, men = (have_w + lack_w, have_w), (have_m + lack_m, have_m)
    parts = {("Female", "0 to 150"): women, ("Male", "0 to 150"): men}
    derived = (*cells, have_w + have_m, lack_w + lack_m, have_w + lack_w, have_m + lack_m)
    return prevalence("period_prevalence", parted(parts, YEAR)), derived


def by_age(cells: Cells) -> tuple[SummarisedResult, Cells]:
    have_young, lack_young, have_old, lack_old = cells
    young, old = (have_young + lack_young, have_young), (have_old + lack_old, have_old)
    parts = {("Both", "0 to 17"): young, ("Both", "18 to 150"): old}
    return prevalence("point_prevalence", parted(parts, DAY)), (*cells, young[0], old[0])


def nested(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Who has the outcome in a week, in its month only, and never; all are seen all the time."""
    in_week, in_month, never = cells
    persons = sum(cells)
    place = ("Both", "0 to 150")
    shares = {(*place, WEEK): (persons, in_week), (*place, MARCH): (persons, in_week + in_month)}
    return prevalence("period_prevalence", shares), (*cells, in_week + in_month, in_month + never)


CASES: dict[str, tuple[Rows, int, int]] = {
    "by sex": (by_sex, 4, 8),
    "by age on a day": (by_age, 4, 8),
    "a week in a month": (nested, 3, 12),
}


@pytest.mark.parametrize("name", CASES)
def test_every_small_count_and_difference_keeps_two_values(name: str) -> None:
    check_rows_keep_two_values(*CASES[name])


def hidden(result: SummarisedResult) -> set[tuple[str, str, str]]:
    """Hidden estimates by result, name and interval."""
    published = check(result, ELEVEN).published.rows
    return {
        (one.group_level.split(" &&& ")[1], one.estimate_name, one.additional_level)
        for one in published
        if one.estimate_value == HIDDEN
    }


BOTH = ("Both", "0 to 150")


def test_large_counts_are_published_with_their_shares() -> None:
    shares = {(*BOTH, YEAR): (1000, 100), (*BOTH, MARCH): (900, 40), (*BOTH, WEEK): (880, 20)}
    assert hidden(prevalence("period_prevalence", shares)) == set()


def test_a_share_is_hidden_with_its_count() -> None:
    found = hidden(prevalence("period_prevalence", {(*BOTH, YEAR): (1000, 5)}))
    assert found == {("bleed", "outcome_count", YEAR), ("bleed", "prevalence", YEAR)}


def test_few_without_the_outcome_hide_those_who_have_it() -> None:
    found = hidden(prevalence("period_prevalence", {(*BOTH, YEAR): (1000, 995)}))
    assert ("bleed", "outcome_count", YEAR) in found


def test_few_between_persons_and_records_hide_the_persons() -> None:
    persons = prevalence("period_prevalence", {(*BOTH, YEAR): (1000, 100)}, analysis_level="person")
    records = prevalence("period_prevalence", {(*BOTH, YEAR): (1005, 100)}, analysis_level="record")
    assert ("bleed", "denominator_count", YEAR) in hidden(bind([persons, records]))
    far = prevalence("period_prevalence", {(*BOTH, YEAR): (1100, 150)}, analysis_level="record")
    assert hidden(bind([persons, far])) == set()


def test_few_between_a_day_and_its_year_hide_the_day() -> None:
    year = prevalence("period_prevalence", {(*BOTH, YEAR): (1000, 100)})
    day = prevalence("point_prevalence", {(*BOTH, DAY): (994, 60)})
    estimates = ("denominator_count", "outcome_count", "prevalence")
    assert hidden(bind([year, day])) == {("bleed", one, DAY) for one in estimates}


def test_few_between_all_and_those_who_are_there_all_the_time_hide_the_latter() -> None:
    some = prevalence("period_prevalence", {(*BOTH, YEAR): (1000, 100)})
    whole = prevalence(
        "period_prevalence", {(*BOTH, YEAR): (995, 60)}, analysis_full_contribution="TRUE"
    )
    assert ("bleed", "denominator_count", YEAR) in hidden(bind([some, whole]))


def test_persons_hidden_for_one_outcome_are_hidden_for_another() -> None:
    few = {(*BOTH, YEAR): (8, 0)}
    found = hidden(
        bind(
            [
                prevalence("period_prevalence", few),
                prevalence("period_prevalence", few, outcome="ulcer"),
            ]
        )
    )
    assert {("bleed", "denominator_count", YEAR), ("ulcer", "denominator_count", YEAR)} <= found


def test_an_interval_is_published_whole() -> None:
    cut = "2020-03-05 &&& 2020-03-31 &&& months"
    rows = check(prevalence("period_prevalence", {(*BOTH, cut): (100, 50)}), ELEVEN).published.rows
    assert {one.additional_level for one in rows} == {MARCH}


@pytest.mark.parametrize(
    "level",
    [
        "2020-01-01 &&& 2020-01-01 &&& days",
        "2020-01-01 &&& 2019-01-01 &&& years",
        "spring &&& 2020-01-01 &&& years",
        "2020-01-01 &&& years",
        YEAR,
    ],
)
def test_intervals_that_no_rule_knows_are_refused(level: str) -> None:
    with pytest.raises(PolicyError):
        check(prevalence("point_prevalence", {(*BOTH, level): (100, 50)}), ELEVEN)


def test_more_who_have_the_outcome_than_are_looked_at_are_refused() -> None:
    with pytest.raises(PolicyError):
        check(prevalence("period_prevalence", {(*BOTH, YEAR): (100, 150)}), ELEVEN)


def test_intervals_are_made_of_the_finer_ones_inside_them() -> None:
    quarter = ("2020-01", "2020-02", "2020-03")
    found = time_branches([*quarter, "2020-04", "2020-Q1", "2020", "2021", "overall"])
    assert {(one.total, one.parts) for one in found} == {
        ("overall", ("2020", "2021", ("rest", "overall", "2020", "2021"))),
        ("2020", ("2020-Q1", ("rest", "2020", "2020-Q1"))),
        ("2020", ("2020-04", ("rest", "2020", "2020-04"))),
        ("2020-Q1", quarter),
    }
    weeks = ("2020-W01", "2020-W02")
    assert time_branches([*weeks, "overall"]) == [
        Branch("overall", (*weeks, ("rest", "overall", *weeks)))
    ]


def test_overall_is_widened_to_whole_years() -> None:
    assert widened("2020-03-05 &&& 2021-02-01 &&& overall") == (
        "2020-01-01 &&& 2021-12-31 &&& overall"
    )
