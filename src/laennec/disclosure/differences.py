"""Sets of persons that a study may have made to differ by few: differencing inside one release.

A study can ask for one cohort twice with one day more or less, and subtract. Which sets lie inside
which is not in a result, so any two that are counts of the same kind of thing are taken for nested:
when 1 to ``threshold - 1`` persons lie between them, the smaller one is hidden with all that is
said of it. Two sets that are close by chance are treated alike; that is the price.

A difference becomes a cell only if it is small. For the audit this is the safe side: of a cell that
is hidden for its own sake it then says more than a reader can know. What the reader does know
besides is that a hidden set, of 100 persons less 1 to 10, is not within 10 of any set that is
published: 88 published would say that it is 99. Sets near enough to tell are hidden with it.

What this module does not do: it compares two sets at a time. A set that is the sum of several
others but for few persons (a year in three parts, less one day) is not found.

Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from laennec.disclosure.ages import Span, span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import holds
from laennec.disclosure.cubes import Labels
from laennec.disclosure.strata import add_up, share

Steps = Sequence[tuple[Key, tuple[Key, ...]]]
"""Cells of one cohort: persons left after each step and in the end, with what is hidden besides."""

Item = TypeVar("Item")


def relate_steps(
    algebra: Algebra,
    cohorts: Iterable[Steps],
    linked: frozenset[tuple[int, int]] = frozenset(),
    *,
    threshold: int,
) -> None:
    """Compare every count of one cohort with every count of another.

    Args:
        algebra: Holds the cells.
        cohorts: For each cohort its cells; those hidden besides are the exclusions around a step,
            without which the step would come back by addition.
        linked: Pairs, by number, whose final sizes a set operation links; these are related there.
        threshold: Fewest persons that may lie between.
    """
    steps = [(n, cell, around) for n, steps in enumerate(cohorts) for cell, around in steps]
    final = {cell for _, cell, around in steps if not around}
    for larger, smaller, below in close(steps, lambda one: algebra[one[1]], threshold):
        related = {larger[1], smaller[1]} <= final and (larger[0], smaller[0]) in linked
        if larger[0] != smaller[0] and not related:
            algebra.apart(larger[1], smaller[1], hide=smaller[2])
            for _, cell, around in below:
                for one in (cell, *around):
                    algebra.imply(smaller[1], one)


def relate_sizes(
    algebra: Algebra,
    sizes: Iterable[tuple[str, object, Key]],
    linked: Callable[[str, str], bool],
    *,
    threshold: int,
) -> None:
    """Compare a stratum with the same stratum of other cohorts, and with other cohorts whole.

    Args:
        algebra: Holds the cells, or not all of them.
        sizes: Cohort, levels (none for the whole) and cell of each.
        linked: Whether a set operation links two cohorts, whose strata by sex are related there.
        threshold: Fewest persons that may lie between.
    """
    cells = [one for one in sizes if one[2] in algebra]
    for larger, smaller, below in close(cells, lambda one: algebra[one[2]], threshold):
        apart = larger[0] != smaller[0] and not linked(larger[0], smaller[0])
        if apart and _alike(larger[1], smaller[1]) and (larger[1] or smaller[1]):
            algebra.apart(larger[2], smaller[2])
            for _, levels, cell in below:
                if _alike(smaller[1], levels):
                    algebra.imply(smaller[2], cell)


def relate_starts(algebra: Algebra, cells: Iterable[Key], *, threshold: int) -> None:
    """Compare who starts one curve with who starts another of the same outcome.

    Strata are compared with the same strata of other cohorts, and with other cohorts whole. Who is
    left after a step before the start is compared likewise, but not within one analysis.

    Args:
        algebra: Holds the cells.
        cells: ``(what, cdm_name, result, …, stratum, cohort, outcome)``.
        threshold: Fewest persons that may lie between.
    """
    for larger, smaller, below in close([*dict.fromkeys(cells)], algebra.__getitem__, threshold):
        if _starts_alike(larger, smaller):
            algebra.apart(larger, smaller)
            for cell in below:
                if _starts_alike(smaller, cell):
                    algebra.imply(smaller, cell)


def relate_analyses(
    algebra: Algebra,
    analyses: Sequence[tuple[Key, Mapping[Labels, int | None]]],
    *,
    within: bool,
    threshold: int,
) -> None:
    """Compare analyses of one outcome in one population whose ages and time lie inside one another.

    Args:
        algebra: Holds the cells ``(*name, *labels)``.
        analyses: For each family the start of its keys, and its counts by (sex, ages, interval,
            stratum).
        within: Whether counts of one stratum in one family are compared with one another as well;
            not for counts that add up there.
        threshold: Fewest persons that may lie between.
    """
    for larger, smaller, below in _near(analyses, within=within, threshold=threshold):
        hidden: Key = (*smaller[0], *smaller[1])
        algebra.apart((*larger[0], *larger[1]), hidden)
        for name, labels, _ in below:
            algebra.imply(hidden, (*name, *labels))


def relate_days_of_few(
    algebra: Algebra,
    analyses: Sequence[tuple[Key, Mapping[Labels, int | None]]],
    *,
    threshold: int,
) -> None:
    """Hide days that few persons have more than another analysis: their difference tells of them.

    Args:
        algebra: Holds the cells of days, ``("days", *family, *labels)``.
        analyses: For each family its name, and its persons by (sex, ages, interval, stratum).
        threshold: Fewest persons that may lie between.
    """
    for larger, smaller, _ in _near(analyses, within=True, threshold=threshold):
        # In one family the other intervals, of all persons, lie between days as well.
        if larger[0] != smaller[0] or larger[1][2] == smaller[1][2]:
            few: Key = ("days of few", *larger[0], *larger[1], *smaller[0], *smaller[1])
            algebra.put(few, (larger[2] or 0) - (smaller[2] or 0))
            algebra.imply(few, ("days", *smaller[0], *smaller[1]))


def _near(
    analyses: Sequence[tuple[Key, Mapping[Labels, int | None]]], *, within: bool, threshold: int
) -> "Iterator[Close[tuple[Key, Labels, int | None]]]":
    """Yield analyses that may lie inside one another and differ by few; sums tell of the others."""
    cells = [(name, labels, n) for name, values in analyses for labels, n in values.items()]
    ages = {labels[1]: span(str(labels[1])) for _, labels, _ in cells}
    for larger, smaller, below in close(cells, lambda one: one[2], threshold):
        if larger[0] == smaller[0] and _told(larger[1][3], smaller[1][3], within=within):
            continue
        if _nested(larger[1], smaller[1], ages):
            yield Close(
                larger, smaller, [one for one in below if _nested(smaller[1], one[1], ages)]
            )


class Close(NamedTuple, Generic[Item]):
    """Two sets between which few persons lie.

    Attributes:
        larger, smaller: The sets.
        below: Sets that tell more of the smaller one, once it is hidden, by being published: it is
            not within the threshold of them, and of the larger one it is.
    """

    larger: Item
    smaller: Item
    below: Sequence[Item]


def close(
    items: Iterable[Item],
    count: Callable[[Item], int | None],
    threshold: int,
    *,
    equal: bool = False,
) -> Iterator[Close[Item]]:
    """Yield any two sets between which few persons lie; nobody if asked.

    A count below the threshold is hidden for its own sake, and compared with nothing.
    """
    known = [(n, one) for one in items if (n := count(one)) is not None and n >= threshold]
    ordered = [one for _, one in sorted(known, key=lambda pair: pair[0])]
    counts = sorted(n for n, _ in known)
    for at, n in enumerate(counts):
        nearest = bisect_right(counts, n - threshold)
        for other in range(at + 1, bisect_left(counts, n + threshold)):
            m = counts[other]
            if m > n:
                furthest = bisect_left(counts, m - 2 * (threshold - 1))
                yield Close(ordered[other], ordered[at], ordered[furthest:nearest])
            elif equal:
                yield Close(ordered[other], ordered[at], ())


def _alike(one: object, other: object) -> bool:
    """Whether two strata are the same, or one is a whole cohort."""
    return one == other or not one or not other


def _starts_alike(larger: Key, smaller: Key) -> bool:
    """Whether two curves are of one outcome, in strata that may lie inside one another.

    Not those of one cohort in one result: steps before a start are related to it where they are.
    """
    (*_, one, cohort, outcome), (*_, other, second, same_outcome) = larger, smaller
    alike = one == other or (cohort != second and not (one and other))
    within = larger[2] == smaller[2] and cohort == second
    return larger[1] == smaller[1] and outcome == same_outcome and alike and not within


def _told(one: object, other: object, *, within: bool) -> bool:
    """Whether sums tell how two strata of one family differ."""
    return not within if one == other else add_up(one, other)


def _nested(one: Labels, other: Labels, ages: Mapping[object, Span]) -> bool:
    """Return whether the persons of one may be among those of the other."""
    same = one[0] == other[0] and share(one[3], other[3])
    return same and (_inside(one, other, ages) or _inside(other, one, ages))


def _inside(inner: Labels, outer: Labels, ages: Mapping[object, Span]) -> bool:
    (low, high), (first, last) = ages[inner[1]], ages[outer[1]]
    return first <= low and high <= last and holds(str(outer[2]), str(inner[2]))
