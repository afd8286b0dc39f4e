"""Values of a study: strata, the ways in which a result may divide its cohorts.

Every way puts a member of a cohort into at most one of its levels, which the study names before
any row is read: a result can ask for no level that only the data would show. Imported through
``study.model``, which has the whole language.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from laennec.study.model_cohorts import (
    MANY,
    Events,
    Frozen,
    Name,
    OfCohorts,
    Records,
    Window,
    check_dates,
    check_once,
    unknown_name,
)
from laennec.study.model_rates import AgeGroup, Denominators, check_apart

SEX, AGE_GROUP, ENTRY_PERIOD = "sex", "age_group", "entry_period"
RESERVED = frozenset({SEX, AGE_GROUP, ENTRY_PERIOD, "overall", "reason"})
"""Names of strata that a feature may not take: they mean something else in a result."""

YES, NO = "yes", "no"

MAX_STRATA = 1_000
"""Bound of the cohorts of one result, or of its sexes and age groups, and their strata."""

_FIELDS_OF_RATES = {SEX: "sexes", AGE_GROUP: "age_groups"}
"""What does in a rate what strata do elsewhere."""


class BySex(Frozen):
    """Women and men; who is of unknown sex is in no stratum."""

    kind: Literal["sex"] = "sex"

    @property
    def label(self) -> str:
        """Its name in a result."""
        return SEX

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level, in order."""
        return ("Female", "Male")


class ByAge(Frozen):
    """Age groups at entry; they may not overlap."""

    kind: Literal["age_group"] = "age_group"
    groups: tuple[AgeGroup, ...] = Field(min_length=1, max_length=MANY)

    @model_validator(mode="after")
    def _groups_are_apart(self) -> "ByAge":
        check_apart(self.groups)
        return self

    @property
    def label(self) -> str:
        """Its name in a result."""
        return AGE_GROUP

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level, in order."""
        return tuple(one.label for one in self.groups)


class Period(Frozen):
    """Days from ``start`` to ``end``, both included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _in_order(self) -> "Period":
        check_dates(self.start, self.end)
        return self

    @property
    def label(self) -> str:
        """The period as two dates."""
        return f"{self.start.isoformat()} to {self.end.isoformat()}"


class ByPeriod(Frozen):
    """Calendar periods that hold the entry day; they may not overlap."""

    kind: Literal["entry_period"] = "entry_period"
    periods: tuple[Period, ...] = Field(min_length=1, max_length=MANY)

    @model_validator(mode="after")
    def _periods_are_apart(self) -> "ByPeriod":
        ordered = sorted(self.periods, key=lambda one: one.start)
        if any(after.start <= before.end for before, after in itertools.pairwise(ordered)):
            raise ValueError("two periods overlap")
        return self

    @property
    def label(self) -> str:
        """Its name in a result."""
        return ENTRY_PERIOD

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level, in order."""
        return tuple(one.label for one in self.periods)


class ByEvents(Frozen):
    """Whether the number of records that start in the window lies within bounds.

    Attributes:
        at_most: Largest number, or None for no bound.
    """

    kind: Literal["events"] = "events"
    name: Name
    events: Events
    window: Window
    at_least: Records = 1
    at_most: Records | None = None

    @model_validator(mode="after")
    def _sound(self) -> "ByEvents":
        if self.name in RESERVED:
            raise PydanticCustomError(
                "value_error", "{error}", {"error": f"{self.name!r} is the name of other strata"}
            )
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is below at_least")
        return self

    @property
    def label(self) -> str:
        """Its name in a result."""
        return self.name

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level, in order."""
        return (NO, YES)


Strata = Annotated[BySex | ByAge | ByPeriod | ByEvents, Field(discriminator="kind")]
"""One way to divide cohorts."""


@dataclass(frozen=True)
class Stratum:
    """A cohort, whole or in one stratum.

    Attributes:
        cohort: Its name in the study; empty for everyone under observation.
        levels: Name and level of each way in which it is divided, in order; empty for the whole.
    """

    cohort: str
    levels: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The stratum as one text: the cohort's name alone for the whole of it."""
        return "|".join([self.cohort, *(f"{name}={level}" for name, level in self.levels)])

    @property
    def key(self) -> tuple[str, ...]:
        """Where its counts stand among those of a rate: nowhere else than those of the whole."""
        return (self.label,) if self.levels else ()


def strata_of(
    cohorts: Sequence[str], asked: Sequence[tuple[str, ...]], known: Sequence[Strata]
) -> Iterator[Stratum]:
    """Yield each cohort whole, then in every stratum, in the order asked for.

    Args:
        cohorts: Names of cohorts.
        asked: For each division the labels of the ways that are crossed in it.
        known: The ways that the study has, every label of ``asked`` among them.
    """
    levels = {one.label: one.levels for one in known}
    for cohort in cohorts:
        yield Stratum(cohort)
        for names in asked:
            for chosen in itertools.product(*(levels[name] for name in names)):
                yield Stratum(cohort, tuple(zip(names, chosen, strict=True)))


def check_strata(known: Sequence[Strata], results: Sequence[object]) -> None:
    """Refuse strata of one name, a name that no strata have, and more strata than a day's work.

    Args:
        known: The ways that the study has.
        results: Its results; those that have no strata are left alone.

    Raises:
        ValueError, PydanticCustomError: with the name, and the place of what is wrong.
    """
    levels = {one.label: len(one.levels) for one in known}
    check_once([one.label for one in known], "stratum")
    for i, result in enumerate(results):
        if isinstance(result, OfCohorts | Denominators):
            for j, names in enumerate(result.strata):
                for k, name in enumerate(names):
                    _check_name(result, name, levels, f"results[{i}].strata[{j}][{k}]")
            _check_width(result, levels, f"results[{i}]")


def _check_name(
    result: OfCohorts | Denominators, name: str, levels: Mapping[str, int], place: str
) -> None:
    if isinstance(result, Denominators) and name in _FIELDS_OF_RATES:
        field = _FIELDS_OF_RATES[name]
        raise _wrong(f"a rate is not divided by {name!r}: its field {field!r} does so", place)
    if name not in levels:
        raise unknown_name("stratum", name, known=levels, place=place)


def _check_width(result: OfCohorts | Denominators, levels: Mapping[str, int], place: str) -> None:
    wide = 1 + sum(math.prod(levels[name] for name in names) for names in result.strata)
    if isinstance(result, OfCohorts):
        what, number = "cohorts", len(result.cohorts)
    else:
        what, number = "sexes, age groups", len(result.sexes) * len(result.age_groups)
    if number * wide > MAX_STRATA:
        raise _wrong(
            f"the result {result.name!r} has more than {MAX_STRATA} {what} and strata", place
        )


def _wrong(happened: str, place: str) -> PydanticCustomError:
    """An error of a value, and the place of it for whoever writes the message."""
    return PydanticCustomError("value_error", "{error}", {"error": happened, "place": place})
