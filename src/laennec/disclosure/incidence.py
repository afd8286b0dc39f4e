"""Cells of incidence: persons, time at risk and outcomes, by sex, age group and interval.

Analyses of one family (same outcome and settings save sex and age group) form one cube.

- Outcomes add up over sexes, over age groups one inside the other, and over years up to the whole
  time, each with a remainder: years that were left out, ages in no group.
- Persons add up over sexes only: a person is at risk in several years, and grows older.
- Time at risk adds up in all three ways. It is hidden with the persons behind it, so its cube has
  the size of the smallest group it can come from in place of days.
- Where a person has at most one outcome, persons less outcomes are persons too.
- Persons at risk less the cohort they come from are persons not at risk.

An analysis in which nobody is at risk in an interval has no row for it; ``cubes.settle`` finds out
what a reader could.

Pure.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import branches, span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.cubes import Branch, Labels, add_cube, fill, halve, swap
from laennec.disclosure.differences import relate_analyses
from laennec.disclosure.kinds import HIDDEN, Entry, Role, kinds
from laennec.omop.summarised_result import JOINT

_OVERALL = "overall"
_SEXES = ("Both", "Female", "Male")


@dataclass
class _Family:
    """What the rows of one family say, by (sex, age group, interval)."""

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
    alike: dict[Key, list[_Family]] = {}
    for family in families:
        alike.setdefault((*family.name[:2], family.cohort), []).append(family)
    for same in alike.values():
        for measure in ("persons", "outcomes"):
            counted = [((measure, *one.name), one.cells.get(measure, {})) for one in same]
            within = measure == "persons"
            relate_analyses(algebra, counted, within=within, threshold=threshold)


def relate_days(algebra: Algebra, entries: Iterable[Entry], *, threshold: int) -> None:
    """Add the cells of time at risk, each with the least number of persons it can come from.

    The algebra is a second one, used for its implications only: days are no count of persons.
    """
    for family in _families(entries):
        persons = family.cells.get("persons", {})
        shown = {labels: persons.get(labels) for labels in family.days}
        hierarchies = [halve(one) for one in _hierarchies(shown, (True, True, True))]
        days = fill(family.days, hierarchies)
        sizes = _Sizes(shown, days, threshold)
        for labels in days:
            algebra.put(("days", *family.name, *labels), sizes.of(labels))
        for dimension, cut in enumerate(hierarchies):
            for branch in cut:
                for labels in [one for one in days if one[dimension] == branch.total]:
                    parts = [swap(labels, dimension, one) for one in branch.parts]
                    algebra.drag(
                        ("days", *family.name, *labels),
                        [("days", *family.name, *one) for one in parts],
                    )


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
    return list(found.values())


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
    """Return (sex, age group, interval); an interval is a calendar year or ``overall``."""
    extra = entry.settings.extra
    sex, ages = extra.get("denominator_sex"), extra.get("denominator_age_group")
    if sex not in _SEXES or ages is None:
        raise PolicyError(
            "An incidence analysis does not say its sex and age group.",
            remedy="Set denominator_sex (Both, Female, Male) and denominator_age_group.",
        )
    low, high = span(ages)
    start, _, interval = entry.row.additional_level.split(JOINT)
    # Analyses may start or end on different days of one calendar year.
    when = {_OVERALL: _OVERALL, "years": start[:4]}.get(interval)
    if when is None:
        raise PolicyError(
            "An incidence interval is neither 'years' nor 'overall'.",
            remedy="Ask for those two only; no disclosure rule knows how others add up.",
        )
    return (sex, f"{low} to {high}", when)


def whole_years(level: str) -> str:
    """Widen an interval to whole calendar years.

    The engine cuts intervals at the first and the last day that anybody was at risk, and those are
    one person's days.
    """
    start, end, interval = level.split(JOINT)
    return JOINT.join((f"{start[:4]}-01-01", f"{end[:4]}-12-31", interval))


def _hierarchies(
    values: Mapping[Labels, int | None], wanted: tuple[bool, bool, bool]
) -> list[list[Branch]]:
    """Return the branches of sex, age group and interval, where wanted."""
    sexes, ages, times = (list(dict.fromkeys(labels[n] for labels in values)) for n in range(3))
    cut: list[list[Branch]] = [[], [], []]
    parts = tuple(one for one in _SEXES[1:] if one in sexes)
    if wanted[0] and "Both" in sexes and parts:
        whole = parts if len(parts) == 2 else (*parts, ("rest", "Both", *parts))
        cut[0] = [Branch("Both", whole)]
    if wanted[1]:
        cut[1] = branches(str(one) for one in ages)
    years = tuple(sorted(str(one) for one in times if one != _OVERALL))
    if wanted[2] and _OVERALL in times and years:
        # Years that the data do not cover whole are left out, and count in the whole time.
        cut[2] = [Branch(_OVERALL, (*years, ("rest", _OVERALL, *years)))]
    return cut


def _add(
    algebra: Algebra,
    name: Key,
    values: Mapping[Labels, int | None],
    wanted: tuple[bool, bool, bool],
) -> None:
    """Add one measure, without the sums that do not hold between ages or between intervals.

    With a finite washout a person's first outcome differs by age group; then parts exceed their
    total and no reader can take them for additive.
    """
    hierarchies = _hierarchies(values, wanted)
    for dimension in (1, 2):
        alone: list[list[Branch]] = [[], [], []]
        alone[dimension] = hierarchies[dimension]
        if any(one is not None and one < 0 for one in fill(values, alone).values()):
            hierarchies[dimension] = []
    add_cube(algebra, name, values, hierarchies)


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
    for labels in persons:
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
