"""Kaplan-Meier, its quantiles and means, and Aalen-Johansen against lifelines, to 1e-9.

lifelines is for tests only (``requirements-parts.lock``). It breaks ties of competing events by
moving them apart, so the rows compared with it have none; ties are checked by hand below.
"""

import math
import random
from collections import Counter

import pytest

from laennec.core.restricted_means import days_after, days_without
from laennec.study.estimators import aalen_johansen, kaplan_meier
from laennec.study.estimators_quantiles import survival_quantiles

lifelines = pytest.importorskip("lifelines", reason="lifelines is not installed")

EXACT = 1e-9
Rows = list[tuple[int, int]]
"""Days of follow-up, and what ended it: 0 censored, 1 the event, 2 a competing one."""


def by_day(rows: Rows, what: int) -> Counter[int]:
    return Counter(day for day, ended in rows if ended == what)


def made(seed: int, *, size: int, most: int, ties: bool, entry: bool = False) -> Rows:
    """Random rows; without ties no two end on one day; with ``entry`` some end on day 0."""
    draw = random.Random(seed)  # noqa: S311
    first = 0 if entry else 1
    days = [draw.randint(first, most) for _ in range(size)]
    if not ties:
        days = draw.sample(range(first, most), size)
    return [(day, draw.choices([0, 1, 2], [3, 4, 2])[0]) for day in days]


def within(rows: Rows, horizon: int) -> Rows:
    """End follow-up at a horizon."""
    return [(day, ended) if day <= horizon else (horizon, 0) for day, ended in rows]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("entry", [False, True])
def test_kaplan_meier_is_that_of_lifelines(seed: int, entry: bool) -> None:
    rows = within(made(seed, size=120, most=60, ties=True, entry=entry), 40)
    events = Counter(day for day, ended in rows if ended == 1)
    censored = Counter(day for day, ended in rows if ended != 1)
    fitter = lifelines.KaplanMeierFitter(alpha=0.05)
    fitter.fit([day for day, _ in rows], [ended == 1 for _, ended in rows])
    limits = fitter.confidence_interval_survival_function_
    for point in kaplan_meier(events, censored, step=1, horizon=40):
        theirs = fitter.survival_function_at_times(point.day).iloc[0]
        assert 1 - point.incidence == pytest.approx(theirs, abs=EXACT)
        at = limits.index[limits.index <= point.day].max()
        lower, upper = limits.loc[at]
        if 0 < point.incidence < 1:
            assert 1 - point.upper == pytest.approx(lower, abs=EXACT)
            assert 1 - point.lower == pytest.approx(upper, abs=EXACT)


@pytest.mark.parametrize("seed", range(8))
def test_aalen_johansen_is_that_of_lifelines(seed: int) -> None:
    rows = within(made(seed, size=80, most=300, ties=False), 250)
    fitter = lifelines.AalenJohansenFitter(alpha=0.05)
    fitter.fit([day for day, _ in rows], [ended for _, ended in rows], event_of_interest=1)
    shares = fitter.cumulative_density_.iloc[:, 0]
    limits = fitter.confidence_interval_
    found = list(aalen_johansen(*(by_day(rows, n) for n in (1, 2, 0)), step=1, horizon=250))
    assert len(found) > 200
    for point in found:
        at = shares.index[shares.index <= point.day].max()
        assert point.incidence == pytest.approx(shares.loc[at], abs=EXACT)
        if 0 < point.incidence < 1:
            lower, upper = limits.loc[at]
            assert point.lower == pytest.approx(lower, abs=EXACT)
            assert point.upper == pytest.approx(upper, abs=EXACT)


def test_without_competing_events_the_incidence_is_that_of_kaplan_meier() -> None:
    rows = made(3, size=120, most=60, ties=True, entry=True)
    alone, lost = by_day(rows, 1), Counter(day for day, ended in rows if ended != 1)
    expected = kaplan_meier(alone, lost, step=7, horizon=60)
    for ours, theirs in zip(
        aalen_johansen(alone, {}, lost, step=7, horizon=60), expected, strict=True
    ):
        assert ours.incidence == pytest.approx(theirs.incidence, abs=EXACT)
        assert (ours.day, ours.at_risk, ours.events, ours.censored) == (
            theirs.day,
            theirs.at_risk,
            theirs.events,
            theirs.censored,
        )


def test_events_of_both_kinds_on_one_day() -> None:
    """Ten persons; on day 5 two have the event and three the other, on day 9 one the event.

    Day 5 adds 2/10, and leaves 1 - 5/10 without either; one is censored on day 7, so day 9 adds
    1/2 × 1/4.
    """
    points = aalen_johansen({5: 2, 9: 1}, {5: 3}, {7: 1, 10: 3}, step=5, horizon=10)
    day_0, day_5, day_10 = points
    assert (day_0.incidence, day_0.at_risk) == (0.0, 10)
    assert (day_5.incidence, day_5.events, day_5.competing, day_5.at_risk) == (0.2, 2, 3, 10)
    assert math.isclose(day_10.incidence, 0.2 + 0.5 / 4)
    assert (day_10.events, day_10.competing, day_10.censored, day_10.at_risk) == (1, 0, 4, 3)


SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.mark.parametrize("seed", range(8))
def test_quantiles_and_their_limits_are_those_of_lifelines(seed: int) -> None:
    rows = made(seed, size=120, most=60, ties=True, entry=True)
    events, censored = by_day(rows, 1), Counter(day for day, ended in rows if ended != 1)
    fitter = lifelines.KaplanMeierFitter(alpha=0.05)
    fitter.fit([day for day, _ in rows], [ended == 1 for _, ended in rows])
    curve, limits = fitter.survival_function_, fitter.confidence_interval_survival_function_
    for share, found in zip(SHARES, survival_quantiles(events, censored, SHARES), strict=True):
        theirs = (
            curve.iloc[:, 0],
            limits["KM_estimate_lower_0.95"],
            limits["KM_estimate_upper_0.95"],
        )
        for mine, line in zip((found.day, found.lower, found.upper), theirs, strict=True):
            # On the rows of these seeds no line stays exactly at a share, where lifelines differs.
            below = line.index[(line <= 1 - share) & (curve.iloc[:, 0] > 0)]
            reached = line is theirs[0] and bool((line <= 1 - share).any())
            first = line.index[line <= 1 - share].min() if reached else below.min()
            assert mine == (None if math.isnan(first) else first)


@pytest.mark.parametrize("seed", range(8))
def test_the_restricted_mean_is_that_of_lifelines(seed: int) -> None:
    rows = within(made(seed, size=120, most=60, ties=True, entry=True), 40)
    events, censored = by_day(rows, 1), Counter(day for day, ended in rows if ended != 1)
    fitter = lifelines.KaplanMeierFitter()
    fitter.fit([day for day, _ in rows], [ended == 1 for _, ended in rows])
    theirs = lifelines.utils.restricted_mean_survival_time(fitter, t=40)
    found = days_without(events, censored, horizon=40)
    assert found is not None
    assert found.days == pytest.approx(theirs, abs=EXACT)


@pytest.mark.parametrize("seed", range(8))
def test_days_after_an_event_are_the_area_under_its_incidence(seed: int) -> None:
    rows = within(made(seed, size=80, most=300, ties=False), 250)
    fitter = lifelines.AalenJohansenFitter(calculate_variance=False)
    fitter.fit([day for day, _ in rows], [ended for _, ended in rows], event_of_interest=1)
    shares = fitter.cumulative_density_.iloc[:, 0]
    until = [*shares.index[1:], 250.0]
    area = sum(
        share * (end - start) for share, start, end in zip(shares, shares.index, until, strict=True)
    )
    found = days_after(*(by_day(rows, n) for n in (1, 2, 0)), horizon=250)
    assert found is not None
    assert found.days == pytest.approx(area, abs=EXACT)
