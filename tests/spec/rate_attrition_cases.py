"""Who is left at each step on the way to those whom incidence and prevalence look at."""

from datetime import date

from laennec.study.model import (
    AgeGroup,
    Incidence,
    Interval,
    PeriodPrevalence,
    Sex,
)
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    SpecCase,
    bleed,
    drug,
    in_2020,
    observed,
    person,
    study,
    tables,
    users,
)

ADULTS = AgeGroup(minimum=18, maximum=64)
ALL_AGES = "0 to 150"
IN_2020 = {"start": date(2020, 1, 1), "end": date(2020, 12, 31)}


def left(common: dict[int, int], **by_sex: dict[int, int]) -> dict[Key, int]:
    """Persons left after the common steps, and after those of each sex."""
    counts: dict[Key, int] = {("rate_attrition", "rate", step): n for step, n in common.items()}
    for sex, steps in by_sex.items():
        for step, n in steps.items():
            counts["rate_attrition", "rate", sex, ALL_AGES, step] = n
    return counts


CASES = (
    SpecCase(
        "Who is born in no known year, of unknown sex or not observed in the dates is left out in "
        "this order",
        tables(
            person(1, "F"),
            person(2, "M"),
            person(3, "?", born=(None, None, None)),
            person(4, "?"),
            person(5, "F"),
            person(6, "F"),
            *(observed("2019-01-01", "2020-12-31", n) for n in (1, 2, 3, 4)),
            observed("2019-01-01", "2019-12-31", 5),
        ),
        study(
            Incidence(
                name="rate",
                outcome=BLEED,
                sexes=(Sex.BOTH, Sex.FEMALE),
                intervals=(Interval.OVERALL,),
                **IN_2020,
            )
        ),
        left(
            {1: 6, 2: 5, 3: 4, 5: 2},
            Both={8: 2, 10: 2, 12: 2},
            Female={8: 1, 10: 1, 12: 1},
        ),
        estimates={
            ("general_population &&& bleed", "number_subjects", "count"): "1",
        },
    ),
    SpecCase(
        "Who has too little prior observation is not seen, who had the outcome is not at risk",
        tables(
            person(1),
            person(2),
            person(3),
            observed("2019-01-01", "2020-12-31", 1),
            observed("2020-12-20", "2020-12-31", 2),
            observed("2019-01-01", "2020-12-31", 3),
            bleed("2019-06-01", person_id=3),
        ),
        study(
            Incidence(
                name="rate",
                outcome=BLEED,
                prior_observation=30,
                intervals=(Interval.OVERALL,),
                **IN_2020,
            )
        ),
        left({1: 3, 2: 3, 3: 3, 5: 3}, Both={8: 3, 10: 2, 12: 1}),
        estimates={
            ("excluded_subjects", None, "count", "10"): "1",
            ("number_subjects", None, "count", "12"): "1",
            ("excluded_subjects", None, "count", "12"): "1",
            ("number_subjects", None, "count", "8"): None,
        },
    ),
    SpecCase(
        "A population is where its attrition starts; age is asked with the stay",
        tables(
            person(1),
            person(2, born=(2010, 1, 1)),
            person(3),
            *in_2020(1, 2, 3),
            drug("2020-03-01", person_id=1),
            drug("2020-03-01", person_id=2),
        ),
        study(
            PeriodPrevalence(name="rate", outcome=BLEED, population="users", age_groups=(ADULTS,)),
            cohorts=(users(),),
        ),
        {
            **left({1: 2, 2: 2, 3: 2, 5: 2}),
            ("rate_attrition", "rate", "Both", "18 to 64", 8): 2,
            ("rate_attrition", "rate", "Both", "18 to 64", 10): 1,
        },
        estimates={("excluded_subjects", None, "count", "10"): "1"},
    ),
    SpecCase(
        "With full contribution, who is seen all of no interval is left out last",
        tables(
            person(1),
            person(2),
            *in_2020(1),
            observed("2020-02-01", "2020-12-31", 2),
        ),
        study(PeriodPrevalence(name="rate", outcome=BLEED, full_contribution=True)),
        left({1: 2, 2: 2, 3: 2, 5: 2}, Both={8: 2, 10: 2, 13: 1}),
        estimates={("excluded_subjects", None, "count", "13"): "1"},
    ),
)
