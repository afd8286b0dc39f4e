"""The attacker's solver: what do the published cells tell about the hidden ones?

The attacker knows this program, the profile, every published cell and every sum. So he knows that
the hidden cells are exactly those reached from the small ones. In terms of the implications among
hidden cells: a *source* is a group of cells that hide one another and that no hidden cell outside
the group hides. The output is what it is if and only if every source holds at least one small cell.
That, the sums, and whole numbers from 0 up, are all he has; each hidden cell's smallest and largest
value under them is found by integer programming (HiGHS), so the minimality attack is part of the
audit and not an afterthought.

The audit reads published values only, never a hidden one: all tables with one output get one
verdict. (A cell that is hidden neither by itself nor by implication but that the result does not
display, such as two age groups together, is given to the attacker.)

Pure and deterministic: no time limit decides, only a limit on nodes, which counts as failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from laennec.disclosure.algebra import Key, Sum, System

_NODES = 2_000
"""Branch-and-bound nodes before a question counts as unanswered, which hides more."""


@dataclass(frozen=True)
class Part:
    """Hidden cells that constrain one another, with their sums and sources."""

    cells: tuple[Key, ...]
    sums: tuple[Sum, ...]
    sources: tuple[tuple[Key, ...], ...]


def weak_cells(
    system: System, part: Part, hidden: frozenset[Key], *, threshold: int, possible_values: int
) -> tuple[Key, ...]:
    """Return the cells of one part that the published cells give away.

    Args:
        system: The cells and their sums; values of hidden cells are not read.
        part: One of ``parts_of(system, hidden)``.
        hidden: A set closed under the implications.
        threshold: Smallest publishable count.
        possible_values: Width, in whole numbers, that the range of a hidden cell must have if it
            can be small at all.

    Returns:
        The weak cells, in order; empty if the audit passes.
    """
    solver = _Solver(part, system, hidden, small=threshold - 1)
    return tuple(one for one in part.cells if not solver.is_safe(one, possible_values))


class _Solver:
    """Ranges of the cells of one part; every solution found widens the ranges of all its cells."""

    def __init__(self, part: Part, system: System, hidden: frozenset[Key], *, small: int) -> None:
        self._small = small
        self._column = {key: at for at, key in enumerate(part.cells)}
        self._program = _Program(len(part.cells))
        constants = [self._add_sum(one, system.values, hidden) for one in part.sums]
        ceiling = 4 * max([small, *map(abs, constants)]) + 10 * small
        self._program.ceiling = ceiling
        for key in part.cells:
            if key in system.positive and not system.positive[key] & hidden:
                self._program.is_positive(self._column[key])
        for source in part.sources:
            self._program.one_is_small([self._column[key] for key in source], small)
        self._seen: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._feasible = self._ask(None, 1) and self._ask(None, -1)

    def is_safe(self, key: Key, possible_values: int) -> bool:
        """Return whether the range of ``key`` is wide enough, or holds no small count."""
        if not self._feasible:
            return False
        at = self._column[key]
        for sign in (1, -1):
            if self._range(at)[1] - self._range(at)[0] + 1 >= possible_values:
                return True
            if not self._ask(at, sign):
                return False
        lowest, highest = self._range(at)
        return highest - lowest + 1 >= possible_values or highest == 0 or lowest > self._small

    def _range(self, at: int) -> tuple[int, int]:
        found = [int(one[at]) for one in self._seen]
        return min(found), max(found)

    def _ask(self, at: int | None, sign: int) -> bool:
        """Find the solution with least ``sign`` times cell ``at`` (or a mix of all); keep it."""
        solution = self._program.solve(at, sign)
        if solution is None:
            return False
        self._seen.append(solution)
        return True

    def _add_sum(self, one: Sum, values: Mapping[Key, int | None], hidden: frozenset[Key]) -> int:
        """Add a sum as hidden cells equal to a constant of published ones; return the constant."""
        row: dict[int, int] = {}
        constant = 0
        for key, sign in [(one.total, 1), *((part, -1) for part in one.parts)]:
            if key in hidden:
                row[self._column[key]] = row.get(self._column[key], 0) + sign
            else:
                constant -= sign * (values[key] or 0)
        self._program.add(row, constant, constant)
        return constant


class _Program:
    """An integer programme over counts of at least 0, and switches that pick small cells."""

    def __init__(self, cells: int) -> None:
        self._cells = self._columns = cells
        self._rows: list[dict[int, int]] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._bounds: dict[int, tuple[int, int]] = {}
        self.ceiling = 0

    def add(self, row: dict[int, int], low: float, high: float) -> None:
        """Add ``low <= row <= high``."""
        self._rows.append(row)
        self._low.append(low)
        self._high.append(high)

    def is_positive(self, column: int) -> None:
        """Set the least value of a cell to 1."""
        self._bounds[column] = (1, self.ceiling)

    def one_is_small(self, columns: list[int], small: int) -> None:
        """At least one of these cells lies between 1 and ``small``."""
        if len(columns) == 1:
            self._bounds[columns[0]] = (1, small)
            return
        switches = range(self._columns, self._columns + len(columns))
        self._columns += len(columns)
        self.add(dict.fromkeys(switches, 1), 1, np.inf)
        for column, switch in zip(columns, switches, strict=True):
            self._bounds[switch] = (0, 1)
            self.add({column: 1, switch: -1}, 0, np.inf)
            self.add({column: 1, switch: self.ceiling}, -np.inf, small + self.ceiling)

    def solve(self, at: int | None, sign: int) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """Return whole counts that satisfy every row exactly, or None."""
        objective = np.zeros(self._columns)
        if at is None:
            objective[: self._cells] = sign * (1 + np.arange(self._cells) % 7)
        else:
            objective[at] = sign
        matrix = self._matrix()
        bounds = [self._bounds.get(n, (0, self.ceiling)) for n in range(self._columns)]
        answer = milp(
            objective,
            integrality=np.ones(self._columns, dtype=np.int64),
            bounds=Bounds(*np.array(bounds, dtype=float).T),
            constraints=LinearConstraint(matrix, np.array(self._low), np.array(self._high)),
            options={"node_limit": _NODES},
        )
        if answer.status != 0:
            return None
        counts = np.rint(answer.x)
        sums = matrix @ counts
        # HiGHS works in floating point: a solution counts only if it holds in whole numbers.
        if (sums < np.array(self._low)).any() or (sums > np.array(self._high)).any():
            return None
        return counts[: self._cells].astype(np.int64)

    def _matrix(self) -> csr_array:
        entries = [(n, at, value) for n, row in enumerate(self._rows) for at, value in row.items()]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        return csr_array((values, (rows, columns)), shape=(len(self._rows), self._columns))


def parts_of(system: System, hidden: frozenset[Key]) -> list[Part]:
    """Cut the hidden cells into parts that share no sum and no implication."""
    order = [key for key in system.values if key in hidden]
    column = {key: at for at, key in enumerate(order)}
    arrows = [
        (column[cause], column[effect])
        for cause in order
        for effect in system.implies.get(cause, ())
    ]
    touching = [
        [column[key] for key in (one.total, *one.parts) if key in hidden] for one in system.sums
    ]
    links = arrows + [(cells[0], other) for cells in touching for other in cells[1:]]
    part_of = _components(links, len(order), "weak")
    group_of = _components(arrows, len(order), "strong")
    reached = {group_of[end] for start, end in arrows if group_of[start] != group_of[end]}
    # What the input had hidden already is hidden whatever its value: it needs no small cell.
    reached |= {group_of[column[key]] for key in order if system.values[key] is None}
    cells: dict[int, list[Key]] = {}
    sources: dict[int, dict[int, list[Key]]] = {}
    sums: dict[int, list[Sum]] = {}
    for key, part, group in zip(order, part_of, group_of, strict=True):
        cells.setdefault(part, []).append(key)
        if group not in reached:
            sources.setdefault(part, {}).setdefault(group, []).append(key)
    for one, touched in zip(system.sums, touching, strict=True):
        if touched:
            sums.setdefault(part_of[touched[0]], []).append(one)
    return [
        Part(
            tuple(keys),
            tuple(sums.get(part, ())),
            tuple(map(tuple, sources.get(part, {}).values())),
        )
        for part, keys in cells.items()
    ]


def _components(
    links: list[tuple[int, int]], size: int, kind: Literal["weak", "strong"]
) -> list[int]:
    starts, ends = zip(*links, strict=True) if links else ((), ())
    graph = csr_array((np.ones(len(links)), (starts, ends)), shape=(size, size))
    _, labels = connected_components(graph, directed=kind == "strong", connection=kind)
    return [int(one) for one in labels]
