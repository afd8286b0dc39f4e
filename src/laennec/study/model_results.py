"""Values of a study: the results that may be asked of its cohorts.

Imported through ``study.model``, which has the whole language.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.study.model_cohort_incidence import CohortIncidence
from laennec.study.model_cohorts import (
    MANY,
    MAX_DAYS,
    Days,
    Events,
    Frozen,
    Name,
    OfCohorts,
    Window,
    check_once,
)
from laennec.study.model_large_scale import LargeScaleCharacteristics
from laennec.study.model_overlap import CohortOverlap, CohortTiming
from laennec.study.model_pathways import TreatmentPathways
from laennec.study.model_rates import (
    AgeGroup,
    Incidence,
    Outcome,
    PeriodPrevalence,
    PointPrevalence,
    check_apart,
)

MAX_POINTS = 4_000
"""Bound of the points of a curve: ten years by day."""


class Covariate(Frozen):
    """Whether a person has a record that starts in the window."""

    name: Name
    events: Events
    window: Window


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


class CumulativeIncidence(OfCohorts):
    """Share of a cohort that has had the outcome by each day: Kaplan-Meier, or Aalen-Johansen.

    Persons with an outcome before entry (on one of the ``washout`` days before it, or ever when
    None) are left out. Outcomes are built as for ``Incidence``.

    Attributes:
        competing: What ends follow-up as an outcome that forestalls the other one, such as death;
            with it the estimator is that of Aalen and Johansen.
        competing_washout: Days before entry without it; None means ever.
        tie: Which of the two counts when both come on one day.
        censor: A cohort of this study; follow-up ends on the day of a person's first entry to it,
            and who entered it before their entry is left out.
        censor_on_exit: End follow-up with the stay; otherwise with observation only.
        censor_on: Last day of follow-up in the calendar; who enters after it is left out.
        minimum_days: Who is followed for fewer days, to an outcome or otherwise, is left out.
        horizon: Last day of follow-up after entry.
        step: Days between two published points: day 0, each step, and the horizon, up to the first
            point at which nobody is at risk any more.
    """

    kind: Literal["cumulative_incidence"] = "cumulative_incidence"
    outcome: Outcome
    competing: Outcome | None = None
    competing_washout: Days | None = None
    tie: Literal["competing", "outcome"] = "competing"
    washout: Days | None = None
    censor: Name | None = None
    censor_on_exit: bool = True
    censor_on: date | None = None
    minimum_days: Days = 0
    horizon: int = Field(ge=1, le=MAX_DAYS)
    step: int = Field(ge=1, le=MAX_DAYS)

    @model_validator(mode="after")
    def _few_points(self) -> "CumulativeIncidence":
        if self.horizon // self.step > MAX_POINTS:
            raise ValueError(f"a curve has at most {MAX_POINTS} points: the step is too small")
        if self.competing is not None and self.competing.label == self.outcome.label:
            raise ValueError("an outcome does not compete with itself")
        if self.competing is None and (self.competing_washout is not None or self.tie == "outcome"):
            raise ValueError("competing_washout and tie are about a competing outcome: name it")
        if self.minimum_days > self.horizon:
            raise ValueError("nobody is followed for minimum_days: they exceed the horizon")
        return self


Result = Annotated[
    Counts
    | Characteristics
    | Incidence
    | PointPrevalence
    | PeriodPrevalence
    | CohortIncidence
    | CumulativeIncidence
    | CohortOverlap
    | CohortTiming
    | TreatmentPathways
    | LargeScaleCharacteristics,
    Field(discriminator="kind"),
]
