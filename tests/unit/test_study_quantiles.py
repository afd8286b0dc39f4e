"""Quantiles of survival where a line stays exactly at a share, or never reaches it."""

import pytest

from laennec.study.estimators_quantiles import SurvivalQuantile, survival_quantiles


def day(events: dict[int, int], censored: dict[int, int], share: float) -> float | None:
    (found,) = survival_quantiles(events, censored, [share])
    return found.day


def test_the_first_day_on_which_the_curve_is_below() -> None:
    assert day({1: 1, 2: 1, 5: 1}, {9: 2}, 0.5) == 5


def test_where_the_curve_stays_exactly_at_the_share_the_middle_counts() -> None:
    assert day({1: 1, 4: 1, 9: 1}, {9: 1}, 0.5) == 6.5


def test_at_the_end_of_the_curve_there_is_no_next_fall() -> None:
    assert day({1: 1, 4: 1}, {9: 2}, 0.5) == 4


def test_a_share_that_is_not_reached_has_no_day() -> None:
    assert day({1: 1}, {9: 3}, 0.5) is None
    assert day({}, {9: 3}, 0.5) is None


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_limits_may_not_be_reached(share: float) -> None:
    """At 0 the limits of the curve are undefined, as in R."""
    (found,) = survival_quantiles({3: 2, 8: 2}, {}, [share])
    assert found.upper is None
    assert found == SurvivalQuantile(3 if share == 0.25 else 5.5, 3, None)
