"""Cells of prevalence: who is looked at, who has the outcome, by sex, age, interval and stratum.

- Who is looked at does not depend on the outcome: results on several outcomes in one population
  share those cells.
- Both counts add up over sexes and over strata (``rate_strata``). On one day they add up over age
  groups too; over an interval a person may be of two ages, so they do not.
- Who has no outcome is a cell. So is who is in the cohort and not looked at.
- In one result, who is seen in a week is among those seen in its month, and an age group is among
  a wider one; who is seen all of a year is among those seen all of a month. The others are cells.
- Between results, a day lies inside its year, persons inside their records, who is there all the
  time inside who is there at all, and who is at risk of a first outcome (incidence) inside
  everybody. Any two counts of one population and sex of which the ages and the days lie inside one
  another are taken for nested, as in ``disclosure.differences``: equal counts are one cell, and of
  two between which few persons lie the smaller is hidden.

Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import branches, span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import day_label, holds, interval_label
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.cubes import Branch, Labels, add_cube, fill
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry, Role, kinds
from laennec.disclosure.rate_strata import (
    WHOLE,
    relate_to_cohort,
    strata_branches,
    stratum_label,
)
from laennec.disclosure.strata import add_up, share

TYPES = ("point_prevalence", "period_prevalence")
_SEXES = ("Both", "Female", "Male")

Cells = Mapping[Labels, int | None]
Measured = tuple[Key, Labels, int | None]
"""Start of a key, labels and count of one cell."""


@dataclass
class _Population:
    """Who one set of denominators looks at, by (sex, ages, interval, stratum)."""

    name: Key
    is_point: bool
    is_full: bool
    persons: dict[Labels, int | None] = field(default_factory=dict)
    outcomes: dict[str, dict[Labels, int | None]] = field(default_factory=dict)


def prevalence_cell(entry: Entry, measure: str) -> Key:
    """Return the cell of ``measure`` (``looked at`` or ``having``) for a row's analysis."""
    outcome = (entry.group[1],) if measure == "having" else ()
    return (measure, *_name(entry), *outcome, *_labels(entry))


def relate_prevalence(
    algebra: Algebra,
    entries: Iterable[Entry],
    *,
    at_risk: Mapping[str, Iterable[tuple[Key, Measured]]],
    threshold: int,
) -> None:
    """Add the cells of prevalence with their sums, and compare them with one another.

    Args:
        algebra: Receives the cells.
        entries: Rows of prevalence.
        at_risk: Cells of incidence that are in the algebra, as ``incidence.comparable`` returns
            them.
        threshold: Fewest persons by which two counts may differ.

    Raises:
        PolicyError: an analysis does not name its sex or age group, or counts do not add up.
    """
    found = _populations(entries)
    persons: dict[Key, list[Measured]] = {}
    outcomes: dict[Key, list[Measured]] = {}
    for one in found:
        name: Key = ("looked at", *one.name)
        _add(algebra, name, one.persons, is_point=one.is_point)
        if not one.is_point:
            _nest(algebra, name, one.persons, whole_time=one.is_full)
        persons.setdefault(one.name[:2], []).extend(_measured(name, one.persons))
        _not_looked_at(algebra, one)
        cells: dict[Labels, Key] = {labels: (*name, *labels) for labels in one.persons}
        cdm, cohort = (str(part) for part in one.name[:2])
        relate_to_cohort(algebra, cdm, cohort, cells, threshold=threshold)
        for outcome, having in one.outcomes.items():
            mine: Key = ("having", *one.name, outcome)
            _add(algebra, mine, having, is_point=one.is_point)
            if not one.is_point and not one.is_full:
                _nest(algebra, mine, having, whole_time=False)
            outcomes.setdefault((*one.name[:2], outcome), []).extend(_measured(mine, having))
            for labels in having:
                _without(algebra, name, mine, labels)
    for measured, others in ((persons, at_risk["persons"]), (outcomes, at_risk["outcomes"])):
        _compare(algebra, measured, others, threshold)


def sets_of(entries: Iterable[Entry]) -> list[tuple[Key, Measured]]:
    """Return the sets of persons who are looked at, each with its source and population."""
    return [
        (one.name[:2], (("looked at", *one.name), labels, count))
        for one in _populations(entries)
        for labels, count in one.persons.items()
    ]


def _compare(
    algebra: Algebra,
    cells: Mapping[Key, list[Measured]],
    at_risk: Iterable[tuple[Key, Measured]],
    threshold: int,
) -> None:
    """Tie equal counts that may be of the same persons; keep others apart."""
    others: dict[Key, list[Measured]] = {}
    for place, measured in at_risk:
        others.setdefault(place, []).append(measured)
    for place, mine in cells.items():
        theirs = others.get(place, [])
        rates = {one[0] for one in theirs}
        both = [*mine, *theirs]
        for larger, smaller, below in close(both, lambda one: one[2], threshold, equal=True):
            both_rates = larger[0] in rates and smaller[0] in rates
            told = larger[0] == smaller[0] and add_up(larger[1][3], smaller[1][3])
            if not (both_rates or told) and may_nest(larger[1], smaller[1]):
                _relate(algebra, larger, smaller, below)


def _relate(
    algebra: Algebra, larger: Measured, smaller: Measured, below: Iterable[Measured]
) -> None:
    hidden: Key = (*smaller[0], *smaller[1])
    if larger[2] == smaller[2]:
        algebra.same((*larger[0], *larger[1]), hidden)
        return
    algebra.apart((*larger[0], *larger[1]), hidden)
    for name, labels, _ in below:
        if may_nest(smaller[1], labels):
            algebra.imply(hidden, (*name, *labels))


def may_nest(one: Labels, other: Labels) -> bool:
    """Return whether the persons of one analysis may be among those of the other."""
    ages, same = span(str(one[1])), span(str(other[1]))
    days, others = str(one[2]), str(other[2])
    return (
        one[0] == other[0]
        and share(one[3], other[3])
        and (_within(ages, same) or _within(same, ages))
        and (holds(days, others) or holds(others, days))
    )


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _measured(name: Key, cells: Cells) -> list[Measured]:
    return [(name, labels, count) for labels, count in cells.items()]


def _add(algebra: Algebra, name: Key, cells: Cells, *, is_point: bool) -> None:
    """Add one measure by sex and stratum, and by age where everybody is of one age.

    Who is in one stratum at one age may be in another at the next: there ages need not add up.
    """
    sexes = {labels[0] for labels in cells}
    parts = tuple(one for one in _SEXES[1:] if one in sexes)
    by_sex: list[Branch] = []
    if "Both" in sexes and parts:
        rest = () if len(parts) == 2 else (("rest", "Both", *parts),)
        by_sex = [Branch("Both", (*parts, *rest))]
    by_age = branches(str(labels[1]) for labels in cells) if is_point else []
    by_stratum = strata_branches(dict.fromkeys(labels[3] for labels in cells))
    whole = {labels: n for labels, n in cells.items() if labels[3] == WHOLE}
    alone: list[list[Branch]] = [by_sex, by_age, [], []]
    if _is_negative(whole, alone) or _is_negative(cells, [by_sex, [], [], by_stratum]):
        raise _impossible()
    if _is_negative(cells, [by_sex, by_age, [], by_stratum]):
        add_cube(algebra, name, whole, alone)
        by_age = []
    add_cube(algebra, name, cells, [by_sex, by_age, [], by_stratum])


def _is_negative(cells: Cells, hierarchies: Sequence[Sequence[Branch]]) -> bool:
    return any(one is not None and one < 0 for one in fill(cells, hierarchies).values())


def _nest(algebra: Algebra, name: Key, cells: Cells, *, whole_time: bool) -> None:
    """Protect who is in an interval and not in one inside it, and likewise for ages.

    Who has to be there all the time is in the longer interval only if in the shorter one.
    """
    for labels in cells:
        for other in _around(labels, cells):
            longer = labels[2] != other[2]
            total, part = (labels, other) if longer and whole_time else (other, labels)
            cell: Key = ("outside", *name, *total, *part)
            if not algebra.remainder(cell, (*name, *total), [(*name, *part)]):
                if labels[3] != WHOLE and not longer:
                    continue  # At another age they may be in another stratum.
                raise _impossible()
            algebra.split((*name, *total), [(*name, *part), cell])


def _around(labels: Labels, cells: Cells) -> Iterator[Labels]:
    """Yield the cells that differ in one label, which is the least that holds that of the cell."""
    sex, ages, days, stratum = labels
    mine = [one for one in cells if (one[0], one[3]) == (sex, stratum)]
    older = [one for one in mine if one[2] == days and one[1] != ages]
    longer = [one for one in mine if one[1] == ages and one[2] != days]
    outer = [one for one in older if _within(span(str(ages)), span(str(one[1])))]
    lasting = [one for one in longer if holds(str(one[2]), str(days))]
    for one in outer:
        if not any(_inner(other, one) for other in outer):
            yield one
    for one in lasting:
        if not any(other != one and holds(str(one[2]), str(other[2])) for other in lasting):
            yield one


def _inner(one: Labels, other: Labels) -> bool:
    return one != other and _within(span(str(one[1])), span(str(other[1])))


def _without(algebra: Algebra, persons: Key, having: Key, labels: Labels) -> None:
    whole: Key = (*persons, *labels)
    cell: Key = (*having, *labels)
    if whole not in algebra:
        raise PolicyError(
            "A prevalence comes without the number of persons it is a share of.",
            remedy="Give denominator_count with every outcome_count.",
        )
    rest: Key = ("not having", *having[1:], *labels)
    if not algebra.remainder(rest, whole, [cell]):
        raise _impossible()
    algebra.split(whole, [cell, rest])


def _not_looked_at(algebra: Algebra, one: _Population) -> None:
    """Protect who is in the cohort and not looked at, in all or of one sex."""
    cdm, cohort = str(one.name[0]), str(one.name[1])
    for labels in [each for each in one.persons if each[3] == WHOLE]:
        whole = subjects(cdm, cohort) if labels[0] == "Both" else ("Sex", cdm, cohort, labels[0])
        if whole not in algebra:
            continue
        key: Key = ("looked at", *one.name, *labels)
        rest: Key = ("not looked at", *one.name, *labels)
        if not algebra.remainder(rest, whole, [key]):
            raise _impossible()
        algebra.split(whole, [key, rest])


def _populations(entries: Iterable[Entry]) -> list[_Population]:
    found: dict[Key, _Population] = {}
    for entry in entries:
        if entry.role is not Role.PERSONS:
            continue
        is_point = entry.settings.result_type == TYPES[0]
        is_full = entry.settings.extra.get("analysis_full_contribution", "").upper() == "TRUE"
        one = found.setdefault(_name(entry), _Population(_name(entry), is_point, is_full))
        cells = one.persons
        if entry.row.variable_name != "Denominator":
            cells = one.outcomes.setdefault(entry.group[1], {})
        _keep(cells, _labels(entry), entry.count)
    return list(found.values())


def _keep(cells: dict[Labels, int | None], labels: Labels, count: int | None) -> None:
    """Take a count; seen twice it is the same, and hidden once it is hidden."""
    seen = cells.setdefault(labels, count)
    if seen is None or count is None:
        cells[labels] = None
    elif seen != count:
        raise PolicyError(
            "The result contradicts itself about a prevalence: counts that must agree do not.",
            remedy="Run the study again; a result that does not add up is never published.",
        )


def _name(entry: Entry) -> Key:
    """Source, population, and the settings on which the number of persons looked at depends."""
    extra = entry.settings.extra
    names = kinds()[entry.settings.result_type].family
    cohort = extra.get("denominator_target_cohort_name", "None")
    return (entry.row.cdm_name, cohort, *(extra.get(name, "") for name in names))


def _labels(entry: Entry) -> Labels:
    """Return (sex, age group, interval, stratum)."""
    extra = entry.settings.extra
    sex, ages = extra.get("denominator_sex"), extra.get("denominator_age_group")
    if sex not in _SEXES or ages is None:
        raise PolicyError(
            "A prevalence does not say its sex and age group.",
            remedy="Set denominator_sex (Both, Female, Male) and denominator_age_group.",
        )
    low, high = span(ages)
    label: Callable[[str], str] = interval_label
    if entry.settings.result_type == TYPES[0]:
        label = day_label
    interval = label(entry.row.additional_level)
    return (sex, f"{low} to {high}", interval, stratum_label(entry))


def _impossible() -> PolicyError:
    return PolicyError(
        "Parts of a prevalence count more persons than the whole.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
