"""Cells of CohortIncidence: persons, days and outcomes at risk, by age group, sex and start year.

``pe`` is before exclusion: all time at risk, before the days after outcomes and those of the
excluded cohort are taken away.

- Outcomes and days add up over age groups, sexes and start years, each with a remainder: ages in no
  group, unknown sex. So do persons over sexes. Over age groups and years they do if nobody has time
  at risk in two; otherwise nobody knows what a hidden one is, but its neighbours bound it, so that
  one hidden age group (or year) hides the others.
- Of each group, persons wholly excluded, with excluded days or without, with an outcome or without,
  with an outcome that all was excluded, are cells.
- Outcomes less persons with one are outcomes of persons who had one before: few of them hide the
  number of outcomes, and so do few excluded outcomes.
- Days excluded come from the persons with excluded days; if these are few, the days before
  exclusion are hidden.
- Sets of persons of one cohort are taken for nested where their groups lie inside one another.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.cubes import Branch, Labels, add_cube, adds_up, swap
from laennec.disclosure.differences import close
from laennec.disclosure.incidence import add_days
from laennec.disclosure.kinds import Entry, Role, kinds
from laennec.disclosure.strata import pairs_of
from laennec.omop.summarised_result import OVERALL

TYPE = "cohort_incidence"
_NAMES = ("age_group", "sex", "start_year")
_SEXES = ("Female", "Male")
_AT_RISK = ("persons_at_risk_pe", "persons_at_risk", "persons_excluded_days")
_HAVING = ("person_outcomes_pe", "person_outcomes")
_OUTCOMES = ("outcomes_pe", "outcomes")
_DAYS = {"person_days_pe": "persons_at_risk_pe", "person_days": "persons_at_risk"}

_PARTS = (
    ("persons_at_risk_pe", "persons_at_risk", "persons wholly excluded"),
    ("persons_at_risk_pe", "persons_excluded_days", "persons without excluded days"),
    ("persons_excluded_days", "persons wholly excluded", "persons partly excluded"),
    ("persons_at_risk_pe", "person_outcomes_pe", "persons without outcome pe"),
    ("persons_at_risk", "person_outcomes", "persons without outcome"),
    ("person_outcomes_pe", "person_outcomes", "persons with excluded outcomes only"),
)
"""Total, part, and the cell of the others."""

_REPEATED = (
    ("outcomes_pe", "person_outcomes_pe", "repeated outcomes pe"),
    ("outcomes", "person_outcomes", "repeated outcomes"),
    ("outcomes_pe", "outcomes", "excluded outcomes"),
)
"""A number of outcomes, what it is more than, and the cell of the others."""


@dataclass
class _Family:
    """What the rows of one result say of one cohort, by (age group, sex, start year)."""

    name: Key
    cells: dict[str, dict[Labels, int | None]] = field(default_factory=dict)


def cohort_incidence_cell(entry: Entry, measure: str) -> Key:
    """Return the cell of an estimate, by the estimate's name, at the place of a row."""
    return (measure, *_family_name(entry), *_labels(entry))


def check_targets(entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
    """Refuse two targets that a set operation links: subtracted, they tell of the persons between.

    Raises:
        PolicyError: there are two.
    """
    targets = dict.fromkeys((one.row.cdm_name, one.group[0]) for one in entries)
    for (cdm, one), (other_cdm, other) in combinations(targets, 2):
        if cdm == other_cdm and diagrams.get(cdm, EMPTY).linked(one, other):
            raise PolicyError(
                "Incidence is asked of two targets that a set operation links.",
                remedy="Ask for one of the two cohorts in what is released together.",
            )


def relate_cohort_incidence(algebra: Algebra, entries: Iterable[Entry], *, threshold: int) -> None:
    """Add the cells of persons and outcomes with their sums, and compare sets of persons.

    Raises:
        PolicyError: an estimate is missing, a group is of no known form, or counts do not add up.
    """
    persons: dict[Key, list[tuple[Key, Labels, int | None]]] = {}
    for family in _families(entries):
        hierarchies = _hierarchies(family.cells["outcomes"])
        for measure in (*_AT_RISK, *_HAVING):
            _add_persons(algebra, (measure, *family.name), family.cells[measure], hierarchies)
        for measure in _OUTCOMES:
            add_cube(algebra, (measure, *family.name), family.cells[measure], hierarchies)
        for labels in family.cells["outcomes"]:
            _within_group(algebra, family.name, labels)
            _not_at_risk(algebra, family.name, labels)
        cdm, cohort, outcome = family.name[:3]
        for measures, place in (
            (_AT_RISK, (cdm, cohort)),
            (_HAVING, (cdm, cohort, outcome)),
            (_OUTCOMES, (cdm, cohort, outcome, "outcomes")),
        ):
            for measure in measures:
                name: Key = (measure, *family.name)
                found = persons.setdefault(place, [])
                found += [(name, labels, n) for labels, n in family.cells[measure].items()]
    for cells in persons.values():
        _compare(algebra, cells, threshold)


def relate_cohort_days(algebra: Algebra, entries: Iterable[Entry], *, threshold: int) -> None:
    """Add the cells of time at risk, each with the least number of persons it can come from.

    The algebra is a second one, used for its implications only: days are no count of persons.
    """
    families = _families(entries)
    for days, behind in _DAYS.items():
        _relate_days_of_few(algebra, families, days, behind, threshold)
    for family in families:
        hierarchies = _hierarchies(family.cells["outcomes"])
        for days, behind in _DAYS.items():
            shown, counted = family.cells[behind], family.cells[days]
            add_days(algebra, (days, *family.name), shown, counted, hierarchies, threshold)
        for labels, before in family.cells["person_days_pe"].items():
            after, few = (
                family.cells[one][labels] for one in ("person_days", "persons_excluded_days")
            )
            excluded: Key = ("excluded days", *family.name, *labels)
            algebra.put(excluded, 0 if before is not None and before == after else few)
            algebra.imply(excluded, ("person_days_pe", *family.name, *labels))


def _families(entries: Iterable[Entry]) -> list[_Family]:
    found: dict[Key, _Family] = {}
    for entry in entries:
        name = _family_name(entry)
        cells = found.setdefault(name, _Family(name)).cells
        value = entry.count
        if entry.role is Role.DAYS and entry.row.estimate_value.isdigit():
            value = int(entry.row.estimate_value)
        if entry.role in (Role.DAYS, Role.PERSONS):
            place = cells.setdefault(entry.row.estimate_name, {})
            if place.setdefault(_labels(entry), value) != value:
                raise _impossible()
    for family in found.values():
        groups = {frozenset(cells) for cells in family.cells.values()}
        every = {*_AT_RISK, *_HAVING, *_OUTCOMES, *_DAYS}
        if every != family.cells.keys() or len(groups) != 1:
            raise PolicyError(
                "A group of an incidence lacks one of its counts.",
                remedy="Give every number of persons, days and outcomes of each group.",
            )
    return list(found.values())


def _family_name(entry: Entry) -> Key:
    extra = entry.settings.extra
    names = kinds()[TYPE].family
    return (entry.row.cdm_name, *entry.group, *(extra.get(name, "") for name in names))


def _labels(entry: Entry) -> Labels:
    """Return (age group, sex, start year)."""
    found = dict.fromkeys(_NAMES, OVERALL)
    for name, level in pairs_of(entry):
        if not _is_level(name, level):
            raise PolicyError(
                "A group of an incidence is not one that a disclosure rule knows.",
                remedy="Groups are ages such as '18 to 64', Female and Male, and calendar years.",
            )
        found[name] = level
    return tuple(found.values())


def _is_level(name: str, level: str) -> bool:
    match name:
        case "age_group":
            return bool(span(level))
        case "sex":
            return level in _SEXES
        case _:
            return len(level) == 4 and level.isascii() and level.isdigit()


def _hierarchies(cells: Mapping[Labels, int | None]) -> list[list[Branch]]:
    """Everybody into age groups, sexes and start years, each with who is in none."""
    ages, sexes, years = (
        [str(one) for one in dict.fromkeys(labels[n] for labels in cells) if one != OVERALL]
        for n in range(3)
    )
    ages.sort(key=span)
    if any(span(after)[0] <= span(before)[1] for before, after in pairwise(ages)):
        raise PolicyError(
            "Two age groups of one incidence overlap.", remedy="Ask for age groups that are apart."
        )
    return [[_into(parts)] if parts else [] for parts in (ages, sexes, sorted(years))]


def _into(parts: list[str]) -> Branch:
    return Branch(OVERALL, (*parts, ("rest", OVERALL, *parts)))


def _add_persons(
    algebra: Algebra,
    name: Key,
    cells: Mapping[Labels, int | None],
    hierarchies: list[list[Branch]],
) -> None:
    """Add persons, who add up over sexes, and over ages and years unless some are in two."""
    kept = list(hierarchies)
    for dimension in (0, 2):
        alone: list[list[Branch]] = [[], [], []]
        alone[dimension] = hierarchies[dimension]
        if not adds_up(cells, alone):
            kept[dimension] = []
    if not adds_up(cells, [kept[0], [], kept[2]]):
        kept[0] = kept[2] = []
    for dimension in (0, 2):
        if not kept[dimension]:
            _hide_together(algebra, name, cells, dimension)
    add_cube(algebra, name, cells, kept)


def _hide_together(
    algebra: Algebra, name: Key, cells: Mapping[Labels, int | None], dimension: int
) -> None:
    """Hide all age groups, or years, of which one is hidden."""
    for labels in cells:
        if labels[dimension] != OVERALL:
            for other in cells:
                if other[dimension] != OVERALL and swap(other, dimension, "") == swap(
                    labels, dimension, ""
                ):
                    algebra.imply((*name, *labels), (*name, *other))


def _within_group(algebra: Algebra, name: Key, labels: Labels) -> None:
    """Add what the counts of one group tell by difference."""
    place = (*name, *labels)
    for whole, part, others in _PARTS:
        total, first, rest = ((one, *place) for one in (whole, part, others))
        if not algebra.remainder(rest, total, [first]):
            raise _impossible()
        algebra.split(total, [first, rest])
    for whole, part, others in _REPEATED:
        total, first, rest = ((one, *place) for one in (whole, part, others))
        if not algebra.remainder(rest, total, [first]):
            raise _impossible()
        algebra.total(total, [first, rest])
        algebra.imply(rest, total)
        algebra.imply(first, total)
        algebra.imply(total, rest)


def _not_at_risk(algebra: Algebra, name: Key, labels: Labels) -> None:
    """Protect who is in the cohort and has no time at risk, in all or of one sex."""
    cdm, cohort = str(name[0]), str(name[1])
    if (labels[0], labels[2]) != (OVERALL, OVERALL):
        return
    whole = subjects(cdm, cohort) if labels[1] == OVERALL else ("Sex", cdm, cohort, labels[1])
    if whole not in algebra:
        return
    key: Key = ("persons_at_risk_pe", *name, *labels)
    rest: Key = ("persons without time at risk", *name, *labels)
    if not algebra.remainder(rest, whole, [key]):
        raise _impossible()
    algebra.split(whole, [key, rest])


def _compare(algebra: Algebra, cells: list[tuple[Key, Labels, int | None]], threshold: int) -> None:
    """Tie equal counts that may be of the same persons; keep others apart."""
    for larger, smaller, below in close(cells, lambda one: one[2], threshold, equal=True):
        alike = larger[1] == smaller[1]
        if alike and larger[0][1:] == smaller[0][1:]:
            continue  # Of one group of one result: related there.
        if not _may_nest(larger[1], smaller[1]):
            continue
        hidden: Key = (*smaller[0], *smaller[1])
        if larger[2] != smaller[2]:
            algebra.apart((*larger[0], *larger[1]), hidden)
            for name, labels, _ in below:
                if _may_nest(smaller[1], labels):
                    algebra.imply(hidden, (*name, *labels))
        elif alike:
            algebra.same((*larger[0], *larger[1]), hidden)


def _relate_days_of_few(
    algebra: Algebra, families: Iterable[_Family], days: str, behind: str, threshold: int
) -> None:
    """Hide days that few persons have more in another result: their difference tells of them."""
    places: dict[Key, list[tuple[Key, Labels, int | None]]] = {}
    for family in families:
        mine = places.setdefault(family.name[:2], [])
        mine += [(family.name, labels, n) for labels, n in family.cells[behind].items()]
    for cells in places.values():
        for larger, smaller, _ in close(cells, lambda one: one[2], threshold):
            if larger[0] != smaller[0] and _may_nest(larger[1], smaller[1]):
                few: Key = ("days of few", days, *larger[0], *larger[1], *smaller[0], *smaller[1])
                algebra.put(few, (larger[2] or 0) - (smaller[2] or 0))
                algebra.imply(few, (days, *smaller[0], *smaller[1]))


def _may_nest(one: Labels, other: Labels) -> bool:
    """Return whether the persons of one group may be among those of the other."""
    return one[1] == other[1] and (_inside(one, other) or _inside(other, one))


def _inside(inner: Labels, outer: Labels) -> bool:
    return all(_holds(str(of), str(one)) for one, of in zip(inner, outer, strict=True))


def _holds(outer: str, inner: str) -> bool:
    if outer in (OVERALL, inner):
        return True
    if " to " not in outer or " to " not in inner:
        return False
    (low, high), (first, last) = span(inner), span(outer)
    return first <= low and high <= last


def _impossible() -> PolicyError:
    return PolicyError(
        "Parts of an incidence count more than the whole.",
        remedy="Run the study again; a result that does not add up is never published.",
    )


def measures_of(entry: Entry) -> Iterator[str]:
    """Yield the counts that a share or a rate is computed from."""
    yield from (
        ("person_outcomes", "persons_at_risk")
        if entry.role is Role.SHARE
        else ("outcomes", "person_days")
    )
