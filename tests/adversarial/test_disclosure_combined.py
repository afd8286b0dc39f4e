"""The attacker adds and subtracts cohorts that set operations link.

Venn diagrams of two cohorts are enumerated and judged whole, as ``check`` does, with a threshold of
3: diagrams with one published output are what the attacker cannot tell apart. What he can compute
from the output is no cell of it, so his cells are the regions too.
"""

import itertools
from dataclasses import replace

import pytest

from adversarial.brute_force import THREE, compositions
from adversarial.test_disclosure_strata import WHOLE, counted, curve, result, row
from laennec.core.errors import PolicyError
from laennec.disclosure import check
from laennec.disclosure.combined import Combination, check_populations, derivable, diagram
from laennec.disclosure.kinds import read
from laennec.omop.summarised_result import SummarisedResult

Regions = tuple[int, ...]
"""Persons in the first cohort only, in both, in the second only."""

SIZES = {
    "users": (0, 1),
    "patients": (1, 2),
    "either": (0, 1, 2),
    "both": (1,),
    "only_users": (0,),
    "only_patients": (2,),
    "apart": (0, 2),
}
"""The regions of each cohort."""
OPERATIONS = {
    "either": "either = union of days (users, patients)",
    "both": "both = intersection of persons (users, patients)",
    "only_users": "only_users = difference of persons (users, patients)",
    "only_patients": "only_patients = difference of persons (patients, users)",
}
SYMMETRIC = "apart = union of days (only_users, only_patients)"


def size(name: str, regions: Regions) -> int:
    return sum(regions[place] for place in SIZES[name])


def released(names: tuple[str, ...], regions: Regions) -> SummarisedResult:
    rows = [
        row(WHOLE, "Number subjects", size(name, regions), group=("cohort_name", name))
        for name in names
    ]
    return said(result("summarise_cohort_count", rows))


def said(made: SummarisedResult) -> SummarisedResult:
    text = " &&& ".join([*OPERATIONS.values(), SYMMETRIC])
    settings = [
        replace(one, extra={**one.extra, "combined_cohorts": text}) for one in made.settings
    ]
    return SummarisedResult(made.rows, tuple(settings))


LINKED = tuple(SIZES)[:-1]
CHOICES = [
    names
    for number in (2, 3)
    for names in itertools.combinations(LINKED, number)
    if {"users", "patients"} & {*names}
]


@pytest.mark.parametrize("names", [*CHOICES, LINKED, ("users", "patients", "apart")], ids=", ".join)
def test_every_small_region_keeps_two_values(names: tuple[str, ...]) -> None:
    most = 8
    alike: dict[tuple[str, ...], set[Regions]] = {}
    for regions in compositions(3, most):
        published = check(released(names, regions), THREE).published.rows
        alike.setdefault(tuple(one.estimate_value for one in published), set()).add(regions)
    for output, found in alike.items():
        if max(map(sum, found)) > most - 3:
            continue
        for n, name in enumerate(names):
            values = {size(name, one) for one in found}
            assert output[n] == "-" or not any(map(THREE.is_small, values))
        for place in range(3):
            values = {one[place] for one in found}
            assert len(values) > 1 or not any(map(THREE.is_small, values)), (output, found)


def test_the_cohorts_of_which_others_are_made_stay() -> None:
    """Two users who are no patients: everything made of both is hidden, and nothing else."""
    published = check(released(LINKED, (2, 40, 30)), THREE).published
    values = {one.group_level: one.estimate_value for one in published.rows}
    assert values == {
        "users": "42",
        "patients": "70",
        "either": "-",
        "both": "-",
        "only_users": "-",
        "only_patients": "-",
    }


def test_operations_on_persons_are_related_in_every_characteristic() -> None:
    """Ulcers of users less ulcers of users who are patients: one person."""
    rows = []
    for name, size, ulcers in (("users", 60, 31), ("both", 30, 30), ("only_users", 30, 1)):
        group = ("cohort_name", name)
        rows.append(row(WHOLE, "Number subjects", size, group=group))
        rows.append(row(WHOLE, "Covariates", ulcers, level="ulcer", group=group))
    published = check(said(result("summarise_characteristics", rows[:4])), THREE).published
    assert [one.estimate_value for one in published.rows] == ["60", "31", "30", "-"]
    published = check(said(result("summarise_characteristics", rows)), THREE).published
    assert [one.estimate_value for one in published.rows] == ["60", "31", "30", "-", "30", "-"]


def test_curves_of_parts_are_joint() -> None:
    """12 events of users and 10 of users who are patients by day 10: 2 events are not told."""
    users = [(0, 0), (12, 0), (20, 40), (0, 50)]
    both = [(0, 0), (10, 0), (10, 20), (0, 30)]
    rows = []
    for name, points in (("users", users), ("both", both)):
        made = curve(WHOLE, points)
        rows += [replace(one, group_level=name) for one in made]
        rows.append(
            row(WHOLE, "Number subjects", sum(map(sum, points)), group=("cohort_name", name))
        )
    drawn = [one for one in rows if one.group_name != "cohort_name"]
    published = check(said(result("survival_events", drawn)), THREE).published
    events = {
        (one.group_level, one.additional_level): one.estimate_value
        for one in published.rows
        if one.estimate_name == "n_events_count"
    }
    assert events["users", "10"] == events["both", "10"] == "-"
    assert events["users", "20"] == "32"
    assert events["both", "20"] == "20"


@pytest.mark.parametrize(
    "text",
    ["either is users and patients", "either = union of days ()", "x = union of years (a, b)"],
)
def test_a_setting_that_cannot_be_read_is_refused(text: str) -> None:
    made = counted({WHOLE: 30})
    settings = [
        replace(one, extra={**one.extra, "combined_cohorts": text}) for one in made.settings
    ]
    with pytest.raises(PolicyError):
        check(SummarisedResult(made.rows, tuple(settings)), THREE)


def test_a_part_larger_than_the_whole_is_refused() -> None:
    rows = [
        row(WHOLE, "Number subjects", n, group=("cohort_name", name))
        for name, n in (("users", 30), ("both", 40))
    ]
    with pytest.raises(PolicyError):
        check(said(result("summarise_cohort_count", rows)), THREE)


def test_regions_of_three_cohorts_follow_from_all_their_operations() -> None:
    made = [
        Combination("ab", "intersection", "persons", ("a", "b")),
        Combination("ac", "intersection", "persons", ("a", "c")),
        Combination("bc", "intersection", "persons", ("b", "c")),
        Combination("abc", "union", "days", ("a", "b", "c")),
    ]
    atoms = diagram(made).atoms
    counts = {1 << atom: 10 + atom for atom in range(1, 8)}
    values = {
        atoms[name]: sum(n for atom, n in counts.items() if atoms[name] & atom) for name in atoms
    }
    found = derivable(values)
    assert all(found[atom] == n for atom, n in counts.items())
    without_union = {atoms: n for atoms, n in values.items() if atoms != max(values)}
    assert not counts.keys() & derivable(without_union).keys()


def test_days_apart_are_persons_of_the_first_cohort_and_all_who_are_in_no_other() -> None:
    drawn = diagram(
        [
            Combination("less", "difference", "days", ("a", "b")),
            Combination("not", "difference", "persons", ("a", "b")),
            Combination("shared", "intersection", "days", ("a", "b")),
        ]
    )
    a, b, less, none, shared = (drawn.atoms[one] for one in ("a", "b", "less", "not", "shared"))
    assert none == a & ~b
    assert not none & ~less
    assert not less & ~a
    assert not shared & ~(a & b)
    assert drawn.root == {"a": "a", "b": "b", "less": "less", "not": "a", "shared": "shared"}


def test_prevalence_in_two_linked_populations_is_refused() -> None:
    drawn = {"hub": diagram([Combination("both", "intersection", "days", ("a", "b"))])}
    rows = [
        row(WHOLE, "Number subjects", 30, group=("cohort_name", name))
        for name in ("a", "b", "both")
    ]
    made = read(result("summarise_cohort_count", rows))
    check_populations(made[:2], drawn)
    with pytest.raises(PolicyError, match="two populations"):
        check_populations(made, drawn)
