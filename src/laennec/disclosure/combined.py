"""Cohorts made of other cohorts: what set operations tell about the persons in each.

The settings of a result say which cohorts are made of which. So every cohort is a set of *atoms*,
the regions of a Venn diagram of those that are made of no other; an operation on days adds a circle
of its own, whose place among the others is known only as far as the operation says. Every set of
regions whose persons follow from the published ones is a cell.

Any of these derived cells that is small hides all cohorts that are made of others, and what is said
of them; those of which they are made stay. Which cohorts these are is known from the study, so
nothing is told by the choice.

Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations, product

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.kinds import Entry
from laennec.disclosure.strata import levels_of, named
from laennec.omop.summarised_result import JOINT

SETTING = "combined_cohorts"

MAX_CIRCLES = 8
"""Cohorts, and operations on days, that may overlap in one diagram."""

MAX_CLASSES = 7
"""Regions up to which every set of them is tried: those of three cohorts."""

MAX_CELLS = 150
"""Sets of regions that are judged together where there are more."""

_FORM = re.compile(
    r"([a-z][a-z0-9_]*) = (union|intersection|difference) of (days|persons) \(([a-z0-9_, ]+)\)"
)

Atoms = int
"""A set of regions, one bit for each."""


@dataclass(frozen=True)
class Combination:
    """One cohort made of others; ``by`` is ``days`` or ``persons``."""

    name: str
    operation: str
    by: str
    cohorts: tuple[str, ...]


@dataclass(frozen=True)
class Diagram:
    """The cohorts that set operations link, of one source of data.

    Attributes:
        atoms: The regions of each cohort.
        root: The cohort whose stays each one has: itself, unless it is a choice of the persons of
            another.
        made: Cohorts made of others.
        part: Which cohorts are linked at all; regions are those of one part.
    """

    atoms: Mapping[str, Atoms]
    root: Mapping[str, str]
    made: frozenset[str]
    part: Mapping[str, int]

    def pairs(self, cohorts: Sequence[str]) -> frozenset[tuple[int, int]]:
        """Return which cohorts of a list are linked, by their places."""
        places = range(len(cohorts))
        return frozenset(
            (n, m) for n in places for m in places if self.linked(cohorts[n], cohorts[m])
        )

    def linked(self, one: str, other: str) -> bool:
        """Return whether both are in the diagram, and one of them is made of others."""
        there = one in self.part and other in self.part
        return there and self.part[one] == self.part[other] and bool({one, other} & self.made)


EMPTY = Diagram({}, {}, frozenset(), {})


def read_diagrams(entries: Iterable[Entry]) -> dict[str, Diagram]:
    """Return the diagram of each source of data whose settings name combined cohorts.

    Raises:
        PolicyError: a setting cannot be read, two settings differ, or too many cohorts overlap.
    """
    said: dict[str, set[str]] = {}
    for entry in entries:
        text = entry.settings.extra.get(SETTING)
        if text is not None:
            said.setdefault(entry.row.cdm_name, set()).add(text)
    if any(len(texts) > 1 for texts in said.values()):
        raise _refused("Results that are released together say different things of one cohort.")
    return {cdm: diagram(list(_read(text))) for cdm, (text,) in said.items()}


def diagram(made: Sequence[Combination]) -> Diagram:
    """Return the regions of cohorts that are made of one another, in the order of the study.

    Raises:
        PolicyError: more than ``MAX_CIRCLES`` overlap.
    """
    parts: list[list[Combination]] = []
    for one in made:
        names = {one.name, *one.cohorts}
        linked = [part for part in parts if names & _names(part)]
        parts = [part for part in parts if part not in linked]
        parts.append([*(each for part in linked for each in part), one])
    atoms: dict[str, Atoms] = {}
    root: dict[str, str] = {}
    place: dict[str, int] = {}
    for number, part in enumerate(parts):
        its_atoms, its_root = _drawn([one for one in made if one in part])
        atoms |= its_atoms
        root |= its_root
        place |= dict.fromkeys(its_atoms, number)
    return Diagram(atoms, root, frozenset(one.name for one in made), place)


def _names(part: Iterable[Combination]) -> set[str]:
    return {name for one in part for name in (one.name, *one.cohorts)}


def _drawn(made: Sequence[Combination]) -> tuple[dict[str, Atoms], dict[str, str]]:
    """Regions and roots of cohorts that are all linked."""
    names = {one.name for one in made}
    circles = dict.fromkeys(name for one in made for name in one.cohorts if name not in names)
    circles |= dict.fromkeys(one.name for one in made if _has_circle(one))
    if len(circles) > MAX_CIRCLES:
        raise _refused(f"More than {MAX_CIRCLES} cohorts are combined in one study.")
    number = 2 ** len(circles)
    atoms: dict[str, Atoms] = {
        name: sum(1 << atom for atom in range(number) if atom >> place & 1)
        for place, name in enumerate(circles)
    }
    possible = (1 << number) - 2
    root = {name: name for name in circles}
    for one in made:
        first, *others = (atoms[name] for name in one.cohorts)
        union = _any(others)
        every = first
        for other in others:
            every &= other
        chosen = one.by == "persons" and one.operation != "union"
        root[one.name] = root[one.cohorts[0]] if chosen else one.name
        if one.operation == "union":
            atoms[one.name] = first | union
        elif one.by == "persons":
            atoms[one.name] = every if one.operation == "intersection" else first & ~union
        else:
            inside = every if one.operation == "intersection" else first
            possible &= ~(atoms[one.name] & ~inside)
            if one.operation == "difference":
                possible &= ~(first & ~union & ~atoms[one.name])
    return {name: found & possible for name, found in atoms.items()}, root


def check_populations(entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
    """Refuse shares of persons in two populations that a set operation links.

    Raises:
        PolicyError: there are two; subtracted, they tell of the persons between.
    """
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        found.setdefault(entry.row.cdm_name, {})[entry.group[0]] = None
    for cdm, populations in found.items():
        drawn = diagrams.get(cdm, EMPTY)
        if any(drawn.linked(one, other) for one, other in combinations(populations, 2)):
            raise _refused("Prevalence is asked in two populations that a set operation links.")


def relate_combined(
    algebra: Algebra, diagram: Diagram, measure: Key, by_cohort: Mapping[str, Key]
) -> None:
    """Add what is in one cohort and not in another, for all that set operations link.

    Args:
        algebra: Holds the cells.
        diagram: The cohorts.
        measure: What is counted, the same person by person in all cohorts given.
        by_cohort: The cell of each cohort.

    Raises:
        PolicyError: as ``derivable``.
    """
    if diagram.made & by_cohort.keys():
        _relate(algebra, diagram, measure, by_cohort)


def measure_of(key: Key, entry: Entry, found: Mapping[str, Diagram]) -> tuple[Key, str] | None:
    """Return what a cell measures, the same in every cohort that it may be compared with.

    Persons and their sex are the same in whatever cohort a person is; what holds on the entry day
    only in cohorts of the same stays.

    Args:
        key: The cell without its cohort.
        entry: A row of it.
        found: The diagram of each source of data.

    Returns:
        The measure, and the cohort; None where set operations do not link the cohort.
    """
    cohort, cdm = entry.group[0], entry.row.cdm_name
    drawn = found.get(cdm, EMPTY)
    if cohort not in drawn.atoms:
        return None
    levels = levels_of(entry)
    lasting = key[0] in {"subjects", "Sex"} and all(name == "sex" for name, _ in levels)
    alike = drawn.part[cohort] if lasting else drawn.root[cohort]
    return (*key, cdm, named("", levels), alike), cohort


def nested(diagram: Diagram, cohorts: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each cohort with others of the same stays that lie in it apart from one another.

    Raises:
        PolicyError: more than ``MAX_CIRCLES`` lie in one.
    """
    known = [one for one in cohorts if one in diagram.atoms]
    found = []
    for total in known:
        inside = [
            one
            for one in known
            if diagram.root[one] == diagram.root[total] and _within(diagram, one, total)
        ]
        if len(inside) > MAX_CIRCLES:
            raise _refused(f"More than {MAX_CIRCLES} cohorts are parts of one.")
        found += [(total, parts) for parts in _apart(inside, diagram.atoms)]
    return found


def _apart(cohorts: Sequence[str], atoms: Mapping[str, Atoms]) -> Iterator[tuple[str, ...]]:
    """Yield every choice of cohorts no two of which share a region."""
    for size in range(1, len(cohorts) + 1):
        for chosen in combinations(cohorts, size):
            if all(not atoms[one] & atoms[other] for one, other in combinations(chosen, 2)):
                yield chosen


def _within(diagram: Diagram, one: str, total: str) -> bool:
    return one != total and not diagram.atoms[one] & ~diagram.atoms[total]


def _relate(algebra: Algebra, diagram: Diagram, measure: Key, by_cohort: Mapping[str, Key]) -> None:
    known: dict[Atoms, Key] = {}
    derived: dict[Key, None] = {}
    for cohort, key in by_cohort.items():
        atoms = diagram.atoms[cohort]
        if atoms in known:
            algebra.same(known[atoms], key)
        known.setdefault(atoms, key)
        if cohort in diagram.made:
            derived[key] = None
    values = {atoms: algebra[key] for atoms, key in known.items()}
    for atoms, value in derivable(values).items():
        if atoms not in known:
            known[atoms] = ("region", *measure, format(atoms, "x"))
            algebra.put(known[atoms], value)
            derived[known[atoms]] = None
    for one, other in combinations([*known], 2):
        if not one & other and one | other in known:
            algebra.total(known[one | other], [known[one], known[other]])
    together = [*derived]
    for this, following in zip(together, [*together[1:], *together[:1]], strict=True):
        algebra.imply(this, following)
    for cohort, key in by_cohort.items():
        if cohort not in diagram.made:
            algebra.imply(key, together[0])


def derivable(values: Mapping[Atoms, int | None]) -> dict[Atoms, int | None]:
    """Return every set of regions whose persons follow from those of the given sets.

    With few regions all their sets are tried, by linear algebra; with many, differences of sets of
    which one lies in the other, until nothing new comes.

    Args:
        values: Persons in some sets; None where they are not known, and then none that follows is.

    Raises:
        PolicyError: the numbers of persons contradict one another, or more than ``MAX_CELLS`` sets
            would have to be judged.
    """
    classes = _classes([*values])
    known = {atoms: value for atoms, value in values.items() if atoms}
    few = len(classes) <= MAX_CLASSES
    found = _spanned(known, classes) if few else _differences(known)
    if any(value is not None and value < 0 for value in found.values()):
        raise _contradiction()
    return found


def _classes(sets: Sequence[Atoms]) -> list[Atoms]:
    """Regions that no given set tells apart, put together; those in no set are left out."""
    together: dict[tuple[int, ...], Atoms] = {}
    everything = _any(sets)
    for place in range(everything.bit_length()):
        atom = 1 << place
        member = tuple(number for number, one in enumerate(sets) if one & atom)
        if member:
            together[member] = together.get(member, 0) | atom
    return [*together.values()]


def _spanned(
    known: Mapping[Atoms, int | None], classes: Sequence[Atoms]
) -> dict[Atoms, int | None]:
    """All sets of classes that are a sum of multiples of the known sets."""
    blind = None in known.values()
    basis: list[tuple[int, list[Fraction]]] = []
    for atoms, value in known.items():
        row = [Fraction(bool(atoms & one)) for one in classes] + [Fraction(value or 0)]
        row = _reduced(row, basis)
        pivot = next((n for n, one in enumerate(row[:-1]) if one), None)
        if pivot is not None:
            basis.append((pivot, [one / row[pivot] for one in row]))
        elif row[-1] and not blind:
            raise _contradiction()
    found: dict[Atoms, int | None] = {}
    for chosen in product((0, 1), repeat=len(classes)):
        row = _reduced([*map(Fraction, chosen), Fraction(0)], basis)
        if any(chosen) and not any(row[:-1]):
            if row[-1].denominator != 1 and not blind:
                raise _contradiction()
            atoms = _any(one for one, taken in zip(classes, chosen, strict=True) if taken)
            found[atoms] = None if blind else -int(row[-1])
    return found


def _reduced(row: list[Fraction], basis: Sequence[tuple[int, list[Fraction]]]) -> list[Fraction]:
    for pivot, other in basis:
        if row[pivot]:
            times = row[pivot]
            row = [one - times * two for one, two in zip(row, other, strict=True)]
    return row


def _differences(known: Mapping[Atoms, int | None]) -> dict[Atoms, int | None]:
    found = dict(known)
    while True:
        new: dict[Atoms, int | None] = {}
        for one, other in permutations(found, 2):
            if not other & ~one and one & ~other not in found:
                larger, smaller = found[one], found[other]
                blind = larger is None or smaller is None
                new[one & ~other] = None if blind else (larger or 0) - (smaller or 0)
        if not new:
            return found
        found |= new
        if len(found) > MAX_CELLS:
            raise _refused("The combined cohorts of a study have too many regions to be judged.")


def _has_circle(one: Combination) -> bool:
    """Whether the persons of a cohort do not follow from those of the cohorts it is made of."""
    return one.by == "days" and one.operation != "union"


def _any(sets: Iterable[Atoms]) -> Atoms:
    found = 0
    for one in sets:
        found |= one
    return found


def _read(text: str) -> Iterator[Combination]:
    for one in text.split(JOINT):
        found = _FORM.fullmatch(one)
        if found is None:
            raise _refused("A result does not say in a known form which cohorts are combined.")
        yield Combination(found[1], found[2], found[3], tuple(found[4].split(", ")))


def _refused(happened: str) -> PolicyError:
    return PolicyError(
        happened, remedy="Ask for fewer combined cohorts, of one study, in what leaves together."
    )


def _contradiction() -> PolicyError:
    return PolicyError(
        "Combined cohorts and those that they are made of contradict one another.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
