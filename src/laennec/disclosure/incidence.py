"""Cells of incidence: persons, time at risk and outcomes, by sex, age, interval and stratum.

Analyses of one family (same outcome and settings save sex and age group) form one cube.

- Outcomes add up over sexes, over age groups one inside the other, and over calendar intervals one
  inside the other, each with a remainder: intervals that were left out, ages in no group.
- Persons add up over sexes only: a person is at risk in several years, and grows older.
- Persons, outcomes and time at risk add up over strata (``rate_strata``).
- Time at risk adds up in all ways. It is hidden with the persons behind it, so its cube has
  the size of the smallest group it can come from in place of days.
- Where a person has at most one outcome, persons less outcomes are persons too.
- Persons at risk less the cohort they come from are persons not at risk.

An analysis in which nobody is at risk in an interval has no row for it; ``cubes.settle`` finds out
what a reader could.

Pure.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import branches, span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import OVERALL, interval_label, time_branches
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.cubes import Branch, Labels, add_cube, adds_up, fill, halve, swap
from laennec.disclosure.differences import relate_analyses, relate_days_of_few
from laennec.disclosure.kinds import HIDDEN, Entry, Role, kinds
from laennec.disclosure.rate_strata import (
    WHOLE,
    relate_to_cohort,
    strata_branches,
    stratum_label,
)

_SEXES = ("Both", "Female", "Male")


@dataclass
class _Family:
    """What the rows of one family say, by (sex, age group, interval, stratum)."""

    name: Key
    repeated: bool
    cohort: str | None
    cells: dict[str, dict[Labels, int | None]] = field(default_factory=dict)
    days: dict[Labels, int | None] = field(default_factory=dict)


def incidence_cell(entry: Entry, measure: str) -> Key:
    """Return the cell of ``measure`` (``persons``, ``outcomes``, ``days``) for a row's analysis."""
    return (measure, *_family_name(entry), *_labels(entry))


def relate_incidence(algebra: Algebra, entries: Iterable[Entry], *, threshold: int) -> None:
    """Add the cells of persons and outcomes with their sums.

    Raises:
        PolicyError: an analysis does not name its sex or age group, or two analyses are alike but
            differ in their counts.
    """
    families = _families(entries)
    for family in families:
        persons = family.cells.get("persons", {})
        outcomes = family.cells.get("outcomes", {})
        _add(algebra, ("persons", *family.name), persons, (True, False, False))
        _add(algebra, ("outcomes", *family.name), outcomes, (True, True, True))
        for labels in [] if family.repeated else [one for one in outcomes if one in persons]:
            _without_outcome(algebra, family.name, labels)
        if family.cohort is not None:
            _not_at_risk(algebra, family, persons)
            cells: dict[Labels, Key] = {one: ("persons", *family.name, *one) for one in persons}
            cdm = str(family.name[0])
            relate_to_cohort(algebra, cdm, family.cohort, cells, threshold=threshold)
    for same in _alike(families):
        for measure in ("persons", "outcomes"):
            counted = [((measure, *one.name), one.cells.get(measure, {})) for one in same]
            within = measure == "persons"
            relate_analyses(algebra, counted, within=within, threshold=threshold)


def relate_days(algebra: Algebra, entries: Iterable[Entry], *, threshold: int) -> None:
    """Add the cells of time at risk, each with the least number of persons it can come from.

    The algebra is a second one, used for its implications only: days are no count of persons.
    """
    families = _families(entries)
    for family in families:
        persons = family.cells.get("persons", {})
        shown = {labels: persons.get(labels) for labels in family.days}
        hierarchies = _hierarchies(shown, (True, True, True))
        rests = fill(shown, [[], [], [], hierarchies[3]])
        shown |= {labels: n for labels, n in rests.items() if isinstance(labels[3], tuple)}
        add_days(algebra, ("days", *family.name), shown, family.days, hierarchies, threshold)
    for same in _alike(families):
        counted = [(one.name, one.cells.get("persons", {})) for one in same]
        relate_days_of_few(algebra, counted, threshold=threshold)


def _alike(families: Iterable[_Family]) -> list[list[_Family]]:
    """Return families of one outcome in one population together."""
    alike: dict[Key, list[_Family]] = {}
    for family in families:
        alike.setdefault((*family.name[:2], family.cohort), []).append(family)
    return [*alike.values()]


def add_days(
    algebra: Algebra,
    name: Key,
    persons: Mapping[Labels, int | None],
    counted: Mapping[Labels, int | None],
    hierarchies: Sequence[Sequence[Branch]],
    threshold: int,
) -> None:
    """Add a cube of days, each with the least number of persons it can come from.

    Args:
        algebra: Receives cells ``(*name, *labels)``; used for its implications only.
        name: Start of every key.
        persons: The persons behind the days of each place.
        counted: The days of each place.
        hierarchies: How days add up.
        threshold: Fewest persons from whom days may be shown.
    """
    cut = [halve(one) for one in hierarchies]
    days = fill(counted, cut)
    sizes = _Sizes(persons, days, threshold)
    for labels in days:
        algebra.put((*name, *labels), sizes.of(labels))
    for dimension, branches_of in enumerate(cut):
        for branch in branches_of:
            for labels in [one for one in days if one[dimension] == branch.total]:
                parts = [swap(labels, dimension, one) for one in branch.parts]
                algebra.drag((*name, *labels), [(*name, *one) for one in parts])


@dataclass(frozen=True)
class _Sizes:
    """The least number of persons from whom some time at risk can come.

    Several groups together come from at least as many as the largest. Of a remainder only the days
    are known; no more persons than days can be behind it.
    """

    shown: Mapping[Labels, int | None]
    days: Mapping[Labels, int | None]
    threshold: int

    def of(self, labels: Labels) -> int | None:
        """Return the least number of persons; None where the input hides it."""
        if labels in self.shown:
            return self.shown[labels]
        for dimension, label in enumerate(labels):
            if isinstance(label, tuple) and label[0] == "together":
                sizes = [self.of(swap(labels, dimension, one)) for one in label[1:]]
                known = [one for one in sizes if one is not None]
                return max(known) if len(known) == len(sizes) else None
        days = self.days[labels]
        return None if days is None else min(max(days, 0), self.threshold)


def comparable(
    entries: Iterable[Entry],
) -> dict[str, list[tuple[Key, tuple[Key, Labels, int | None]]]]:
    """Return the cells of persons and outcomes, each with where it may be compared.

    Persons may be compared within one population, outcomes within one population and outcome.
    """
    found: dict[str, list[tuple[Key, tuple[Key, Labels, int | None]]]] = {
        "persons": [],
        "outcomes": [],
    }
    for family in _families(entries):
        cdm, outcome, *_ = family.name
        place: Key = (cdm, family.cohort or "None")
        for measure, where in (("persons", place), ("outcomes", (*place, outcome))):
            name: Key = (measure, *family.name)
            cells = family.cells.get(measure, {})
            found[measure] += [(where, (name, labels, n)) for labels, n in cells.items()]
    return found


def _families(entries: Iterable[Entry]) -> list[_Family]:
    found: dict[Key, _Family] = {}
    alike: dict[tuple[object, ...], int] = {}
    for entry in entries:
        name = _family_name(entry)
        extra = entry.settings.extra
        family = found.setdefault(
            name,
            _Family(
                name,
                extra.get("analysis_repeated_events", "").upper() == "TRUE",
                extra.get("denominator_target_cohort_name"),
            ),
        )
        labels = _labels(entry)
        if alike.setdefault((name, labels[:2]), entry.row.result_id) != entry.row.result_id:
            raise PolicyError(
                "Two incidence analyses have the same outcome, sex, age group and settings.",
                remedy="Give them settings that tell them apart: "
                + ", ".join(kinds()["incidence"].family)
                + ".",
            )
        _keep(family, entry, labels)
    for family in found.values():
        _hide_weeks(family, found.values())
    return list(found.values())


def _hide_weeks(family: _Family, families: Iterable[_Family]) -> None:
    """Hide weeks beside months, quarters or years of the same outcome in the same population.

    A month less the weeks inside it is a few days, and no rule adds weeks up to months.
    """
    alike = [
        one for one in families if (*one.name[:2], one.cohort) == (*family.name[:2], family.cohort)
    ]
    labels = {str(place[2]) for one in alike for cells in one.cells.values() for place in cells}
    if all("-W" in one or one == OVERALL for one in labels):
        return
    for cells in (*family.cells.values(), family.days):
        cells.update({place: None for place in cells if "-W" in str(place[2])})


def _keep(family: _Family, entry: Entry, labels: Labels) -> None:
    """Sort one row into its measure; rates are computed from the others and add nothing."""
    if entry.role is Role.PERSONS:
        measure = "persons" if entry.row.variable_name == "Denominator" else "outcomes"
        family.cells.setdefault(measure, {})[labels] = entry.count
    elif entry.row.estimate_name == "person_days":
        hidden = entry.row.estimate_value == HIDDEN
        family.days[labels] = None if hidden else math.floor(float(entry.row.estimate_value))
    elif entry.role is Role.DAYS:
        family.days.setdefault(labels, None)


def _family_name(entry: Entry) -> Key:
    extra = entry.settings.extra
    names = kinds()["incidence"].family
    return (entry.row.cdm_name, entry.group[1], *(extra.get(name, "") for name in names))


def _labels(entry: Entry) -> Labels:
    """Return (sex, age group, interval, stratum).

    The interval is labelled by ``disclosure.calendars``, the stratum by ``disclosure.rate_strata``.
    """
    extra = entry.settings.extra
    sex, ages = extra.get("denominator_sex"), extra.get("denominator_age_group")
    if sex not in _SEXES or ages is None:
        raise PolicyError(
            "An incidence analysis does not say its sex and age group.",
            remedy="Set denominator_sex (Both, Female, Male) and denominator_age_group.",
        )
    low, high = span(ages)
    interval = interval_label(entry.row.additional_level)
    return (sex, f"{low} to {high}", interval, stratum_label(entry))


def _hierarchies(
    values: Mapping[Labels, int | None], wanted: tuple[bool, bool, bool]
) -> list[list[Branch]]:
    """Return the branches of sex, age group and interval, where wanted, and of strata."""
    sexes, ages, times, strata = (
        list(dict.fromkeys(labels[n] for labels in values)) for n in range(4)
    )
    cut: list[list[Branch]] = [[], [], [], strata_branches(strata)]
    parts = tuple(one for one in _SEXES[1:] if one in sexes)
    if wanted[0] and "Both" in sexes and parts:
        whole = parts if len(parts) == 2 else (*parts, ("rest", "Both", *parts))
        cut[0] = [Branch("Both", whole)]
    if wanted[1]:
        cut[1] = branches(str(one) for one in ages)
    if wanted[2]:
        cut[2] = time_branches(str(one) for one in times)
    return cut


def _add(
    algebra: Algebra,
    name: Key,
    values: Mapping[Labels, int | None],
    wanted: tuple[bool, bool, bool],
) -> None:
    """Add one measure, without the sums that do not hold between ages or between intervals.

    With a finite washout a person's first outcome differs by age group, and so may a person's
    stratum; then parts exceed their total, at the latest where ages and intervals cross, and no
    reader can take them for additive. Those of the whole may add up all the same.
    """
    hierarchies = _hierarchies(values, wanted)
    if _is_negative(values, [[], [], [], hierarchies[3]]):
        raise PolicyError(
            "Strata count more than the whole.",
            remedy="Run the study again; a result that does not add up is never published.",
        )
    kept = _additive(values, hierarchies)
    whole = {labels: n for labels, n in values.items() if labels[3] == WHOLE}
    alone = _additive(whole, [*hierarchies[:3], []])
    if alone[:3] != kept[:3]:
        add_cube(algebra, name, whole, alone)
    add_cube(algebra, name, values, kept)


def _additive(
    values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]
) -> list[Sequence[Branch]]:
    """Return the hierarchies without those of age and interval that do not add up."""
    kept = [*hierarchies]
    for dimension in (1, 2):
        alone: list[Sequence[Branch]] = [[], [], [], hierarchies[3]]
        alone[dimension] = hierarchies[dimension]
        if not adds_up(values, alone):
            kept[dimension] = []
    if not adds_up(values, [[], *kept[1:]]):
        kept[1] = []
    return kept


def _is_negative(
    values: Mapping[Labels, int | None], hierarchies: Sequence[Sequence[Branch]]
) -> bool:
    return any(one is not None and one < 0 for one in fill(values, hierarchies).values())


def _without_outcome(algebra: Algebra, name: Key, labels: Labels) -> None:
    persons: Key = ("persons", *name, *labels)
    outcomes: Key = ("outcomes", *name, *labels)
    without: Key = ("without outcome", *name, *labels)
    if not algebra.remainder(without, persons, [outcomes]):
        raise PolicyError(
            "More persons have a first outcome than are at risk.",
            remedy="Set analysis_repeated_events to TRUE if a person may have several outcomes.",
        )
    algebra.split(persons, [outcomes, without])


def _not_at_risk(algebra: Algebra, family: _Family, persons: Iterable[Labels]) -> None:
    """Protect who is in the cohort and not at risk, in all or of one sex."""
    cdm = str(family.name[0])
    for labels in [one for one in persons if one[3] == WHOLE]:
        whole: Key = subjects(cdm, str(family.cohort))
        if labels[0] != "Both":
            whole = ("Sex", cdm, str(family.cohort), labels[0])
        if whole not in algebra:
            continue
        key: Key = ("persons", *family.name, *labels)
        rest: Key = ("not at risk", *family.name, *labels)
        if not algebra.remainder(rest, whole, [key]):
            raise PolicyError(
                "More persons are at risk than are in the cohort.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
        algebra.split(whole, [key, rest])
