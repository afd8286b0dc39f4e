"""Trees of treatment pathways, read from the rows of a result, and what is shown of them.

A start of a pathway is the sum of its end and of the next starts. The empty start is the cohort;
its end is who receives no treatment.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Key
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.strata import Levels, divisions, levels_of

SUBJECTS, START, END = "Number subjects", "Start of pathway", "Pathway"
REST = "rest"
_NOBODY = "None"
"""Pathway of whoever receives no treatment: the end of the empty start."""

Path = tuple[str, ...]
Cohort = tuple[str, str]
"""Source of data and name."""

Place = tuple[Cohort, Levels]


@dataclass(frozen=True)
class Cell:
    """A start, the end of one, or what is left of one beside all that is told apart of it.

    Attributes:
        lacks: Of a rest, what is told apart.
    """

    kind: str
    path: Path
    lacks: tuple[object, ...] = ()


@dataclass
class Tree:
    """Persons of one cohort or stratum by the start and by the end of their pathway."""

    starts: dict[Path, int] = field(default_factory=dict)
    ends: dict[Path, int] = field(default_factory=dict)
    following: dict[Path, list[Path]] = field(default_factory=dict)

    def persons(self, cell: Cell) -> int:
        """Return the persons of a start, or of the end of one."""
        return (self.ends if cell.kind == END else self.starts).get(cell.path, 0)


@dataclass
class Parts:
    """What is told apart: starts with the next starts that are shown, and ends."""

    following: dict[Path, list[Path]] = field(default_factory=dict)
    ends: set[Path] = field(default_factory=set)

    def shows(self, path: Path) -> bool:
        """Return whether a start is shown."""
        return path in self.following.get(path[:-1], ())

    def cells(self, tree: Tree) -> Iterator[tuple[Cell, int]]:
        """Yield what a reader counts, with its persons; the rest of a start names what it lacks."""
        for above, paths in self.following.items():
            apart = [Cell(START, one) for one in paths]
            apart += [Cell(END, above)] if above in self.ends else []
            yield from ((cell, tree.persons(cell)) for cell in apart)
            rest = tree.starts.get(above, 0) - sum(map(tree.persons, apart))
            yield Cell(REST, above, (above in self.ends, *sorted(paths))), rest


def is_size(entry: Entry) -> bool:
    """Return whether a row counts all persons of a cohort or stratum."""
    return entry.row.variable_name == SUBJECTS


def complements(whole: Tree, strata: Mapping[Levels, Tree]) -> list[Tree]:
    """Return who is in no stratum that is shown: of the whole, and of each stratum cut further."""
    found = [
        (total, parts) for total, parts, _ in divisions({levels: (levels,) for levels in strata})
    ]
    by_names: dict[tuple[str, ...], list[Key]] = {}
    for levels in strata:
        by_names.setdefault(tuple(sorted(dict(levels))), []).append((levels,))
    known: dict[Key, Tree] = {((),): whole, **{(levels,): one for levels, one in strata.items()}}
    found += [(((),), parts) for parts in by_names.values()]
    return [_less(known[total], [known[one] for one in parts]) for total, parts in found]


def _less(total: Tree, parts: Sequence[Tree]) -> Tree:
    rest = Tree(
        {
            path: n - sum(one.starts.get(path, 0) for one in parts)
            for path, n in total.starts.items()
        },
        {path: n - sum(one.ends.get(path, 0) for one in parts) for path, n in total.ends.items()},
    )
    if min((*rest.starts.values(), *rest.ends.values())) < 0:
        raise _contradiction()
    return rest


def read_trees(entries: Iterable[Entry]) -> dict[Place, Tree]:
    """Return the tree of each cohort and stratum.

    Raises:
        PolicyError: a count is missing or hidden, or a start is not the sum of what follows it.
    """
    trees: dict[Place, Tree] = {}
    for entry in [one for one in entries if one.role is Role.PERSONS]:
        tree, path = trees.setdefault(place_of(entry), Tree()), path_of(entry)
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


def _check(tree: Tree) -> None:
    if () not in tree.starts:
        raise _contradiction()
    if tree.starts == {(): 0} and not tree.ends:
        tree.ends[()] = 0
    if tree.starts.keys() != tree.ends.keys() or not tree.following.keys() <= tree.starts.keys():
        raise _contradiction()
    for path, n in tree.starts.items():
        if n != tree.ends[path] + sum(tree.starts[one] for one in tree.following.get(path, ())):
            raise _contradiction()


def place_of(entry: Entry) -> Place:
    """Return the cohort and stratum of a row.

    Raises:
        PolicyError: its levels are not those of a division.
    """
    return (entry.row.cdm_name, entry.row.group_level), levels_of(entry)


def path_of(entry: Entry) -> Path:
    """Return the pathway, or start of one, that a row is about; the empty one for the cohort.

    Raises:
        PolicyError: the row names none.
    """
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
