"""Calendar intervals: ISO weeks, months, quarters, years, and the whole time.

An interval is known by a label that holds no day of a person: the year 2020, ``2020-Q1``,
``2020-03``, the ISO week ``2020-W05``, ``overall``. Days past the end of the calendar (9999-12-31)
are left out of its last week.

Pure functions of days.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

Label = int | str
"""Name of an interval; a year is a number."""


class Interval(StrEnum):
    """Calendar intervals over which rates are estimated, as IncidencePrevalence names them."""

    WEEKS = "weeks"
    MONTHS = "months"
    QUARTERS = "quarters"
    YEARS = "years"
    OVERALL = "overall"


def label_of(kind: Interval, day: date) -> Label:
    """Return the label of the interval of a kind that holds a day."""
    match kind:
        case Interval.WEEKS:
            year, week, _ = day.isocalendar()
            return f"{year:04d}-W{week:02d}"
        case Interval.MONTHS:
            return f"{day.year:04d}-{day.month:02d}"
        case Interval.QUARTERS:
            return f"{day.year:04d}-Q{(day.month + 2) // 3}"
        case Interval.YEARS:
            return day.year
        case Interval.OVERALL:
            return Interval.OVERALL.value


def bounds_of(kind: Interval, day: date) -> tuple[date, date]:
    """Return the first and last day of the calendar interval that holds a day.

    Raises:
        ValueError: the kind is ``overall``, which is no interval of the calendar.
    """
    match kind:
        case Interval.WEEKS:
            monday = day.toordinal() - day.weekday()
            return date.fromordinal(monday), _clipped(monday + 6)
        case Interval.MONTHS:
            return _months(day.year, day.month, 1)
        case Interval.QUARTERS:
            return _months(day.year, 3 * ((day.month - 1) // 3) + 1, 3)
        case Interval.YEARS:
            return date(day.year, 1, 1), date(day.year, 12, 31)
        case Interval.OVERALL:
            raise ValueError("the whole time is no calendar interval")


def intervals(kind: Interval, first: date, last: date) -> Iterator[tuple[Label, date, date]]:
    """Yield label, first and last day of every interval that meets the days, in order.

    Raises:
        ValueError: the kind is ``overall``.
    """
    day = first
    while day <= last:
        start, end = bounds_of(kind, day)
        yield label_of(kind, day), start, end
        if end == date.max:
            return
        day = date.fromordinal(end.toordinal() + 1)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    following = month + count
    if following > 12:
        return date(year, month, 1), date(year, 12, 31)
    next_start = date(year, following, 1)
    return date(year, month, 1), date.fromordinal(next_start.toordinal() - 1)


def _clipped(ordinal: int) -> date:
    return date.fromordinal(min(ordinal, date.max.toordinal()))
