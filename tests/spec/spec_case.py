"""What a spec case is: small tables in, counts out, worked out by hand.

A case is data, so that it runs on any engine and renders as a page of the reference. The short
functions make rows with the CDM's column names; days are ``"2020-01-31"``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from laennec.study.model import (
    AnyCohort,
    Cohort,
    ConceptItem,
    ConceptSet,
    Criterion,
    EndOfObservation,
    Events,
    Exit,
    Result,
    Strata,
    Study,
)
from laennec.study.partials import Key

Row = dict[str, Any]
Tables = Mapping[str, tuple[Row, ...]]

CONCEPTS: Mapping[str, frozenset[int]] = {
    "drug": frozenset({1, 11}),
    "bleed": frozenset({2}),
    "ulcer": frozenset({3}),
}
DRUG = Events(table="drug_exposure", concepts="drug")
BLEED = Events(table="condition_occurrence", concepts="bleed")
ULCER = Events(table="condition_occurrence", concepts="ulcer")

GENDER = {"F": 8532, "M": 8507, "?": 0}


@dataclass(frozen=True)
class SpecCase:
    """One rule by example.

    Attributes:
        name: The rule in one sentence.
        rows: Tables in.
        study: What is asked; its concept sets resolve to ``CONCEPTS``.
        expected: Counts out. They are all the counts of the kinds named in them (``attrition``,
            ``incidence``, …); a case of no counts names the kinds in ``kinds``.
        kinds: Kinds of which the case gives all counts, beside those of ``expected``.
        first, last: First and last day at risk, where the case is about them.
        estimates: Some estimates, by (variable, level, estimate, additional level), with the level
            of the stratum before it where strata are what the case is about, or by (group level,
            variable, estimate) where groups are.
    """

    name: str
    rows: Tables
    study: Study
    expected: Mapping[Key, int]
    kinds: frozenset[str] = frozenset()
    first: Mapping[Key, date] = field(default_factory=dict)
    last: Mapping[Key, date] = field(default_factory=dict)
    estimates: Mapping[tuple[str | None, ...], str | None] = field(default_factory=dict)

    def all_kinds(self) -> frozenset[str]:
        """Return the kinds of count that the case gives in full."""
        return self.kinds | {str(key[0]) for key in self.expected}


def tables(*rows: tuple[str, Row]) -> Tables:
    """Return rows by table, in the order given."""
    found: dict[str, list[Row]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return {table: tuple(made) for table, made in found.items()}


def person(
    person_id: int = 1,
    sex: str = "F",
    born: tuple[int | None, int | None, int | None] = (1970, 1, 1),
) -> tuple[str, Row]:
    """Return a person; sex is F, M or ?."""
    year, month, day = born
    return "person", {
        "person_id": person_id,
        "gender_concept_id": GENDER[sex],
        "year_of_birth": year,
        "month_of_birth": month,
        "day_of_birth": day,
    }


def observed(start: str, end: str, person_id: int = 1) -> tuple[str, Row]:
    """Return a period of observation."""
    return "observation_period", {
        "person_id": person_id,
        "observation_period_start_date": date.fromisoformat(start),
        "observation_period_end_date": date.fromisoformat(end),
    }


def in_2020(*people: int) -> list[tuple[str, Row]]:
    """Return a period of observation for each of these persons: the whole of 2020."""
    return [observed("2020-01-01", "2020-12-31", one) for one in people]


def drug(
    start: str, end: str | None = None, person_id: int = 1, concept: int = 1
) -> tuple[str, Row]:
    """Return a drug exposure; no end is a missing end."""
    return "drug_exposure", {
        "person_id": person_id,
        "drug_concept_id": concept,
        "drug_exposure_start_date": date.fromisoformat(start),
        "drug_exposure_end_date": None if end is None else date.fromisoformat(end),
    }


def bleed(
    start: str, end: str | None = None, person_id: int = 1, concept: int = 2
) -> tuple[str, Row]:
    """Return a condition, a bleed unless another concept is given."""
    return "condition_occurrence", {
        "person_id": person_id,
        "condition_concept_id": concept,
        "condition_start_date": date.fromisoformat(start),
        "condition_end_date": None if end is None else date.fromisoformat(end),
    }


YEAR = observed("2020-01-01", "2020-12-31")


def numbered(row: tuple[str, Row], key: int) -> tuple[str, Row]:
    """Return a row with its primary key, which puts events of one day in order."""
    table, columns = row
    return table, {f"{table}_id": key, **columns}


def study(
    *results: Result, cohorts: tuple[AnyCohort, ...] = (), strata: tuple[Strata, ...] = ()
) -> Study:
    """Return a study over the concept sets of the spec."""
    sets = {
        name: ConceptSet(items=tuple(ConceptItem(concept_id=one) for one in sorted(concepts)))
        for name, concepts in CONCEPTS.items()
    }
    return Study(
        name="spec",
        title="Spec",
        concept_sets=sets,
        cohorts=cohorts,
        strata=strata,
        results=results,
    )


def users(*criteria: Criterion, prior_observation: int = 0, leave: Exit | None = None) -> Cohort:
    """Return the cohort of first users of the drug."""
    return Cohort(
        name="users",
        entry=DRUG,
        prior_observation=prior_observation,
        criteria=criteria,
        exit=leave or EndOfObservation(),
    )
