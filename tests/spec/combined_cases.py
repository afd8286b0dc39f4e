"""Cohorts made of other cohorts, seen through the days at risk in them."""

from laennec.study.model import (
    Cohort,
    Combined,
    Counts,
    DifferenceOf,
    FixedDays,
    Incidence,
    IntersectionOf,
    Interval,
    UnionOf,
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
    person,
    study,
    tables,
    users,
)

USERS = users(leave=FixedDays(days=9))
PATIENTS = Cohort(name="patients", entry=BLEED, exit=FixedDays(days=9))
NAMES = ("users", "patients")


def staying(name: str, rows: Tables, made: Combined, days: int, *more: Combined) -> SpecCase:
    """A case about the first stay of one person in the last cohort; no days for no stay.

    The outcome is one that nobody has, so that every day of the stay is at risk.
    """
    cohort = (made, *more)[-1].name
    asked = Incidence(name="stay", population=cohort, outcome=ULCER, intervals=(Interval.OVERALL,))
    key: Key = ("incidence", "stay", "Both", "0 to 150", "overall")
    counts: dict[Key, int] = {(*key, "persons"): 1, (*key, "days"): days} if days else {}
    return SpecCase(
        name,
        rows,
        study(asked, cohorts=(USERS, PATIENTS, made, *more)),
        counts,
        kinds=frozenset({"incidence"}),
    )


def one_person(drug_on: str | None, bleed_on: str | None) -> Tables:
    """A person with stays of ten days in either cohort."""
    rows = [person(), YEAR]
    rows += [drug(drug_on)] if drug_on else []
    rows += [bleed(bleed_on)] if bleed_on else []
    return tables(*rows)


CASES = (
    staying(
        "A union has the days of any cohort; stays that share a day are one stay",
        one_person("2020-03-01", "2020-03-10"),
        UnionOf(name="either", cohorts=NAMES),
        19,
    ),
    staying(
        "In a union stays that only touch are two, and the first one counts",
        one_person("2020-03-11", "2020-03-01"),
        UnionOf(name="either", cohorts=NAMES),
        10,
    ),
    staying(
        "An intersection has the days that all cohorts have",
        one_person("2020-03-01", "2020-03-10"),
        IntersectionOf(name="both", cohorts=NAMES),
        1,
    ),
    staying(
        "Without a common day nobody is in an intersection",
        one_person("2020-03-01", "2020-03-11"),
        IntersectionOf(name="both", cohorts=NAMES),
        0,
    ),
    staying(
        "An intersection by persons has the first cohort's stays of who is in all, at any time",
        one_person("2020-03-01", "2020-06-01"),
        IntersectionOf(name="both", cohorts=NAMES, by="persons"),
        10,
    ),
    staying(
        "A difference takes the days of the other cohorts away",
        one_person("2020-03-01", "2020-03-04"),
        DifferenceOf(name="only", cohorts=NAMES),
        3,
    ),
    staying(
        "A difference may begin after the other stay has ended",
        one_person("2020-03-02", "2020-03-01"),
        DifferenceOf(name="only", cohorts=NAMES),
        1,
    ),
    staying(
        "A difference by persons has the whole stays of who is in no other cohort",
        one_person("2020-03-01", None),
        DifferenceOf(name="only", cohorts=NAMES, by="persons"),
        10,
    ),
    staying(
        "A difference by persons leaves out who is in another cohort at any time",
        one_person("2020-03-01", "2020-06-01"),
        DifferenceOf(name="only", cohorts=NAMES, by="persons"),
        0,
    ),
    staying(
        "A cohort may be made of cohorts that are made of others",
        one_person("2020-03-01", "2020-03-04"),
        IntersectionOf(name="both", cohorts=NAMES),
        3,
        DifferenceOf(name="rest", cohorts=("users", "both")),
    ),
    SpecCase(
        "A cohort made of others has one step: who has a stay in it",
        tables(
            person(1),
            person(2),
            *in_2020(1, 2),
            drug("2020-03-01", person_id=1),
            bleed("2020-03-01", person_id=2),
        ),
        study(
            Counts(name="n", cohorts=("either",)),
            cohorts=(USERS, PATIENTS, UnionOf(name="either", cohorts=NAMES)),
        ),
        {
            **{("attrition", "users", step): 1 for step in range(3)},
            **{("attrition", "patients", step): 1 for step in range(3)},
            ("attrition", "either", 0): 2,
        },
    ),
)
