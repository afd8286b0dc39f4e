"""The rows of one table while they are counted, with what several of its counts need made once."""

from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from laennec.quality.context import Context
from laennec.quality.plan import PERSON
from laennec.quality.stretches import Days, Matches, Stretches, days_of


@dataclass
class Rows:
    """Rows of a table of a bucket.

    Attributes:
        frame: Columns that have a value, as far as they were read.
        people: The same rows by person; None where no row has one.
        context: The bucket.
    """

    frame: pl.DataFrame
    people: Stretches | None
    context: Context
    _days: dict[str, Days] = field(default_factory=dict)

    def days(self, name: str) -> Days:
        """Return the days of a column."""
        if name not in self._days:
            self._days[name] = days_of(self.frame[name])
        return self._days[name]

    @cached_property
    def persons(self) -> Matches | None:
        """Stretches with their rows of ``person``; None where no row has a person."""
        if self.people is None:
            return None
        return self.people.met(self.context.finder(PERSON, "person_id"))
