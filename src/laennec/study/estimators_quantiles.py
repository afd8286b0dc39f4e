"""Quantiles of survival: the day by which a share of persons has had the event, with limits.

As R's ``survfit``: the first day on which Kaplan and Meier's curve is at or below one minus the
share; where it stays exactly there for a while, the middle between that day and the next fall. The
limits are where the limits of the curve reach it (Brookmeyer and Crowley 1982), on the log(-log)
scale as everywhere here.

Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from laennec.study.estimators import Histogram, greenwood, limits

_TOLERANCE = 1.4901161193847656e-08
"""The square root of the machine's epsilon: nearer numbers are equal, as for R."""


@dataclass(frozen=True)
class SurvivalQuantile:
    """A day and its 95 % limits; None where the curve, or its limit, does not come so low."""

    day: float | None
    lower: float | None
    upper: float | None


def survival_quantiles(
    events: Histogram, censored: Histogram, shares: Sequence[float]
) -> list[SurvivalQuantile]:
    """Return the quantiles of each share, 0 to 1, of persons with the event."""
    days: list[int] = []
    curve: list[tuple[float, float, float]] = []
    at_risk = sum(events.values()) + sum(censored.values())
    survival, variance = 1.0, 0.0
    for day in sorted({*events, *censored}):
        with_event = events.get(day, 0)
        if with_event:
            survival *= 1 - with_event / at_risk
            variance += greenwood(with_event, at_risk)
            undefined = (math.nan, math.nan)
            low, high = limits(survival, variance) if survival > 0 else undefined
            days.append(day)
            curve.append((survival, low, high))
        at_risk -= with_event + censored.get(day, 0)
    return [
        SurvivalQuantile(*(_reached(days, [one[n] for one in curve], 1 - share) for n in range(3)))
        for share in shares
    ]


def _reached(days: Sequence[int], values: Sequence[float], level: float) -> float | None:
    """The first day on which a falling line is at the level, or the middle of its stay there."""
    falls = [
        (day, value) for day, value in zip(days, values, strict=True) if value < level + _TOLERANCE
    ]
    if not falls:
        return None
    day, value = falls[0]
    if abs(value - level) < _TOLERANCE:
        lower = [later for later, below in falls if below < value]
        if lower:
            return (day + lower[0]) / 2
    return day
