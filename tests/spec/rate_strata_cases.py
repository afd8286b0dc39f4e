"""Strata of incidence and prevalence: in which one a person is, and what is counted there."""

from datetime import date
from typing import Any

from laennec.study.model import (
    AgeGroup,
    ByEvents,
    ByPeriod,
    Incidence,
    Interval,
    Level,
    Period,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Sex,
    Window,
)
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    ULCER,
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

ULCERS = ByEvents(name="ulcer", events=ULCER, window=Window(end=0))
SPRING = ByPeriod(periods=(Period(start=date(2020, 1, 1), end=date(2020, 5, 31)),))
MINORS, ADULTS = AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)
TOLD = "|ulcer=yes"
UNTOLD = "|ulcer=no"


def rate(
    kind: str, *numbers: tuple[str, tuple[int, ...]], ages: str = "0 to 150"
) -> dict[Key, int]:
    """Counts of the whole (an empty name) and of strata, of all time or of one day."""
    names = ("persons", "days", "events") if kind == "incidence" else ("denominator", "outcomes")
    interval: int | str = 2020 if kind == "point" else "overall"
    start: Key = ("incidence" if kind == "incidence" else "prevalence", "rate", "Both", ages)
    return {
        (*start, *([stratum] if stratum else []), interval, name): number
        for stratum, counted in numbers
        for name, number in zip(names, counted, strict=True)
        if number
    }


def case(
    name: str,
    rows: Tables,
    expected: dict[Key, int],
    result: Incidence | Prevalence | None = None,
    **asked: Any,
) -> SpecCase:
    """A case about incidence over all time by ulcer, unless another result is given."""
    fields = {"outcome": BLEED, "intervals": (Interval.OVERALL,), "strata": (("ulcer",),), **asked}
    result = result or Incidence(name="rate", **fields)
    named = {one for names in result.strata for one in names}
    ways = tuple(one for one in (ULCERS, SPRING) if one.label in named)
    cohorts = (users(),) if result.population else ()
    counted = "incidence" if isinstance(result, Incidence) else "prevalence"
    return SpecCase(
        name,
        rows,
        study(result, cohorts=cohorts, strata=ways),
        expected,
        kinds=frozenset({counted}),
    )


def ulcer(start: str, person_id: int = 1) -> tuple[str, dict[str, Any]]:
    """A peptic ulcer."""
    return bleed(start, person_id=person_id, concept=3)


CASES = (
    case(
        "Persons, days and outcomes of a rate are those of the whole and of each stratum",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *in_2020(1, 2, 3),
            ulcer("2019-06-01", 1),
            bleed("2020-01-10", person_id=1),
            bleed("2020-01-20", person_id=2),
        ),
        rate(
            "incidence",
            ("", (3, 10 + 20 + 366, 2)),
            (TOLD, (1, 10, 1)),
            (UNTOLD, (2, 20 + 366, 1)),
        ),
    ),
    case(
        "The stratum of a rate is that of the first day looked at, whatever comes later",
        tables(
            person(1),
            person(2),
            *in_2020(1, 2),
            ulcer("2020-01-01", 1),
            ulcer("2020-01-02", 2),
        ),
        rate(
            "incidence",
            ("", (2, 732, 0)),
            (TOLD, (1, 366, 0)),
            (UNTOLD, (1, 366, 0)),
        ),
    ),
    case(
        "Each age group has a first day of its own, and so a stratum of its own",
        tables(person(born=(2002, 7, 1)), *in_2020(1), ulcer("2020-03-01")),
        rate("incidence", ("", (1, 182, 0)), (UNTOLD, (1, 182, 0)), ages="0 to 17")
        | rate("incidence", ("", (1, 184, 0)), (TOLD, (1, 184, 0)), ages="18 to 64"),
        age_groups=(MINORS, ADULTS),
    ),
    case(
        "A person of several periods of observation is in the stratum of the first",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            ulcer("2020-02-15"),
        ),
        rate("incidence", ("", (1, 62, 0)), (UNTOLD, (1, 62, 0))),
    ),
    case(
        "The first day looked at comes after the prior observation and the start of the study",
        tables(
            person(1),
            person(2),
            observed("2019-12-01", "2020-12-31", 1),
            observed("2020-06-01", "2020-12-31", 2),
            ulcer("2020-01-01", 1),
            ulcer("2020-07-02", 2),
        ),
        rate(
            "incidence",
            ("", (2, 366 + 184, 0)),
            (TOLD, (1, 366, 0)),
            (UNTOLD, (1, 184, 0)),
        ),
        prior_observation=30,
        start=date(2020, 1, 1),
    ),
    case(
        "A washout moves the time at risk, not the day on which the stratum is asked",
        tables(
            person(),
            observed("2019-01-01", "2020-12-31"),
            bleed("2019-12-31", "2020-01-05"),
            ulcer("2020-01-04"),
        ),
        rate("incidence", ("", (1, 366 - 15, 0)), (UNTOLD, (1, 366 - 15, 0))),
        start=date(2020, 1, 1),
        washout=10,
    ),
    case(
        "In a population the first day looked at is that of the stay",
        tables(
            person(1),
            person(2),
            person(3),
            *in_2020(1, 2, 3),
            drug("2020-12-01", person_id=1),
            drug("2020-12-02", person_id=2),
            ulcer("2020-12-01", 1),
            ulcer("2020-12-03", 2),
        ),
        rate(
            "incidence",
            ("", (2, 31 + 30, 0)),
            ("users|ulcer=yes", (1, 31, 0)),
            ("users|ulcer=no", (1, 30, 0)),
        ),
        population="users",
    ),
    case(
        "Crossed strata hold who is in both; who enters in no period is in the whole only",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *in_2020(1, 2),
            observed("2020-06-01", "2020-06-30", 3),
            ulcer("2019-06-01", 2),
            ulcer("2019-06-01", 3),
        ),
        rate(
            "incidence",
            ("", (3, 366 + 366 + 30, 0)),
            ("|entry_period=2020-01-01 to 2020-05-31", (2, 732, 0)),
            ("|entry_period=2020-01-01 to 2020-05-31|ulcer=no", (1, 366, 0)),
            ("|entry_period=2020-01-01 to 2020-05-31|ulcer=yes", (1, 366, 0)),
        ),
        strata=(("entry_period",), ("entry_period", "ulcer")),
    ),
    case(
        "Point prevalence in a stratum looks at its persons on the day",
        tables(
            *(person(n) for n in (1, 2, 3)),
            *in_2020(1, 2, 3),
            ulcer("2019-06-01", 1),
            ulcer("2020-02-01", 2),
            bleed("2020-07-01", person_id=1),
            bleed("2020-07-01", person_id=2),
        ),
        rate("point", ("", (3, 2)), (TOLD, (1, 1)), (UNTOLD, (2, 1))),
        PointPrevalence(name="rate", outcome=BLEED, time_point="middle", strata=(("ulcer",),)),
    ),
    case(
        "Records of period prevalence are in the stratum of the person's first day",
        tables(
            person(),
            observed("2020-01-01", "2020-01-31"),
            observed("2020-03-01", "2020-03-31"),
            ulcer("2020-02-15"),
            bleed("2020-03-10"),
        ),
        rate("prevalence", ("", (2, 1)), (UNTOLD, (2, 1))),
        PeriodPrevalence(
            name="rate",
            outcome=BLEED,
            intervals=(Interval.OVERALL,),
            level=Level.RECORD,
            strata=(("ulcer",),),
        ),
    ),
    SpecCase(
        "A stratum has the intervals of the whole, and zeros where nobody of it is at risk",
        tables(
            person(1, "F"),
            person(2, "F"),
            observed("2020-01-01", "2021-12-31", 1),
            observed("2020-01-01", "2020-12-31", 2),
            ulcer("2019-06-01", 2),
            bleed("2020-12-31", person_id=2),
        ),
        study(
            Incidence(
                name="rate",
                outcome=BLEED,
                sexes=(Sex.FEMALE,),
                intervals=(Interval.YEARS,),
                strata=(("ulcer",),),
            ),
            strata=(ULCERS,),
        ),
        {
            ("incidence", "rate", "Female", "0 to 150", *place, what): number
            for place, numbers in (
                ((2020,), (2, 732, 1)),
                ((UNTOLD, 2020), (1, 366, 0)),
                ((TOLD, 2020), (1, 366, 1)),
                ((2021,), (1, 365, 0)),
                ((UNTOLD, 2021), (1, 365, 0)),
            )
            for what, number in zip(("persons", "days", "events"), numbers, strict=True)
            if number
        },
        estimates={
            (level, variable, None, estimate, f"{year}-01-01 &&& {year}-12-31 &&& years"): value
            for level, year, variable, estimate, value in (
                ("overall", 2020, "Denominator", "denominator_count", "2"),
                ("yes", 2020, "Denominator", "denominator_count", "1"),
                ("yes", 2020, "Denominator", "person_days", "366"),
                ("yes", 2020, "Outcome", "outcome_count", "1"),
                # 1 outcome in 1.002 years, which is 366 / 365.25 rounded
                ("yes", 2020, "Outcome", "incidence_100000_pys", "99800.399"),
                ("overall", 2021, "Denominator", "denominator_count", "1"),
                ("no", 2021, "Denominator", "person_days", "365"),
                ("yes", 2021, "Denominator", "denominator_count", "0"),
                ("yes", 2021, "Denominator", "person_years", "0"),
                ("yes", 2021, "Outcome", "outcome_count", "0"),
                ("yes", 2021, "Outcome", "incidence_100000_pys", "NaN"),
            )
        },
    ),
)
