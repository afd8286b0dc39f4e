"""What is ordered of the generator of a CDM, and the days that follow from it.

Pure. Days are numbers of days since 1970-01-01.
"""

from dataclasses import dataclass
from datetime import date

from laennec.core.errors import SettingsError

FIRST_YEAR, LAST_YEAR, MAX_YEARS = 1980, 2050, 30
MAX_PERSONS = 100_000_000

BLOCK = 10_000
"""Persons made at a time: a part of the format, since another size gives other rows."""

STRIDE = 4_000_000
"""Identifiers that each block has to itself, in every table."""


@dataclass(frozen=True)
class Order:
    """A synthetic CDM: the same order and vocabulary give the same rows.

    Attributes:
        persons: How many.
        seed: Chooses one among all of that size.
        first_year: First year of observation.
        last_year: Last year of observation, included.

    Raises:
        SettingsError: a number is out of its range.
    """

    persons: int
    seed: int
    first_year: int
    last_year: int

    def __post_init__(self) -> None:
        allowed = (
            1 <= self.persons <= MAX_PERSONS
            and self.seed >= 0
            and FIRST_YEAR <= self.first_year <= self.last_year <= LAST_YEAR
            and self.last_year - self.first_year < MAX_YEARS
        )
        if not allowed:
            raise SettingsError(
                "This synthetic CDM cannot be made.",
                remedy=(
                    f"Order 1 to {MAX_PERSONS} persons, a seed of at least 0 and at most "
                    f"{MAX_YEARS} years between {FIRST_YEAR} and {LAST_YEAR}."
                ),
            )

    @property
    def first_day(self) -> int:
        """Return the first day of observation."""
        return _days(self.first_year, 1, 1)

    @property
    def last_day(self) -> int:
        """Return the last day of observation."""
        return _days(self.last_year, 12, 31)

    @property
    def blocks(self) -> range:
        """Return the numbers of the blocks."""
        return range(-(-self.persons // BLOCK))

    def size(self, block: int) -> int:
        """Return the persons of a block."""
        return min(BLOCK, self.persons - block * BLOCK)


def _days(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days
