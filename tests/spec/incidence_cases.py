"""Time at risk and outcomes."""

from datetime import date
from typing import Any

from laennec.study.model import AgeGroup, Incidence, Interval, Sex
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    YEAR,
    SpecCase,
    Tables,
    bleed,
    drug,
    in_2020,
    observed,
    person,
    study,
    tables,
    users,
)

NO_RISK = frozenset({"incidence"})
MINORS, ADULTS = AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)


def at_risk(
    persons: int,
    days: int,
    events: int = 0,
    *,
    sex: str = "Both",
    ages: str = "0 to 150",
    interval: int | str = "overall",
) -> dict[Key, int]:
    """Counts of one interval of one analysis."""
    key: Key = ("incidence", "rate", sex, ages, interval)
    numbers = {"persons": persons, "days": days, "events": events}
    return {(*key, name): number for name, number in numbers.items() if number}


def case(name: str, rows: Tables, expected: dict[Key, int], **asked: Any) -> SpecCase:
    """A case about everyone observed in 2020, over all its days unless asked otherwise."""
    result = Incidence(name="rate", outcome=BLEED, **{"intervals": (Interval.OVERALL,), **asked})
    cohorts = (users(),) if result.population else ()
    return SpecCase(name, rows, study(result, cohorts=cohorts), expected, kinds=NO_RISK)


OPEN: Key = ("incidence", "rate", "Both", "0 to 150")
WITH_YEARS = study(
    Incidence(name="rate", outcome=BLEED, intervals=(Interval.YEARS, Interval.OVERALL))
)
PERSON_DAYS = ("Denominator", None, "person_days")

CASES = (
    case(
        "Everyone is at risk on every observed day",
        tables(person(), YEAR),
        at_risk(1, 366),
    ),
    case(
        "The day of the outcome is at risk, and the last one",
        tables(person(), YEAR, bleed("2020-01-10", "2020-01-12")),
        at_risk(1, 10, 1),
    ),
    case(
        "An outcome on the first day at risk counts",
        tables(person(), YEAR, bleed("2020-01-01")),
        at_risk(1, 1, 1),
    ),
    case(
        "An outcome on the last observed day counts",
        tables(person(), YEAR, bleed("2020-12-31")),
        at_risk(1, 366, 1),
    ),
    case(
        "A record that starts on no observed day is no outcome, and leaves the person at risk",
        tables(person(), YEAR, bleed("2019-12-31", "2020-01-10"), bleed("2021-01-01")),
        at_risk(1, 366),
    ),
    case(
        "Without a washout in days, who had the outcome is never at risk again",
        tables(person(), observed("2019-01-01", "2019-12-31"), YEAR, bleed("2019-06-01")),
        at_risk(1, 152, 1),
    ),
    case(
        "An outcome before the study's dates counts for the washout, not as an event",
        tables(person(), observed("2019-01-01", "2020-12-31"), bleed("2019-12-30", "2019-12-31")),
        at_risk(1, 361),
        start=date(2020, 1, 1),
        washout=5,
    ),
    case(
        "Risk starts again when the washout has passed since the outcome's last day",
        tables(person(), YEAR, bleed("2020-01-10", "2020-01-12"), bleed("2020-01-18")),
        at_risk(1, 10 + 1 + 343, 2),
        washout=5,
        repeated=True,
    ),
    case(
        "An outcome on the last day of the washout does not count, and starts the washout anew",
        tables(person(), YEAR, bleed("2020-01-10", "2020-01-12"), bleed("2020-01-17")),
        at_risk(1, 10 + 344, 1),
        washout=5,
        repeated=True,
    ),
    case(
        "With a washout of 0 risk starts again on the day after the outcome",
        tables(person(), YEAR, bleed("2020-01-10", "2020-01-12"), bleed("2020-01-13")),
        at_risk(1, 10 + 1 + 353, 2),
        washout=0,
        repeated=True,
    ),
    case(
        "Unless outcomes repeat, nothing after the first counted outcome is at risk",
        tables(person(), YEAR, bleed("2020-01-10", "2020-01-12"), bleed("2020-01-13")),
        at_risk(1, 10, 1),
        washout=0,
    ),
    case(
        "Records that share a day are one outcome, to the end of the longest",
        tables(
            person(), YEAR, bleed("2020-01-12", "2020-01-20"), bleed("2020-01-10", "2020-01-12")
        ),
        at_risk(1, 10 + 346, 1),
        washout=0,
        repeated=True,
    ),
    case(
        "Records that only touch are two outcomes",
        tables(
            person(), YEAR, bleed("2020-01-10", "2020-01-12"), bleed("2020-01-13", "2020-01-20")
        ),
        at_risk(1, 10 + 1 + 346, 2),
        washout=0,
        repeated=True,
    ),
    case(
        "An outcome without an end, or that ends before it starts, lasts one day",
        tables(person(), YEAR, bleed("2020-01-10"), bleed("2020-02-10", "2020-02-01")),
        at_risk(1, 366, 2),
        washout=0,
        repeated=True,
    ),
    case(
        "An outcome ends with the period it starts in",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            bleed("2020-01-31", "2020-03-15"),
        ),
        at_risk(1, 62, 1),
        washout=0,
        repeated=True,
    ),
    case(
        "Two periods of one person are two stretches of one person",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
        ),
        at_risk(1, 62),
    ),
    case(
        "After a first outcome in one period, later periods are not at risk",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            bleed("2020-01-10"),
        ),
        at_risk(1, 10, 1),
        washout=0,
    ),
    case(
        "An outcome before the study's dates does not hide the first one in them",
        tables(
            person(),
            observed("2019-01-01", "2019-12-31"),
            observed("2020-02-01", "2020-02-29"),
            observed("2020-04-01", "2020-04-30"),
            bleed("2019-06-01"),
            bleed("2020-04-10"),
        ),
        at_risk(1, 29 + 10, 1),
        start=date(2020, 1, 1),
        washout=0,
    ),
    case(
        "Periods that overlap are counted once",
        tables(
            person(),
            observed("2020-01-01", "2020-02-10"),
            observed("2020-02-10", "2020-03-31"),
            observed("2020-01-01", "2020-02-10"),
        ),
        at_risk(1, 91),
    ),
    case(
        "Risk starts when the prior observation is reached, in each period anew",
        tables(
            person(),
            observed("2020-01-01", "2020-02-29"),
            observed("2020-03-01", "2020-03-30"),
            observed("2020-05-01", "2020-05-31"),
        ),
        at_risk(1, 30 + 1),
        prior_observation=30,
    ),
    case(
        "The study's first and last day are at risk",
        tables(person(), YEAR),
        at_risk(1, 2),
        start=date(2020, 2, 29),
        end=date(2020, 3, 1),
    ),
    case(
        "A person crosses from one age group to the next on the birthday",
        tables(person(born=(2002, 6, 15)), YEAR),
        at_risk(1, 166, ages="0 to 17") | at_risk(1, 200, ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "An outcome counts in the age group of its day",
        tables(person(born=(2002, 6, 15)), YEAR, bleed("2020-06-15")),
        at_risk(1, 166, ages="0 to 17") | at_risk(1, 1, 1, ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "Who was born on 29 February changes group on 1 March of a common year",
        tables(person(born=(2004, 2, 29)), observed("2022-01-01", "2022-12-31")),
        at_risk(1, 59, ages="0 to 17") | at_risk(1, 306, ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "A missing month and day of birth are January and the first",
        tables(person(born=(2002, None, None)), observed("2019-12-31", "2020-12-31")),
        at_risk(1, 1, ages="0 to 17") | at_risk(1, 366, ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "A missing day of birth is the first of the month",
        tables(person(born=(2002, 6, None)), YEAR),
        at_risk(1, 152, ages="0 to 17") | at_risk(1, 214, ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "Nobody is at risk before birth",
        tables(person(born=(2020, 12, 1)), YEAR),
        at_risk(1, 31),
    ),
    case(
        "Without a year of birth, or of unknown sex, nobody is at risk",
        tables(
            person(1, born=(None, 1, 1)),
            person(2, sex="?"),
            YEAR,
            *in_2020(2),
        ),
        {},
    ),
    case(
        "Both sexes are women and men together",
        tables(
            person(1, "F"),
            person(2, "M"),
            YEAR,
            observed("2020-01-01", "2020-01-31", 2),
        ),
        at_risk(2, 397) | at_risk(1, 366, sex="Female") | at_risk(1, 31, sex="Male"),
        sexes=(Sex.BOTH, Sex.FEMALE, Sex.MALE),
    ),
    case(
        "In a cohort, risk runs from entry to exit, and the outcome on the entry day counts",
        tables(
            person(1),
            person(2),
            person(3),
            *in_2020(1, 2, 3),
            drug("2020-12-22"),
            drug("2020-12-22", person_id=2),
            bleed("2020-12-22", person_id=2),
            bleed("2020-12-01", person_id=3),
        ),
        at_risk(2, 10 + 1, 1),
        population="users",
    ),
    case(
        "In a cohort, who had the outcome before entry waits for the washout",
        tables(person(), YEAR, drug("2020-12-01"), bleed("2020-11-20", "2020-11-30")),
        at_risk(1, 31 - 7),
        population="users",
        washout=7,
    ),
    case(
        "In a cohort, prior observation is counted from the start of the period of entry",
        tables(person(), observed("2020-11-01", "2020-12-31"), drug("2020-11-11")),
        at_risk(1, 31),
        population="users",
        prior_observation=30,
    ),
    case(
        "Negative identifiers are persons like others",
        tables(
            person(-1),
            person(-(2**63)),
            *in_2020(-1, -(2**63)),
            bleed("2020-01-02", person_id=-1),
        ),
        at_risk(2, 368, 1),
    ),
    SpecCase(
        "Time at risk is cut at the ends of calendar years; incomplete years are not published",
        tables(person(), observed("2019-07-01", "2021-06-30")),
        WITH_YEARS,
        at_risk(1, 184, interval=2019)
        | at_risk(1, 366, interval=2020)
        | at_risk(1, 181, interval=2021)
        | at_risk(1, 731),
        first={OPEN: date(2019, 7, 1)},
        last={OPEN: date(2021, 6, 30)},
        estimates={
            (*PERSON_DAYS, "2019-07-01 &&& 2019-12-31 &&& years"): None,
            (*PERSON_DAYS, "2020-01-01 &&& 2020-12-31 &&& years"): "366",
            (*PERSON_DAYS, "2021-01-01 &&& 2021-06-30 &&& years"): None,
            (*PERSON_DAYS, "2019-07-01 &&& 2021-06-30 &&& overall"): "731",
        },
    ),
    SpecCase(
        "Years are complete by the days at risk that are left after outcomes",
        tables(person(), YEAR, bleed("2020-12-30")),
        WITH_YEARS,
        at_risk(1, 365, 1, interval=2020) | at_risk(1, 365, 1),
        first={OPEN: date(2020, 1, 1)},
        last={OPEN: date(2020, 12, 30)},
        estimates={
            (*PERSON_DAYS, "2020-01-01 &&& 2020-12-30 &&& years"): None,
            (*PERSON_DAYS, "2020-01-01 &&& 2020-12-30 &&& overall"): "365",
        },
    ),
    SpecCase(
        "Years not asked to be complete are published with the days they cover",
        tables(person(), YEAR, bleed("2020-12-30")),
        study(
            Incidence(
                name="rate",
                outcome=BLEED,
                intervals=(Interval.YEARS,),
                complete_intervals=False,
            )
        ),
        at_risk(1, 365, 1, interval=2020),
        estimates={
            (*PERSON_DAYS, "2020-01-01 &&& 2020-12-30 &&& years"): "365",
            (
                "Denominator",
                None,
                "person_years",
                "2020-01-01 &&& 2020-12-30 &&& years",
            ): "0.999",
            (
                "Outcome",
                None,
                "incidence_100000_pys",
                "2020-01-01 &&& 2020-12-30 &&& years",
            ): "100100.1",
        },
    ),
)
