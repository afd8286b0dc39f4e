"""The attacker subtracts counts of CohortIncidence: exclusion, outcomes, groups and results.

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
GROUP = "target_cohort_name &&& outcome_cohort_name"
DENOMINATOR = (
    "persons_at_risk_pe",
    "persons_at_risk",
    "persons_excluded_days",
    "person_days_pe",
    "person_days",
)
OUTCOME = ("person_outcomes_pe", "person_outcomes", "outcomes_pe", "outcomes")
ALL = ("overall", "overall", "overall")
NAMES = ("age_group", "sex", "start_year")

Labels = tuple[str, str, str]
Counts = tuple[int, ...]
"""The estimates of one group, in the order of ``DENOMINATOR`` and ``OUTCOME``."""


def counts(
    persons: int,
    having: int = 0,
    *,
    wholly: int = 0,
    partly: int = 0,
    excluded_only: int = 0,
    more: int = 0,
    excluded_outcomes: int | None = None,
    days: int | None = None,
) -> Counts:
    """A group of persons at risk, some with an outcome; besides them persons wholly excluded.

    ``excluded_only`` have excluded outcomes only; ``more`` are counted outcomes beyond the first of
    each person.
    """
    out = excluded_only if excluded_outcomes is None else excluded_outcomes
    at_risk = 100 * persons - 10 * partly if days is None else days
    return (
        persons + wholly,
        persons,
        wholly + partly,
        100 * (persons + wholly),
        at_risk,
        having + excluded_only,
        having,
        having + more + out,
        having + more,
    )


def added(*groups: Counts) -> Counts:
    return tuple(map(sum, zip(*groups, strict=True)))


def result(
    groups: Mapping[Labels, Counts], *, target: str = "users", outcome: str = "bleed", **extra: str
) -> SummarisedResult:
    rows = []
    for labels, values in groups.items():
        named = [(name, one) for name, one in zip(NAMES, labels, strict=True) if one != "overall"]
        name, level = (
            (" &&& ".join(part) for part in zip(*named, strict=True))
            if named
            else (
                "overall",
                "overall",
            )
        )
        found = dict(zip((*DENOMINATOR, *OUTCOME), values, strict=True))
        shares = {
            "incidence_proportion_p100p": found["person_outcomes"] / max(1, values[1]),
            "incidence_rate_p100py": found["outcomes"] / max(1, values[4]),
        }
        for estimate, value in {**found, **shares}.items():
            variable = "Denominator" if estimate in DENOMINATOR else "Outcome"
            place = ("hub", GROUP, f"{target} &&& {outcome}", name, level, variable, None)
            rows.append(ResultRow(1, *place, estimate, "numeric", str(value)))
    settings = ResultSettings(1, "cohort_incidence", "laennec", "0", {"study_result": "r", **extra})
    return SummarisedResult(tuple(rows), (settings,))


def exclusion(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Persons wholly, partly and not excluded."""
    wholly, partly, never = cells
    made = result({ALL: counts(partly + never, wholly=wholly, partly=partly)})
    return made, (*cells, wholly + partly, partly + never, wholly + partly + never)


def outcomes(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Persons with counted outcomes, with excluded ones only, and without."""
    having, only, never = cells
    made = result({ALL: counts(sum(cells), having, excluded_only=only)})
    return made, (*cells, having + only, only + never, sum(cells))


def by_sex(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Women and men with and without an outcome, and persons of unknown sex."""
    have_w, lack_w, have_m, lack_m, unknown = cells
    women, men = counts(have_w + lack_w, have_w), counts(have_m + lack_m, have_m)
    groups = {
        ALL: added(women, men, counts(unknown)),
        ("overall", "Female", "overall"): women,
        ("overall", "Male", "overall"): men,
    }
    return result(groups), (*cells, have_w + lack_w, have_m + lack_m, have_w + have_m)


def by_age(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Persons in one age group each, or of unknown age, with and without an outcome."""
    have_young, lack_young, have_old, lack_old, unknown = cells
    young, old = counts(have_young + lack_young, have_young), counts(have_old + lack_old, have_old)
    groups = {
        ALL: added(young, old, counts(unknown)),
        ("0 to 17", "overall", "overall"): young,
        ("18 to 150", "overall", "overall"): old,
    }
    return result(groups), (*cells, have_young + lack_young, have_old + lack_old)


CASES: dict[str, tuple[Rows, int, int]] = {
    "exclusion": (exclusion, 3, 12),
    "outcomes": (outcomes, 3, 12),
    "by sex": (by_sex, 5, 6),
    "by age": (by_age, 5, 6),
}


@pytest.mark.parametrize("name", CASES)
def test_every_small_count_and_difference_keeps_two_values(name: str) -> None:
    # Days are no counts of persons, and tell which table it is by themselves.
    check_rows_keep_two_values(*CASES[name], seen=(*DENOMINATOR[:3], *OUTCOME))


def hidden(made: SummarisedResult, target: str = "users") -> set[str]:
    """Names of hidden estimates of everybody in one target."""
    return {
        one.estimate_name
        for one in check(made, ELEVEN).published.rows
        if one.estimate_value == HIDDEN
        and one.strata_name == "overall"
        and one.group_level.startswith(target)
    }


def test_what_is_large_is_shown() -> None:
    large = counts(500, 60, wholly=20, partly=40, excluded_only=15, more=30)
    assert hidden(result({ALL: large})) == set()


def test_few_repeated_outcomes_hide_the_outcomes_and_their_rate() -> None:
    found = hidden(result({ALL: counts(500, 60, more=4)}))
    assert {"outcomes", "incidence_rate_p100py"} <= found
    assert "person_outcomes" not in found


def test_few_excluded_outcomes_hide_those_before_exclusion() -> None:
    found = hidden(result({ALL: counts(500, 60, more=30, partly=60, excluded_outcomes=5)}))
    assert "outcomes_pe" in found
    assert "outcomes" not in found


def test_excluded_days_of_few_persons_hide_the_days_before_exclusion() -> None:
    found = hidden(result({ALL: counts(500, 60, partly=4)}))
    assert {"persons_excluded_days", "person_days_pe"} <= found
    assert "person_days" not in found


def test_a_group_hides_with_few_its_days_and_those_of_another() -> None:
    few, many = counts(3, 0), counts(200, 40)
    groups = {
        ALL: added(few, many, many),
        ("overall", "Female", "overall"): few,
        ("overall", "Male", "overall"): many,
    }
    published = check(result(groups), ELEVEN).published.rows
    shown = {
        (one.strata_level, one.estimate_name) for one in published if one.estimate_value != HIDDEN
    }
    for name in ("persons_at_risk", "person_days", "person_days_pe"):
        assert ("Female", name) not in shown
        assert ("overall", name) in shown


def test_age_groups_in_which_persons_are_twice_bound_one_another() -> None:
    """Of 300 persons 290 are in one group and 20 in the other: ten of them are in both."""
    few, some, many = counts(4), counts(60), counts(290)
    groups = {
        ALL: counts(300),
        ("0 to 17", "overall", "overall"): few,
        ("18 to 64", "overall", "overall"): some,
        ("65 to 150", "overall", "overall"): many,
    }
    published = check(result(groups), ELEVEN).published.rows
    shown = {
        one.strata_level
        for one in published
        if one.estimate_name == "persons_at_risk" and one.estimate_value != HIDDEN
    }
    assert shown == {"overall"}


def test_two_results_that_differ_by_few_persons_are_kept_apart() -> None:
    """One day more at risk, and the persons of that day come by subtraction."""
    one = result({ALL: counts(500, 60)}, tar_end_offset="30")
    other = result({ALL: counts(497, 57)}, study_result="s", tar_end_offset="29")
    published = check(bind([one, other]), ELEVEN).published.rows
    values = [row.estimate_value for row in published if row.estimate_name == "persons_at_risk"]
    assert values == ["500", HIDDEN]
    having = [row.estimate_value for row in published if row.estimate_name == "person_outcomes"]
    assert having == ["60", HIDDEN]
    days = [row.estimate_value for row in published if row.estimate_name == "person_days"]
    assert days == ["50000", HIDDEN], "the difference would be the days of three persons"


def test_few_without_time_at_risk_are_kept_from_the_size_of_the_cohort() -> None:
    size = ResultRow(
        1,
        "hub",
        "cohort_name",
        "users",
        "overall",
        "overall",
        "Number subjects",
        None,
        "count",
        "integer",
        "505",
    )
    count = SummarisedResult(
        (size,), (ResultSettings(1, "summarise_cohort_count", "laennec", "0", {}),)
    )
    assert "persons_at_risk_pe" in hidden(bind([count, result({ALL: counts(500, 60)})]))


def test_targets_that_a_set_operation_links_are_refused() -> None:
    made = {"combined_cohorts": "rest = difference of days (users, patients)"}
    both = [result({ALL: counts(500)}, target=one, **made) for one in ("users", "rest")]
    with pytest.raises(PolicyError, match="two targets"):
        check(bind(both), ELEVEN)


def test_what_is_incomplete_or_of_no_known_form_is_refused() -> None:
    made = result({ALL: counts(500, 60), ("overall", "Female", "overall"): counts(300, 40)})
    with pytest.raises(PolicyError, match="lacks one of its counts"):
        check(SummarisedResult(made.rows[1:], made.settings), ELEVEN)
    for name, level in (("sex", "Woman"), ("start_year", "20201"), ("age_group", "old")):
        odd = [
            replace(row, strata_name=name, strata_level=level) if row.strata_name == "sex" else row
            for row in made.rows
        ]
        with pytest.raises(PolicyError):
            check(SummarisedResult(tuple(odd), made.settings), ELEVEN)
    overlapping = {ALL: counts(500)} | {
        (ages, "overall", "overall"): counts(200) for ages in ("0 to 50", "50 to 150")
    }
    with pytest.raises(PolicyError, match="overlap"):
        check(result(overlapping), ELEVEN)


def test_more_in_a_part_than_in_the_whole_is_refused() -> None:
    values = dict(zip((*DENOMINATOR, *OUTCOME), counts(500, 60), strict=True))
    values["person_outcomes"] = 61
    with pytest.raises(PolicyError):
        check(result({ALL: tuple(values.values())}), ELEVEN)
