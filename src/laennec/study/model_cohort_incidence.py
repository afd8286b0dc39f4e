"""Values of a study: incidence with the semantics of OHDSI CohortIncidence.

Imported through ``study.model``, which has the whole language.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.study.model_cohorts import (
    MANY,
    Days,
    Frozen,
    Name,
    Sex,
    check_dates,
    check_once,
)
from laennec.study.model_rates import AgeGroup, Outcome, check_apart

MAX_OFFSET = 36_525
"""Bound of the days between a stay and its time at risk: a hundred years."""

MAX_CELLS = 1_000
"""Bound of the cohorts and groups of one result, counted together."""

ALL = "overall"
"""Label of everybody, of whatever sex, age and year."""

Labels = tuple[str, str, str]
"""Age group, sex and start year of an estimate; ``ALL`` where it is of everybody."""


class RiskBound(Frozen):
    """A day of a stay: its first or last one, and some days on."""

    after: Literal["start", "end"]
    days: Annotated[int, Field(ge=-MAX_OFFSET, le=MAX_OFFSET)] = 0


class CohortIncidence(Frozen):
    """Incidence proportion and rate of an outcome in the time at risk of cohorts (CohortIncidence).

    Attributes:
        cohorts: The targets; every stay of theirs that begins on an observed day has time at risk.
        risk_from, risk_until: First and last day at risk, neither after the end of observation.
        clean_window: Days after the end of an outcome on which no other one counts; no time at
            risk, like the days of the outcome after its first.
        exclude: A cohort whose stays are no time at risk.
        start, end: Time at risk counts if it begins between them, and ends with ``end``.
        age_groups: Groups by the year in which risk starts less the year of birth; apart.
        by_sex, by_start_year: With ``age_groups`` the ways to divide, alone and in every
            combination. The years are those from ``start`` to ``end``.
    """

    kind: Literal["cohort_incidence"] = "cohort_incidence"
    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1, max_length=MANY)
    outcome: Outcome
    risk_from: RiskBound = RiskBound(after="start")
    risk_until: RiskBound = RiskBound(after="end")
    clean_window: Days = 0
    exclude: Name | None = None
    start: date | None = None
    end: date | None = None
    age_groups: tuple[AgeGroup, ...] = Field(default=(), max_length=MANY)
    by_sex: bool = False
    by_start_year: bool = False

    @model_validator(mode="after")
    def _sound(self) -> "CohortIncidence":
        check_once([*self.cohorts], "cohort")
        check_dates(self.start, self.end)
        check_apart(self.age_groups)
        if self.by_start_year and (self.start is None or self.end is None):
            raise ValueError("start years need a start and an end date")
        years = len(self.years)
        cells = (len(self.age_groups) + 1) * (3 if self.by_sex else 1) * (years + 1)
        if len(self.cohorts) * cells > MAX_CELLS:
            raise ValueError(f"the result has more than {MAX_CELLS} cohorts and groups")
        return self

    @property
    def years(self) -> tuple[str, ...]:
        """The start years that are asked for."""
        if not self.by_start_year or self.start is None or self.end is None:
            return ()
        return tuple(str(year) for year in range(self.start.year, self.end.year + 1))

    @property
    def levels(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The age groups, sexes and start years asked for; none where it is not divided by them."""
        sexes = (Sex.FEMALE.value, Sex.MALE.value) if self.by_sex else ()
        return tuple(one.label for one in self.age_groups), sexes, self.years

    def groups(self) -> Iterator[Labels]:
        """Yield every combination: everybody first, then by one way, by two, by three."""
        ages, sexes, years = ((ALL, *levels) for levels in self.levels)
        every = [(one, sex, year) for one in ages for sex in sexes for year in years]
        yield from sorted(every, key=lambda labels: [one != ALL for one in labels].count(True))
