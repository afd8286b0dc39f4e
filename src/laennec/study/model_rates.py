"""Values of a study: incidence and prevalence, and the population that both are estimated in.

Imported through ``study.model``, which has the whole language.
"""

import itertools
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from laennec.core.calendars import Interval
from laennec.study.model_cohorts import (
    MANY,
    Days,
    Divisions,
    Events,
    Frozen,
    Name,
    Sex,
    check_dates,
    check_divisions,
    check_once,
)

MAX_WEEKS = 4_000
"""Bound of the weeks that a result may have: more than a life."""

_FINE = (Interval.WEEKS, Interval.MONTHS, Interval.QUARTERS)


class AgeGroup(Frozen):
    """Ages in completed years, both ends included."""

    minimum: int = Field(ge=0, le=150)
    maximum: int = Field(ge=0, le=150)

    @model_validator(mode="after")
    def _in_order(self) -> "AgeGroup":
        if self.maximum < self.minimum:
            raise ValueError("an age group ends before it starts")
        return self

    @property
    def label(self) -> str:
        """The group as IncidencePrevalence writes it, such as ``18 to 64``."""
        return f"{self.minimum} to {self.maximum}"


class Stays(Frozen):
    """The stays of a cohort of the study, as outcomes: each lasts from entry to exit.

    They are taken as they are, observed or not; stays that share a day are one.
    """

    cohort: Name

    @property
    def label(self) -> str:
        """Name of the outcome in results."""
        return self.cohort


def _kind_of_outcome(value: Any) -> str:
    """Stays name a cohort; everything else is read as events, which say what is wrong with it."""
    return (
        "stays"
        if isinstance(value, Stays) or (isinstance(value, dict) and "cohort" in value)
        else "events"
    )


Outcome = Annotated[
    Annotated[Events, Tag("events")] | Annotated[Stays, Tag("stays")],
    Discriminator(_kind_of_outcome),
]
"""What happens to persons: records of concepts, or stays of a cohort."""


class Denominators(Frozen):
    """Who is looked at, on which days: base of incidence and prevalence.

    Attributes:
        population: A cohort of this study, or None for everyone under observation.
        outcome: Records that start on an observed day (records that share a day are one outcome,
            which ends no later than its period of observation), or stays of a cohort.
        sexes, age_groups: One estimate for each pair; the groups may overlap (``0 to 150``).
        prior_observation: Days of observation needed first.
        start, end: First and last calendar day, or None.
        strata: Divisions by features and periods of entry, as they are on the first day on which a
            person is looked at in an age group; sex and age have fields of their own.
    """

    name: Name
    population: Name | None = None
    outcome: Outcome
    sexes: tuple[Sex, ...] = Field(default=(Sex.BOTH,), min_length=1)
    age_groups: tuple[AgeGroup, ...] = Field(
        default=(AgeGroup(minimum=0, maximum=150),), min_length=1, max_length=MANY
    )
    prior_observation: Days = 0
    start: date | None = None
    end: date | None = None
    strata: Divisions = ()

    @model_validator(mode="after")
    def _asked_once(self) -> "Denominators":
        check_once([*self.sexes], "sex")
        check_once([one.label for one in self.age_groups], "age group")
        check_dates(self.start, self.end)
        check_divisions(self.strata)
        return self

    def _check_intervals(self, intervals: tuple[Interval, ...]) -> None:
        """Refuse an interval given twice, and fine ones over a time that the study does not bound.

        Raises:
            ValueError: with what to change.
        """
        check_once([*intervals], "interval")
        fine = [one for one in intervals if one in _FINE]
        if not fine:
            return
        if self.start is None or self.end is None:
            raise ValueError("weeks, months and quarters need a start and an end date")
        if (self.end - self.start).days > 7 * MAX_WEEKS:
            raise ValueError(f"weeks, months and quarters cover at most {MAX_WEEKS} weeks")


class Incidence(Denominators):
    """Incidence rate of an outcome, with the semantics of IncidencePrevalence.

    Attributes:
        washout: Days without outcome needed before time at risk starts again, counted from the end
            of the previous outcome; None means a person who had the outcome is never at risk again.
        repeated: Count outcomes after the first one in a person's time at risk.
        censor: A cohort of this study; time at risk ends on the day of a person's first entry to
            it, and a person who entered it before is not at risk.
        intervals: Weeks do not add up to the others and stand alone, or beside ``overall``.
        complete_intervals: Keep only calendar intervals wholly inside the span of time at risk,
            from the first to the last day at risk of anybody in the analysis.
    """

    kind: Literal["incidence"] = "incidence"
    washout: Days | None = None
    repeated: bool = False
    censor: Name | None = None
    intervals: tuple[Interval, ...] = Field(
        default=(Interval.YEARS, Interval.OVERALL), min_length=1
    )
    complete_intervals: bool = True

    @model_validator(mode="after")
    def _sound(self) -> "Incidence":
        self._check_intervals(self.intervals)
        if self.washout is None and self.repeated:
            raise ValueError("repeated outcomes need a washout in days")
        if Interval.WEEKS in self.intervals and {*self.intervals} - {
            Interval.WEEKS,
            Interval.OVERALL,
        }:
            raise ValueError("weeks do not add up to months, quarters or years: ask for them apart")
        return self


Dated = Literal[Interval.WEEKS, Interval.MONTHS, Interval.QUARTERS, Interval.YEARS]
"""Intervals of the calendar; the overall time is none, and no day stands for it."""


class TimePoint(StrEnum):
    """The day of an interval on which point prevalence is taken."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


class PointPrevalence(Denominators):
    """Share of the persons of a day who have the outcome on it (IncidencePrevalence).

    Attributes:
        intervals: One day of each is looked at.
        time_point: Which one: the first, the last, or the middle (day 4 of a week, day 15 of a
            month or of the second month of a quarter, 1 July of a year).
    """

    kind: Literal["point_prevalence"] = "point_prevalence"
    intervals: tuple[Dated, ...] = Field(default=(Interval.YEARS,), min_length=1)
    time_point: TimePoint = TimePoint.START

    @model_validator(mode="after")
    def _sound(self) -> "PointPrevalence":
        self._check_intervals(self.intervals)
        return self


class Level(StrEnum):
    """What period prevalence counts."""

    PERSON = "person"
    RECORD = "record"


class PeriodPrevalence(Denominators):
    """Share of those seen in an interval who have the outcome in it (IncidencePrevalence).

    Attributes:
        complete_intervals: Keep only calendar intervals wholly inside the span from the first to
            the last day on which anybody in the analysis is seen.
        full_contribution: Count only who is seen on every day of the interval.
        level: Count persons, or their stretches of days, of which a person may have several.
    """

    kind: Literal["period_prevalence"] = "period_prevalence"
    intervals: tuple[Interval, ...] = Field(default=(Interval.YEARS,), min_length=1)
    complete_intervals: bool = True
    full_contribution: bool = False
    level: Level = Level.PERSON

    @model_validator(mode="after")
    def _sound(self) -> "PeriodPrevalence":
        self._check_intervals(self.intervals)
        cut = Interval.OVERALL in self.intervals or not self.complete_intervals
        if self.full_contribution and cut and (self.start is None or self.end is None):
            raise ValueError(
                "full contribution to the overall time, or to intervals that may be incomplete, "
                "needs a start and an end date"
            )
        return self


Prevalence = PointPrevalence | PeriodPrevalence


def check_apart(groups: tuple[AgeGroup, ...]) -> None:
    """Refuse age groups that overlap.

    Raises:
        ValueError: with the labels of two that do.
    """
    ordered = sorted(groups, key=lambda one: one.minimum)
    for before, after in itertools.pairwise(ordered):
        if after.minimum <= before.maximum:
            raise ValueError(f"age groups {before.label!r} and {after.label!r} overlap")
