"""Estimators against published definitions, other libraries and figures worked out by hand."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from laennec.study.estimates_rows import number
from laennec.study.estimators import (
    aalen_johansen,
    kaplan_meier,
    mean,
    quantile,
    rate,
    standard_deviation,
)

histograms = st.dictionaries(st.integers(-50, 20_000), st.integers(1, 40), min_size=1, max_size=12)


def _expand(histogram: dict[int, int]) -> list[int]:
    return sorted(value for value, n in histogram.items() for _ in range(n))


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1, 2, 3, 4], 0.5, 2),
        ([1, 2, 3], 0.5, 2),
        ([1, 2, 3, 4], 0.25, 1),
        ([1, 2, 3, 4, 5], 0.25, 2),
        ([1, 2, 3, 4], 0.75, 3),
        ([7], 0.0, 7),
        ([-1, 5], 1.0, 5),
    ],
)
def test_quantile_is_r_type_1(values: list[int], share: float, expected: int) -> None:
    assert quantile({value: values.count(value) for value in values}, share) == expected


def test_quantile_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        quantile({}, 0.5)


@settings(deadline=None, max_examples=100)
@given(histogram=histograms)
def test_moments_are_those_of_the_persons(histogram: dict[int, int]) -> None:
    values = _expand(histogram)
    assert math.isclose(mean(histogram), statistics.fmean(values), abs_tol=1e-9)
    found = standard_deviation(histogram)
    if len(values) < 2:
        assert found is None
    else:
        assert found is not None
        assert math.isclose(found, statistics.stdev(values), rel_tol=1e-9, abs_tol=1e-9)
    assert quantile(histogram, 0) == values[0]
    assert quantile(histogram, 1) == values[-1]


@settings(deadline=None, max_examples=100)
@given(events=st.integers(0, 5000), days=st.integers(1, 10**9))
def test_rate_is_that_of_incidence_prevalence(events: int, days: int) -> None:
    found = rate(events=events, days=days)
    years = round(days / 365.25, 3)
    lower = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    upper = chi2.ppf(0.975, 2 * (events + 1)) / 2
    assert found.person_years == years
    assert math.isclose(found.value, events / years * 100_000)
    assert math.isclose(found.lower, lower / years * 100_000, rel_tol=1e-9)
    assert math.isclose(found.upper, upper / years * 100_000, rel_tol=1e-9)


def test_rate_of_ten_events_in_a_thousand_years() -> None:
    found = rate(events=10, days=365_250)
    written = [number(one, "rate") for one in (found.value, found.lower, found.upper)]
    assert written == ["1000", "479.539", "1839.036"]


def test_curve_by_hand() -> None:
    """Five persons: events on days 2 and 4, censored on days 2, 3 and 5."""
    points = list(kaplan_meier({2: 1, 4: 1}, {2: 1, 3: 1, 5: 1}, step=2, horizon=5))
    assert [(one.day, one.at_risk, one.events, one.censored) for one in points] == [
        (0, 5, 0, 0),
        (2, 5, 1, 1),
        (4, 2, 1, 1),
        (5, 1, 0, 1),
    ]
    assert [round(one.incidence, 6) for one in points] == [0.0, 0.2, 0.6, 0.6]
    # log(-log) limits of R's survfit for S = 0.8 with variance term 1 / (5 * 4).
    lower, upper = points[1].lower, points[1].upper
    width = 1.959963984540054 * math.sqrt(0.05) / abs(math.log(0.8))
    assert math.isclose(lower, 1 - 0.8 ** math.exp(-width))
    assert math.isclose(upper, 1 - 0.8 ** math.exp(width))
    assert (round(lower, 4), round(upper, 4)) == (0.0308, 0.7962)


def test_limits_where_they_are_undefined() -> None:
    points = list(kaplan_meier({1: 2}, {}, step=1, horizon=9))
    assert [(one.day, one.incidence, one.lower, one.upper) for one in points] == [
        (0, 0.0, 0.0, 0.0),
        (1, 1.0, 1.0, 1.0),
        (2, 1.0, 1.0, 1.0),
    ]


@given(outcomes=st.dictionaries(st.integers(0, 60), st.integers(1, 9), min_size=1, max_size=40))
def test_limits_of_an_incidence_that_is_1_but_for_rounding_equal_it(
    outcomes: dict[int, int],
) -> None:
    last = list(aalen_johansen(outcomes, {}, {}, step=1, horizon=60))[-1]
    assert math.isclose(last.incidence, 1.0)
    assert last.lower == last.upper == last.incidence


def test_curve_ends_when_nobody_is_left_and_of_nobody_is_empty() -> None:
    assert [one.day for one in kaplan_meier({}, {3: 4}, step=2, horizon=10**7)] == [0, 2, 4]
    assert list(kaplan_meier({}, {}, step=1, horizon=10)) == []


@settings(deadline=None, max_examples=100)
@given(
    events=st.dictionaries(st.integers(0, 30), st.integers(1, 5), max_size=8),
    censored=st.dictionaries(st.integers(0, 30), st.integers(1, 5), max_size=8),
    step=st.integers(1, 12),
)
def test_curve_properties(events: dict[int, int], censored: dict[int, int], step: int) -> None:
    points = list(kaplan_meier(events, censored, step=step, horizon=30))
    assert sum(one.events for one in points) == sum(events.values())
    assert sum(one.censored for one in points) == sum(censored.values())
    fine = {one.day: one for one in kaplan_meier(events, censored, step=1, horizon=30)}
    for one in points:
        gone = sum(n for each in (events, censored) for day, n in each.items() if day < one.day)
        everyone = sum(events.values()) + sum(censored.values())
        assert one.at_risk == everyone - gone
        if one.day in fine:
            assert one.incidence == fine[one.day].incidence
        assert 0 <= one.lower <= one.incidence <= one.upper <= 1
    assert [one.incidence for one in points] == sorted(one.incidence for one in points)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.0, "rate", "0"),
        (-0.001, "mean", "0"),
        (12.0, "mean", "12"),
        (1234567.891, "rate", "1234567.891"),
        (2.5e-7, "probability", "0"),
        (1e20, "rate", "100000000000000000000"),
        (99.995, "percentage", "100"),
        (33.333333, "percentage", "33.33"),
        (100.0, "percentage", "100"),
    ],
)
def test_numbers_as_text(value: float, kind: str, text: str) -> None:
    assert number(value, kind) == text
