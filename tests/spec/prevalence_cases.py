"""Point and period prevalence, outcomes that are stays of a cohort, and finer intervals."""

from datetime import date
from typing import Any

from laennec.study.model import (
    AgeGroup,
    Incidence,
    Interval,
    Level,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Sex,
    Stays,
    TimePoint,
)
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

NOBODY = frozenset({"prevalence"})
MINORS, ADULTS = AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)
SPRING = {"start": date(2020, 1, 1), "end": date(2020, 3, 31)}
TWO_YEARS = (observed("2019-01-01", "2020-12-31"), bleed("2019-12-30", "2020-01-02"))


def seen(
    denominator: int,
    outcomes: int = 0,
    *,
    at: int | str = "overall",
    sex: str = "Both",
    ages: str = "0 to 150",
) -> dict[Key, int]:
    """Counts of one interval of one analysis."""
    key: Key = ("prevalence", "share", sex, ages, at)
    numbers = {"denominator": denominator, "outcomes": outcomes}
    return {(*key, name): number for name, number in numbers.items() if number}


def case(name: str, rows: Tables, expected: dict[Key, int], asked: Prevalence) -> SpecCase:
    """A case; the study has the users where it asks about them."""
    stays = isinstance(asked.outcome, Stays)
    cohorts = (users(),) if asked.population or stays else ()
    return SpecCase(name, rows, study(asked, cohorts=cohorts), expected, kinds=NOBODY)


def period(**asked: Any) -> PeriodPrevalence:
    """Period prevalence over all time, unless asked otherwise."""
    return PeriodPrevalence(
        name="share", **{"outcome": BLEED, "intervals": (Interval.OVERALL,), **asked}
    )


def point(**asked: Any) -> PointPrevalence:
    """Point prevalence on 1 January, unless asked otherwise."""
    return PointPrevalence(name="share", **{"outcome": BLEED, **asked})


def _share(estimate: str, when: str) -> tuple[str, None, str, str]:
    variable = "Denominator" if estimate == "denominator_count" else "Outcome"
    return (variable, None, estimate, when)


YEAR_2020 = "2020-01-01 &&& 2020-12-31 &&& years"
TEN = [person(n) for n in range(1, 11)]

CASES = (
    case(
        "An outcome that lasts is prevalent on each of its days",
        tables(person(), *TWO_YEARS),
        seen(1, at=2019) | seen(1, 1, at=2020),
        point(),
    ),
    case(
        "The last day of an interval is looked at when asked for",
        tables(person(), *TWO_YEARS),
        seen(1, 1, at=2019) | seen(1, at=2020),
        point(time_point=TimePoint.END),
    ),
    case(
        "The middle of a month is its day 15, of a quarter day 15 of its second month",
        tables(
            person(), observed("2020-01-01", "2020-03-31"), bleed("2020-01-15"), bleed("2020-02-15")
        ),
        seen(1, 1, at="2020-01")
        | seen(1, 1, at="2020-02")
        | seen(1, at="2020-03")
        | seen(1, 1, at="2020-Q1"),
        point(
            intervals=(Interval.MONTHS, Interval.QUARTERS), time_point=TimePoint.MIDDLE, **SPRING
        ),
    ),
    case(
        "The middle of a week is Thursday, of a year 1 July",
        tables(person(), observed("2020-07-01", "2020-07-12"), bleed("2020-07-01", "2020-07-02")),
        seen(1, 1, at="2020-W27") | seen(1, at="2020-W28") | seen(1, 1, at=2020),
        point(
            intervals=(Interval.WEEKS, Interval.YEARS),
            time_point=TimePoint.MIDDLE,
            start=date(2020, 1, 1),
            end=date(2020, 12, 31),
        ),
    ),
    case(
        "Who is not seen on the day does not count on it",
        tables(person(), observed("2020-01-02", "2020-12-31"), bleed("2020-01-02")),
        {},
        point(),
    ),
    case(
        "One day of an interval makes a person count in it",
        tables(person(), observed("2019-12-31", "2020-01-01"), bleed("2020-01-01")),
        seen(1, at=2019) | seen(1, 1, at=2020),
        period(intervals=(Interval.YEARS,)),
    ),
    case(
        "An outcome counts only on days on which the person is seen",
        tables(
            person(),
            observed("2019-01-01", "2019-12-31"),
            observed("2020-03-01", "2020-12-31"),
            bleed("2019-12-31", "2020-02-01"),
        ),
        seen(1, 1, at=2019) | seen(1, at=2020),
        period(intervals=(Interval.YEARS,)),
    ),
    case(
        "A person counts once in an interval, whatever the stretches and outcomes",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            bleed("2020-01-02"),
            bleed("2020-03-02"),
        ),
        seen(1, 1),
        period(),
    ),
    case(
        "At the level of records each stretch counts, with the outcome once",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            observed("2020-05-01", "2020-05-31"),
            bleed("2020-01-02"),
            bleed("2020-01-20"),
            bleed("2020-03-02"),
        ),
        seen(3, 2),
        period(level=Level.RECORD),
    ),
    case(
        "With full contribution only who is seen on every day of the interval counts",
        tables(
            person(1),
            person(2),
            observed("2020-01-01", "2020-02-28", 1),
            observed("2020-01-01", "2020-02-29", 2),
            bleed("2020-02-10", person_id=1),
        ),
        seen(2, at="2020-01") | seen(1, at="2020-02"),
        period(intervals=(Interval.MONTHS,), full_contribution=True, **SPRING),
    ),
    case(
        "Full contribution to the overall time is to all days between the study's dates",
        tables(
            person(1),
            person(2),
            observed("2019-06-01", "2020-12-31", 1),
            observed("2020-01-02", "2020-12-31", 2),
            bleed("2020-03-31", person_id=1),
        ),
        seen(1, 1),
        period(full_contribution=True, **SPRING),
    ),
    case(
        "Who has a birthday in an interval counts in two age groups",
        tables(person(born=(2002, 6, 15)), YEAR, bleed("2020-06-15")),
        seen(1, ages="0 to 17") | seen(1, 1, ages="18 to 64"),
        period(age_groups=(MINORS, ADULTS)),
    ),
    case(
        "Both sexes are women and men; of unknown sex, or without a year of birth, is nobody",
        tables(
            person(1, "F"),
            person(2, "M"),
            person(3, "?"),
            person(4, "F", born=(None, None, None)),
            *in_2020(1, 2, 3, 4),
            bleed("2020-05-01", person_id=2),
            bleed("2020-05-01", person_id=3),
        ),
        seen(2, 1) | seen(1, sex="Female") | seen(1, 1, sex="Male"),
        period(sexes=(Sex.BOTH, Sex.FEMALE, Sex.MALE)),
    ),
    case(
        "In a cohort, persons are seen from entry to exit",
        tables(
            person(),
            YEAR,
            drug("2020-06-01"),
            bleed("2020-05-30", "2020-05-31"),
        ),
        seen(1),
        period(population="users"),
    ),
    case(
        "Stays of a cohort may be the outcome",
        tables(person(), YEAR, drug("2020-06-01")),
        seen(1, at="2020-Q1")
        | seen(1, at="2020-Q2")
        | seen(1, 1, at="2020-Q3")
        | seen(1, 1, at="2020-Q4"),
        point(
            outcome=Stays(cohort="users"),
            intervals=(Interval.QUARTERS,),
            start=date(2020, 1, 1),
            end=date(2020, 12, 31),
        ),
    ),
    case(
        "In a cohort, women and men are looked at on the day while they stay",
        tables(
            person(1, "F"),
            person(2, "M"),
            observed("2019-01-01", "2020-12-31", 1),
            observed("2019-01-01", "2020-12-31", 2),
            drug("2019-06-01", person_id=1),
            drug("2020-06-01", person_id=2),
            bleed("2019-12-31", "2020-01-01", person_id=1),
        ),
        seen(1, 1, at=2020) | seen(1, 1, at=2020, sex="Female"),
        point(population="users", sexes=(Sex.BOTH, Sex.FEMALE, Sex.MALE)),
    ),
    case(
        "Stays count in each interval that they meet; weeks begin on Monday",
        tables(person(), observed("2020-03-25", "2020-04-08"), drug("2020-03-30")),
        seen(1, at="2020-W13")
        | seen(1, 1, at="2020-W14")
        | seen(1, 1, at="2020-W15")
        | seen(1, 1, at="2020-Q1")
        | seen(1, 1, at="2020-Q2"),
        period(
            outcome=Stays(cohort="users"),
            intervals=(Interval.WEEKS, Interval.QUARTERS),
            complete_intervals=False,
            start=date(2020, 1, 1),
            end=date(2020, 12, 31),
        ),
    ),
    SpecCase(
        "Incidence of stays of a cohort, by ISO weeks",
        tables(person(), observed("2020-03-25", "2020-04-08"), drug("2020-03-31")),
        study(
            Incidence(
                name="rate",
                outcome=Stays(cohort="users"),
                intervals=(Interval.WEEKS,),
                start=date(2020, 1, 1),
                end=date(2020, 12, 31),
            ),
            cohorts=(users(),),
        ),
        {
            ("incidence", "rate", "Both", "0 to 150", "2020-W13", "persons"): 1,
            ("incidence", "rate", "Both", "0 to 150", "2020-W13", "days"): 5,
            ("incidence", "rate", "Both", "0 to 150", "2020-W14", "persons"): 1,
            ("incidence", "rate", "Both", "0 to 150", "2020-W14", "days"): 2,
            ("incidence", "rate", "Both", "0 to 150", "2020-W14", "events"): 1,
        },
    ),
    SpecCase(
        "Limits are those of Wilson; an interval that nobody's days make complete is left out",
        tables(
            *TEN,
            *(observed("2020-01-01", "2021-06-30", n) for n in range(1, 11)),
            bleed("2020-05-01", person_id=1),
            bleed("2021-05-01", person_id=2),
        ),
        study(period(intervals=(Interval.YEARS,))),
        seen(10, 1, at=2020) | seen(10, 1, at=2021),
        estimates={
            _share("denominator_count", YEAR_2020): "10",
            _share("outcome_count", YEAR_2020): "1",
            # (1 + z²/2) / (10 + z²) = 0.21102, half width 0.19316, with z² = 3.84146
            _share("prevalence", YEAR_2020): "0.1",
            _share("prevalence_95CI_lower", YEAR_2020): "0.01788",
            _share("prevalence_95CI_upper", YEAR_2020): "0.40415",
            _share("prevalence", "2021-01-01 &&& 2021-06-30 &&& years"): None,
        },
    ),
    SpecCase(
        "Incidence is cut at the ends of months and quarters",
        tables(person(), observed("2020-01-15", "2020-03-31"), bleed("2020-03-02")),
        study(
            Incidence(
                name="rate",
                outcome=BLEED,
                intervals=(Interval.MONTHS, Interval.QUARTERS),
                **SPRING,
            )
        ),
        {
            ("incidence", "rate", "Both", "0 to 150", at, what): number
            for at, persons, days, events in (
                ("2020-01", 1, 17, 0),
                ("2020-02", 1, 29, 0),
                ("2020-03", 1, 2, 1),
                ("2020-Q1", 1, 48, 1),
            )
            for what, number in (("persons", persons), ("days", days), ("events", events))
            if number
        },
        estimates={
            ("Denominator", None, "person_days", "2020-02-01 &&& 2020-02-29 &&& months"): "29",
            ("Denominator", None, "person_days", "2020-01-15 &&& 2020-01-31 &&& months"): None,
        },
    ),
    SpecCase(
        "Time at risk ends on the day of the first entry to the censoring cohort",
        tables(
            person(1),
            person(2),
            *in_2020(1),
            observed("2020-07-01", "2020-12-31", 2),
            drug("2020-01-10", person_id=1),
            bleed("2020-01-11", person_id=1),
        ),
        study(
            Incidence(name="rate", outcome=BLEED, censor="users", intervals=(Interval.OVERALL,)),
            cohorts=(users(),),
        ),
        {
            ("incidence", "rate", "Both", "0 to 150", "overall", "persons"): 2,
            ("incidence", "rate", "Both", "0 to 150", "overall", "days"): 10 + 184,
        },
    ),
)
