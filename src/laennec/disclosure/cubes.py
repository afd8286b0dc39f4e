"""Cells classified by several hierarchies at once, such as sex by age group by year.

Every hierarchy is cut into neighbours in the same way at every level of the others, and the
groups that this makes (``a and b together``) are cells too, so that a small sum over two age groups
is as much a small cell as any other.

Pure: no I/O, no clock, no randomness.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laennec.disclosure.algebra import Algebra, Key, middle_of

Label = object
Labels = tuple[Label, ...]


@dataclass(frozen=True)
class Branch:
    """``total`` divides into ``parts`` (neighbours in order); labels of one hierarchy."""

    total: Label
    parts: tuple[Label, ...]


def add_cube(
    algebra: Algebra,
    name: Key,
    values: Mapping[Labels, int | None],
    hierarchies: Sequence[Sequence[Branch]],
) -> None:
    """Add a cube of cells and all its sums.

    A label at which everything is 0 is left out of the sums: its zeros are published, so that they
    are no partners for a small count to hide behind.

    Args:
        algebra: Receives cells with keys ``(*name, *labels)``, those of groups together included.
        name: Start of every key.
        values: A value for every combination that has one; see ``fill`` for the others.
        hierarchies: For each dimension its branches, which need not be binary.

    Raises:
        PolicyError: the values do not add up.
    """
    whole = fill(settle(values, hierarchies), hierarchies)
    cut = [
        halve([_without(branch, _empty(whole, n)) for branch in branches])
        for n, branches in enumerate(hierarchies)
    ]
    empty = [_empty(whole, n) for n in range(len(cut))]
    full = {
        labels: value
        for labels, value in fill(whole, cut).items()
        if not any(label in empty[n] for n, label in enumerate(labels))
    }
    for labels, value in (whole | full).items():
        algebra.put((*name, *labels), value)
    for dimension, branches in enumerate(cut):
        _divide(algebra, name, full, dimension, branches)
        _mark_positive(algebra, name, full, dimension, hierarchies)
        for branch in hierarchies[dimension]:
            _drag_empty(algebra, name, whole, dimension, branch, empty[dimension])


def _divide(
    algebra: Algebra,
    name: Key,
    full: Mapping[Labels, int | None],
    dimension: int,
    branches: Sequence[Branch],
) -> None:
    for branch in branches:
        for labels in [one for one in full if one[dimension] == branch.total]:
            parts = [(*name, *swap(labels, dimension, part)) for part in branch.parts]
            algebra.split((*name, *labels), parts)


def _mark_positive(
    algebra: Algebra,
    name: Key,
    full: Mapping[Labels, int | None],
    dimension: int,
    hierarchies: Sequence[Sequence[Branch]],
) -> None:
    """Tell that the top of every label that was kept is not 0, or its zeros would be published."""
    tops = [_tops(full, n, branches) for n, branches in enumerate(hierarchies)]
    for labels in full:
        if all(n == dimension or label in tops[n] for n, label in enumerate(labels)):
            totals = [
                (*name, *swap(labels, dimension, branch.total))
                for branch in hierarchies[dimension]
                if labels[dimension] in branch.parts
            ]
            if totals:
                algebra.positive((*name, *labels), unless=totals)


def _drag_empty(
    algebra: Algebra,
    name: Key,
    whole: Mapping[Labels, int | None],
    dimension: int,
    branch: Branch,
    empty: frozenset[Label],
) -> None:
    """Hide zeros left out of the sums with their total: few persons are not described at all."""
    for labels in [one for one in whole if one[dimension] == branch.total]:
        for part in empty.intersection(branch.parts):
            algebra.imply((*name, *labels), (*name, *swap(labels, dimension, part)))


def _empty(whole: Mapping[Labels, int | None], dimension: int) -> frozenset[Label]:
    """Return the labels of a dimension at which every value is 0."""
    some = {labels[dimension] for labels, value in whole.items() if value != 0}
    return frozenset(labels[dimension] for labels in whole) - some


def _tops(
    full: Mapping[Labels, int | None], dimension: int, branches: Sequence[Branch]
) -> frozenset[Label]:
    """Return the labels of a dimension that are part of no other."""
    parts = {part for branch in branches for part in branch.parts}
    return frozenset(labels[dimension] for labels in full) - parts


def _without(branch: Branch, empty: frozenset[Label]) -> Branch:
    return Branch(branch.total, tuple(one for one in branch.parts if one not in empty))


def halve(branches: Sequence[Branch]) -> list[Branch]:
    """Cut every branch into a binary tree of neighbours; new labels are ``("together", ...)``.

    A branch without parts is dropped.
    """
    cut: dict[Branch, None] = {}
    for branch in branches:
        _halve(branch, cut)
    return list(cut)


def _halve(branch: Branch, cut: dict[Branch, None]) -> None:
    if len(branch.parts) <= 2:
        cut.update({branch: None} if branch.parts else {})
        return
    middle = middle_of(len(branch.parts))
    halves = []
    for half in (branch.parts[:middle], branch.parts[middle:]):
        label = half[0] if len(half) == 1 else ("together", *half)
        halves.append(label)
        if len(half) > 1:
            _halve(Branch(label, half), cut)
    cut[Branch(branch.total, tuple(halves))] = None


def settle(
    values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]
) -> dict[Labels, int | None]:
    """Give a value to combinations that have none, remainders included, as a reader would.

    Parts that are missing beside parts that make up their total count nobody. One missing part, or
    a missing total, is the difference. What then differs still, and cannot be told apart, is None:
    as good as hidden. What no sum links with a value is left out.
    """
    known = dict(values)
    sums = _sums(values, hierarchies)
    while found := dict(one for total, parts in sums for one in _missing(known, total, parts)):
        known |= found
    while unknown := [one for total, parts in sums for one in _untold(known, (total, *parts))]:
        known |= dict.fromkeys(unknown)
    return known


def adds_up(values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]) -> bool:
    """Return whether the values, and what follows of the others, obey all sums at once."""
    whole = fill(settle(values, hierarchies), hierarchies)
    if any(one is not None and one < 0 for one in whole.values()):
        return False
    for total, parts in _sums(values, hierarchies):
        counted = whole[total]
        known = [one for part in parts if (one := whole[part]) is not None]
        if counted is None:
            continue
        if sum(known) > counted or (len(known) == len(parts) and sum(known) < counted):
            return False
    return True


def _sums(
    values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]
) -> list[tuple[Labels, list[Labels]]]:
    """Return every total with its parts."""
    every = [_labels(values, n, branches) for n, branches in enumerate(hierarchies)]
    return [
        (labels, [swap(labels, dimension, one) for one in branch.parts])
        for dimension, branches in enumerate(hierarchies)
        for branch in branches
        for labels in itertools.product(*every[:dimension], [branch.total], *every[dimension + 1 :])
    ]


def _missing(
    known: Mapping[Labels, int | None], total: Labels, parts: Sequence[Labels]
) -> list[tuple[Labels, int]]:
    """Return the total, or the parts, whose value follows from the others."""
    absent = [one for one in parts if one not in known]
    present = [known[one] for one in parts if one in known]
    if total not in known or None in (whole := known[total], *present):
        whole_follows = total not in known and not absent and None not in present
        return [(total, sum(one or 0 for one in present))] if whole_follows else []
    rest = (whole or 0) - sum(one or 0 for one in present)
    if rest == 0 or (len(absent) == 1 and rest > 0):
        return [(one, rest) for one in absent]
    return []


def _untold(known: Mapping[Labels, int | None], members: Sequence[Labels]) -> list[Labels]:
    """Return the members of a sum that have no value beside others that have one."""
    absent = [one for one in members if one not in known]
    return absent if len(absent) < len(members) else []


def fill(
    values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]
) -> dict[Labels, int | None]:
    """Complete a cube with the labels of its hierarchies.

    ``("together", ...)`` is the sum of its parts and ``("rest", total, *parts)`` the difference;
    any other combination without a value counts nobody (see ``settle``).

    Returns:
        A value for every combination. A rest may be negative: the values do not add up then.
    """
    full = dict(values)
    every = [_labels(values, n, branches) for n, branches in enumerate(hierarchies)]
    for labels in itertools.product(*every):
        _complete(labels, full)
    return full


def swap(labels: Labels, dimension: int, label: Label) -> Labels:
    """Return ``labels`` with another label in one dimension."""
    return (*labels[:dimension], label, *labels[dimension + 1 :])


def _labels(
    values: Mapping[Labels, int | None], dimension: int, branches: Sequence[Branch]
) -> list[Label]:
    named = [labels[dimension] for labels in values]
    named += [label for branch in branches for label in (branch.total, *branch.parts)]
    return list(dict.fromkeys(named))


def _complete(labels: Labels, full: dict[Labels, int | None]) -> int | None:
    if labels in full:
        return full[labels]
    value: int | None = 0
    for dimension, label in enumerate(labels):
        if not isinstance(label, tuple):
            continue
        rest = label[0] == "rest"
        members = label[2:] if rest else label[1:]
        parts = [_complete(swap(labels, dimension, one), full) for one in members]
        whole = _complete(swap(labels, dimension, label[1]), full) if rest else 0
        known = [one for one in parts if one is not None]
        if whole is None or len(known) < len(parts):
            value = None
        else:
            value = whole - sum(known) if rest else sum(known)
        break
    full[labels] = value
    return value
