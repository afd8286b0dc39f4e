"""The attacker on cohorts that lie inside one another: he asks for each with one day less."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import pytest

from adversarial.brute_force import THREE, remember_audits
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cubes import Labels
from laennec.disclosure.differences import (
    relate_analyses,
    relate_sizes,
    relate_starts,
    relate_steps,
)
from laennec.disclosure.totals import protect

Relate = Callable[[Algebra, Sequence[int]], list[Key]]
MOST = 12
"""Persons of the largest set; those above it are not judged where it is hidden."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_audits(monkeypatch)


def put(algebra: Algebra, cells: list[Key], counts: Sequence[int]) -> list[Key]:
    for cell, n in zip(cells, counts, strict=True):
        algebra.put(cell, n)
    return cells


def cohorts(algebra: Algebra, counts: Sequence[int]) -> list[Key]:
    cells = put(algebra, [("subjects", "cdm", name) for name in "abcd"[: len(counts)]], counts)
    relate_steps(algebra, [[(cell, ())] for cell in cells], threshold=THREE.threshold)
    return cells


def women(algebra: Algebra, counts: Sequence[int]) -> list[Key]:
    cells = put(algebra, [("subjects", "cdm", name) for name in "abcd"[: len(counts)]], counts)
    sizes = [(str(cell[-1]), "Female", cell) for cell in cells]
    relate_sizes(algebra, sizes, lambda one, other: False, threshold=THREE.threshold)
    return cells


def starts(algebra: Algebra, counts: Sequence[int]) -> list[Key]:
    names = "abcd"[: len(counts)]
    cells = put(algebra, [("start", "cdm", (), name, "bleed") for name in names], counts)
    relate_starts(algebra, cells, threshold=THREE.threshold)
    return cells


def analyses(algebra: Algebra, counts: Sequence[int]) -> list[Key]:
    labels = [("Both", f"0 to {150 - n}", "2001", "") for n in range(len(counts))]
    families: list[Key] = [("at risk", name) for name in "abcd"[: len(counts)]]
    pairs = zip(families, labels, strict=True)
    cells = put(algebra, [(*family, *one) for family, one in pairs], counts)
    measured: list[tuple[Key, Mapping[Labels, int | None]]] = [
        (family, {one: n}) for family, one, n in zip(families, labels, counts, strict=True)
    ]
    relate_analyses(algebra, measured, within=False, threshold=THREE.threshold)
    return cells


@pytest.mark.parametrize("relate", [cohorts, women, starts, analyses])
@pytest.mark.parametrize("sets", [3, 4])
def test_no_few_persons_between_two_sets_are_known(relate: Relate, sets: int) -> None:
    """All chains of nested sets: those with one output never agree on 1 or 2 between two sets."""
    alike: dict[tuple[int | None, ...], set[tuple[int, ...]]] = {}
    for counts in itertools.combinations_with_replacement(range(MOST, -1, -1), sets):
        algebra = Algebra()
        cells = relate(algebra, counts)
        hidden = protect(algebra.finish(), THREE).why
        seen = tuple(None if cell in hidden else n for cell, n in zip(cells, counts, strict=True))
        alike.setdefault(seen, set()).add(counts)
    judged = [chains for seen, chains in alike.items() if seen[0] is not None]
    assert len(judged) > MOST
    for chains in judged:
        for larger, smaller in itertools.combinations(range(sets), 2):
            between = {counts[larger] - counts[smaller] for counts in chains}
            assert len(between) > 1 or not THREE.is_small(between.pop()), sorted(chains)
