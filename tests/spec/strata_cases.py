"""Strata of cohorts: who is in which, and that every result takes them."""

from datetime import date

from laennec.study.model import (
    AgeGroup,
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Characteristics,
    Counts,
    Covariate,
    CumulativeIncidence,
    Period,
    Result,
    Strata,
    Study,
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
    observed,
    person,
    study,
    tables,
    users,
)

MEMBERS = frozenset({"members"})
AGES = ByAge(groups=(AgeGroup(minimum=0, maximum=17), AgeGroup(minimum=18, maximum=64)))
YEARS = ByPeriod(
    periods=(
        Period(start=date(2019, 1, 1), end=date(2019, 12, 31)),
        Period(start=date(2020, 1, 1), end=date(2020, 12, 31)),
    )
)
BLED = ByEvents(name="bled", events=BLEED, window=Window(start=-30, end=-1))
ONCE = ByEvents(name="once", events=BLEED, window=Window(end=-1), at_least=1, at_most=1)


def divided(*asked: tuple[str, ...], ways: tuple[Strata, ...]) -> Study:
    """A study that counts users in strata."""
    return with_strata(Counts(name="n", cohorts=("users",), strata=asked), ways)


def with_strata(result: Result, ways: tuple[Strata, ...]) -> Study:
    """A study of one result on users, with ways to divide them."""
    return study(result, cohorts=(users(),), strata=ways)


def members(**strata: int) -> dict[Key, int]:
    """Persons by the levels of one way, written ``way__level``."""
    found: dict[Key, int] = {}
    for name, number in strata.items():
        way, _, level = name.partition("__")
        found["members", f"users|{way}={level.replace('_', ' ')}"] = number
    return found


def people(*rows: tuple[str, dict[str, object]]) -> Tables:
    """Persons with rows of theirs, each observed from 2019 to 2020."""
    ids = [row["person_id"] for table, row in rows if table == "person"]
    periods = [observed("2019-01-01", "2020-12-31", one) for one in ids if isinstance(one, int)]
    return tables(*rows, *periods)


CASES = (
    SpecCase(
        "Strata by sex are women and men; who is of unknown sex is in neither",
        people(
            *(person(n, sex) for n, sex in enumerate("FFM?", start=1)),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3, 4)),
        ),
        divided(("sex",), ways=(BySex(),)),
        members(sex__Female=2, sex__Male=1),
        kinds=MEMBERS,
    ),
    SpecCase(
        "Strata by age take completed years on the entry day; no age and other ages are in none",
        people(
            person(1, born=(2002, 3, 2)),
            person(2, born=(2002, 3, 1)),
            person(3, born=(1950, 1, 1)),
            person(4, born=(None, 1, 1)),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3, 4)),
        ),
        divided(("age_group",), ways=(AGES,)),
        members(age_group__0_to_17=1, age_group__18_to_64=1),
        kinds=MEMBERS,
    ),
    SpecCase(
        "Strata by period of entry take both ends of a period",
        people(
            person(1),
            person(2),
            drug("2019-12-31", person_id=1),
            drug("2020-01-01", person_id=2),
        ),
        divided(("entry_period",), ways=(YEARS,)),
        {
            ("members", "users|entry_period=2019-01-01 to 2019-12-31"): 1,
            ("members", "users|entry_period=2020-01-01 to 2020-12-31"): 1,
        },
        kinds=MEMBERS,
    ),
    SpecCase(
        "Strata by a feature tell who has as many records in the window, and who has not",
        people(
            person(1),
            person(2),
            *(drug("2020-03-31", person_id=n) for n in (1, 2)),
            bleed("2020-03-01", person_id=1),
            bleed("2020-02-29", person_id=2),
        ),
        divided(("bled",), ways=(BLED,)),
        members(bled__yes=1, bled__no=1),
        kinds=MEMBERS,
    ),
    SpecCase(
        "A feature may have a largest number: two records are not one",
        people(
            person(1),
            person(2),
            *(drug("2020-03-31", person_id=n) for n in (1, 2)),
            *(bleed("2020-03-01", person_id=n) for n in (1, 2, 2)),
        ),
        divided(("once",), ways=(ONCE,)),
        members(once__yes=1, once__no=1),
        kinds=MEMBERS,
    ),
    SpecCase(
        "Crossed strata hold who is in every one of their levels",
        people(
            person(1, "F", born=(2010, 1, 1)),
            person(2, "M", born=(1980, 1, 1)),
            person(3, "M", born=(1920, 1, 1)),
            *(drug("2020-03-01", person_id=n) for n in (1, 2, 3)),
        ),
        divided(("sex", "age_group"), ways=(AGES, BySex())),
        {
            ("members", "users|sex=Female|age_group=0 to 17"): 1,
            ("members", "users|sex=Male|age_group=18 to 64"): 1,
        },
        kinds=MEMBERS,
    ),
    SpecCase(
        "Characteristics are of the whole cohort and of each stratum",
        people(
            person(1, "F"),
            person(2, "M"),
            *(drug("2020-03-01", person_id=n) for n in (1, 2)),
            bleed("2020-03-01", person_id=2, concept=3),
        ),
        with_strata(
            Characteristics(
                name="who",
                cohorts=("users",),
                strata=(("sex",),),
                covariates=(Covariate(name="ulcer", events=ULCER, window=Window()),),
            ),
            (BySex(),),
        ),
        {
            ("sex", "who", "users", "Female"): 1,
            ("sex", "who", "users", "Male"): 1,
            ("sex", "who", "users|sex=Female", "Female"): 1,
            ("sex", "who", "users|sex=Male", "Male"): 1,
            ("covariate", "who", "users", "ulcer"): 1,
            ("covariate", "who", "users|sex=Male", "ulcer"): 1,
        },
    ),
    SpecCase(
        "Cumulative incidence follows the whole cohort and each stratum",
        people(
            person(1, "F"),
            person(2, "M"),
            *(drug("2020-03-01", person_id=n) for n in (1, 2)),
            bleed("2020-03-06", person_id=2),
        ),
        with_strata(
            CumulativeIncidence(
                name="curve",
                cohorts=("users",),
                strata=(("sex",),),
                outcome=BLEED,
                horizon=10,
                step=5,
            ),
            (BySex(),),
        ),
        {
            ("survival", "curve", "users", 5, "events"): 1,
            ("survival", "curve", "users", 10, "censored"): 1,
            ("survival", "curve", "users|sex=Male", 5, "events"): 1,
            ("survival", "curve", "users|sex=Female", 10, "censored"): 1,
        },
    ),
)
