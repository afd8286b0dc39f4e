"""Cells of two cohorts beside one another: who is in both, and who is in one of them only.

Of any two cohorts, the persons in both and those in one only add up to each cohort. Of any three,
seven groups of persons (in all three, in exactly two, in exactly one) add up to what the three
pairs show; none of the seven is displayed, and each may come out by inclusion and exclusion. So
they are cells of unknown value, which the audit narrows as a reader would.

What this module does not do: it does not join four cohorts. Whoever asks for many pairs of many
cohorts may narrow a group of persons that is in exactly some four of them.

Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.differences import Steps
from laennec.disclosure.kinds import Entry, Role

MAX_TRIPLES = 60
"""Triples of cohorts that are judged together; eight cohorts have 56."""

_ONLY = {"Only in reference cohort": 0, "Only in comparator cohort": 1}


def overlap_cell(entry: Entry) -> Key:
    """Return the cell of a person count of overlap or timing."""
    pair = entry.group
    side = _ONLY.get(entry.row.variable_name)
    if side is None:
        return _both(entry.row.cdm_name, *pair)
    return _only(entry.row.cdm_name, pair[side], pair[1 - side])


def overlap_cells(entry: Entry) -> list[Key]:
    """Return the three cells of a pair of cohorts, whose sum percentages are of."""
    cdm, (one, other) = entry.row.cdm_name, entry.group
    return [_both(cdm, one, other), _only(cdm, one, other), _only(cdm, other, one)]


def check_not_combined(entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
    """Refuse overlaps of cohorts that set operations link: both tell the same, in other sums.

    Raises:
        PolicyError: a cohort of an overlap is made of others, or others are made of it.
    """
    for entry in entries:
        drawn = diagrams.get(entry.row.cdm_name, EMPTY)
        if any(name in drawn.part for name in entry.group):
            raise PolicyError(
                "An overlap or timing compares cohorts that a set operation combines.",
                remedy="Ask for the overlap, or for the combined cohort; release one of them.",
            )


def records_of(entries: Iterable[Entry]) -> Mapping[Key, int | None]:
    """Return the records of each timing, by result, source of data and pair of cohorts."""
    return {
        (one.row.result_id, one.row.cdm_name, *one.group): one.count
        for one in entries
        if one.role is Role.RECORDS
    }


def put_overlaps(algebra: Algebra, entries: Iterable[Entry]) -> list[Steps]:
    """Add the cells of overlaps and timings, and the sizes of the cohorts that follow from them.

    Returns:
        What is to be compared with other sets of persons: each cohort, and each two cohorts'
        common persons.

    Raises:
        PolicyError: the counts of a cohort or pair contradict one another, or a cohort is compared
            with itself.
    """
    counts: dict[Key, int | None] = {}
    steps: dict[Key, None] = {}
    for entry in [one for one in entries if one.role is Role.PERSONS]:
        if len(set(entry.group)) != 2:
            raise PolicyError(
                "An overlap compares a cohort with itself.", remedy="Name two different cohorts."
            )
        algebra.put(key := overlap_cell(entry), entry.count)
        counts[key] = algebra[key]
        steps |= {_both(entry.row.cdm_name, *entry.group): None}
    for key, only in counts.items():
        if key[0] == "only":
            _, cdm, cohort, other = map(str, key)
            both = counts.get(_both(cdm, cohort, other))
            if both is not None and only is not None:
                algebra.put(size := subjects(cdm, cohort), both + only)
                steps |= {size: None}
    return [[(key, ())] for key in steps]


def relate_overlaps(algebra: Algebra, entries: Iterable[Entry]) -> None:
    """Add the sums that hold between overlaps and cohorts, whose sizes are known by now.

    Raises:
        PolicyError: more persons are in both cohorts than in one, or there are too many triples.
    """
    pairs: dict[str, dict[tuple[str, str], None]] = {}
    for entry in entries:
        one, other = sorted(entry.group)
        pairs.setdefault(entry.row.cdm_name, {})[one, other] = None
    for cdm, known in pairs.items():
        for pair in known:
            _relate_pair(algebra, cdm, pair)
        triples = _triples(known)
        if len(triples) > MAX_TRIPLES:
            raise PolicyError(
                "More overlaps of cohorts are asked for than can be judged together.",
                remedy="Release overlaps of fewer cohorts, at most eight.",
            )
        for triple in triples:
            _relate_triple(algebra, cdm, triple)


def _relate_pair(algebra: Algebra, cdm: str, pair: tuple[str, str]) -> None:
    """Divide each cohort of known size into those who are in the other one, and the rest."""
    both = _both(cdm, *pair)
    for cohort, other in (pair, pair[::-1]):
        size, only = subjects(cdm, cohort), _only(cdm, cohort, other)
        if size not in algebra:
            continue
        if both not in algebra or (only not in algebra and not _rest(algebra, only, size, both)):
            raise PolicyError(
                "More persons are in two cohorts than in one of them, or the number is missing.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
        algebra.split(size, [both, only])


def _rest(algebra: Algebra, only: Key, size: Key, both: Key) -> bool:
    return algebra.remainder(only, size, [both])


def _triples(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return the cohorts of which all three pairs are known."""
    known = set(pairs)
    beside: dict[str, list[str]] = {}
    for one, other in sorted(known):
        beside.setdefault(one, []).append(other)
    return [
        (one, *two)
        for one, others in beside.items()
        for two in combinations(others, 2)
        if two in known
    ]


def _relate_triple(algebra: Algebra, cdm: str, triple: Sequence[str]) -> None:
    """Divide what three pairs show into the seven groups of persons, none of which is known."""
    inside = {
        members: ("inside", cdm, *triple, *members)
        for size in (1, 2, 3)
        for members in combinations(triple, size)
    }
    for key in inside.values():
        algebra.put(key, None)
    for one, other in combinations(triple, 2):
        third = next(name for name in triple if name not in (one, other))
        shared = [inside[one, other], inside[tuple(triple)]]
        algebra.total(_both(cdm, one, other), shared)
        for name, without in ((one, other), (other, one)):
            only = _only(cdm, name, without)
            if only in algebra:
                two = tuple(sorted((name, third)))
                algebra.total(only, [inside[(name,)], inside[two]])


def _both(cdm: str, one: str, other: str) -> Key:
    return ("both", cdm, *sorted((one, other)))


def _only(cdm: str, cohort: str, other: str) -> Key:
    return ("only", cdm, cohort, other)
