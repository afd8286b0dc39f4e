"""Treatment pathways: which starts of pathways may be told apart, for each cohort and its strata.

Pathways form a tree: who starts with a path ends there or goes on with one of the next treatments,
so a start is the sum of its end and of the next starts. A start is published with what follows it
only as far as the rest, which comes out by subtraction, is protected as well:

- A next start of few persons is never published. All such of one start are one *rest*.
- The persons who end there are published if the rest is nobody, or so many persons of so many
  starts that each of these keeps a wide range.
- Otherwise the end is hidden, and goes with the rest; if both together are few persons, nothing
  that follows this start is published: it stays as it is, and larger than few.

What is not published is left out: a row that said that it was hidden would tell that the treatment
occurs. So the number of cells decides the time, and not their sums.

Strata of a cohort, and who is in none of those shown, are told apart jointly, at starts that the
whole may show: from the most frequent on, as long as each of them has nobody or enough persons
both there and in what is left. Two cohorts may be made to differ by few persons, and a cohort may
be made that is a start but for few; so what two cohorts count with few persons between is not told
apart in the smaller, and neither is what differs by few from the size of another set.

What this module does not do: it links no pathway with covariates, outcomes or overlaps that count
the same treatments.

Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry
from laennec.disclosure.pathway_trees import (
    END,
    REST,
    START,
    Cell,
    Cohort,
    Parts,
    Path,
    Place,
    Tree,
    complements,
    is_size,
    path_of,
    place_of,
    read_trees,
)
from laennec.disclosure.profiles import Profile
from laennec.disclosure.strata import Levels, named


def check_pathways(entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
    """Refuse pathways of one cohort in two results, and of cohorts that set operations link.

    Raises:
        PolicyError: their pathways could be subtracted, step by step.
    """
    results: dict[Cohort, dict[int, None]] = {}
    for entry in entries:
        cohort = (entry.row.cdm_name, entry.row.group_level)
        results.setdefault(cohort, {})[entry.row.result_id] = None
    for (cdm, one), (other_cdm, other) in combinations(results, 2):
        if cdm == other_cdm and diagrams.get(cdm, EMPTY).linked(one, other):
            raise PolicyError(
                "Treatment pathways compare cohorts that a set operation combines.",
                remedy="Release those of one of these cohorts.",
            )
    if any(len(numbers) > 1 for numbers in results.values()):
        raise PolicyError(
            "One cohort has several sets of treatment pathways, which could be subtracted.",
            remedy="Release one of them for each cohort; strata may go with it.",
        )


@dataclass(frozen=True)
class Verdict:
    """What follows for the rows of pathways, by index of the row.

    Attributes:
        dropped: Left out.
        hidden: Written as hidden: ends of starts that are shown. The value says whether the end is
            itself of few persons.
        persons: For what describes a start, the persons behind it.
    """

    dropped: frozenset[int]
    hidden: Mapping[int, bool]
    persons: Mapping[int, int]


def judge_pathways(
    entries: Sequence[Entry],
    values: Mapping[Key, int | None],
    why: Set[Key],
    profile: Profile,
) -> Verdict:
    """Return what may be published of pathways.

    Args:
        entries: All rows of pathways.
        values: Cells of the algebra, sizes of cohorts and strata among them.
        why: Those that are hidden.
        profile: The threshold.

    Raises:
        PolicyError: rows of a start or of its end are missing, or do not add up.
    """
    trees = read_trees(entries)
    shown = _told_apart(trees, values, why, profile)
    dropped: set[int] = set()
    hidden: dict[int, bool] = {}
    persons: dict[int, int] = {}
    for entry in [one for one in entries if not is_size(one)]:
        place, path = place_of(entry), path_of(entry)
        parts = shown.get(place)
        if parts is None or (path and not parts.shows(path)):
            dropped.add(entry.index)
        elif entry.row.variable_name == END:
            if path not in parts.ends:
                hidden[entry.index] = profile.is_small(trees[place].ends[path])
        else:
            persons[entry.index] = trees[place].starts[path]
    return Verdict(frozenset(dropped), hidden, persons)


def _told_apart(
    trees: Mapping[Place, Tree],
    values: Mapping[Key, int | None],
    why: Set[Key],
    profile: Profile,
) -> dict[Place, Parts]:
    """Tell apart as much as may be, then less until no two sets differ by few persons."""
    public = {place: tree for place, tree in trees.items() if not _is_hidden(place, why)}
    sizes = {
        key: n
        for key, n in values.items()
        if n is not None and key not in why and _may_be_a_start(key)
    }
    kept: dict[Cohort, dict[bool, set[Cell]]] = {}
    while True:
        shown: dict[Place, Parts] = {}
        for (cohort, levels), tree in public.items():
            if levels:
                continue
            strata = {at: one for (of, at), one in public.items() if of == cohort and at}
            mine = kept.setdefault(cohort, {False: set(), True: set()})
            parts = _whole(tree, mine[False], profile)
            joint = _joint(tree, parts, strata, mine[True], profile)
            shown |= {(cohort, ()): parts, **{(cohort, at): joint for at in strata}}
        more = [*_close(trees, shown, profile), *_close_to_sizes(trees, shown, sizes, profile)]
        if not more:
            return shown
        for (cohort, levels), cell in more:
            kept[cohort][bool(levels)].add(replace(cell, lacks=()))


def _may_be_a_start(key: Key) -> bool:
    """Whether a set may be made to be a start but for few: cohorts, features, common persons."""
    if key[0] == "subjects":
        return "|" not in str(key[2]) or str(key[2]).endswith("=yes")
    return key[0] == "both"


def _is_hidden(place: Place, why: Set[Key]) -> bool:
    """Whether the size of a cohort or stratum is hidden, or that of the whole."""
    (cdm, cohort), levels = place
    return subjects(cdm, cohort) in why or subjects(cdm, named(cohort, levels)) in why


def _whole(tree: Tree, kept: Set[Cell], profile: Profile) -> Parts:
    """Tell apart the pathways of a cohort, from the empty start on, except what is kept back."""
    parts = Parts()
    queue: list[Path] = [()]
    while queue:
        path = queue.pop()
        following = tree.following.get(path, ())
        few = [n for one in following if _few(n := tree.starts[one], profile)]
        large = [one for one in following if not _few(tree.starts[one], profile)]
        apart = [one for one in large if Cell(START, one) not in kept]
        ended, rest = tree.ends[path], sum(few)
        is_shown = len(apart) == len(large) and Cell(END, path) not in kept
        if is_shown and not _few(ended, profile) and _is_wide(rest, len(few), profile):
            parts.ends.add(path)
        elif tree.starts[path] - sum(tree.starts[one] for one in apart) < profile.threshold:
            continue
        if Cell(REST, path) in kept:
            parts.ends.discard(path)
            continue
        parts.following[path] = apart
        queue += apart
    return parts


def _is_wide(rest: int, starts: int, profile: Profile) -> bool:
    """Return whether each of so many starts of few persons keeps a wide range in their sum."""
    if rest == 0:
        return True
    most = profile.threshold - 1
    least = rest - most * (starts - 1)
    return rest > most and most - max(least, 0) + 1 >= profile.possible_values


def _joint(
    whole: Tree, parts: Parts, strata: Mapping[Levels, Tree], kept: Set[Cell], profile: Profile
) -> Parts:
    """Tell apart the pathways of all strata at once, where the whole and each of them may be."""
    joint = Parts()
    groups = [*strata.values(), *complements(whole, strata)]
    queue: list[Path] = [()] if strata else []
    while queue:
        path = queue.pop()
        if path not in parts.following or Cell(REST, path) in kept:
            continue
        cells = [Cell(START, one) for one in parts.following[path]]
        cells += [Cell(END, path)] if path in parts.ends else []
        apart = _in_turn(cells, path, whole, groups, kept, profile)
        joint.ends |= {path} if Cell(END, path) in apart else set()
        joint.following[path] = [one.path for one in apart if one.kind == START]
        queue += joint.following[path]
    return joint


def _in_turn(
    cells: Iterable[Cell],
    path: Path,
    whole: Tree,
    groups: Sequence[Tree],
    kept: Set[Cell],
    profile: Profile,
) -> list[Cell]:
    """Take cells off a start as long as no group has few persons in the cell, or in what is left.

    The order is that of the published counts of the whole, so it tells nothing. Taking stops at the
    first cell that cannot be taken: a reader then knows no more than that some group has few
    persons on one side of it. To go on with the others would tell him on which.
    """
    left = [tree.starts.get(path, 0) for tree in groups]
    taken = []
    for cell in sorted(cells, key=lambda one: _turn(one, whole)):
        counts = [tree.persons(cell) for tree in groups]
        rest = [n - m for n, m in zip(left, counts, strict=True)]
        if cell in kept or any(_few(n, profile) for n in (*counts, *rest)):
            break
        left = rest
        taken.append(cell)
    return taken


def _turn(cell: Cell, whole: Tree) -> tuple[bool, int, Path, str]:
    """Nobody first, which is no secret; then the larger first."""
    persons = whole.persons(cell)
    return persons > 0, -persons, cell.path, cell.kind


def _few(persons: int, profile: Profile) -> bool:
    return profile.is_small(persons)


def _close(
    trees: Mapping[Place, Tree], shown: Mapping[Place, Parts], profile: Profile
) -> list[tuple[Place, Cell]]:
    """Return what to keep back of a cohort, since another differs in it by few persons."""
    counted: dict[tuple[str, Cell], list[tuple[Place, int]]] = {}
    for place, parts in shown.items():
        for cell, n in parts.cells(trees[place]):
            counted.setdefault((place[0][0], cell), []).append((place, n))
    return [
        (place, cell)
        for (_, cell), cells in counted.items()
        for larger, smaller, below in close(cells, lambda one: one[1], profile.threshold)
        if larger[0][0] != smaller[0][0]
        for place, _ in (smaller, *below)
    ]


def _close_to_sizes(
    trees: Mapping[Place, Tree],
    shown: Mapping[Place, Parts],
    sizes: Mapping[Key, int],
    profile: Profile,
) -> list[tuple[Place, Cell]]:
    """Return what to keep back of whole cohorts, since another set is the same but for few."""
    found = []
    for place, parts in shown.items():
        (cdm, cohort), levels = place
        whole = subjects(cdm, cohort)
        others = sorted({n for key, n in sizes.items() if key[1] == cdm and key != whole})
        for cell, n in () if levels else parts.cells(trees[place]):
            at = bisect_left(others, n - profile.threshold + 1)
            near = others[at : bisect_left(others, n + profile.threshold)]
            if n and any(one not in (0, n) for one in near):
                found.append((place, cell))
    return found
