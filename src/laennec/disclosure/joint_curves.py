"""Curves that add up, of a cohort and of its strata: what one curve hides, no other may tell.

Events and censored persons of the strata add up to those of the whole; so do those of a cohort and
of its persons who are, and are not, in another one. So the curves that add up
are published at *joint* points: the times at which every one of them could be published by the rule
of ``disclosure.curves``, and every complement too (the whole less the strata that are shown: who is
in no stratum, and the strata whose start is hidden). Between two joint points all of them are
merged, so a reader who subtracts one from another finds 0 or at least ``threshold``.

Totals of events are published of all curves or of none, and count as a last joint point would.

After the last joint point the parts show nothing more. Then nothing can be subtracted from the
whole, which goes on by the rule for one curve, if there is one whole. No point of such curves is
coarse.

Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Key
from laennec.disclosure.curves import (
    CurveVerdict,
    Point,
    bounds_leavers,
    hidden_tail,
    hidden_whole,
    points_of,
)
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile

State = tuple[int, int, int, int]
"""Events, competing and censored so far, the day itself included, and persons at risk on it."""


@dataclass
class _Track:
    """One curve, or what is left of one when others are taken away.

    Attributes:
        start: Persons who start it.
        states: By time.
        told: Events, competing and censored up to the last published point.
    """

    start: int
    states: Mapping[int, State]
    told: tuple[int, int, int] = (0, 0, 0)

    def may_show(self, time: int, profile: Profile) -> bool:
        """Return whether the rule for one curve lets this time be published."""
        *gone, at_risk = self.states[time]
        if sum(self.told) == self.start:
            return True
        left, before = self.start - sum(gone), self.start - sum(self.told)
        events, competing, censored = (n - m for n, m in zip(gone, self.told, strict=True))
        steps = (events, competing, censored, left)
        return (
            at_risk >= profile.threshold
            and not any(map(profile.is_small, steps))
            and not bounds_leavers(before, at_risk, left, events + competing, profile)
        )

    def may_total(self, profile: Profile) -> bool:
        """Return whether what the last published point leaves is nobody, or enough, of each."""
        *gone, _ = self.states[max(self.states)]
        events, competing = (n - m for n, m in zip(gone[:2], self.told[:2], strict=True))
        rest = (events, competing, self.start - sum(self.told) - events - competing)
        return not any(map(profile.is_small, rest))

    def tells_leavers(self, time: int, profile: Profile) -> bool:
        """Return whether the number at risk tells who left that day, or since the last point."""
        at_risk = self.states[time][3]
        gone = sum(self.states[time][:3])
        today, since = abs(at_risk - (self.start - gone)), self.start - sum(self.told) - at_risk
        return bool(gone) and any(map(profile.is_small, (today, since)))


def judge_together(
    curves: Mapping[Key, list[Entry]],
    sums: Sequence[tuple[Key, Sequence[Key]]],
    hidden: frozenset[Key],
    profile: Profile,
) -> dict[Key, CurveVerdict]:
    """Return what to hide and what to rewrite in curves that add up.

    Args:
        curves: By the cell of who starts.
        sums: A total with parts that do not overlap, and need not be all of it.
        hidden: Those whose start may not be published.
        profile: The rules.

    Returns:
        A verdict for each curve.

    Raises:
        PolicyError: a point is incomplete, or the counts do not add up.
    """
    points = {key: {one.time: one for one in points_of(rows)} for key, rows in curves.items()}
    times = sorted({time for mine in points.values() for time in mine})
    shown = {key: _track(mine, times) for key, mine in points.items() if key not in hidden}
    tracks = {key: track for key, track in shown.items() if track is not None}
    if len(tracks) < len(shown):
        return {key: hidden_whole(rows) for key, rows in curves.items()}
    judged = [*tracks.values(), *_complements(sums, tracks)]
    joint = _joint(judged, times, profile)
    told = {key: [time for time, _ in joint] for key in tracks}
    quiet = {time for time, tells in joint if tells}
    wholes = curves.keys() - {part for _, parts in sums for part in parts}
    if len(wholes) == 1 and wholes <= tracks.keys():
        (whole,) = wholes
        for time, tells in _joint([tracks[whole]], times[_after(joint, times) :], profile):
            told[whole].append(time)
            quiet |= {time} if tells else set()
    totals = all(one.may_total(profile) for one in judged)
    return {
        key: _verdict(points[key], told[key], quiet, totals=totals)
        if key in tracks
        else hidden_whole(rows)
        for key, rows in curves.items()
    }


def _after(joint: Sequence[tuple[int, bool]], times: Sequence[int]) -> int:
    """Place of the first time after the last joint one."""
    return times.index(joint[-1][0]) + 1 if joint else 0


def _track(points: Mapping[int, Point], times: Sequence[int]) -> _Track | None:
    """A curve over all times, with nothing after its end; None if the input hides it."""
    start = points[min(points)].count(Role.AT_RISK)
    sums = [0, 0, 0]
    states: dict[int, State] = {}
    for time in times:
        at_risk = 0
        if time in points:
            counts = points[time].counts()
            if counts is None:
                return None
            sums = [n + more for n, more in zip(sums, counts[:3], strict=True)]
            at_risk = counts[3]
        states[time] = (sums[0], sums[1], sums[2], at_risk)
    if start is None:
        return None
    if sum(sums) > start:
        raise _impossible()
    return _Track(start, states)


def _complements(
    sums: Sequence[tuple[Key, Sequence[Key]]], tracks: Mapping[Key, _Track]
) -> list[_Track]:
    """What is left of each total that is shown when its shown parts are taken away."""
    found = []
    for total, parts in sums:
        whole, known = tracks.get(total), [tracks[one] for one in parts if one in tracks]
        if whole is None or not known:
            continue
        start = whole.start - sum(one.start for one in known)
        states = {}
        for time, state in whole.states.items():
            taken = [sum(one.states[time][n] for one in known) for n in range(4)]
            less = (
                state[0] - taken[0],
                state[1] - taken[1],
                state[2] - taken[2],
                state[3] - taken[3],
            )
            if min(start, *less) < 0:
                raise _impossible()
            states[time] = less
        found.append(_Track(start, states))
    return found


def _joint(
    tracks: Sequence[_Track], times: Sequence[int], profile: Profile
) -> list[tuple[int, bool]]:
    """The times at which all may be shown, each with whether a number at risk tells too much."""
    found = []
    for time in times:
        if all(one.may_show(time, profile) for one in tracks):
            found.append((time, any(one.tells_leavers(time, profile) for one in tracks)))
            _tell(tracks, time)
    return found


def _tell(tracks: Sequence[_Track], time: int) -> None:
    for one in tracks:
        one.told = one.states[time][:3]


def _verdict(
    points: Mapping[int, Point], told: Sequence[int], quiet: set[int], *, totals: bool
) -> CurveVerdict:
    """Hide every point that is not told, and rewrite those that are as sums."""
    ordered = [points[time] for time in sorted(points)]
    hidden = {one.index for point in ordered for one in point.rows}
    hidden -= {one.index for one in ordered[0].rows if one.role is Role.AT_RISK}
    rewritten: dict[int, int] = {}
    sums = [0, 0, 0]
    for point in ordered:
        counts = point.counts() or (0, 0, 0, 0)
        sums = [n + more for n, more in zip(sums, counts[:3], strict=True)]
        if point.time in told:
            keep = point.time not in quiet
            hidden -= {one.index for one in point.rows if keep or one.role is not Role.AT_RISK}
            rewritten |= point.sums(*sums)
            sums = [0, 0, 0]
    tail = hidden_tail(ordered, hidden)
    return CurveVerdict(rewritten, frozenset(hidden), None, tail, totals)


def _impossible() -> PolicyError:
    return PolicyError(
        "Curves of parts of a cohort count more persons than the curve of the whole.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
