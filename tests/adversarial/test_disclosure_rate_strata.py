"""The attacker subtracts strata of rates from the whole, from one another and from their cohort.

Small tables are enumerated and judged whole, as ``check`` does, with a threshold of 3: tables with
one published output are what the attacker cannot tell apart.
"""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import pytest

from adversarial.brute_force import THREE, Cells, Rows, check_rows_keep_two_values, remember_audits
from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

ELEVEN = load_profile("france-11")
GROUP = "denominator_cohort_name &&& outcome_cohort_name"
OVERALL = "2020-01-01 &&& 2021-12-31 &&& overall"
YEAR = "2020-01-01 &&& 2020-12-31 &&& years"
NEXT = "2021-01-01 &&& 2021-12-31 &&& years"
DAY = "2020-01-01 &&& 2020-01-01 &&& years"
ADULTS = "18 to 150"
SPRING = "2020-01-01 to 2020-05-31"


class Place(NamedTuple):
    """Where a count stands."""

    strata: tuple[str, str] = ("overall", "overall")
    when: str = OVERALL
    sex: str = "Both"
    ages: str = "0 to 150"


class Count(NamedTuple):
    """What is counted there; 100 days for each person, unless told."""

    persons: int
    outcomes: int = 0
    days: int | None = None


WHOLE = Place()
NO, YES = Place(("bled", "no")), Place(("bled", "yes"))
Table = Mapping[Place, Count]


def rates(
    table: Table, *, kind: str = "incidence", population: str = "None", **extra: str
) -> SummarisedResult:
    """The rows of incidence or prevalence: counts, and what is computed from them as ``x``."""
    start = "incidence" if kind == "incidence" else "prevalence"
    names = f"{start}_start_date &&& {start}_end_date &&& analysis_interval"
    analyses = list(dict.fromkeys((one.sex, one.ages) for one in table))
    rows = []
    for place, count in table.items():
        number = analyses.index((place.sex, place.ages)) + 1
        group = (GROUP, f"{population} &&& ulcer")
        for variable, estimate, value in _estimates(start, count):
            where = ("hub", *group, *place.strata, variable, None, estimate, "numeric", value)
            rows.append(ResultRow(number, *where, names, place.when))
    settings = [
        ResultSettings(
            number,
            kind,
            "laennec",
            "0",
            {
                "study_result": "rate",
                "denominator_target_cohort_name": population,
                "denominator_sex": sex,
                "denominator_age_group": ages,
                **extra,
            },
        )
        for number, (sex, ages) in enumerate(analyses, start=1)
    ]
    return SummarisedResult(tuple(rows), tuple(settings))


def _estimates(start: str, count: Count) -> list[tuple[str, str, str]]:
    days = 100 * count.persons if count.days is None else count.days
    rate = "incidence_100000_pys" if start == "incidence" else "prevalence"
    made = [
        ("Denominator", "denominator_count", str(count.persons)),
        ("Outcome", "outcome_count", str(count.outcomes)),
        *(("Outcome", f"{rate}{end}", "0.5") for end in ("", "_95CI_lower", "_95CI_upper")),
    ]
    if start == "incidence":
        made.append(("Denominator", "person_days", str(days)))
        made.append(("Denominator", "person_years", str(days / 365.25)))
    return made


def summed(parts: Table, total: Place = WHOLE) -> dict[Place, Count]:
    """The parts, after their sum."""
    persons = sum(one.persons for one in parts.values())
    return {total: Count(persons, sum(one.outcomes for one in parts.values())), **parts}


def by_feature(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Who has the outcome and who has not, without the feature and with it."""
    have_no, lack_no, have_yes, lack_yes = cells
    no, yes = have_no + lack_no, have_yes + lack_yes
    made = rates(summed({NO: Count(no, have_no), YES: Count(yes, have_yes)}))
    return made, (*cells, no, yes, have_no + have_yes, lack_no + lack_yes)


def by_sex(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Women and men, without the feature and with it."""
    numbers = dict(zip(product(("Female", "Male"), ("no", "yes")), cells, strict=True))
    table: dict[Place, Count] = {}
    for sex, level in product(("Both", "Female", "Male"), (None, "no", "yes")):
        persons = sum(
            n
            for (theirs, has), n in numbers.items()
            if sex in ("Both", theirs) and level in (None, has)
        )
        strata = WHOLE.strata if level is None else ("bled", level)
        table[Place(strata, sex=sex)] = Count(persons)
    return rates(table), (*cells, *(one.persons for one in table.values()))


def by_year(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Outcomes of many persons, by year and feature."""
    numbers = dict(zip(product((YEAR, NEXT), ("no", "yes")), cells, strict=True))
    table: dict[Place, Count] = {}
    for when, level in product((OVERALL, YEAR, NEXT), (None, "no", "yes")):
        outcomes = sum(
            n
            for (year, has), n in numbers.items()
            if when in (OVERALL, year) and level in (None, has)
        )
        strata = WHOLE.strata if level is None else ("bled", level)
        persons = {None: 5_000, "no": 3_000, "yes": 2_000}[level]
        table[Place(strata, when)] = Count(persons, outcomes)
    return rates(table), (*cells, *(one.outcomes for one in table.values()))


def in_no_period(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Persons who enter in spring, and those of whom nothing is said."""
    table = {WHOLE: Count(sum(cells)), Place(("entry_period", SPRING)): Count(cells[0])}
    return rates(table), cells


def crossed(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Two features, alone and crossed."""
    numbers = dict(zip(product(("no", "yes"), repeat=2), cells, strict=True))
    table = {WHOLE: Count(sum(cells))}
    for level in ("no", "yes"):
        table[Place(("a", level))] = Count(sum(n for (a, _), n in numbers.items() if a == level))
        table[Place(("b", level))] = Count(sum(n for (_, b), n in numbers.items() if b == level))
    for (a, b), n in numbers.items():
        table[Place(("a &&& b", f"{a} &&& {b}"))] = Count(n)
    return rates(table), tuple(one.persons for one in table.values())


def on_a_day(cells: Cells) -> tuple[SummarisedResult, Cells]:
    """Point prevalence: the young and the old, without the feature and with it."""
    ages = ("0 to 17", "18 to 150")
    numbers = dict(zip(product(ages, ("no", "yes")), cells, strict=True))
    table: dict[Place, Count] = {}
    for group, level in product(("0 to 150", *ages), (None, "no", "yes")):
        persons = sum(
            n
            for (of, has), n in numbers.items()
            if group in ("0 to 150", of) and level in (None, has)
        )
        strata = WHOLE.strata if level is None else ("bled", level)
        table[Place(strata, DAY, ages=group)] = Count(persons)
    made = rates(table, kind="point_prevalence")
    return made, (*cells, *(one.persons for one in table.values()))


CASES: dict[str, tuple[Rows, int, int]] = {
    "by feature": (by_feature, 4, 8),
    "by sex and feature": (by_sex, 4, 8),
    "outcomes by year and feature": (by_year, 4, 8),
    "in no period": (in_no_period, 2, 12),
    "two features crossed": (crossed, 4, 7),
    "on a day, by age and feature": (on_a_day, 4, 8),
}
COUNTS = {"denominator_count", "outcome_count"}


@pytest.mark.parametrize("name", CASES)
def test_every_small_count_and_difference_keeps_two_values(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_audits(monkeypatch)
    check_rows_keep_two_values(*CASES[name], seen=COUNTS)


Shown = dict[tuple[Place, str], str]


def shown(*results: SummarisedResult, number: int = 0) -> Shown:
    """What is published of rates of all ages, of one result of several."""
    released = check(bind(results), ELEVEN).published
    settings = {one.result_id: one.extra for one in released.settings}
    wanted = sum(len(one.settings) for one in results[:number])
    ids = range(wanted + 1, wanted + 1 + len(results[number].settings))
    return {
        (
            Place(
                (one.strata_name, one.strata_level),
                one.additional_level,
                settings[one.result_id].get("denominator_sex", ""),
                settings[one.result_id].get("denominator_age_group", ""),
            ),
            one.estimate_name,
        ): one.estimate_value
        for one in released.rows
        if one.result_id in ids and one.estimate_value != HIDDEN
    }


ESTIMATES = {name for _, name, _ in _estimates("incidence", Count(1))}


def test_large_strata_are_published_with_all_estimates() -> None:
    found = shown(rates(summed({NO: Count(500, 60), YES: Count(300, 50)})))
    assert found.keys() == set(product((WHOLE, NO, YES), ESTIMATES))


def test_a_stratum_of_few_persons_leaves_nothing_to_subtract() -> None:
    """Neither persons, nor days, nor outcomes, nor a rate that would give them back."""
    found = shown(rates(summed({NO: Count(500, 60), YES: Count(7, 3)})))
    assert found.keys() == set(product((WHOLE,), ESTIMATES))


def test_few_outcomes_in_a_stratum_hide_the_rates_of_all_strata() -> None:
    found = shown(rates(summed({NO: Count(500, 60), YES: Count(300, 4)})))
    told = {(one.strata[1], name) for one, name in found if one != WHOLE}
    assert told == set(product(("no", "yes"), ("denominator_count", "person_days", "person_years")))


def test_days_of_few_persons_in_no_stratum_are_not_subtracted() -> None:
    """500 persons enter in spring; 5 others are in the whole only, for many days."""
    spring = Place(("entry_period", SPRING))
    found = shown(rates({WHOLE: Count(505, 60), spring: Count(500, 60)}))
    for name in ("denominator_count", "person_days", "person_years"):
        assert not {(WHOLE, name), (spring, name)} <= found.keys()


def test_days_of_a_stratum_do_not_come_back_from_other_ages_and_years() -> None:
    """Few with the feature are at risk in one year: their days are not those of all years less."""
    table = {
        WHOLE: Count(800, 60, 90_000),
        NO: Count(400, 30, 50_000),
        YES: Count(400, 30, 40_000),
    }
    for place, year, days in (
        (WHOLE, YEAR, (400, 0, 35_000)),
        (NO, YEAR, (395, 0, 34_500)),
        (YES, YEAR, (5, 0, 500)),
        (WHOLE, NEXT, (800, 60, 55_000)),
        (NO, NEXT, (400, 30, 15_500)),
        (YES, NEXT, (400, 30, 39_500)),
    ):
        table[place._replace(when=year)] = Count(*days)
    found = shown(rates(table, analysis_repeated_events="TRUE"))
    assert (YES._replace(when=YEAR), "person_days") not in found
    assert not {(YES, "person_days"), (YES._replace(when=NEXT), "person_days")} <= found.keys()
    assert not {(one._replace(when=YEAR), "person_days") for one in (WHOLE, NO)} <= found.keys()


@pytest.mark.parametrize(("fewer", "hidden"), [(0, False), (4, True), (10, True), (11, False)])
@pytest.mark.parametrize("kind", ["incidence", "period_prevalence"])
def test_two_features_that_differ_in_few_persons_are_compared(
    kind: str, fewer: int, hidden: bool
) -> None:
    table = summed({NO: Count(500, 60), YES: Count(300, 50)})
    table[Place(("bled_too", "no"))] = Count(500 + fewer, 60)
    table[Place(("bled_too", "yes"))] = Count(300 - fewer, 50)
    found = shown(rates(table, kind=kind))
    smaller = (Place(("bled_too", "yes")), "denominator_count")
    assert (smaller not in found) == hidden


@pytest.mark.parametrize("fewer", [4, 11])
def test_days_of_two_features_do_not_tell_the_days_of_few(fewer: int) -> None:
    """Who has one feature and not the other has 100 days each."""
    table = summed({NO: Count(500, 60), YES: Count(300, 50)})
    table[Place(("bled_too", "no"))] = Count(500 + fewer, 60)
    table[Place(("bled_too", "yes"))] = Count(300 - fewer, 50)
    found = shown(rates(table))
    for level in ("no", "yes"):
        both = {(Place((name, level)), "person_days") for name in ("bled", "bled_too")}
        assert (both <= found.keys()) == (fewer == 11)


def test_one_stratum_in_two_results_is_compared() -> None:
    """The same feature, with a later start of the study that leaves four persons out."""
    one = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}))
    other = rates(
        summed({NO: Count(450, 40), YES: Count(296, 30)}),
        study_result="later",
        denominator_start_date="2020-02-01",
    )
    assert (YES, "denominator_count") in shown(one, number=0)
    assert (YES, "denominator_count") not in shown(one, other, number=1)


def test_a_stratum_is_compared_with_the_whole_of_another_result() -> None:
    """Whoever bled, but for four persons, is who has been observed for a year."""
    one = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}))
    other = rates({WHOLE: Count(296, 30)}, study_result="seen")
    assert (WHOLE, "denominator_count") not in shown(one, other, number=1)


def test_prevalence_and_incidence_of_one_stratum_are_compared() -> None:
    one = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}))
    table = summed({NO: Count(560, 90), YES: Count(304, 80)})
    found = shown(one, rates(table, kind="period_prevalence"), number=0)
    assert (YES, "denominator_count") not in found


def sized(levels: Mapping[tuple[str, str], int], **covariates: int) -> SummarisedResult:
    """Characteristics of the population and of its strata."""
    rows = [
        ResultRow(
            1,
            "hub",
            "cohort_name",
            "users",
            *strata,
            "Number subjects",
            None,
            "count",
            "integer",
            str(n),
            "overall",
            "overall",
        )
        for strata, n in levels.items()
    ]
    rows += [
        ResultRow(
            1,
            "hub",
            "cohort_name",
            "users",
            "overall",
            "overall",
            "Covariates",
            name,
            "count",
            "integer",
            str(n),
            "overall",
            "overall",
        )
        for name, n in covariates.items()
    ]
    about = ResultSettings(1, "summarise_characteristics", "laennec", "0", {})
    return SummarisedResult(tuple(rows), (about,))


@pytest.mark.parametrize("of_cohort", [304, 296])
def test_a_stratum_is_compared_with_that_of_its_cohort(of_cohort: int) -> None:
    """On the entry day, or when risk begins, four persons more have the feature."""
    made = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}), population="users")
    cohort = sized(
        {
            ("overall", "overall"): 1000,
            ("bled", "no"): 1000 - of_cohort,
            ("bled", "yes"): of_cohort,
        }
    )
    released = check(bind([cohort, made]), ELEVEN).published.rows
    values = {
        (one.group_name == GROUP, one.strata_level): one.estimate_value
        for one in released
        if one.estimate_name in ("denominator_count", "count")
    }
    assert HIDDEN in (values[False, "yes"], values[True, "yes"])


@pytest.mark.parametrize("having", [304, 696])
def test_a_stratum_is_compared_with_covariates_of_its_cohort(having: int) -> None:
    """304 have the covariate, or all but 304 of a thousand."""
    made = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}), population="users")
    cohort = sized({("overall", "overall"): 1000}, bled_ever=having)
    assert (YES, "denominator_count") not in shown(cohort, made, number=1)


def test_steps_of_an_attrition_near_a_stratum_are_hidden() -> None:
    made = rates(summed({NO: Count(500, 60), YES: Count(300, 50)}))
    steps = []
    for step, left, gone in ((10, 1000, 0), (12, 304, 696)):
        for name, value in (("number_subjects", left), ("excluded_subjects", gone)):
            steps.append(
                ResultRow(
                    1,
                    "hub",
                    GROUP,
                    "None &&& ulcer",
                    "reason",
                    f"Step {step}",
                    name,
                    None,
                    "count",
                    "integer",
                    str(value),
                    "reason_id",
                    str(step),
                )
            )
    about = {**made.settings[0].extra}
    attrition = SummarisedResult(
        tuple(steps), (ResultSettings(1, "incidence_attrition", "laennec", "0", about),)
    )
    assert check(attrition, ELEVEN).findings == ()
    released = check(bind([made, attrition]), ELEVEN).published.rows
    assert {one.estimate_value for one in released if one.strata_name == "reason"} == {HIDDEN}


def test_a_person_may_change_the_stratum_with_the_age_group() -> None:
    """More adults have the feature than persons of all ages: that is no contradiction."""
    table = summed({NO: Count(800, 90), YES: Count(200, 30)})
    table[WHOLE._replace(ages=ADULTS)] = Count(700, 70)
    table[NO._replace(ages=ADULTS)] = Count(400, 35)
    table[YES._replace(ages=ADULTS)] = Count(300, 35)
    for kind in ("incidence", "period_prevalence"):
        found = shown(rates(table, kind=kind))
        assert (YES._replace(ages=ADULTS), "denominator_count") in found
    day = {place._replace(when=DAY): count for place, count in table.items()}
    found = shown(rates(day, kind="point_prevalence"))
    assert (YES._replace(when=DAY, ages=ADULTS), "denominator_count") in found


@pytest.mark.parametrize(("kind", "when"), [("incidence", OVERALL), ("point_prevalence", DAY)])
def test_ages_of_the_whole_add_up_even_where_those_of_strata_do_not(kind: str, when: str) -> None:
    """Five of 120 outcomes are of minors, whatever the strata say."""
    table = summed({NO: Count(800, 80), YES: Count(200, 40)})
    table[WHOLE._replace(ages=ADULTS)] = Count(700, 115)
    table[NO._replace(ages=ADULTS)] = Count(400, 40)
    table[YES._replace(ages=ADULTS)] = Count(300, 75)
    dated = {place._replace(when=when): count for place, count in table.items()}
    found = shown(rates(dated, kind=kind))
    both = {(WHOLE._replace(when=when), "outcome_count")}
    both.add((WHOLE._replace(when=when, ages=ADULTS), "outcome_count"))
    assert not both <= found.keys()


@pytest.mark.parametrize("kind", ["incidence", "period_prevalence"])
@pytest.mark.parametrize(
    "levels",
    [
        {("bled", "no"): 30, ("bled", "yes"): 31},
        {("sex", "Female"): 30},
        {("age_group", "0 to 17"): 30},
        {("bled", "maybe"): 30},
        {
            ("entry_period", "2020-01-01 to 2020-12-31"): 20,
            ("entry_period", "2020-12-31 to 2021-12-31"): 20,
        },
    ],
)
def test_strata_that_do_not_add_up_are_refused(
    kind: str, levels: dict[tuple[str, str], int]
) -> None:
    strata = {Place(names): Count(n) for names, n in levels.items()}
    with pytest.raises(PolicyError):
        check(rates({WHOLE: Count(60), **strata}, kind=kind), THREE)
