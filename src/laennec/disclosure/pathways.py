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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import combinations

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile
from laennec.disclosure.strata import Levels, divisions, levels_of, named

SUBJECTS, START, END = "Number subjects", "Start of pathway", "Pathway"
_REST = "rest"
_NOBODY = "None"
"""Pathway of whoever receives no treatment: the end of the empty start."""

Path = tuple[str, ...]
Cohort = tuple[str, str]
"""Source of data and name."""


def is_size(entry: Entry) -> bool:
    """Return whether a row counts all persons of a cohort or stratum."""
    return entry.row.variable_name == SUBJECTS


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
    trees = _read(entries)
    shown = _told_apart(trees, values, why, profile)
    dropped: set[int] = set()
    hidden: dict[int, bool] = {}
    persons: dict[int, int] = {}
    for entry in [one for one in entries if not is_size(one)]:
        place, path = _place(entry), _path(entry)
        parts = shown.get(place)
        if parts is None or (path and not parts.shows(path)):
            dropped.add(entry.index)
        elif entry.row.variable_name == END:
            if path not in parts.ends:
                hidden[entry.index] = profile.is_small(trees[place].ends[path])
        else:
            persons[entry.index] = trees[place].starts[path]
    return Verdict(frozenset(dropped), hidden, persons)


_Place = tuple[Cohort, Levels]


@dataclass(frozen=True)
class _Cell:
    """A start, the end of one, or what is left of one beside all that is told apart of it.

    Attributes:
        lacks: Of a rest, what is told apart.
    """

    kind: str
    path: Path
    lacks: tuple[object, ...] = ()


@dataclass
class _Tree:
    """Persons of one cohort or stratum by the start and by the end of their pathway."""

    starts: dict[Path, int] = field(default_factory=dict)
    ends: dict[Path, int] = field(default_factory=dict)
    following: dict[Path, list[Path]] = field(default_factory=dict)

    def persons(self, cell: _Cell) -> int:
        """Return the persons of a start, or of the end of one."""
        return (self.ends if cell.kind == END else self.starts).get(cell.path, 0)


@dataclass
class _Parts:
    """What is told apart: starts with the next starts that are shown, and ends."""

    following: dict[Path, list[Path]] = field(default_factory=dict)
    ends: set[Path] = field(default_factory=set)

    def shows(self, path: Path) -> bool:
        """Return whether a start is shown."""
        return path in self.following.get(path[:-1], ())

    def cells(self, tree: _Tree) -> Iterator[tuple[_Cell, int]]:
        """Yield what a reader counts, with its persons; the rest of a start names what it lacks."""
        for above, paths in self.following.items():
            apart = [_Cell(START, one) for one in paths]
            apart += [_Cell(END, above)] if above in self.ends else []
            yield from ((cell, tree.persons(cell)) for cell in apart)
            rest = tree.starts.get(above, 0) - sum(map(tree.persons, apart))
            yield _Cell(_REST, above, (above in self.ends, *sorted(paths))), rest


def _told_apart(
    trees: Mapping[_Place, _Tree],
    values: Mapping[Key, int | None],
    why: Set[Key],
    profile: Profile,
) -> dict[_Place, _Parts]:
    """Tell apart as much as may be, then less until no two sets differ by few persons."""
    public = {place: tree for place, tree in trees.items() if not _is_hidden(place, why)}
    sizes = {
        key: n
        for key, n in values.items()
        if n is not None and key not in why and _may_be_a_start(key)
    }
    kept: dict[Cohort, dict[bool, set[_Cell]]] = {}
    while True:
        shown: dict[_Place, _Parts] = {}
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


def _is_hidden(place: _Place, why: Set[Key]) -> bool:
    """Whether the size of a cohort or stratum is hidden, or that of the whole."""
    (cdm, cohort), levels = place
    return subjects(cdm, cohort) in why or subjects(cdm, named(cohort, levels)) in why


def _whole(tree: _Tree, kept: Set[_Cell], profile: Profile) -> _Parts:
    """Tell apart the pathways of a cohort, from the empty start on, except what is kept back."""
    parts = _Parts()
    queue: list[Path] = [()]
    while queue:
        path = queue.pop()
        following = tree.following.get(path, ())
        few = [n for one in following if _few(n := tree.starts[one], profile)]
        large = [one for one in following if not _few(tree.starts[one], profile)]
        apart = [one for one in large if _Cell(START, one) not in kept]
        ended, rest = tree.ends[path], sum(few)
        is_shown = len(apart) == len(large) and _Cell(END, path) not in kept
        if is_shown and not _few(ended, profile) and _is_wide(rest, len(few), profile):
            parts.ends.add(path)
        elif tree.starts[path] - sum(tree.starts[one] for one in apart) < profile.threshold:
            continue
        if _Cell(_REST, path) in kept:
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
    whole: _Tree, parts: _Parts, strata: Mapping[Levels, _Tree], kept: Set[_Cell], profile: Profile
) -> _Parts:
    """Tell apart the pathways of all strata at once, where the whole and each of them may be."""
    joint = _Parts()
    groups = [*strata.values(), *_complements(whole, strata)]
    queue: list[Path] = [()] if strata else []
    while queue:
        path = queue.pop()
        if path not in parts.following or _Cell(_REST, path) in kept:
            continue
        cells = [_Cell(START, one) for one in parts.following[path]]
        cells += [_Cell(END, path)] if path in parts.ends else []
        apart = _in_turn(cells, path, whole, groups, kept, profile)
        joint.ends |= {path} if _Cell(END, path) in apart else set()
        joint.following[path] = [one.path for one in apart if one.kind == START]
        queue += joint.following[path]
    return joint


def _in_turn(
    cells: Iterable[_Cell],
    path: Path,
    whole: _Tree,
    groups: Sequence[_Tree],
    kept: Set[_Cell],
    profile: Profile,
) -> list[_Cell]:
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


def _turn(cell: _Cell, whole: _Tree) -> tuple[bool, int, Path, str]:
    """Nobody first, which is no secret; then the larger first."""
    persons = whole.persons(cell)
    return persons > 0, -persons, cell.path, cell.kind


def _complements(whole: _Tree, strata: Mapping[Levels, _Tree]) -> list[_Tree]:
    """Return who is in no stratum that is shown: of the whole, and of each stratum cut further."""
    found = [
        (total, parts) for total, parts, _ in divisions({levels: (levels,) for levels in strata})
    ]
    by_names: dict[tuple[str, ...], list[Key]] = {}
    for levels in strata:
        by_names.setdefault(tuple(sorted(dict(levels))), []).append((levels,))
    known: dict[Key, _Tree] = {((),): whole, **{(levels,): one for levels, one in strata.items()}}
    found += [(((),), parts) for parts in by_names.values()]
    return [_less(known[total], [known[one] for one in parts]) for total, parts in found]


def _less(total: _Tree, parts: Sequence[_Tree]) -> _Tree:
    rest = _Tree(
        {
            path: n - sum(one.starts.get(path, 0) for one in parts)
            for path, n in total.starts.items()
        },
        {path: n - sum(one.ends.get(path, 0) for one in parts) for path, n in total.ends.items()},
    )
    if min((*rest.starts.values(), *rest.ends.values())) < 0:
        raise _contradiction()
    return rest


def _few(persons: int, profile: Profile) -> bool:
    return profile.is_small(persons)


def _close(
    trees: Mapping[_Place, _Tree], shown: Mapping[_Place, _Parts], profile: Profile
) -> list[tuple[_Place, _Cell]]:
    """Return what to keep back of a cohort, since another differs in it by few persons."""
    counted: dict[tuple[str, _Cell], list[tuple[_Place, int]]] = {}
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
    trees: Mapping[_Place, _Tree],
    shown: Mapping[_Place, _Parts],
    sizes: Mapping[Key, int],
    profile: Profile,
) -> list[tuple[_Place, _Cell]]:
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


def _read(entries: Iterable[Entry]) -> dict[_Place, _Tree]:
    """Return the tree of each cohort and stratum.

    Raises:
        PolicyError: a count is missing or hidden, or a start is not the sum of what follows it.
    """
    trees: dict[_Place, _Tree] = {}
    for entry in [one for one in entries if one.role is Role.PERSONS]:
        tree, path = trees.setdefault(_place(entry), _Tree()), _path(entry)
        known = tree.ends if entry.row.variable_name == END else tree.starts
        if entry.count is None:
            raise PolicyError(
                "Treatment pathways came with a count hidden, so that nothing adds up.",
                remedy="Run the study again, and release what it gives.",
            )
        if known.setdefault(path, entry.count) != entry.count:
            raise _contradiction()
    for (cohort, levels), tree in trees.items():
        if levels and (cohort, ()) not in trees:
            raise _contradiction()
        for path in [one for one in tree.starts if one]:
            tree.following.setdefault(path[:-1], []).append(path)
        _check(tree)
    for (cohort, _), tree in trees.items():
        over = trees[cohort, ()]
        if any(n > over.starts.get(path, 0) for path, n in tree.starts.items()):
            raise _contradiction()
    return trees


def _check(tree: _Tree) -> None:
    if () not in tree.starts:
        raise _contradiction()
    if tree.starts == {(): 0} and not tree.ends:
        tree.ends[()] = 0
    if tree.starts.keys() != tree.ends.keys() or not tree.following.keys() <= tree.starts.keys():
        raise _contradiction()
    for path, n in tree.starts.items():
        if n != tree.ends[path] + sum(tree.starts[one] for one in tree.following.get(path, ())):
            raise _contradiction()


def _place(entry: Entry) -> _Place:
    return (entry.row.cdm_name, entry.row.group_level), levels_of(entry)


def _path(entry: Entry) -> Path:
    level = entry.row.variable_level
    if is_size(entry) or (entry.row.variable_name == END and level == _NOBODY):
        return ()
    if not level or _NOBODY in level.split("-"):
        raise _contradiction()
    return tuple(level.split("-"))


def _contradiction() -> PolicyError:
    return PolicyError(
        "Treatment pathways do not add up: each start has an end and the next starts.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
