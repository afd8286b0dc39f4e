"""Intervals of rates: their labels, the days they cover, and which is made of which others.

A label names a calendar interval whole, whatever days of it were covered: ``2020``, ``2020-Q1``,
``2020-03``, ``2020-W05``, ``on 2020-03-15`` for one day, ``overall`` for all time.

Pure.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache

from laennec.core.calendars import Interval, bounds_of, label_of
from laennec.core.errors import PolicyError
from laennec.disclosure.cubes import Branch
from laennec.omop.summarised_result import JOINT

OVERALL = Interval.OVERALL.value
Days = tuple[int, int]
"""First and last day, as ordinals."""

_ALWAYS = (date.min.toordinal(), date.max.toordinal())
_FROM_COARSE = (Interval.OVERALL, Interval.YEARS, Interval.QUARTERS, Interval.MONTHS)


def interval_label(level: str) -> str:
    """Return the label of an interval given as start, end and kind.

    Raises:
        PolicyError: it is none that a rule knows.
    """
    start, _, kind = _parts(level)
    return str(label_of(kind, start))


def day_label(level: str) -> str:
    """Return the label of an interval of one day.

    Raises:
        PolicyError: the interval has more days than one, or is none that a rule knows.
    """
    start, end, _ = _parts(level)
    if start != end:
        raise _unknown()
    return f"on {start.isoformat()}"


def widened(level: str) -> str:
    """Widen an interval to the whole calendar interval; the overall time to whole years.

    The engine cuts intervals at the first and the last day that anybody was seen, and those are one
    person's days.
    """
    start, end, kind = _parts(level)
    if kind is Interval.OVERALL:
        first, last = date(start.year, 1, 1), date(end.year, 12, 31)
    else:
        first, last = bounds_of(kind, start)
    return JOINT.join((first.isoformat(), last.isoformat(), kind.value))


@cache
def days_of(label: str) -> Days:
    """Return the first and last day that a label of this module stands for."""
    if label == OVERALL:
        return _ALWAYS
    if label.startswith("on "):
        day = date.fromisoformat(label[3:]).toordinal()
        return day, day
    kind, first = _kind_of(label)
    start, end = bounds_of(kind, first)
    return start.toordinal(), end.toordinal()


def holds(outer: str, inner: str) -> bool:
    """Return whether all days of one label are days of another."""
    first, last = days_of(outer)
    start, end = days_of(inner)
    return first <= start and end <= last


def time_branches(labels: Iterable[str]) -> list[Branch]:
    """Return each interval divided into the finer ones inside it, and a remainder.

    Each label is a part of the finest coarser one that holds it; weeks, which no month or year is
    made of, are parts of the overall time. The overall time always has a remainder: intervals that
    the data do not cover whole are left out, and count in it.
    """
    ordered = sorted({*labels}, key=days_of)
    weeks = [one for one in ordered if "-W" in one]
    found = [Branch(OVERALL, (*weeks, ("rest", OVERALL, *weeks)))] if weeks else []
    by_parent: dict[str, dict[Interval, list[str]]] = {}
    for one in ordered:
        if one != OVERALL and one not in weeks:
            kind = _kind_of(one)[0]
            coarser = _FROM_COARSE[: _FROM_COARSE.index(kind)]
            above = [str(label_of(up, date.fromordinal(days_of(one)[0]))) for up in coarser]
            parent = next((up for up in reversed(above) if up in ordered), None)
            if parent is not None:
                by_parent.setdefault(parent, {}).setdefault(kind, []).append(one)
    for parent, kinds in by_parent.items():
        for parts in kinds.values():
            rest = () if _tile(parent, parts) else (("rest", parent, *parts),)
            found.append(Branch(parent, (*parts, *rest)))
    return [one for one in found if one.total in ordered]


def _tile(parent: str, parts: list[str]) -> bool:
    """Return whether parts that share no day are all days of their parent."""
    first, last = days_of(parent)
    covered = sum(end - start + 1 for start, end in map(days_of, parts))
    return parent != OVERALL and covered == last - first + 1


def _kind_of(label: str) -> tuple[Interval, date]:
    """The kind of a calendar label, and its first day."""
    year, _, part = label.partition("-")
    if not part:
        return Interval.YEARS, date(int(year), 1, 1)
    if part[0] == "W":
        return Interval.WEEKS, date.fromisocalendar(int(year), int(part[1:]), 1)
    if part[0] == "Q":
        return Interval.QUARTERS, date(int(year), 3 * int(part[1:]) - 2, 1)
    return Interval.MONTHS, date(int(year), int(part), 1)


def _parts(level: str) -> tuple[date, date, Interval]:
    try:
        start, end, kind = level.split(JOINT)
        first, last = date.fromisoformat(start), date.fromisoformat(end)
        if first <= last:
            return first, last, Interval(kind)
    except ValueError:
        pass
    raise _unknown()


def _unknown() -> PolicyError:
    return PolicyError(
        "An interval of a rate is not one that a disclosure rule knows.",
        remedy="Known here: two dates and " + ", ".join(Interval) + ".",
    )
