"""Cells of the attrition of incidence and prevalence: who is left after each step, and who is not.

- An attrition is protected as that of a cohort (``disclosure.cohorts``): the persons left after a
  step are those at the end and the later exclusions together.
- Two analyses that begin with equal numbers after equal steps begin with the same persons.
- Women and men who are excluded add up to all who are, and so do those who are left.
- The first step of a population that is a cohort is that cohort, or it less who is not observed.
  If few of the cohort are excluded in all, the cohort is kept and who is left at the end is hidden;
  otherwise the start is hidden.
- Who is left at the end, and who is seen at all, is compared with who is at risk or looked at in
  any interval of an analysis of the same population: these sets may be nested.
- Steps of populations that a set operation links are hidden: subtracted, they tell of the persons
  between.

Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import OVERALL
from laennec.disclosure.cohorts import (
    Shared,
    relate_attrition,
    relate_attrition_from,
    subjects,
)
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.cubes import Labels
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry
from laennec.disclosure.prevalence import Measured, may_nest

TYPES = ("incidence_attrition", "prevalence_attrition")
_SEXES = ("Both", "Female", "Male")
_SEEN = 10
"""The step after which who is left is seen on some day, by the numbers of IncidencePrevalence."""

_EVERYONE = "None"

Compared = tuple[Key, Labels, int | None]
"""Key, labels and count of a set of persons; a set of an analysis has no key but by its labels."""


@dataclass
class _Attrition:
    """The steps of one analysis, by number, and the rows that say them."""

    cdm: str
    name: str
    population: str
    sex: str
    ages: str
    steps: dict[int, str] = field(default_factory=dict)
    rows: list[Entry] = field(default_factory=list)

    @property
    def cohort(self) -> Key:
        """Under what the cells of the attrition stand."""
        return (self.cdm, self.name)

    @property
    def labels(self) -> Labels:
        """Where the sets of persons of the last steps stand among those of analyses."""
        low, high = span(self.ages)
        return (self.sex, f"{low} to {high}", OVERALL)

    def place_of(self, number: int) -> int:
        """The place of a step among the others, from 1."""
        return sorted(self.steps).index(number) + 1

    def left(self, number: int) -> Key:
        """The cell of who is left after a step."""
        return ("left", *self.cohort, self.place_of(number))

    def excluded(self, number: int) -> Key:
        """The cell of who is excluded by a step."""
        return ("excluded", *self.cohort, self.place_of(number))


class RateAttritions:
    """All attritions of a result."""

    def __init__(self, entries: Iterable[Entry], diagrams: Mapping[str, Diagram]) -> None:
        """Read them.

        Raises:
            PolicyError: an analysis does not name its sex or age group, or a step has no number.
        """
        every = _read(entries)
        linked = _linked(every, diagrams)
        self.hidden = frozenset(
            row.index for one in every if (one.cdm, one.population) in linked for row in one.rows
        )
        """Rows that are hidden because of set operations, by index."""
        self._shown = [one for one in every if (one.cdm, one.population) not in linked]

    def cells(self) -> dict[int, Key]:
        """Return the cell of each row that has one, by index."""
        return {row.index: _cell(one, row) for one in self._shown for row in one.rows}

    def relate(
        self, algebra: Algebra, others: Iterable[tuple[Key, Measured]], *, threshold: int
    ) -> None:
        """Add the cells with their sums, and compare them with one another and with others.

        Args:
            algebra: Holds cohorts, and the persons of incidence and prevalence.
            others: For each set of persons at risk, or looked at, its source and population.
            threshold: Fewest persons that may lie between.

        Raises:
            PolicyError: a step is missing, or numbers do not add up.
        """
        shared: Shared = {}
        for one in self._shown:
            for row in one.rows:
                algebra.put(_cell(one, row), row.count)
            places = {one.place_of(number): reason for number, reason in one.steps.items()}
            whole = subjects(one.cdm, one.population)
            known = one.population != _EVERYONE and whole in algebra
            if known and algebra[whole] == algebra[one.left(min(one.steps))]:
                relate_attrition_from(algebra, whole, one.cohort, places, shared)
                continue
            relate_attrition(algebra, one.cohort, places, shared)
            if known:
                _begin(algebra, one, whole)
        _add_sexes(algebra, self._shown)
        places_of: dict[Key, list[Compared]] = {}
        for place, (name, labels, count) in others:
            places_of.setdefault(place, []).append(((*name, *labels), labels, count))
        for one in self._shown:
            sets = places_of.setdefault((one.cdm, one.population), [])
            for number in one.steps:
                if number >= _SEEN:
                    sets.append((one.left(number), one.labels, algebra[one.left(number)]))
        for sets in places_of.values():
            _compare(algebra, sets, threshold)


def _compare(algebra: Algebra, sets: list[Compared], threshold: int) -> None:
    """Compare the sets of attritions with any other; the others are compared elsewhere."""
    for larger, smaller, below in close(sets, lambda one: one[2], threshold, equal=True):
        steps = [one[0] for one in (larger, smaller) if one[0][0] == "left"]
        of_one = len(steps) == 2 and steps[0][:3] == steps[1][:3]
        if not steps or of_one or not may_nest(larger[1], smaller[1]):
            continue
        if larger[2] == smaller[2]:
            algebra.same(larger[0], smaller[0])
            continue
        algebra.apart(larger[0], smaller[0])
        for key, labels, _ in below:
            if may_nest(smaller[1], labels):
                algebra.imply(smaller[0], key)


def _begin(algebra: Algebra, one: _Attrition, whole: Key) -> None:
    """Protect who is in the cohort that is the population, and not observed when they enter."""
    first = one.left(min(one.steps))
    rest: Key = ("entry not observed", *first)
    if not algebra.remainder(rest, whole, [first]):
        raise PolicyError(
            "A population has more persons than the cohort it is.",
            remedy="Run the study again; a result that does not add up is never published.",
        )
    algebra.split(whole, [first, rest])


def _add_sexes(algebra: Algebra, shown: Iterable[_Attrition]) -> None:
    """Divide who is excluded, and who is left, into women and men, after sex was asked for."""
    found: dict[Key, dict[str, _Attrition]] = {}
    for one in shown:
        about = one.name.replace(f"|{one.sex}|", "|", 1)
        found.setdefault((one.cdm, about), {})[one.sex] = one
    for by_sex in found.values():
        if by_sex.keys() != {*_SEXES}:
            continue
        whole, parts = by_sex["Both"], [by_sex[sex] for sex in _SEXES[1:]]
        for number in whole.steps:
            if number >= _SEEN and all(number in part.steps for part in parts):
                algebra.split(whole.left(number), [part.left(number) for part in parts])
                algebra.split(whole.excluded(number), [part.excluded(number) for part in parts])


def _read(entries: Iterable[Entry]) -> list[_Attrition]:
    found: dict[Key, _Attrition] = {}
    for entry in entries:
        extra = entry.settings.extra
        sex, ages = extra.get("denominator_sex"), extra.get("denominator_age_group")
        number = entry.row.additional_level
        if sex not in _SEXES or ages is None or not (number.isascii() and number.isdigit()):
            raise PolicyError(
                "An attrition of a rate does not say its sex, its age group or the number of a "
                "step.",
                remedy="Set denominator_sex and denominator_age_group, and number the steps.",
            )
        population = extra.get("denominator_target_cohort_name", _EVERYONE)
        about = (entry.settings.result_type, str(entry.row.result_id), *entry.group)
        key = (entry.row.cdm_name, *about)
        # A name that no cohort of a study can have. The same for women and men but for the sex.
        name = "|".join(("rate", *(extra.get(one, "") for one in _TOLD), sex, ages, *about[2:]))
        one = found.setdefault(
            key, _Attrition(entry.row.cdm_name, name, population, sex, f"{ages}")
        )
        one.steps[int(number)] = f"{population}: {entry.row.strata_level}"
        one.rows.append(entry)
    if len({one.cohort for one in found.values()}) < len(found):
        raise PolicyError(
            "Two attritions of a rate are of the same analysis.",
            remedy="Give every result a name of its own.",
        )
    return list(found.values())


_TOLD = ("study_result", "analysis_type")


def _cell(one: _Attrition, row: Entry) -> Key:
    number = int(row.row.additional_level)
    excluded = row.row.variable_name.startswith("excluded")
    return one.excluded(number) if excluded else one.left(number)


def _linked(
    found: Iterable[_Attrition], diagrams: Mapping[str, Diagram]
) -> frozenset[tuple[str, str]]:
    """Return the populations that a set operation links with another one."""
    populations = dict.fromkeys((one.cdm, one.population) for one in found)
    return frozenset(
        one
        for pair in combinations(populations, 2)
        if pair[0][0] == pair[1][0]
        and diagrams.get(pair[0][0], EMPTY).linked(pair[0][1], pair[1][1])
        for one in pair
    )
