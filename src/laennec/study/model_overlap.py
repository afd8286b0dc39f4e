"""Values of a study: what two cohorts have in common, and the days between their entries.

Imported through ``study.model``, which has the whole language.
"""

from typing import Literal

from pydantic import Field, model_validator

from laennec.study.model_cohorts import Frozen, Name, check_once

MAX_BESIDE = 8
"""Bound of the cohorts that are compared with one another: pairs, and triples, grow faster."""


class Beside(Frozen):
    """A result about any two of several cohorts."""

    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=2, max_length=MAX_BESIDE)

    @model_validator(mode="after")
    def _different(self) -> "Beside":
        check_once([*self.cohorts], "cohort")
        return self


class CohortOverlap(Beside):
    """How many persons any two cohorts share, and how many are in one of them only."""

    kind: Literal["cohort_overlap"] = "cohort_overlap"


class CohortTiming(Beside):
    """Days from entry into one cohort to entry into another, for persons who are in both.

    Attributes:
        first_entry: Take each person's first entry into either cohort; otherwise every entry into
            one is paired with every entry into the other.
    """

    kind: Literal["cohort_timing"] = "cohort_timing"
    first_entry: bool = True
