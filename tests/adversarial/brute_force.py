"""What a brute-force attacker needs: tables by the thousand, and what they have in common.

Small tables are enumerated, all of them up to a grand total, with a threshold of 3 so that edges
are everywhere. Tables with the same published output are what the attacker cannot tell apart.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence

import pytest

from laennec.disclosure import totals
from laennec.disclosure.algebra import Key, System
from laennec.disclosure.audit import Part
from laennec.disclosure.check import check
from laennec.disclosure.profiles import Profile
from laennec.disclosure.totals import protect
from laennec.omop.summarised_result import SummarisedResult

THREE = Profile("three", 1, "", "", 3, 2, 3, 3, 2, 4, (0.01,), 0.75, 1)
Cells = tuple[int, ...]
Build = Callable[[Cells], tuple[System, list[Key]]]


def compositions(cells: int, most: int) -> Iterator[Cells]:
    for counts in itertools.product(range(most + 1), repeat=cells):
        if sum(counts) <= most:
            yield counts


MARGIN = 3
"""Where the grand total is hidden, tables larger than those enumerated look the same: outputs are
judged that a table with this many persons fewer than the largest has."""


Rows = Callable[[Cells], tuple[SummarisedResult, Cells]]
"""Makes a result of some cells; the cells, and what a reader would like to know besides."""


def check_rows_keep_two_values(
    build: Rows, cells: int, most: int, *, seen: Collection[str] | None = None
) -> None:
    """Fail when all tables with one published result agree on a small count.

    Args:
        build: Makes the result of each table.
        cells: How many counts a table has.
        most: Persons of the largest table; see ``MARGIN``.
        seen: Names of estimates that are counts, where others tell which table it is by themselves.
    """
    alike: dict[tuple[str, ...], list[Cells]] = {}
    judged = set()
    for counts in compositions(cells, most):
        made, derived = build(counts)
        output = tuple(
            one.estimate_value
            for one in check(made, THREE).published.rows
            if seen is None or one.estimate_name in seen
        )
        alike.setdefault(output, []).append(derived)
        if sum(counts) <= most - MARGIN:
            judged.add(output)
    for output in judged:
        for values in zip(*alike[output], strict=True):
            known = set(values)
            assert len(known) > 1 or not any(THREE.is_small(one) for one in known), (output, known)


def remember_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer an audit of the same published values from memory: it may read nothing else."""
    audit = totals._audit
    answers: dict[object, tuple[Key, ...]] = {}

    def remembered(
        system: System, part: Part, hidden: frozenset[Key], profile: Profile
    ) -> tuple[Key, ...]:
        beside = {key for one in part.sums for key in (one.total, *one.parts)} - hidden
        published = frozenset((key, system.values[key]) for key in beside)
        positive = frozenset(
            key
            for key in part.cells
            if key in system.positive and not system.positive[key] & hidden
        )
        asked = (part.cells, part.sums, part.sources, published, positive)
        if asked not in answers:
            answers[asked] = audit(system, part, hidden, profile)
        return answers[asked]

    monkeypatch.setattr(totals, "_audit", remembered)


def check_nothing_small_is_pinned(build: Build, candidates: Sequence[Cells]) -> None:
    """Fail when a hidden small count has one value in all tables that have one output."""
    most = max(map(sum, candidates))
    alike: dict[tuple[int | None, ...], list[tuple[int | None, ...]]] = {}
    judged = set()
    for counts in candidates:
        system, shown = build(counts)
        hidden = protect(system, THREE).why
        truth = tuple(system.values[key] for key in shown)
        output = tuple(None if key in hidden else system.values[key] for key in shown)
        alike.setdefault(output, []).append(truth)
        if sum(counts) <= most - MARGIN:
            judged.add(output)
    for output in judged:
        tables = alike[output]
        for n, published in enumerate(output):
            assert published is None or not THREE.is_small(published)
            if published is None:
                values = {table[n] for table in tables}
                assert len(values) > 1 or not any(THREE.is_small(one or 0) for one in values)
