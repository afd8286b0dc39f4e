"""Curves: points close together tell small counts by difference, so steps are merged.

A point is published when, since the last published point, events and persons censored are each 0
or at least ``threshold``, at least ``threshold`` persons are at risk, and those still followed
are 0 or at least ``threshold``. Otherwise its values are hidden, and its events and censored
persons go into the next published point. The first point publishes the number at risk whenever
that is large
enough; its events too if they may be, else they go into the next.

What a reader can find out, knowing this program and the estimate exactly: at most the order in
which events and censorings came between two published points, not where in that order a hidden
point lies. There, a small count of events (or of censored persons) since the last published point
may have been any of 1 to ``threshold - 1``: each occurs in every order that ends at 0 or at
``threshold`` or more, and each would have hidden the point. Ties do not show in the estimate nor
in Greenwood's variance, since both telescope. Estimates are rounded all the same.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile


@dataclass
class _Point:
    """One time of a curve, in days, with its rows."""

    time: int
    rows: list[Entry] = field(default_factory=list)

    def count(self, role: Role) -> int | None:
        """Return the count of that role; None where the input hides it.

        Raises:
            PolicyError: the point lacks it, or has it twice.
        """
        found = [one for one in self.rows if one.role is role]
        if len(found) != 1:
            raise PolicyError(
                f"A point of a curve needs exactly one {role.value!r} count.",
                remedy="Give n_risk, n_events and n_censored once for every time.",
            )
        return found[0].count


@dataclass(frozen=True)
class CurveVerdict:
    """What becomes of the rows of curves: by index, the counts rewritten and the rows hidden."""

    rewritten: dict[int, int]
    hidden: frozenset[int]


def curve_cell(entries: Iterable[Entry]) -> Key:
    """Return the cell of the persons at risk at the first time of one curve."""
    first = next(iter(entries))
    return ("curve", first.row.cdm_name, first.row.result_id, *first.group)


def curves(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the rows of each curve."""
    found: dict[Key, list[Entry]] = {}
    for entry in entries:
        found.setdefault(curve_cell([entry]), []).append(entry)
    return list(found.values())


def relate_curve(algebra: Algebra, entries: list[Entry]) -> None:
    """Add who starts the curve, and who is in the cohort but left out of it.

    Raises:
        PolicyError: more persons start than the cohort has, or a point is incomplete.
    """
    cell = curve_cell(entries)
    algebra.put(cell, _points(entries)[0].count(Role.AT_RISK))
    whole = subjects(entries[0].row.cdm_name, entries[0].group[0])
    if whole in algebra:
        rest: Key = ("left out", *cell)
        if not algebra.remainder(rest, whole, [cell]):
            raise PolicyError(
                "More persons start a curve than are in its cohort.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
        algebra.split(whole, [cell, rest])


def judge(entries: list[Entry], profile: Profile) -> CurveVerdict:
    """Return what to hide and what to rewrite in one curve whose start may be published.

    Raises:
        PolicyError: a point is incomplete or the counts do not add up.
    """
    points = _points(entries)
    start = points[0].count(Role.AT_RISK)
    hidden = {one.index for one in entries}
    rewritten: dict[int, int] = {}
    if start is None or start < profile.threshold:
        return CurveVerdict({}, frozenset(hidden))
    hidden -= {one.index for one in points[0].rows if one.role is Role.AT_RISK}
    events = censored = gone = 0
    for point in points:
        now = [point.count(role) for role in (Role.EVENTS, Role.CENSORED, Role.AT_RISK)]
        if None in now:
            break
        happened, lost, at_risk = (one or 0 for one in now)
        events, censored, gone = events + happened, censored + lost, gone + happened + lost
        if gone > start:
            raise _impossible()
        left = start - gone
        if at_risk < profile.threshold or any(map(profile.is_small, (events, censored, left))):
            continue
        for row in point.rows:
            if row.role is Role.EVENTS:
                rewritten[row.index] = events
            elif row.role is Role.CENSORED:
                rewritten[row.index] = censored
            elif row.role is Role.AT_RISK and profile.is_small(abs(at_risk - left)) and gone:
                # Leavers of this very day would come out by subtraction.
                continue
            hidden.discard(row.index)
        events = censored = 0
    return CurveVerdict(rewritten, frozenset(hidden))


def _points(entries: list[Entry]) -> list[_Point]:
    found: dict[int, _Point] = {}
    for entry in entries:
        level = entry.row.additional_level
        if not (level.isascii() and level.isdigit()):
            raise PolicyError(
                "A time of a curve is no whole number of days.", remedy="Run the study again."
            )
        found.setdefault(int(level), _Point(int(level))).rows.append(entry)
    return [found[time] for time in sorted(found)]


def _impossible() -> PolicyError:
    return PolicyError(
        "More persons leave a curve than start it.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
