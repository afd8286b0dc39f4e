"""Large-scale characterisation."""

from typing import Any

from laennec.study.model import LargeScaleCharacteristics, Window
from laennec.study.partials import Key
from spec.spec_case import (
    YEAR,
    Row,
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

KINDS = frozenset({"large_scale", "large_scale_observed"})
BEFORE, AFTER = Window(start=-30, end=-1), Window(start=0, end=30)


def asked(**fields: Any) -> LargeScaleCharacteristics:
    """Conditions of users in the month before entry and in the month from it on."""
    given = {"event_in_window": ("condition_occurrence",), "windows": (BEFORE, AFTER)} | fields
    return LargeScaleCharacteristics(name="all", cohorts=("users",), **given)


def counts(
    observed_in: dict[int, int], found: dict[tuple[int, int], int], kind: str = "event"
) -> dict[Key, int]:
    """Persons by window, and by window and concept."""
    of: dict[Key, int] = {
        ("large_scale_observed", "all", "users", window): n for window, n in observed_in.items()
    }
    place = ("large_scale", "all", "condition_occurrence", kind, "users")
    return of | {(*place, *cell): n for cell, n in found.items()}


def of_source(row: tuple[str, Row], concept: int) -> tuple[str, Row]:
    """The row of a condition with its source concept."""
    table, columns = row
    return table, {**columns, "condition_source_concept_id": concept}


CASES = (
    SpecCase(
        "A person counts once for each concept and window in which a record starts",
        tables(
            person(1),
            person(2),
            YEAR,
            observed("2020-03-01", "2020-12-31", 2),
            drug("2020-03-01"),
            drug("2020-03-01", person_id=2),
            bleed("2020-02-01"),
            bleed("2020-02-29"),
            bleed("2020-03-01"),
            bleed("2020-03-31", concept=3),
            bleed("2020-04-01", concept=4),
            bleed("2020-03-05", person_id=2),
        ),
        study(asked(), cohorts=(users(),)),
        counts({0: 1, 1: 2}, {(0, 2): 1, (1, 2): 2, (1, 3): 1}),
        kinds=KINDS,
        estimates={
            ("Number subjects", None, "count", "overall"): "2",
            ("Number observed", "-30 to -1", "count", "overall"): "1",
            ("UNKNOWN CONCEPT", "-30 to -1", "count", "2"): "1",
            ("UNKNOWN CONCEPT", "-30 to -1", "percentage", "2"): "100",
            ("UNKNOWN CONCEPT", "0 to 30", "percentage", "2"): "100",
            ("UNKNOWN CONCEPT", "0 to 30", "percentage", "3"): "50",
        },
    ),
    SpecCase(
        "An episode counts in every window it lasts into",
        tables(person(), YEAR, drug("2020-03-01"), bleed("2020-01-10", "2020-02-29")),
        study(
            asked(event_in_window=(), episode_in_window=("condition_occurrence",)),
            cohorts=(users(),),
        ),
        counts({0: 1, 1: 1}, {(0, 2): 1}, kind="episode"),
        kinds=KINDS,
    ),
    SpecCase(
        "A record counts when a day of it lies in the period of entry",
        tables(
            person(),
            observed("2020-02-10", "2020-12-31"),
            drug("2020-03-01"),
            bleed("2020-02-05", "2020-02-09"),
            bleed("2020-02-06", "2020-02-10", concept=3),
        ),
        study(asked(), cohorts=(users(),)),
        counts({0: 1, 1: 1}, {(0, 3): 1}),
        kinds=KINDS,
    ),
    SpecCase(
        "Excluded concepts, zero among them unless asked otherwise, and rare ones have no rows",
        tables(
            person(1),
            person(2),
            YEAR,
            *in_2020(2),
            drug("2020-03-01"),
            drug("2020-03-01", person_id=2),
            bleed("2020-03-01", concept=0),
            bleed("2020-03-01", concept=3),
            bleed("2020-03-01", concept=2),
            bleed("2020-03-01", concept=2, person_id=2),
        ),
        study(asked(minimum_frequency=0.6), cohorts=(users(),)),
        counts({0: 2, 1: 2}, {(1, 2): 2, (1, 3): 1}),
        kinds=KINDS,
        estimates={
            ("UNKNOWN CONCEPT", "0 to 30", "count", "2"): "2",
            ("UNKNOWN CONCEPT", "0 to 30", "count", "3"): None,
        },
    ),
    SpecCase(
        "Records may be counted by their source concept, and no concept left out",
        tables(
            person(),
            YEAR,
            drug("2020-03-01"),
            of_source(bleed("2020-03-01"), 77),
            of_source(bleed("2020-03-02"), 0),
        ),
        study(asked(concepts="source", excluded=()), cohorts=(users(),)),
        counts({0: 1, 1: 1}, {(1, 77): 1, (1, 0): 1}),
        kinds=KINDS,
    ),
)
