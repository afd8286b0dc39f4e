"""Restricted means: by hand, and their error against a jackknife made by brute force."""

import math
import random
from collections import Counter

import pytest

from laennec.core.restricted_means import days_after, days_without

Rows = list[tuple[int, int]]


def by_day(rows: Rows, what: int) -> Counter[int]:
    return Counter(day for day, ended in rows if ended == what)


def test_area_under_a_curve_by_hand() -> None:
    """Five persons, events on days 2, 4 and 6: 2 + 2 × 4/5 + 2 × 3/5 + 4 × 2/5 days of 10."""
    found = days_without({2: 1, 4: 1, 6: 1}, {10: 2}, horizon=10)
    assert found is not None
    assert found.days == pytest.approx(6.4)
    assert found.error == pytest.approx(math.sqrt(4.4**2 / 20 + 2.8**2 / 12 + 1.6**2 / 6))
    assert found.limits() == pytest.approx((3.595128, 9.204872), abs=1e-6)


def test_days_after_with_a_competing_event_by_hand() -> None:
    """Of ten persons two have the event on day 5 and three the other, one the event on day 9."""
    found = days_after({5: 2, 9: 1}, {5: 3}, {10: 4}, horizon=10)
    assert found is not None
    assert found.days == pytest.approx(0.2 * 5 + 0.5 / 5 * 1)


@pytest.mark.parametrize(
    ("events", "censored", "known"),
    [
        ({}, {}, False),
        ({3: 1}, {9: 1}, False),
        ({3: 1}, {10: 1}, True),
        ({3: 2}, {}, True),
        ({}, {10: 2}, True),
    ],
)
def test_a_mean_is_known_as_far_as_somebody_is_followed(
    events: dict[int, int], censored: dict[int, int], known: bool
) -> None:
    assert (days_without(events, censored, horizon=10) is not None) == known


def test_everybody_has_the_event() -> None:
    found = days_without({3: 2}, {}, horizon=10)
    assert found is not None
    assert (found.days, found.error) == (3.0, 0.0)


def _weighted(rows: Rows, weights: list[float], horizon: int) -> float:
    """Days after event 1, of rows that count for their weights."""
    area, free = 0.0, 1.0
    at_risk = sum(weights)
    for day in sorted({one[0] for one in rows}):
        mine = [(row, weight) for row, weight in zip(rows, weights, strict=True) if row[0] == day]
        events, others, lost = (sum(w for row, w in mine if row[1] == n) for n in (1, 2, 0))
        area += free * events / at_risk * (horizon - day)
        free *= 1 - (events + others) / at_risk
        at_risk -= events + others + lost
        if at_risk < 1e-9:
            break
    return area


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kinds", [[0, 1], [0, 1, 2]])
def test_the_error_is_that_of_the_infinitesimal_jackknife(seed: int, kinds: list[int]) -> None:
    """Its square is the sum, over persons, of the squared change as their weight changes."""
    draw = random.Random(seed)  # noqa: S311
    rows = [(draw.randint(0, 20), draw.choice(kinds)) for _ in range(40)] + [(20, 0)]
    step = 1e-6
    changes = []
    for n in range(len(rows)):
        more, less = [1.0] * len(rows), [1.0] * len(rows)
        more[n] += step
        less[n] -= step
        changes.append((_weighted(rows, more, 20) - _weighted(rows, less, 20)) / (2 * step))
    found = days_after(*(by_day(rows, n) for n in (1, 2, 0)), horizon=20)
    assert found is not None
    assert found.days == pytest.approx(_weighted(rows, [1.0] * len(rows), 20), abs=1e-9)
    assert found.error**2 == pytest.approx(sum(one**2 for one in changes), rel=1e-6)
