"""Cells of the attrition of incidence and prevalence: who is left after each step, and who is not.

- The steps of an analysis are hidden together: if one excludes few, or if who is left after one is
  near another set of persons of the population (a step of another analysis, who is at risk or
  looked at in an interval, the cohort), or equal to one that is hidden.
- The steps of women, of men and of both are hidden together, since they add up.
- Estimates and cohorts are never hidden for the sake of an attrition.
- Steps of populations that a set operation links are hidden: subtracted, they tell of the persons
  between.

Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise, permutations

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import OVERALL
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.combined import EMPTY, Diagram
from laennec.disclosure.cubes import Labels
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry
from laennec.disclosure.prevalence import Measured, may_nest
from laennec.disclosure.rate_strata import WHOLE

TYPES = ("incidence_attrition", "prevalence_attrition")
_SEXES = ("Both", "Female", "Male")
_SEEN = 10
"""The step after which who is left is seen on some day, by the numbers of IncidencePrevalence."""

_EVERYONE = "None"
_ALL_AGES = "0 to 150"

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
        return (self.sex, f"{low} to {high}", OVERALL, WHOLE)

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
        for one in self._shown:
            for row in one.rows:
                algebra.put(_cell(one, row), row.count)
            _relate_steps(algebra, one)
        _hide_sexes_together(algebra, self._shown)
        places_of: dict[Key, list[Compared]] = {}
        for place, (name, labels, count) in others:
            places_of.setdefault(place, []).append(((*name, *labels), labels, count))
        for one in self._shown:
            sets = places_of.setdefault((one.cdm, one.population), [])
            whole = subjects(one.cdm, one.population)
            if one.population != _EVERYONE and whole in algebra:
                sets.append((whole, (one.sex, _ALL_AGES, OVERALL, WHOLE), algebra[whole]))
            for number in one.steps:
                labels = one.labels
                if number < _SEEN:
                    labels = (one.sex, _ALL_AGES, OVERALL, WHOLE)
                sets.append((one.left(number), labels, algebra[one.left(number)]))
        for sets in places_of.values():
            _compare(algebra, sets, threshold)


def _relate_steps(algebra: Algebra, one: _Attrition) -> None:
    """Add the steps of one analysis: all of them are hidden if one is."""
    numbers = sorted(one.steps)
    cells = [one.left(number) for number in numbers]
    cells += [one.excluded(number) for number in numbers[1:]]
    if any(one.left(number) not in algebra for number in numbers):
        raise PolicyError(
            "An attrition of a rate lacks the number of persons left after a step.",
            remedy="Give number_subjects and excluded_subjects for every step.",
        )
    for before, after in pairwise(numbers):
        gone = one.excluded(after)
        if not algebra.remainder(gone, one.left(before), [one.left(after)]):
            raise PolicyError(
                "An attrition step leaves more persons than entered it.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
        algebra.total(one.left(before), [one.left(after), gone])
    cells += [key for key in [one.excluded(numbers[0])] if key in algebra]
    for first, second in zip(cells, [*cells[1:], cells[0]], strict=True):
        algebra.imply(first, second)


def _compare(algebra: Algebra, sets: list[Compared], threshold: int) -> None:
    """Hide steps that are near another set: the sets of estimates are compared elsewhere."""
    for larger, smaller, _ in close(sets, lambda one: one[2], threshold, equal=True):
        steps = [one[0] for one in (larger, smaller) if one[0][0] == "left"]
        of_one = len(steps) == 2 and steps[0][:3] == steps[1][:3]
        if not steps or of_one or not may_nest(larger[1], smaller[1]):
            continue
        if larger[2] == smaller[2]:
            algebra.total(larger[0], [smaller[0]])
            for step in steps:
                algebra.imply(larger[0], step)
                algebra.imply(smaller[0], step)
            continue
        between: Key = ("between", *larger[0], *smaller[0])
        algebra.remainder(between, larger[0], [smaller[0]])
        algebra.total(larger[0], [smaller[0], between])
        for step in steps:
            algebra.imply(between, step)


def _hide_sexes_together(algebra: Algebra, shown: Iterable[_Attrition]) -> None:
    """Hide the steps of women, of men and of both together; women and men add up to both."""
    found: dict[Key, list[_Attrition]] = {}
    for one in shown:
        about = one.name.replace(f"|{one.sex}|", "|", 1)
        found.setdefault((one.cdm, about), []).append(one)
    for alike in found.values():
        for one, other in permutations(alike, 2):
            algebra.imply(one.left(min(one.steps)), other.left(min(other.steps)))


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
