"""The attacker runs our own algorithm on every candidate table.

Small tables are enumerated, all of them up to a grand total, with a threshold of 3 so that edges
are everywhere. Tables with the same published output are what the attacker cannot tell apart: among
them, every hidden small count must have at least two values.
"""

import itertools

import pytest

from adversarial.brute_force import (
    THREE,
    Build,
    Cells,
    check_nothing_small_is_pinned,
    compositions,
    remember_audits,
)
from laennec.disclosure.algebra import Algebra, Key, System, cover
from laennec.disclosure.cubes import Branch, add_cube


def margins(rows: int, columns: int) -> Build:
    down, across = [f"r{n}" for n in range(rows)], [f"c{n}" for n in range(columns)]
    hierarchies = [[Branch("all", tuple(down))], [Branch("all", tuple(across))]]

    def build(counts: Cells) -> tuple[System, list[Key]]:
        inner = dict(zip(itertools.product(down, across), counts, strict=True))
        values: dict[tuple[object, ...], int | None] = {
            (row, column): sum(
                n for (r, c), n in inner.items() if row in {r, "all"} and column in {c, "all"}
            )
            for row in [*down, "all"]
            for column in [*across, "all"]
        }
        algebra = Algebra()
        add_cube(algebra, ("n",), values, hierarchies)
        return algebra.finish(), [("n", *labels) for labels in values]

    return build


def flag(counts: Cells) -> tuple[System, list[Key]]:
    """A cohort and those with a covariate; those without are not displayed."""
    algebra = Algebra()
    have, lack = counts
    for key, value in ((("all",), have + lack), (("have",), have), (("lack",), lack)):
        algebra.put(key, value)
    algebra.split(("all",), [("have",), ("lack",)])
    return algebra.finish(), [("all",), ("have",)]


def two_flags(counts: Cells) -> tuple[System, list[Key]]:
    """Two covariates of one cohort: linked through its size."""
    first, others, second = counts
    size = first + others
    algebra = Algebra()
    algebra.put(("all",), size)
    for name, value in (("a", first), ("b", second)):
        algebra.put((name,), value)
        algebra.put((name, "not"), size - value)
        algebra.split(("all",), [(name,), (name, "not")])
    return algebra.finish(), [("all",), ("a",), ("b",)]


def attrition(counts: Cells) -> tuple[System, list[Key]]:
    """The persons left at the end, and those excluded at each step before."""
    algebra = Algebra()
    size, *gone = counts
    algebra.put(("left", len(gone)), size)
    excluded: list[Key] = [("excluded", n) for n in range(len(gone))]
    for key, value in zip(excluded, gone, strict=True):
        algebra.put(key, value)
    algebra.put(("everyone",), sum(gone))
    algebra.split(("everyone",), excluded)
    for n in range(len(gone)):
        algebra.put(("left", n), size + sum(gone[n:]))
        later = [("everyone",)] if n == 0 else cover(excluded, n)
        algebra.derive(("left", n), [("left", len(gone)), *later])
    return algebra.finish(), [("left", n) for n in range(len(counts))] + excluded


CASES: dict[str, tuple[Build, list[Cells]]] = {
    "1x2": (margins(1, 2), [*compositions(2, 16)]),
    "1x3": (margins(1, 3), [*compositions(3, 10)]),
    "1x4": (margins(1, 4), [*compositions(4, 8)]),
    "2x2": (margins(2, 2), [*compositions(4, 9)]),
    "2x3": (margins(2, 3), [*compositions(6, 6)]),
    "flag": (flag, [*compositions(2, 16)]),
    "two flags": (two_flags, [(*c, n) for c in compositions(2, 8) for n in range(sum(c) + 1)]),
    "attrition of one step": (attrition, [*compositions(2, 16)]),
    "attrition of two steps": (attrition, [*compositions(3, 10)]),
    "attrition of three steps": (attrition, [*compositions(4, 8)]),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_audits(monkeypatch)


@pytest.mark.parametrize("name", CASES)
def test_every_hidden_small_count_keeps_two_values_among_the_tables_with_one_output(
    name: str,
) -> None:
    check_nothing_small_is_pinned(*CASES[name])


def test_the_attack_finds_what_per_sum_suppression_gives_away() -> None:
    """The oracle works: hiding small cells and the smallest other part of their sum is broken."""
    alike: dict[tuple[int | None, ...], set[Cells]] = {}
    for counts in compositions(3, 9):
        small = {n for n, one in enumerate(counts) if THREE.is_small(one)}
        others = sorted((one, n) for n, one in enumerate(counts) if one and n not in small)
        hidden = small | ({others[0][1]} if len(small) == 1 and others else set())
        total = None if THREE.is_small(sum(counts)) else sum(counts)
        output = (*(None if n in hidden else one for n, one in enumerate(counts)), total)
        alike.setdefault(output, set()).add(counts)
    pinned = [
        output
        for output, tables in alike.items()
        if len(tables) == 1 and any(THREE.is_small(one) for one in next(iter(tables)))
    ]
    assert pinned
