"""Every case of the page on definitions, on every engine that takes definitions."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pytest

from fakes.definition_runs import stays_in_buckets
from laennec.study.definition import Definition
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import Concepts, Rows, read_histories
from spec.definition_cases import DefinitionCase, Entry, concept_sets, read_cases

CASES = read_cases()
CONCEPTS = concept_sets()


@dataclass(frozen=True)
class Answer:
    """Stays in the order of person and day, and persons or events by mode and mask."""

    cohort: list[Entry]
    inclusion: dict[tuple[str, int], int]


def reference(definition: Definition, rows: Rows, concepts: Concepts) -> Answer:
    cohort: list[Entry] = []
    inclusion: Counter[tuple[str, int]] = Counter()
    for history in read_histories(rows):
        found = outcome(definition, history, concepts)
        cohort += [
            (
                history.row["person_id"],
                date.fromordinal(stay.start),
                date.fromordinal(stay.end),
            )
            for stay in found.stays
        ]
        inclusion.update(("events", mask) for mask in found.masks)
        if found.best is not None:
            inclusion["persons", found.best] += 1
    return Answer(sorted(cohort), dict(inclusion))


def buckets(definition: Definition, rows: Rows, concepts: Concepts) -> Answer:
    found = stays_in_buckets(definition, rows, concepts, count=1)
    return Answer(
        found.stays,
        {("events", mask): n for mask, n in found.events.items()}
        | {("persons", mask): n for mask, n in found.persons.items()},
    )


ENGINES: Mapping[str, Callable[[Definition, Rows, Concepts], Answer]] = {
    "reference": reference,
    "buckets": buckets,
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: DefinitionCase, engine: str) -> None:
    found = ENGINES[engine](case.definition, case.rows, CONCEPTS)
    assert found.cohort == case.cohort
    if case.inclusion is not None:
        assert found.inclusion == case.inclusion


def test_the_page_has_cases_named_once() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 20
