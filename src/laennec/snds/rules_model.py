"""What a cleaning rule is: conditions on the columns of one family, its readings, its effect.

The rules themselves are data, read and asked by ``snds.rules``.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType


class Effect(StrEnum):
    """What becomes of the rows that a rule names."""

    DROP_ROW = "DROP_ROW"
    DROP_CLAIM = "DROP_CLAIM"
    DROP_STAY = "DROP_STAY"
    UNCHAIN = "UNCHAIN"
    NOT_AN_ACT = "NOT_AN_ACT"
    PERSON = "PERSON"
    WINDOW = "WINDOW"


MEANING: Mapping[Effect, str] = MappingProxyType(
    {
        Effect.DROP_ROW: "This row is dropped.",
        Effect.DROP_CLAIM: "All rows of the claim are dropped: the same nine joining keys.",
        Effect.DROP_STAY: "All rows of the stay are dropped, in every table of the field.",
        Effect.UNCHAIN: "The stay is kept apart: it took place, whose it is nobody knows.",
        Effect.NOT_AN_ACT: "Kept; it counts in amounts and is no act of its own.",
        Effect.PERSON: "Kept; the resolution of persons weighs it.",
        Effect.WINDOW: "Care whose later months of flux are missing is reported as incomplete.",
    }
)
"""In words, for readers."""

APPLIED = (Effect.DROP_ROW, Effect.DROP_CLAIM, Effect.DROP_STAY, Effect.UNCHAIN)
"""Effects by which a load sets rows aside."""

COUNTED = (Effect.NOT_AN_ACT, Effect.PERSON)
"""Effects whose rows stay and are only counted."""


class Test(StrEnum):
    """What a condition asks of a value."""

    __test__ = False

    IN = "in"
    NOT_IN = "not_in"
    STARTS_WITH = "starts_with"
    NOT_ENDS_WITH = "not_ends_with"
    CONTAINS = "contains"


@dataclass(frozen=True)
class Condition:
    """True of rows that a rule takes out.

    Attributes:
        column: Of the rule's family.
        test: What is asked of its value.
        values: Asked for; numbers for columns of numbers, else text.
        null: Whether a missing value is taken out too.
        file: Where the values lie by year, or None. Then ``values`` is empty until a year is known.
        years: Column of that file with the years of each value, as ``2005-2017``.
    """

    column: str
    test: Test
    values: tuple[str | int, ...] = ()
    null: bool = False
    file: str | None = None
    years: str = ""

    def __str__(self) -> str:
        """Say it in one line, as the tables of rules show it."""
        asked = f"{self.file} ({self.years})" if self.file else ", ".join(map(str, self.values))
        return f"{self.column} {self.test} {asked}{' or missing' if self.null else ''}"


@dataclass(frozen=True)
class Reading:
    """One way to read a rule.

    Attributes:
        id: Unique within the rule.
        why: Who reads it so, and for the chosen one why it is chosen.
        takes_out: A row is taken out if one of these is true; empty for ``WINDOW``.
        months: Of later flux that complete care needs; for ``WINDOW`` only.
    """

    id: str
    why: str
    takes_out: tuple[Condition, ...]
    months: int | None = None


@dataclass(frozen=True)
class CleaningRule:
    """One rule for one family.

    Attributes:
        id: Unique together with ``family``; rules of one wording share it.
        family: Table without its year.
        first_year: First year it holds for, or None.
        last_year: Last year it holds for, or None.
        effect: What becomes of the rows.
        source: Title of what says so.
        source_date: Of the source.
        reason: Why, in a sentence.
        reading: The one chosen.
        alternatives: The other readings.
        sheet: Lines of the sheet of the Health Data Hub and HEVA that it stands for.
    """

    id: str
    family: str
    first_year: int | None
    last_year: int | None
    effect: Effect
    source: str
    source_date: date
    reason: str
    reading: Reading
    alternatives: tuple[Reading, ...] = ()
    sheet: tuple[int, ...] = ()

    @property
    def predicate(self) -> tuple[Condition, ...]:
        """The conditions of the chosen reading, any of which takes a row out."""
        return self.reading.takes_out

    def holds_in(self, year: int | None) -> bool:
        """Return whether the rule holds in a year; of no known year, only one for all years."""
        if year is None:
            return self.first_year is None and self.last_year is None
        return (self.first_year or year) <= year <= (self.last_year or year)

    def under(self, reading: str) -> "CleaningRule":
        """Return the rule as another source reads it.

        Raises:
            KeyError: the rule has no such reading.
        """
        every = (self.reading, *self.alternatives)
        wanted = {one.id: one for one in every}[reading]
        return replace(
            self,
            reading=wanted,
            alternatives=tuple(one for one in every if one is not wanted),
        )
