"""Values of a study: cohorts made of other cohorts, by set operations.

Operations are on days (a person may then stay several times) or on persons (stays are those of the
first cohort). A cohort is made of cohorts that come before it in the study, so there are no
circles. Imported through ``study.model``, which has the whole language.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.study.model_cohorts import MANY, Frozen, Name, check_once

By = Literal["days", "persons"]

Members = Annotated[tuple[Name, ...], Field(min_length=2, max_length=MANY)]


class _Combined(Frozen):
    """A cohort made of cohorts that come before it."""

    name: Name
    cohorts: Members

    @model_validator(mode="after")
    def _each_once(self) -> "_Combined":
        check_once([*self.cohorts], "cohort")
        return self


class UnionOf(_Combined):
    """Days in any of the cohorts; stays that share a day are one stay."""

    kind: Literal["union"] = "union"


class IntersectionOf(_Combined):
    """Days in all of the cohorts, or the stays in the first of persons who are in all of them."""

    kind: Literal["intersection"] = "intersection"
    by: By = "days"


class DifferenceOf(_Combined):
    """Days in the first cohort and in no other, or the stays of persons who are in no other."""

    kind: Literal["difference"] = "difference"
    by: By = "days"


Combined = UnionOf | IntersectionOf | DifferenceOf
