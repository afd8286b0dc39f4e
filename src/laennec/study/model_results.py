"""Values of a study: the results that may be asked of its cohorts.

Imported through ``study.model``, which has the whole language.
"""

import itertools
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.study.model_cohorts import (
    MANY,
    MAX_DAYS,
    Days,
    Events,
    Frozen,
    Name,
    Sex,
    Window,
    check_dates,
    check_once,
)
from laennec.study.model_large_scale import LargeScaleCharacteristics
from laennec.study.model_overlap import CohortOverlap, CohortTiming

MAX_POINTS = 4_000
"""Bound of the points of a curve: ten years by day."""


class Covariate(Frozen):
    """Whether a person has a record that starts in the window."""

    name: Name
    events: Events
    window: Window


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


class OfCohorts(Frozen):
    """A result about cohorts, each whole and, where asked for, divided into strata.

    Attributes:
        strata: Divisions, each by one of the study's strata or by several crossed.
    """

    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1, max_length=MANY)
    strata: tuple[Annotated[tuple[Name, ...], Field(min_length=1, max_length=MANY)], ...] = Field(
        default=(), max_length=MANY
    )

    @model_validator(mode="after")
    def _asked_once(self) -> "OfCohorts":
        check_once([*self.cohorts], "cohort")
        for names in self.strata:
            check_once([*names], "stratum")
        check_once([" and ".join(sorted(names)) for names in self.strata], "division by")
        return self


class Counts(OfCohorts):
    """How many persons each cohort has, and how many each step leaves (attrition)."""

    kind: Literal["counts"] = "counts"


class Characteristics(OfCohorts):
    """Age, sex, observation before and after entry, and covariates of each cohort, at entry.

    Attributes:
        age_groups: Groups to count besides the distribution of age; they may not overlap.
    """

    kind: Literal["characteristics"] = "characteristics"
    age_groups: tuple[AgeGroup, ...] = Field(default=(), max_length=MANY)
    covariates: tuple[Covariate, ...] = Field(default=(), max_length=MANY)

    @model_validator(mode="after")
    def _sound(self) -> "Characteristics":
        check_once([one.name for one in self.covariates], "covariate")
        check_apart(self.age_groups)
        return self


class Interval(StrEnum):
    """Calendar intervals over which incidence is estimated."""

    YEARS = "years"
    OVERALL = "overall"


class Incidence(Frozen):
    """Incidence rate of an outcome, with the semantics of IncidencePrevalence.

    Attributes:
        population: A cohort of this study, or None for everyone under observation.
        outcome: Outcome events that start on an observed day; records that share a day are one
            outcome, which ends no later than its period of observation.
        washout: Days without outcome needed before time at risk starts again, counted from the end
            of the previous outcome; None means a person who had the outcome is never at risk again.
        repeated: Count outcomes after the first one in a person's time at risk.
        sexes, age_groups: One estimate for each pair; the groups may overlap (``0 to 150``).
        prior_observation: Days of observation needed before time at risk starts.
        start, end: First and last calendar day of time at risk, or None.
        complete_intervals: Keep only calendar years wholly inside the span of time at risk, from
            the first to the last day at risk of anybody in the analysis.
    """

    kind: Literal["incidence"] = "incidence"
    name: Name
    population: Name | None = None
    outcome: Events
    washout: Days | None = None
    repeated: bool = False
    sexes: tuple[Sex, ...] = Field(default=(Sex.BOTH,), min_length=1)
    age_groups: tuple[AgeGroup, ...] = Field(
        default=(AgeGroup(minimum=0, maximum=150),), min_length=1, max_length=MANY
    )
    prior_observation: Days = 0
    start: date | None = None
    end: date | None = None
    intervals: tuple[Interval, ...] = Field(
        default=(Interval.YEARS, Interval.OVERALL), min_length=1
    )
    complete_intervals: bool = True

    @model_validator(mode="after")
    def _sound(self) -> "Incidence":
        check_once([*self.sexes], "sex")
        check_once([one.label for one in self.age_groups], "age group")
        check_once([*self.intervals], "interval")
        if self.washout is None and self.repeated:
            raise ValueError("repeated outcomes need a washout in days")
        check_dates(self.start, self.end)
        return self


class CumulativeIncidence(OfCohorts):
    """Share of a cohort that has had the outcome by each day, by the Kaplan-Meier estimator.

    Persons with an outcome before entry (on one of the ``washout`` days before it, or ever when
    None) are left out. Outcomes are built as for ``Incidence``.

    Attributes:
        horizon: Last day of follow-up after entry.
        step: Days between two published points: day 0, each step, and the horizon, up to the first
            point at which nobody is at risk any more.
    """

    kind: Literal["cumulative_incidence"] = "cumulative_incidence"
    outcome: Events
    washout: Days | None = None
    horizon: int = Field(ge=1, le=MAX_DAYS)
    step: int = Field(ge=1, le=MAX_DAYS)

    @model_validator(mode="after")
    def _few_points(self) -> "CumulativeIncidence":
        if self.horizon // self.step > MAX_POINTS:
            raise ValueError(f"a curve has at most {MAX_POINTS} points: the step is too small")
        return self


Result = Annotated[
    Counts
    | Characteristics
    | Incidence
    | CumulativeIncidence
    | CohortOverlap
    | CohortTiming
    | LargeScaleCharacteristics,
    Field(discriminator="kind"),
]


def check_apart(groups: tuple[AgeGroup, ...]) -> None:
    """Refuse age groups that overlap.

    Raises:
        ValueError: with the labels of two that do.
    """
    ordered = sorted(groups, key=lambda one: one.minimum)
    for before, after in itertools.pairwise(ordered):
        if after.minimum <= before.maximum:
            raise ValueError(f"age groups {before.label!r} and {after.label!r} overlap")
