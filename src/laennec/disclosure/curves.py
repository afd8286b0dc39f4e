"""Curves: points close together tell small counts by difference, so steps are merged.

A point is published when, since the last published point, events and persons censored are each 0
or at least ``threshold``, at least ``threshold`` persons are at risk, and those still followed
are 0 or at least ``threshold``. Otherwise its values are hidden, and its events and censored
persons go into the next published point. The first point publishes the number at risk whenever
that is large
enough; its events too if they may be, else they go into the next.

Where nobody is followed after a point, the rule itself bounds who left before that very day: at
least ``threshold`` were at risk on it. So a small number of these, which hides the number at risk,
hides the whole point unless there was no event and the bound leaves ``possible_values``
(``bounds_leavers``).

What a reader can find out, knowing this program and the estimate exactly: at most the order in
which events and censorings came between two published points, not where in that order a hidden
point lies. There, a small count of events (or of censored persons) since the last published point
may have been any of 1 to ``threshold - 1``: each occurs in every order that ends at 0 or at
``threshold`` or more, and each would have hidden the point. Ties do not show in the estimate nor
in Greenwood's variance, since both telescope. Estimates are rounded all the same.

A hidden point may still show its estimate, *coarse*: rounded to a grid so wide that each rounded
value stands for many counts of events, without limits and without any count. One event lowers the
curve by at most 1 / (persons at risk), so half a grid step that is at least ``possible_values`` of
these keeps that many counts possible, at zero too. The grid follows from the published start alone,
and only points with at least ``curve_share`` of the start at risk are shown, as long as
``threshold - 1`` more than that were followed at the last published point: with fewer, that a point
shows would tell how few have left since. A curve with a coarse
point is coarse everywhere: exact estimates would tell the order of events and censorings, and with
it what a place in that order means.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile
from laennec.disclosure.strata import levels_of, named


@dataclass
class Point:
    """One time of a curve, in days, with its rows."""

    time: int
    rows: list[Entry] = field(default_factory=list)

    def count(self, role: Role) -> int | None:
        """Return the count of that role; None where the input hides it.

        Raises:
            PolicyError: the point lacks it, or has two of them.
        """
        found = {one.count for one in self.rows if one.role is role}
        if len(found) != 1:
            raise PolicyError(
                f"A point of a curve needs exactly one {role.value!r} count.",
                remedy="Give n_risk, n_events and n_censor for every time; with a competing "
                "outcome, the same n_risk and n_censor for both.",
            )
        return found.pop()

    @property
    def competes(self) -> bool:
        """Whether it counts competing events."""
        return any(one.role is Role.COMPETING for one in self.rows)

    def counts(self) -> tuple[int, int, int, int] | None:
        """Return events, competing, censored and at risk; None where the input hides one."""
        found = [self.count(role) for role in (Role.EVENTS, Role.CENSORED, Role.AT_RISK)]
        events, censored, at_risk = found
        competing = self.count(Role.COMPETING) if self.competes else 0
        if events is None or competing is None or censored is None or at_risk is None:
            return None
        return events, competing, censored, at_risk

    def sums(self, events: int, competing: int, censored: int) -> dict[int, int]:
        """Return what its counts become, by index, when steps are merged up to it."""
        becomes = {Role.EVENTS: events, Role.COMPETING: competing, Role.CENSORED: censored}
        return {one.index: becomes[one.role] for one in self.rows if one.role in becomes}


@dataclass(frozen=True)
class CurveVerdict:
    """What becomes of the rows of a curve.

    Attributes:
        rewritten: By index, the counts that are now sums over merged points.
        hidden: Indices of the rows to hide.
        grid: Step to which every estimate of the curve is rounded; None keeps them as they are.
        totals: Whether the totals of events may be shown: the rest after the last published point
            is nobody, or enough, of each kind.
        dropped: Indices of the rows to leave out: hidden points after the last one that shows
            anything, the last of which is the day on which one person's follow-up ended.
    """

    rewritten: dict[int, int]
    hidden: frozenset[int]
    grid: float | None = None
    dropped: frozenset[int] = frozenset()
    totals: bool = False


def outcome_of(entry: Entry) -> str:
    """Return the outcome that a row of survival is about.

    Raises:
        PolicyError: its settings name none.
    """
    if not entry.settings.extra.get("outcome"):
        raise PolicyError(
            "The settings of a survival result do not name its outcome.",
            remedy="Give the setting outcome, as CohortSurvival does.",
        )
    return entry.settings.extra["outcome"]


def rival_of(entry: Entry) -> str | None:
    """Return the competing outcome that a row of survival is about, if there is one."""
    named_rival = entry.settings.extra.get("competing_outcome", "none")
    return None if named_rival == "none" else named_rival


def curve_cell(entries: Iterable[Entry]) -> Key:
    """Return the cell of the persons at risk at the first time of one curve."""
    first = next(iter(entries))
    stratum = named("", levels_of(first))
    group = (first.group[0], outcome_of(first))
    return ("curve", first.row.cdm_name, first.row.result_id, stratum, *group)


def beside_others(drawn: Iterable[list[Entry]]) -> list[Key]:
    """Return the cells of curves to hide beside another result's curve on the same cohort.

    With an outcome in common, such curves count the same persons on other days, with another
    washout or another end of follow-up, and no rule knows which differences those tell. Without
    competing events the curves of the first result stay.
    """
    found: dict[Key, list[tuple[frozenset[str], int, Key, bool]]] = {}
    for curve in drawn:
        first = curve[0]
        rival = rival_of(first)
        outcomes = frozenset({outcome_of(first), *([] if rival is None else [rival])})
        competes = any(one.role is Role.COMPETING for one in curve)
        place: Key = (first.row.cdm_name, first.group[0])
        mine = (outcomes, first.row.result_id, curve_cell(curve), competes)
        found.setdefault(place, []).append(mine)
    return [
        cell
        for alike in found.values()
        for outcomes, number, cell, competes in alike
        if any(
            outcomes & other and before != number and (competes or (before < number and not rivals))
            for other, before, _, rivals in alike
        )
    ]


def relate_start(algebra: Algebra, cell: Key, whole: Key) -> Key | None:
    """Add who is in the cohort but does not start the curve; return their cell if it is known.

    Raises:
        PolicyError: more persons start than the cohort has.
    """
    if whole not in algebra:
        return None
    rest: Key = ("left out", *cell)
    if not algebra.remainder(rest, whole, [cell]):
        raise PolicyError(
            "More persons start a curve than are in its cohort.",
            remedy="Run the study again; a result that does not add up is never published.",
        )
    algebra.split(whole, [cell, rest])
    return rest


def judge(entries: list[Entry], profile: Profile) -> CurveVerdict:
    """Return what to hide and what to rewrite in one curve whose start may be published.

    Raises:
        PolicyError: a point is incomplete or the counts do not add up.
    """
    points = points_of(entries)
    start = points[0].count(Role.AT_RISK)
    hidden = {one.index for one in entries}
    rewritten: dict[int, int] = {}
    if start is None or start < profile.threshold:
        return hidden_whole(entries)
    hidden -= {one.index for one in points[0].rows if one.role is Role.AT_RISK}
    events = competing = censored = gone = 0
    before = start
    coarse: set[int] = set()
    known = True
    for point in points:
        counts = point.counts()
        if counts is None:
            known = False
            break
        events, competing = events + counts[0], competing + counts[1]
        censored, at_risk = censored + counts[2], counts[3]
        gone += sum(counts[:3])
        if gone > start:
            raise _impossible()
        left = start - gone
        steps = (events, competing, censored, left)
        if (
            at_risk < profile.threshold
            or any(map(profile.is_small, steps))
            or bounds_leavers(before, at_risk, left, events + competing, profile)
        ):
            if not point.competes and shows_coarsely(start, before, min(at_risk, left), profile):
                coarse |= {one.index for one in point.rows if one.row.estimate_name == "estimate"}
            continue
        # Leavers of this very day, or of the days since the last point, come out by subtraction.
        tells = bool(gone) and any(map(profile.is_small, (abs(at_risk - left), before - at_risk)))
        before = left
        hidden -= {one.index for one in point.rows if not (tells and one.role is Role.AT_RISK)}
        rewritten |= point.sums(events, competing, censored)
        events = competing = censored = 0
    grid = coarse_grid(start, profile) if coarse else None
    hidden -= coarse if grid else set()
    # Who is not seen to leave is counted with the censored: nobody is followed for ever.
    rest = (events, competing, before - events - competing)
    totals = known and not any(map(profile.is_small, rest))
    return CurveVerdict(rewritten, frozenset(hidden), grid, hidden_tail(points, hidden), totals)


def bounds_leavers(before: int, at_risk: int, left: int, events: int, profile: Profile) -> bool:
    """Return whether a last point would tell, too closely, how few left before its day.

    Args:
        before: Followed after the last published point.
        at_risk: At risk at this one.
        left: Followed after it; the rule is about none.
        events: Of any kind, since the last published point. With them and censored persons, exact
            estimates tell an order, and so that some left on an earlier day.
        profile: The rules.
    """
    bounded = events > 0 or before - profile.threshold < profile.possible_values
    return left == 0 and profile.is_small(before - at_risk) and bounded


def shows_coarsely(start: int, before: int, followed: int, profile: Profile) -> bool:
    """Return whether so many are followed at a hidden point that its estimate may show coarsely.

    Args:
        start: Start the curve.
        before: Followed after the last published point.
        followed: At risk at this one, and followed after it.
        profile: The rules.
    """
    share = profile.curve_share * start
    return followed >= share and before - share >= profile.threshold - 1


def hidden_whole(entries: list[Entry]) -> CurveVerdict:
    """Return the verdict on a curve that shows nothing."""
    hidden = {one.index for one in entries}
    return CurveVerdict({}, frozenset(hidden), None, hidden_tail(points_of(entries), hidden))


def hidden_tail(points: list[Point], hidden: set[int]) -> frozenset[int]:
    """Return the rows after the last point that shows anything; the first point stays."""
    tail: set[int] = set()
    for point in reversed(points[1:]):
        rows = {one.index for one in point.rows}
        if not rows <= hidden:
            break
        tail |= rows
    return frozenset(tail)


def coarse_grid(start: int, profile: Profile) -> float | None:
    """Return the finest grid on which hidden points of a curve may show, or None if none is."""
    at_risk = profile.curve_share * start
    fits = (one for one in profile.curve_grids if one / 2 * at_risk >= profile.possible_values)
    return min(fits, default=None)


def points_of(entries: list[Entry]) -> list[Point]:
    """Return the points of a curve by time.

    Raises:
        PolicyError: a time is no whole number of days.
    """
    found: dict[int, Point] = {}
    for entry in entries:
        level = entry.row.additional_level
        if not (level.isascii() and level.isdigit()):
            raise PolicyError(
                "A time of a curve is no whole number of days.", remedy="Run the study again."
            )
        found.setdefault(int(level), Point(int(level))).rows.append(entry)
    return [found[time] for time in sorted(found)]


def _impossible() -> PolicyError:
    return PolicyError(
        "More persons leave a curve than start it.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
