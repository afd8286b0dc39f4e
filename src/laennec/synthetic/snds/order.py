"""What is ordered of the generator, and the calendar that follows from it.

Days are numbers of days since 1970-01-01, months are numbers of months since 1970-01.

Pure.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from laennec.core.errors import SettingsError

FIRST_YEAR, LAST_YEAR = 2009, 2020
"""Years that can be ordered: PMSI stays have exact dates from 2009, the catalogue ends in 2021."""

MAX_DELAY_MONTHS = 12
"""A claim arrives 1 to 12 months after the month of care."""

_MAX_PERSONS = 100_000_000
_MAX_LINES = 100.0


class Format(StrEnum):
    """How a table's file is written."""

    CSV = "csv"
    GZIP = "csv.gz"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Order:
    """A synthetic base: the same order gives the same base, byte for byte.

    Attributes:
        persons: True persons; those of several identifiers count once.
        seed: Chooses one base among all of that size.
        first_year: First year of care.
        last_year: Last year of care, included.
        lines_per_year: Mean rows of ER_PRS_F per person and year.
        format: How files are written.

    Raises:
        SettingsError: a number is out of its range.
    """

    persons: int
    seed: int
    first_year: int
    last_year: int
    lines_per_year: float = 8.0
    format: Format = Format.CSV

    def __post_init__(self) -> None:
        allowed = (
            1 <= self.persons <= _MAX_PERSONS
            and self.seed >= 0
            and FIRST_YEAR <= self.first_year <= self.last_year <= LAST_YEAR
            and 1 <= self.lines_per_year <= _MAX_LINES
        )
        if not allowed:
            raise SettingsError(
                "This synthetic SNDS cannot be made.",
                remedy=(
                    f"Order 1 to {_MAX_PERSONS} persons, a seed of at least 0, years from "
                    f"{FIRST_YEAR} to {LAST_YEAR} and 1 to {_MAX_LINES:g} lines per year."
                ),
            )

    @property
    def years(self) -> range:
        """Return the years of care."""
        return range(self.first_year, self.last_year + 1)

    @property
    def first_day(self) -> int:
        """Return the first day of care."""
        return day_number(self.first_year, 1, 1)

    @property
    def last_day(self) -> int:
        """Return the last day of care."""
        return day_number(self.last_year, 12, 31)

    @property
    def flux_months(self) -> range:
        """Return the months of flux: from the second month of care to a year after the last."""
        first = month_number(self.first_year, 1)
        return range(first + 1, month_number(self.last_year, 12) + MAX_DELAY_MONTHS + 1)


def span(text: str) -> tuple[int, int]:
    """Return the first and last year of ``2015-2019``, or of one year.

    Raises:
        SettingsError: the text is neither.
    """
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or not dash)):
        raise SettingsError("The years cannot be read.", remedy="Write 2015-2019, or one year.")
    return int(first), int(last or first)


def day_number(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date."""
    return (date(year, month, day) - date(1970, 1, 1)).days


def month_number(year: int, month: int) -> int:
    """Return the months from 1970-01 to a month."""
    return (year - 1970) * 12 + month - 1


def month_of(days: np.ndarray) -> np.ndarray:
    """Return the month number of each day number."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def year_of(days: np.ndarray) -> np.ndarray:
    """Return the year of each day number."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
