"""Real frequency tables: what is published leaves no small count to be worked out.

The tables are those with which ssbtools (Statistics Norway) and rtauargus (INSEE) are tested. The
oracle here is not our audit: plain linear programming over the cells that are displayed and their
margins, with nothing of how the cells were chosen.
"""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from laennec.disclosure.algebra import Algebra
from laennec.disclosure.cubes import Branch, add_cube
from laennec.disclosure.profiles import load_profile
from laennec.disclosure.totals import protect

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "sdc-tables"
PROFILE = load_profile("france-11")
Cell = tuple[object, ...]
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def counts(file: str, columns: tuple[str, ...], value: str) -> dict[Cell, int]:
    if not (TABLES / file).exists():
        pytest.skip(f"shared/data/sdc-tables/{file} is absent")
    found: dict[Cell, int] = {}
    with (TABLES / file).open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            labels = tuple(line[one] for one in columns)
            if "Total" not in labels:
                found[labels] = found.get(labels, 0) + round(float(line[value]))
    return found


def with_margins(inner: dict[Cell, int]) -> tuple[dict[Cell, int | None], list[list[Branch]]]:
    """Every combination of labels and ``all``, and the branch of each dimension."""
    every = [sorted({str(cell[n]) for cell in inner}) for n in range(len(next(iter(inner))))]
    values: dict[Cell, int | None] = {}
    for labels in itertools.product(*([*one, "all"] for one in every)):
        parts = [
            one if label == "all" else [label] for one, label in zip(every, labels, strict=True)
        ]
        values[labels] = sum(inner.get(cell, 0) for cell in itertools.product(*parts))
    return values, [[Branch("all", tuple(one))] for one in every]


@pytest.mark.parametrize(
    ("file", "columns", "value"),
    [
        ("ssbtools_z1.csv", ("region", "hovedint"), "ant"),
        ("ssbtools_z2.csv", ("fylke", "hovedint"), "ant"),
        ("ssbtools_z3.csv", ("region", "hovedint"), "ant"),
        ("rtauargus_turnover_act_cj.csv", ("ACTIVITY", "CJ"), "N_OBS"),
    ],
)
def test_no_small_count_of_a_real_table_can_be_solved_for(
    file: str, columns: tuple[str, ...], value: str
) -> None:
    values, hierarchies = with_margins(counts(file, columns, value))
    algebra = Algebra()
    add_cube(algebra, ("n",), values, hierarchies)
    why = protect(algebra.finish(), PROFILE).why
    hidden = [labels for labels in values if ("n", *labels) in why]
    small = [one for one in values if PROFILE.is_small(values[one] or 0)]
    assert small
    assert set(small) <= set(hidden)
    assert len(hidden) < len(values)
    matrix, constants = equations(values, hierarchies, hidden)
    for target in small[:25]:
        objective = np.zeros(len(hidden))
        objective[hidden.index(target)] = 1
        least = linprog(objective, A_eq=matrix, b_eq=constants)
        most = linprog(-objective, A_eq=matrix, b_eq=constants)
        assert least.status == 0
        # Status 3: nothing bounds the cell from above.
        assert most.status in {0, 3}
        if most.status == 0 and most.fun is not None and least.fun is not None:
            assert -most.fun - least.fun >= PROFILE.possible_values - 1


def equations(
    values: dict[Cell, int | None], hierarchies: list[list[Branch]], hidden: list[Cell]
) -> tuple[Array, Array]:
    """Each margin, as coefficients of hidden cells and the constant they add up to."""
    column = {labels: n for n, labels in enumerate(hidden)}
    rows, constants = [], []
    for dimension, (branch,) in enumerate(hierarchies):
        for total in [labels for labels in values if labels[dimension] == "all"]:
            row, constant = np.zeros(len(hidden)), 0
            parts = [(*total[:dimension], one, *total[dimension + 1 :]) for one in branch.parts]
            for labels, sign in [(total, 1), *((one, -1) for one in parts)]:
                if labels in column:
                    row[column[labels]] = sign
                else:
                    constant -= sign * (values[labels] or 0)
            rows.append(row)
            constants.append(constant)
    return np.array(rows), np.array(constants, dtype=np.float64)
