"""Incidence as CohortIncidence has it, beside IncidencePrevalence on the same rows."""

from datetime import date
from typing import Any

from laennec.study.definition import EventQuery, Offset
from laennec.study.model import (
    AgeGroup,
    AnyCohort,
    Cohort,
    CohortIncidence,
    Definition,
    FixedDays,
    Incidence,
    Interval,
    RiskBound,
    Stays,
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
    numbered,
    observed,
    person,
    study,
    tables,
    users,
)

TEN_DAYS = users(leave=FixedDays(days=9))
"""Ten days from the first exposure."""

EACH_EXPOSURE = Definition(
    name="users",
    entry=(EventQuery(table="drug_exposure", concepts="drug"),),
    leave=Offset(after="start", days=9),
)
"""Ten days from every exposure."""

ULCERS = Cohort(name="ulcers", entry=ULCER, exit=FixedDays(days=4))
NO_RISK = frozenset({"cohort_incidence"})
ALL = "overall"


def risk(
    persons: int,
    days: int,
    outcomes: int = 0,
    *,
    before: tuple[int, int, int] | None = None,
    having: tuple[int, int] | None = None,
    excluded: int = 0,
    ages: str = ALL,
    sex: str = ALL,
    year: str = ALL,
) -> dict[Key, int]:
    """Counts of one group; before exclusion the same unless given.

    ``before`` are persons, days and outcomes before exclusion, ``having`` the persons with an
    outcome after and before it (as many as outcomes unless given), ``excluded`` the persons with
    excluded days.
    """
    persons_pe, days_pe, outcomes_pe = before or (persons, days, outcomes)
    with_outcome, with_outcome_pe = having or (outcomes, outcomes_pe)
    numbers = {
        "persons_at_risk_pe": persons_pe,
        "persons_at_risk": persons,
        "persons_excluded_days": excluded,
        "person_days_pe": days_pe,
        "person_days": days,
        "person_outcomes_pe": with_outcome_pe,
        "person_outcomes": with_outcome,
        "outcomes_pe": outcomes_pe,
        "outcomes": outcomes,
    }
    key: Key = ("cohort_incidence", "risk", "users", ages, sex, year)
    return {(*key, name): number for name, number in numbers.items() if number}


def both(
    name: str,
    rows: Tables,
    expected: dict[Key, int],
    darwin: tuple[int, int, int],
    washout: int | None = None,
    repeated: bool = False,
    **asked: Any,
) -> SpecCase:
    """A case about ten days of use, with the persons, days and outcomes of the other semantics."""
    theirs = Incidence(
        name="rate",
        population="users",
        outcome=BLEED,
        washout=washout,
        repeated=repeated,
        intervals=(Interval.OVERALL,),
    )
    key: Key = ("incidence", "rate", "Both", "0 to 150", ALL)
    counts = dict(zip(("persons", "days", "events"), darwin, strict=True))
    compared = {(*key, what): number for what, number in counts.items() if number}
    result = CohortIncidence(name="risk", cohorts=("users",), outcome=BLEED, **asked)
    made = study(result, theirs, cohorts=(TEN_DAYS,))
    return SpecCase(name, rows, made, expected | compared, kinds=NO_RISK | {"incidence"})


def case(
    name: str,
    rows: Tables,
    expected: dict[Key, int],
    *more: AnyCohort,
    target: AnyCohort = TEN_DAYS,
    **asked: Any,
) -> SpecCase:
    """A case about CohortIncidence alone."""
    result = CohortIncidence(name="risk", cohorts=("users",), **{"outcome": BLEED, **asked})
    return SpecCase(name, rows, study(result, cohorts=(target, *more)), expected, kinds=NO_RISK)


def offset(after: str, days: int) -> RiskBound:
    """A day counted from the first or last day of a stay."""
    return RiskBound.model_validate({"after": after, "days": days})


CASES = (
    both(
        "Risk goes on after an outcome, where that of IncidencePrevalence ends",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-05")),
        risk(1, 10, 1),
        darwin=(1, 5, 1),
    ),
    both(
        "A clean window is a washout after which outcomes repeat: both semantics agree",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-03-03"),
            bleed("2020-03-05"),
            bleed("2020-03-08"),
        ),
        risk(1, 3, 1, before=(1, 10, 3), having=(1, 1), excluded=1),
        darwin=(1, 3, 1),
        clean_window=3,
        washout=3,
        repeated=True,
    ),
    both(
        "The days of an outcome after its first are excluded, as is what begins on them",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-03", "2020-03-06")),
        risk(1, 7, 1, before=(1, 10, 1), excluded=1),
        darwin=(1, 3, 1),
    ),
    both(
        "Who is of unknown sex is at risk, where IncidencePrevalence leaves them out",
        tables(person(sex="?"), YEAR, drug("2020-03-01")),
        risk(1, 10),
        darwin=(0, 0, 0),
    ),
    both(
        "Risk may outlast the stay, where that of IncidencePrevalence is the stay",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-20")),
        risk(1, 29, 1),
        darwin=(1, 10, 0),
        risk_from=offset("start", 1),
        risk_until=offset("start", 29),
    ),
    case(
        "Risk is counted from the last day of the stay as well",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-10"), bleed("2020-03-12")),
        risk(1, 5, 1),
        risk_from=offset("end", 1),
        risk_until=offset("end", 5),
    ),
    case(
        "Risk ends with the observation in which the stay begins",
        tables(person(), YEAR, drug("2020-12-20"), bleed("2021-01-01")),
        risk(1, 11),
        risk_from=offset("start", 1),
        risk_until=offset("start", 29),
    ),
    case(
        "Risk that would begin after the end of observation is on its last day",
        tables(person(), YEAR, drug("2020-12-20"), bleed("2020-12-31")),
        risk(1, 1, 1),
        risk_from=offset("start", 20),
        risk_until=offset("start", 29),
    ),
    case(
        "Risk may begin before observation does",
        tables(person(), YEAR, drug("2020-01-01")),
        risk(1, 11),
        risk_from=offset("start", -10),
        risk_until=offset("start", 0),
    ),
    case(
        "Risk that would end before it begins is none",
        tables(person(), YEAR, drug("2020-03-01")),
        {},
        risk_from=offset("end", 0),
        risk_until=offset("start", 0),
    ),
    case(
        "Every stay has its time at risk, and a person counts once",
        tables(
            person(),
            YEAR,
            numbered(drug("2020-03-01"), 1),
            numbered(drug("2020-06-01"), 2),
            bleed("2020-03-05"),
            bleed("2020-06-05"),
        ),
        risk(1, 20, 2, having=(1, 1)),
        target=EACH_EXPOSURE,
    ),
    case(
        "Time at risk of two stays that shares a day is counted once",
        tables(person(), YEAR, numbered(drug("2020-03-01"), 1), numbered(drug("2020-03-15"), 2)),
        risk(1, 31),
        target=EACH_EXPOSURE,
        risk_until=offset("end", 7),
    ),
    case(
        "An outcome before the time at risk cleans it, and may exclude all of it",
        tables(
            person(1),
            person(2),
            *in_2020(1, 2),
            drug("2020-03-01", person_id=1),
            bleed("2020-02-25", person_id=1),
            drug("2020-03-01", person_id=2),
            bleed("2020-02-29", person_id=2),
            bleed("2020-03-02", person_id=2),
        ),
        risk(1, 5, before=(2, 20, 1), having=(0, 1), excluded=2),
        clean_window=9,
    ),
    case(
        "The stays of the excluded cohort are no time at risk, and their outcomes do not count",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            bleed("2020-03-04", concept=3),
            bleed("2020-03-06"),
        ),
        risk(1, 5, before=(1, 10, 1), having=(0, 1), excluded=1),
        ULCERS,
        exclude="ulcers",
    ),
    case(
        "Stays of a cohort are outcomes as they are",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-03-04", concept=3)),
        risk(1, 6, 1, before=(1, 10, 1), excluded=1),
        ULCERS,
        outcome=Stays(cohort="ulcers"),
    ),
    case(
        "Time at risk counts that begins between the study's dates, up to the last of them",
        tables(
            *(person(n) for n in (1, 2)),
            *(observed("2019-01-01", "2021-12-31", n) for n in (1, 2)),
            drug("2019-12-28", person_id=1),
            drug("2020-12-28", person_id=2),
        ),
        risk(1, 4),
        start=date(2020, 1, 1),
        end=date(2020, 12, 31),
    ),
    case(
        "Who is of unknown sex, or begins in no year asked for, is in the whole only",
        tables(
            person(1, "F"),
            person(2, "?"),
            *(observed("2019-01-01", "2021-12-31", n) for n in (1, 2)),
            drug("2020-12-28", person_id=1),
            drug("2021-03-01", person_id=2),
        ),
        risk(2, 20)
        | risk(1, 10, sex="Female")
        | risk(1, 10, year="2020")
        | risk(1, 10, year="2021")
        | risk(1, 10, sex="Female", year="2020"),
        by_sex=True,
        by_start_year=True,
        start=date(2020, 1, 1),
        end=date(2021, 12, 31),
    ),
    case(
        "Age is the year in which risk begins less the year of birth, for all of it",
        tables(
            person(1, born=(2002, 12, 31)),
            person(2, born=(None, None, None)),
            *(observed("2020-01-01", "2021-12-31", n) for n in (1, 2)),
            drug("2020-03-01", person_id=1),
            drug("2020-03-01", person_id=2),
        ),
        risk(2, 20) | risk(1, 10, ages="18 to 64"),
        age_groups=(AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)),
    ),
    SpecCase(
        "Proportion and rate are those of the example of CohortIncidence's documentation",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *(observed("2018-01-01", "2020-12-31", n) for n in (1, 2, 3)),
            *(drug("2019-01-01", person_id=n) for n in (1, 2, 3)),
            bleed("2018-12-31", person_id=2),
            bleed("2019-06-01", person_id=2),
            bleed("2019-04-30", person_id=3),
            bleed("2019-09-01", person_id=3),
        ),
        study(
            CohortIncidence(name="risk", cohorts=("users",), outcome=BLEED, clean_window=9999),
            cohorts=(users(leave=FixedDays(days=364)),),
        ),
        risk(2, 485, 1, before=(3, 1095, 3), having=(1, 2), excluded=2),
        estimates={
            ("Outcome", None, "incidence_proportion_p100p", ALL): "50",
            ("Outcome", None, "incidence_rate_p100py", ALL): "75.309",
        },
    ),
)
