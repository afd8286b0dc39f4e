"""The end of a curve, and the edge of coarse points: bounds of the rules that bound small counts.

All small curves of two days are judged, those that nobody follows any more included, with a
threshold of 3. Those with one output are what the attacker cannot tell apart.
"""

import itertools
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from adversarial.brute_force import THREE
from laennec.disclosure import load_profile
from laennec.disclosure.curves import CurveVerdict, judge
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.profiles import Profile
from laennec.omop.summarised_result import ResultRow, ResultSettings

MOST = 9
ROLES = {
    "n_risk_count": Role.AT_RISK,
    "n_events_count": Role.EVENTS,
    "n_censor_count": Role.CENSORED,
    "estimate": Role.CURVE,
}
Point = tuple[int, int, int]
"""At risk on a day; events and censored since the day before, that day included."""


def entries(points: tuple[Point, ...]) -> list[Entry]:
    return [
        _entry(4 * number + place, name, 10 * number, count)
        for number, point in enumerate(points)
        for place, (name, count) in enumerate(zip(ROLES, (*point, None), strict=True))
    ]


@cache
def _row(name: str, time: int) -> ResultRow:
    start = (1, "hub", "target_cohort", "users", "overall", "overall")
    return ResultRow(*start, "outcome", "bleed", name, "integer", "0", "time", str(time))


@cache
def _entry(index: int, name: str, time: int, count: int | None) -> Entry:
    settings = ResultSettings(1, "survival_events", "laennec", "0", {"outcome": "bleed"})
    return Entry(index, _row(name, time), settings, ROLES[name], count)


def output(points: tuple[Point, ...], profile: Profile) -> tuple[tuple[int, int | None], ...]:
    """What is published of each row that is there; None for a hidden one, -1 for an estimate.

    The total of events comes last, where it is published.
    """
    rows = entries(points)
    verdict: CurveVerdict = judge(rows, profile)
    total = sum(events for _, events, _ in points) if verdict.totals else None
    return (
        *(
            (
                one.index,
                None
                if one.index in verdict.hidden
                else verdict.rewritten.get(one.index, -1 if one.count is None else one.count),
            )
            for one in rows
            if one.index not in verdict.dropped
        ),
        (-1, None if verdict.grid is None else 1),
        (-2, total),
    )


def all_curves() -> Iterator[tuple[Mapping[str, int], tuple[Point, ...]]]:
    """Who leaves on day 10, before day 20, on it, and after: events and censored."""
    for counts in itertools.product(range(MOST + 1), repeat=7):
        e1, x1, before_e, before_x, on_e, on_x, later = counts
        start = sum(counts)
        if not THREE.threshold <= start <= MOST:
            continue
        left = start - e1 - x1
        at_risk = left - before_e - before_x
        points = ((start, 0, 0), (start, e1, x1), (at_risk, before_e + on_e, before_x + on_x))
        secrets = {
            "events by day 10": e1,
            "censored by day 10": x1,
            "events by day 20": before_e + on_e,
            "censored by day 20": before_x + on_x,
            "leavers between the days": before_e + before_x,
            "leavers on day 20": on_e + on_x,
            "later": later,
        }
        yield secrets, points


def test_no_small_number_of_leavers_is_told_wherever_the_curve_ends() -> None:
    alike: dict[object, list[Mapping[str, int]]] = {}
    large = []
    for secrets, points in all_curves():
        found = output(points, THREE)
        alike.setdefault(found, []).append(secrets)
        if points[0][0] <= MOST - 2:  # so that those it may be taken for are among the curves
            large.append(found)
    for found in set(large):
        for name in alike[found][0]:
            known = {one[name] for one in alike[found]}
            assert len(known) > 1 or not any(map(THREE.is_small, known)), (name, known, found)


@pytest.mark.parametrize("before", [11, 12, 13, 15, 16, 20, 40])
def test_a_last_point_keeps_enough_numbers_of_leavers_before_its_day(before: int) -> None:
    """Of ``before`` persons who start, some are censored early and the others on the last day."""
    profile = load_profile("france-11")
    alike: dict[object, set[int]] = {}
    for early in range(before + 1):
        points = ((before, 0, 0), (before - early, 0, before))
        alike.setdefault(output(points, profile), set()).add(early)
    for known in alike.values():
        assert len(known) >= profile.possible_values or not any(map(profile.is_small, known))


@pytest.mark.parametrize("start", [1000, 2000])
@pytest.mark.parametrize("spare", [0, 1, 2, 9, 10, 20])
def test_that_a_point_shows_coarsely_bounds_no_small_count(start: int, spare: int) -> None:
    """A share of the start must be at risk at a coarse point; just above it, few can have left."""
    profile = load_profile("france-11")
    gone = round(start * (1 - profile.curve_share)) - spare
    alike: dict[object, set[int]] = {}
    for events in range(spare + 12):
        left = start - gone
        points = (
            (start, 0, 0),
            (start, gone - 20, 20),
            (left, events, 0),
            (left - events, 0, left - events),
        )
        alike.setdefault(output(points, profile), set()).add(events)
    for known in alike.values():
        assert len(known) >= profile.possible_values or not any(map(profile.is_small, known))
