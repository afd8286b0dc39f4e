"""Cohort overlap and timing."""

from laennec.study.definition import EventQuery, Offset
from laennec.study.model import Cohort, CohortOverlap, CohortTiming, Definition
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    ULCER,
    SpecCase,
    bleed,
    drug,
    in_2020,
    numbered,
    person,
    study,
    tables,
    users,
)

COHORTS = (users(), Cohort(name="bleeds", entry=BLEED), Cohort(name="ulcers", entry=ULCER))
NAMES = tuple(one.name for one in COHORTS)
OVERLAP = frozenset({"overlap"})
TIMING = frozenset({"timing", "timing_persons"})
PAIR = "users &&& bleeds"


def followed(*people: int) -> list[tuple[str, dict[str, object]]]:
    """People who are observed for the whole of 2020."""
    return [row for one in people for row in (person(one), *in_2020(one))]


def between(days: dict[int, int], persons: int) -> dict[Key, int]:
    """Days from use to bleed."""
    counts: dict[Key, int] = {("timing", "days", "users", "bleeds", n): m for n, m in days.items()}
    return counts | {("timing_persons", "days", "users", "bleeds"): persons}


CASES = (
    SpecCase(
        "Overlap counts who is in both cohorts at any time, whatever the order",
        tables(
            *followed(1, 2, 3, 4),
            drug("2020-03-01", person_id=1),
            bleed("2020-02-01", person_id=1),
            drug("2020-03-01", person_id=2),
            bleed("2020-11-01", person_id=2),
            drug("2020-03-01", person_id=3),
            bleed("2020-03-01", person_id=4),
            bleed("2020-03-01", person_id=4, concept=3),
        ),
        study(CohortOverlap(name="both", cohorts=NAMES), cohorts=COHORTS),
        {
            ("overlap", "both", "users", "bleeds"): 2,
            ("overlap", "both", "bleeds", "ulcers"): 1,
        },
        kinds=OVERLAP,
        estimates={
            ("users &&& bleeds", "In both cohorts", "count"): "2",
            ("users &&& bleeds", "In both cohorts", "percentage"): "50",
            ("users &&& bleeds", "Only in reference cohort", "count"): "1",
            ("users &&& bleeds", "Only in comparator cohort", "count"): "1",
            ("bleeds &&& ulcers", "Only in reference cohort", "count"): "2",
            ("ulcers &&& bleeds", "Only in comparator cohort", "percentage"): "66.67",
            ("users &&& ulcers", "In both cohorts", "count"): "0",
        },
    ),
    SpecCase(
        "Two empty cohorts overlap in nobody, and there is no percentage of nobody",
        tables(*followed(1)),
        study(CohortOverlap(name="both", cohorts=NAMES[:2]), cohorts=COHORTS),
        {},
        kinds=OVERLAP,
        estimates={
            (PAIR, "In both cohorts", "count"): "0",
            (PAIR, "In both cohorts", "percentage"): None,
        },
    ),
    SpecCase(
        "Timing is the entry into the second cohort less the entry into the first",
        tables(
            *followed(1, 2, 3),
            drug("2020-03-01", person_id=1),
            bleed("2020-03-11", person_id=1),
            drug("2020-03-01", person_id=2),
            bleed("2020-02-20", person_id=2),
            drug("2020-03-01", person_id=3),
            bleed("2020-03-01", person_id=3),
        ),
        study(CohortTiming(name="days", cohorts=NAMES[:2]), cohorts=COHORTS),
        between({10: 1, -10: 1, 0: 1}, 3),
        kinds=TIMING,
        estimates={
            (PAIR, "number subjects", "count"): "3",
            (PAIR, "days_between_cohort_entries", "min"): "-10",
            (PAIR, "days_between_cohort_entries", "q25"): "-10",
            (PAIR, "days_between_cohort_entries", "median"): "0",
            (PAIR, "days_between_cohort_entries", "q75"): "10",
            ("bleeds &&& users", "days_between_cohort_entries", "max"): "10",
        },
    ),
    SpecCase(
        "Timing may pair every entry of a person into one cohort with every entry into the other",
        tables(
            *followed(1),
            *(numbered(drug(day), n) for n, day in enumerate(("2020-03-01", "2020-03-05"))),
            bleed("2020-03-11"),
        ),
        study(
            CohortTiming(name="days", cohorts=NAMES[:2], first_entry=False),
            cohorts=(
                Definition(
                    name="users",
                    entry=(EventQuery(table="drug_exposure", concepts="drug"),),
                    leave=Offset(days=0),
                ),
                COHORTS[1],
            ),
        ),
        between({10: 1, 6: 1}, 1),
        kinds=TIMING,
    ),
    SpecCase(
        "Cohorts that share nobody have no timing",
        tables(*followed(1, 2), drug("2020-03-01", person_id=1), bleed("2020-03-11", person_id=2)),
        study(CohortTiming(name="days", cohorts=NAMES[:2]), cohorts=COHORTS),
        {},
        kinds=TIMING,
        estimates={(PAIR, "number subjects", "count"): None},
    ),
)
