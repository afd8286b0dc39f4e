"""Characteristics at entry, and cumulative incidence."""

from datetime import date
from typing import Any

from laennec.study.model import (
    AgeGroup,
    Characteristics,
    Cohort,
    Covariate,
    CumulativeIncidence,
    FixedDays,
    Stays,
    Window,
)
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    ULCER,
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

WHO = Characteristics(
    name="who",
    cohorts=("users",),
    age_groups=(AgeGroup(minimum=18, maximum=64),),
    covariates=(
        Covariate(name="ulcer", events=ULCER, window=Window(start=-365, end=-1)),
        Covariate(name="bleed_on_day", events=BLEED, window=Window(start=0, end=0)),
    ),
)
CURVE = frozenset({"survival"})


def curve(
    name: str,
    rows: Tables,
    followed: dict[tuple[int, str], int],
    *,
    left_out: dict[str, int] | None = None,
    **asked: Any,
) -> SpecCase:
    """A case about follow-up from entry, to day 30 unless asked otherwise."""
    result = CumulativeIncidence(
        name="curve", cohorts=("users",), outcome=BLEED, **{"horizon": 30, "step": 10, **asked}
    )
    counts: dict[Key, int] = {
        ("survival", "curve", "users", day, what): n for (day, what), n in followed.items()
    }
    for why, n in (left_out or {}).items():
        counts["survival_left_out", "curve", "users", why] = n
    return SpecCase(name, rows, study(result, cohorts=(users(),)), counts, kinds=CURVE)


COMPETING = (
    curve(
        "A competing outcome ends follow-up; on one day it comes before the outcome",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *in_2020(1, 2, 3),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3)),
            bleed("2020-03-06", person_id=1),
            bleed("2020-03-11", person_id=2),
            bleed("2020-03-08", person_id=2, concept=3),
            bleed("2020-03-06", person_id=3),
            bleed("2020-03-06", person_id=3, concept=3),
        ),
        {(5, "events"): 1, (5, "competing"): 1, (7, "competing"): 1},
        competing=ULCER,
    ),
    curve(
        "Who had the competing outcome before entry is left out",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-02-01", concept=3),
        ),
        {},
        competing=ULCER,
    ),
    curve(
        "With the tie asked for, the outcome comes before the competing one on their day",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-03-06"),
            bleed("2020-03-06", concept=3),
        ),
        {(5, "events"): 1},
        competing=ULCER,
        tie="outcome",
    ),
    curve(
        "The competing outcome has a washout of its own",
        tables(
            *(person(n) for n in (1, 2)),
            *in_2020(1, 2),
            *(drug("2020-03-01", person_id=n) for n in (1, 2)),
            bleed("2020-02-01", person_id=1, concept=3),
            bleed("2020-02-01", person_id=2),
        ),
        {(30, "censored"): 1},
        left_out={"washout": 1},
        competing=ULCER,
        competing_washout=0,
    ),
    SpecCase(
        "Stays of cohorts may be the outcome and the competing one",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-03-04"),
            bleed("2020-03-06", concept=3),
        ),
        study(
            CumulativeIncidence(
                name="curve",
                cohorts=("users",),
                outcome=Stays(cohort="ulcers"),
                competing=Stays(cohort="bleeds"),
                horizon=30,
                step=10,
            ),
            cohorts=(
                users(),
                Cohort(name="bleeds", entry=BLEED),
                Cohort(name="ulcers", entry=ULCER),
            ),
        ),
        {("survival", "curve", "users", 3, "competing"): 1},
    ),
    SpecCase(
        "With a competing outcome the curve adds what happens among those still free of both",
        tables(
            *(person(n) for n in range(1, 11)),
            *in_2020(*range(1, 11)),
            *(drug("2020-03-01", person_id=n) for n in range(1, 11)),
            *(bleed("2020-03-06", person_id=n) for n in (1, 2)),
            *(bleed("2020-03-06", person_id=n, concept=3) for n in (3, 4, 5)),
            bleed("2020-03-10", person_id=6),
        ),
        study(
            CumulativeIncidence(
                name="curve",
                cohorts=("users",),
                outcome=BLEED,
                competing=ULCER,
                horizon=10,
                step=5,
            ),
            cohorts=(users(),),
        ),
        {
            ("survival", "curve", "users", 5, "events"): 2,
            ("survival", "curve", "users", 5, "competing"): 3,
            ("survival", "curve", "users", 9, "events"): 1,
            ("survival", "curve", "users", 10, "censored"): 4,
        },
        estimates={
            ("outcome", "ulcer", "n_events_count", "5"): "3",
            # 2/10, and then 5/10 × 1/5 more
            ("outcome", "bleed", "estimate", "5"): "0.2",
            ("outcome", "bleed", "estimate", "10"): "0.3",
            ("outcome", "ulcer", "estimate", "10"): "0.3",
            ("outcome", "ulcer", "n_events_count", "overall"): "3",
            # (2 × 5 days + 1 × 1 day) / 10, and 3 × 5 days / 10
            ("outcome", "bleed", "restricted_mean_survival", "overall"): "1.1",
            ("outcome", "ulcer", "restricted_mean_survival", "overall"): "1.5",
        },
    ),
)

OTHERS = Cohort(name="others", entry=ULCER)
FIVE = tuple(range(1, 6))
SUMMARY = (
    SpecCase(
        "Quantiles are days on which the curve falls; the restricted mean is the area under it",
        tables(
            *(person(n) for n in FIVE),
            *in_2020(*FIVE),
            *(drug("2020-03-01", person_id=n) for n in FIVE),
            bleed("2020-03-03", person_id=1),
            bleed("2020-03-05", person_id=2),
            bleed("2020-03-07", person_id=3),
        ),
        study(
            CumulativeIncidence(
                name="curve", cohorts=("users",), outcome=BLEED, horizon=10, step=5
            ),
            cohorts=(users(),),
        ),
        {
            ("survival", "curve", "users", 2, "events"): 1,
            ("survival", "curve", "users", 4, "events"): 1,
            ("survival", "curve", "users", 6, "events"): 1,
            ("survival", "curve", "users", 10, "censored"): 2,
        },
        estimates={
            ("outcome", "bleed", "number_records_count", "overall"): "5",
            ("outcome", "bleed", "n_events_count", "overall"): "3",
            ("outcome", "bleed", "q05_survival", "overall"): "2",
            ("outcome", "bleed", "q25_survival", "overall"): "4",
            ("outcome", "bleed", "median_survival", "overall"): "6",
            ("outcome", "bleed", "q75_survival", "overall"): "NA",
            # 2 × 1 + 2 × 4/5 + 2 × 3/5 + 4 × 2/5 days
            ("outcome", "bleed", "restricted_mean_survival", "overall"): "6.4",
            # Variance: 4.4² / 20 + 2.8² / 12 + 1.6² / 6 = 2.048
            ("outcome", "bleed", "restricted_mean_survival_95CI_lower", "overall"): "3.6",
            ("outcome", "bleed", "restricted_mean_survival_95CI_upper", "overall"): "9.2",
        },
    ),
)
LEAVING = (
    SpecCase(
        "Follow-up ends on the first entry to the censoring cohort; an outcome on that day counts",
        tables(
            *(person(n) for n in (1, 2, 3, 4)),
            *in_2020(1, 2, 3, 4),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3, 4)),
            bleed("2020-03-08", person_id=1, concept=3),
            bleed("2020-03-10", person_id=1),
            bleed("2020-03-08", person_id=2, concept=3),
            bleed("2020-03-08", person_id=2),
            bleed("2020-02-28", person_id=3, concept=3),
            bleed("2020-03-01", person_id=4, concept=3),
        ),
        study(
            CumulativeIncidence(
                name="curve",
                cohorts=("users",),
                outcome=BLEED,
                censor="others",
                horizon=30,
                step=10,
            ),
            cohorts=(users(), OTHERS),
        ),
        {
            ("survival", "curve", "users", 7, "censored"): 1,
            ("survival", "curve", "users", 7, "events"): 1,
            ("survival", "curve", "users", 0, "censored"): 1,
            ("survival_left_out", "curve", "users", "censored"): 1,
        },
    ),
    SpecCase(
        "Unless it ends with the stay, follow-up ends with the period of observation",
        tables(
            person(1),
            person(2),
            observed("2020-01-01", "2020-03-21"),
            *in_2020(2),
            drug("2020-03-01"),
            drug("2020-03-01", person_id=2),
            bleed("2020-03-16", person_id=2),
        ),
        study(
            CumulativeIncidence(
                name="curve",
                cohorts=("users",),
                outcome=BLEED,
                censor_on_exit=False,
                horizon=30,
                step=10,
            ),
            cohorts=(users(leave=FixedDays(days=10)),),
        ),
        {
            ("survival", "curve", "users", 20, "censored"): 1,
            ("survival", "curve", "users", 15, "events"): 1,
        },
        kinds=frozenset({"survival_left_out"}),
    ),
    curve(
        "Follow-up ends on a day of the calendar, and who enters after it is left out",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *in_2020(1, 2, 3),
            drug("2020-03-01", person_id=1),
            drug("2020-03-11", person_id=2),
            drug("2020-03-12", person_id=3),
            bleed("2020-03-11", person_id=1),
            bleed("2020-03-12", person_id=2),
        ),
        {(10, "events"): 1, (0, "censored"): 1},
        left_out={"censored": 1},
        censor_on=date(2020, 3, 11),
    ),
    curve(
        "Who is followed for fewer days than asked, to an outcome or otherwise, is left out",
        tables(
            *(person(n) for n in (1, 2, 3, 4)),
            *in_2020(1, 2, 3),
            observed("2020-01-01", "2020-03-04", 4),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3, 4)),
            bleed("2020-03-01", person_id=1),
            bleed("2020-03-05", person_id=2),
            bleed("2020-03-06", person_id=3),
        ),
        {(5, "events"): 1},
        left_out={"too_short": 3},
        minimum_days=5,
    ),
    curve(
        "Of several reasons to leave a person out, the earlier outcome is counted",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-02-01"),
        ),
        {},
        left_out={"washout": 1},
        censor_on=date(2020, 2, 29),
        minimum_days=5,
    ),
)

CASES = (
    *COMPETING,
    *LEAVING,
    *SUMMARY,
    SpecCase(
        "Characteristics are taken on the entry day",
        tables(
            person(1, "F", (1970, 5, 2)),
            person(2, "?", (None, 1, 1)),
            YEAR,
            observed("2020-05-01", "2020-05-01", 2),
            drug("2020-05-01"),
            drug("2020-05-01", person_id=2),
            bleed("2019-05-02", concept=3),
            bleed("2019-06-01", concept=3),
            bleed("2020-05-01", person_id=2),
            bleed("2020-05-01", person_id=2, concept=3),
        ),
        study(WHO, cohorts=(users(),)),
        {
            ("attrition", "users", 0): 2,
            ("attrition", "users", 1): 2,
            ("attrition", "users", 2): 2,
            ("sex", "who", "users", "Female"): 1,
            ("sex", "who", "users", "None"): 1,
            ("age", "who", "users", 49): 1,
            ("prior_observation", "who", "users", 121): 1,
            ("prior_observation", "who", "users", 0): 1,
            ("future_observation", "who", "users", 244): 1,
            ("future_observation", "who", "users", 0): 1,
            ("covariate", "who", "users", "ulcer"): 1,
            ("covariate", "who", "users", "bleed_on_day"): 1,
        },
        estimates={
            ("Age group", "18 to 64", "count", "overall"): "1",
            ("Age group", "None", "count", "overall"): "1",
            ("Sex", "None", "percentage", "overall"): "50",
            ("Age", None, "median", "overall"): "49",
            ("Age", None, "sd", "overall"): None,
            ("Covariates", "ulcer", "count", "overall"): "1",
        },
    ),
    SpecCase(
        "Age before birth is negative and in no group",
        tables(person(born=(2020, 5, 2)), YEAR, drug("2020-05-01")),
        study(
            Characteristics(
                name="who",
                cohorts=("users",),
                age_groups=(AgeGroup(minimum=0, maximum=150),),
            ),
            cohorts=(users(),),
        ),
        {("age", "who", "users", -1): 1},
        estimates={("Age group", "None", "count", "overall"): "1"},
    ),
    curve(
        "An outcome on the entry day is an event on day 0",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-01")),
        {(0, "events"): 1},
    ),
    curve(
        "An outcome on the last day of follow-up is an event",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-31")),
        {(30, "events"): 1},
    ),
    curve(
        "Who has no outcome by the horizon is censored on that day",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-04-01")),
        {(30, "censored"): 1},
    ),
    curve(
        "Who leaves the cohort before the horizon is censored on the last day",
        tables(person(), YEAR, drug("2020-12-21"), bleed("2021-01-02")),
        {(10, "censored"): 1},
    ),
    curve(
        "Without a washout in days, any earlier outcome leaves the person out",
        tables(
            person(),
            observed("2000-01-01", "2000-12-31"),
            YEAR,
            drug("2020-03-01"),
            bleed("2000-02-01"),
        ),
        {},
    ),
    curve(
        "An earlier record that was not observed is no outcome",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2019-12-31")),
        {(30, "censored"): 1},
    ),
    curve(
        "An outcome that was there on a washout day leaves a person out, a day earlier not",
        tables(
            person(1),
            person(2),
            YEAR,
            *in_2020(2),
            drug("2020-03-11"),
            drug("2020-03-11", person_id=2),
            bleed("2020-02-01", "2020-03-01"),
            bleed("2020-02-01", "2020-02-29", person_id=2),
        ),
        {(30, "censored"): 1},
        washout=10,
    ),
    curve(
        "A washout of 0 leaves nobody out, and only outcomes that start from entry on are events",
        tables(person(), YEAR, drug("2020-03-11"), bleed("2020-03-01", "2020-03-20")),
        {(30, "censored"): 1},
        washout=0,
    ),
    SpecCase(
        "The curve is that of Kaplan and Meier, the censored being at risk on their day",
        tables(
            *(person(one) for one in (1, 2, 3, 4)),
            *in_2020(1, 2, 3, 4),
            *(drug("2020-03-01", person_id=one) for one in (1, 2, 3, 4)),
            bleed("2020-03-06", person_id=1),
            bleed("2020-03-11", person_id=2),
        ),
        study(
            CumulativeIncidence(
                name="curve", cohorts=("users",), outcome=BLEED, horizon=15, step=10
            ),
            cohorts=(users(leave=FixedDays(days=12)),),
        ),
        {
            ("survival", "curve", "users", 5, "events"): 1,
            ("survival", "curve", "users", 10, "events"): 1,
            ("survival", "curve", "users", 12, "censored"): 2,
        },
        estimates={
            ("outcome", "bleed", "n_risk_count", "0"): "4",
            ("outcome", "bleed", "n_risk_count", "10"): "3",
            ("outcome", "bleed", "n_events_count", "10"): "2",
            ("outcome", "bleed", "estimate", "10"): "0.5",
            ("outcome", "bleed", "n_risk_count", "15"): "0",
            ("outcome", "bleed", "n_censor_count", "15"): "2",
            ("outcome", "bleed", "estimate", "15"): "0.5",
            ("outcome", "bleed", "q25_survival", "overall"): "7.5",
            ("outcome", "bleed", "median_survival", "overall"): "10",
            ("outcome", "bleed", "q75_survival", "overall"): "NA",
            # Nobody was followed to day 15, and not all had the outcome.
            ("outcome", "bleed", "restricted_mean_survival", "overall"): "NA",
        },
    ),
)
