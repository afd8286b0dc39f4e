"""Large-scale characterisation: tens of thousands of cells, each judged by itself.

A cell counts the persons of a cohort who have a concept in a window. It adds up with nothing but
its complements: persons of the cohort, and persons observed in the window, who do not have it.
Cells of different concepts or windows share persons in a way that nobody can tell from their sizes,
so no sum links them, and one pass over the rows is enough. What would link them is refused: windows
that share a day, standard beside source concepts, a table beside the eras made from it.

How many persons are observed in a window follows from any count and its percentage. These numbers
are few, lie inside one another, and are cells of the algebra (``relate_observed``).

A cell that may not be published is left out, as is one below the minimum frequency: a row that said
that it was hidden would tell that the count reached that frequency.

What this module does not do: it links no concept with its ancestors, with concepts of other tables,
or with covariates that count the same records.

Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations, pairwise

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.differences import Steps
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile

TOTALS = frozenset({"Number subjects", "Number observed"})
_OF = {"condition_era": "condition_occurrence", "drug_era": "drug_exposure"}
_SIDES = ("before", "after")


@dataclass(frozen=True, order=True)
class Window:
    """Days relative to entry, both included; open ends are infinite."""

    start: float
    end: float

    @property
    def reach(self) -> tuple[str, int]:
        """Whether a person must be observed before or after entry to be in it, and how far."""
        if self.end < 0:
            return "before", int(-self.end)
        return ("after", int(self.start)) if self.start > 0 else ("entry", 0)


def large_scale_cell(entry: Entry) -> Key:
    """Return the cell of a number of persons: of the cohort, or observed in a window."""
    row = entry.row
    if row.variable_level is None:
        return subjects(row.cdm_name, row.group_level)
    return _observed(row.cdm_name, row.group_level, window_of(row.variable_level))


def put_observed(algebra: Algebra, entries: Iterable[Entry]) -> list[Steps]:
    """Add the persons of each cohort and those observed in each window.

    Returns:
        These sets of persons, to be compared with others.

    Raises:
        PolicyError: counts contradict one another.
    """
    found: dict[Key, None] = {}
    for entry in [one for one in entries if is_total(one)]:
        algebra.put(key := large_scale_cell(entry), entry.count)
        found[key] = None
    return [[(key, ())] for key in found]


def check_not_linked(entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
    """Refuse characterisations of cohorts of which a set operation makes one from the other.

    Raises:
        PolicyError: concept by concept, their counts could be subtracted.
    """
    cohorts: dict[str, dict[str, None]] = {}
    for entry in entries:
        cohorts.setdefault(entry.row.cdm_name, {})[entry.row.group_level] = None
    for cdm, names in cohorts.items():
        drawn = diagrams.get(cdm, EMPTY)
        if any(drawn.part.get(a, -1) == drawn.part.get(b, -2) for a, b in combinations(names, 2)):
            raise PolicyError(
                "Large-scale characterisations compare cohorts that a set operation combines.",
                remedy="Release that of one of these cohorts.",
            )


def relate_observed(algebra: Algebra, sets: Iterable[Steps]) -> None:
    """Add who is in one of the sets of a cohort and not in one inside it.

    Who is observed further from entry is observed nearer to it as well: the sets of one side lie
    inside one another, and those between any two of them are a cell.

    Raises:
        PolicyError: they do not lie inside one another, or the cohort's size is missing.
    """
    known: dict[Key, dict[Key, None]] = {}
    for key in [one[0][0] for one in sets]:
        known.setdefault(key[1:3], {})[key] = None
    for cohort, keys in known.items():
        if (size := subjects(*map(str, cohort))) not in keys:
            raise _incomplete()
        for side in _SIDES:
            for larger, smaller in combinations(_chain(size, keys, side), 2):
                if (n := algebra[larger]) is not None and n < (algebra[smaller] or 0):
                    raise _incomplete()
                algebra.apart(larger, smaller)


def is_total(entry: Entry) -> bool:
    """Return whether a row counts all persons of a cohort, or all observed in a window."""
    return entry.row.variable_name in TOTALS and entry.row.additional_name == "overall"


def left_out(
    entries: Sequence[Entry], totals: Mapping[Key, int | None], hidden: Set[Key], profile: Profile
) -> frozenset[int]:
    """Return the indices of the rows that may not be published.

    Args:
        entries: All rows of large-scale characterisations.
        totals: Values of cells of the algebra.
        hidden: Cells of the algebra that are hidden.
        profile: The threshold.

    Raises:
        PolicyError: a row does not say what it counts, one cell has two counts, or the release
            holds cells that are linked.
    """
    cells = [one for one in entries if not is_total(one)]
    _check_unlinked(cells)
    limits: dict[tuple[str, str, str], _Limit] = {}
    verdicts: dict[Key, bool] = {}
    counts: dict[Key, int | None] = {}
    for entry in [one for one in cells if one.role is Role.PERSONS]:
        cell, row = _cell(entry), entry.row
        if counts.setdefault(cell, entry.count) != entry.count:
            raise _contradiction()
        place = (row.cdm_name, row.group_level, str(row.variable_level))
        if place not in limits:
            limits[place] = _limit(place, totals, hidden, profile)
        verdicts[cell] = limits[place].holds(entry.count)
    _hide_close(counts, verdicts, profile)
    shown = [one for one in cells if verdicts.get(_cell(one), False)]
    kept = {one.index for one in shown if one.role is Role.PERSONS or _shares(one, limits)}
    return frozenset(one.index for one in cells if one.index not in kept)


@dataclass(frozen=True)
class _Limit:
    """What a count in one window of one cohort must keep clear of.

    Attributes:
        most: Persons of the smallest published set that holds all who are observed in the window;
            None when there is none.
        room: Persons of that set who must not have the concept, unless nobody lacks it.
        exact: Whether that set is who is observed in the window, so that percentages may show.
    """

    most: int | None
    room: int
    exact: bool
    threshold: int

    def holds(self, count: int | None) -> bool:
        """Return whether the count may be published."""
        if count is None or self.most is None or count < self.threshold:
            return False
        if count > self.most:
            raise _contradiction()
        return self.most - count >= self.room or (self.exact and count == self.most)


def _limit(
    place: tuple[str, str, str],
    totals: Mapping[Key, int | None],
    hidden: Set[Key],
    profile: Profile,
) -> _Limit:
    """Find the published set around a window; each hidden one inside it may lack few persons."""
    cdm, cohort, level = place
    size, window = subjects(cdm, cohort), window_of(level)
    key = _observed(cdm, cohort, window)
    if size not in totals or key not in totals:
        raise _incomplete()
    if size in hidden:
        return _Limit(None, 0, exact=False, threshold=profile.threshold)
    side = window.reach[0]
    chain = _chain(size, [one for one in totals if one[1:3] == (cdm, cohort)], side)
    outward = chain[: chain.index(key) + 1]
    steps = 0
    while outward[-1 - steps] in hidden:
        steps += 1
    return _Limit(
        totals[outward[-1 - steps]],
        profile.threshold * (steps + 1),
        exact=not steps,
        threshold=profile.threshold,
    )


def _chain(size: Key, keys: Iterable[Key], side: str) -> list[Key]:
    """Return the sets of one side of entry, the largest first: the cohort, then ever further."""
    reached = [one for one in keys if one[0] == "observed" and one[3] in ("entry", side)]
    return [size, *sorted(reached, key=lambda one: int(str(one[4])))]


def _hide_close(
    counts: Mapping[Key, int | None], verdicts: dict[Key, bool], profile: Profile
) -> None:
    """Hide an event's count that differs by few from that of episodes, which it lies inside."""
    for cell, count in counts.items():
        episodes = (*cell[:4], "episode", *cell[5:])
        larger = counts.get(episodes) if cell[4] == "event" else None
        if count is not None and larger is not None:
            if larger < count:
                raise _contradiction()
            verdicts[cell] &= not profile.is_small(larger - count)


def _shares(entry: Entry, limits: Mapping[tuple[str, str, str], _Limit]) -> bool:
    row = entry.row
    return limits[row.cdm_name, row.group_level, str(row.variable_level)].exact


def _check_unlinked(entries: Iterable[Entry]) -> None:
    """Refuse what would link cells."""
    windows: dict[Key, dict[Window, None]] = {}
    analyses: dict[Key, dict[str, None]] = {}
    for entry in entries:
        _, cdm, cohort, table, _, analysis, window, _ = _cell(entry)
        base = _OF.get(str(table), table)
        windows.setdefault((cdm, cohort, base), {})[window_of(str(window))] = None
        analyses.setdefault((cdm, cohort, base), {})[f"{table} by {analysis} concept"] = None
    for found in windows.values():
        for before, after in pairwise(sorted(found)):
            if after.start <= before.end:
                raise _linked("windows that share a day")
    for named in analyses.values():
        if len(named) > 1:
            raise _linked(" and ".join(named))


def _cell(entry: Entry) -> Key:
    row, extra = entry.row, entry.settings.extra
    if row.additional_name != "concept_id" or row.variable_level is None:
        raise _incomplete()
    if not re.fullmatch(r"-?[0-9]{1,19}", row.additional_level, re.ASCII):
        raise _incomplete()
    named = (extra.get("table_name"), extra.get("type"), extra.get("analysis"))
    if None in named:
        raise _incomplete()
    place = (row.cdm_name, row.group_level)
    return ("large scale", *place, *named, row.variable_level, row.additional_level)


def window_of(level: str) -> Window:
    """Return a window by its name, such as ``-365 to -31`` or ``366 to inf``.

    Raises:
        PolicyError: it is not the name of a window.
    """
    if not re.fullmatch(r"(-inf|-?[0-9]{1,8}) to (inf|-?[0-9]{1,8})", level, re.ASCII):
        raise _incomplete()
    start, end = map(float, level.split(" to "))
    if start > end:
        raise _incomplete()
    return Window(start, end)


def _observed(cdm: str, cohort: str, window: Window) -> Key:
    return ("observed", cdm, cohort, *window.reach)


def _incomplete() -> PolicyError:
    return PolicyError(
        "A large-scale characterisation does not say of whom, of what or of when it counts.",
        remedy="Run the study again: rows have a concept, a window, and totals beside them.",
    )


def _contradiction() -> PolicyError:
    return PolicyError(
        "The result contradicts itself about a concept: counts that must agree do not.",
        remedy="Run the study again; a result that does not add up is never published.",
    )


def _linked(what: str) -> PolicyError:
    return PolicyError(
        f"Large-scale characterisations of one cohort count the same records twice: {what}.",
        remedy="Release one of them, or windows that share no day.",
    )
