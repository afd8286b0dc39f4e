"""Estimates from counts: quantiles, mean, rate with exact interval, Kaplan-Meier.

Pure functions of whole numbers, each with its published definition, so that the same counts give
the same text on every machine. Persons never come here.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.special import gammaincinv

DAYS_PER_YEAR = 365.25
RATE_PERSON_YEARS = 100_000
CONFIDENCE = 0.95
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Histogram = Mapping[int, int]
"""Value to number of persons who have it; every number is at least 1."""


def quantile(histogram: Histogram, share: float) -> int:
    """Return the smallest value that at least ``share`` of the persons do not exceed.

    The inverse of the empirical distribution (R's type 1): always a value that somebody has.

    Raises:
        ValueError: the histogram is empty.
    """
    needed = share * sum(histogram.values())
    reached = 0
    for value in sorted(histogram):
        reached += histogram[value]
        if reached >= needed:
            return value
    raise ValueError("a histogram of nobody has no quantile")


def mean(histogram: Histogram) -> float:
    """Return the mean, from exact sums."""
    return sum(value * n for value, n in histogram.items()) / sum(histogram.values())


def standard_deviation(histogram: Histogram) -> float | None:
    """Return the sample standard deviation (divisor n - 1), or None for fewer than two persons."""
    n = sum(histogram.values())
    if n < 2:
        return None
    total = sum(value * count for value, count in histogram.items())
    squares = sum(value * value * count for value, count in histogram.items())
    return math.sqrt((n * squares - total * total) / (n * (n - 1)))


@dataclass(frozen=True)
class Rate:
    """Events per 100,000 person-years with its exact 95 % limits."""

    person_years: float
    value: float
    lower: float
    upper: float


def rate(*, events: int, days: int) -> Rate:
    """Return the incidence rate as IncidencePrevalence computes it.

    Person-years are ``days / 365.25`` rounded to 3 decimals, and the rate and its limits are
    computed on the rounded figure. The limits are the exact Poisson ones (Garwood 1936):
    ``qchisq(0.025, 2 n) / 2`` and ``qchisq(0.975, 2 (n + 1)) / 2`` events.

    Args:
        events: Outcomes, at least 0.
        days: Person-days, at least 1, which is 0.003 person-years.
    """
    person_years = round(days / DAYS_PER_YEAR, 3)
    tail = (1 - CONFIDENCE) / 2
    lower = float(gammaincinv(events, tail)) if events else 0.0
    upper = float(gammaincinv(events + 1, 1 - tail))
    return Rate(
        person_years, *(n / person_years * RATE_PERSON_YEARS for n in (events, lower, upper))
    )


@dataclass(frozen=True)
class SurvivalPoint:
    """The Kaplan-Meier curve on one day.

    Attributes:
        day: Days since entry.
        at_risk: Persons neither with outcome nor censored before that day.
        events, censored: Persons since the previous point, this day included.
        incidence: One minus the survival after that day.
        lower, upper: Its 95 % limits.
    """

    day: int
    at_risk: int
    events: int
    censored: int
    incidence: float
    lower: float
    upper: float


def kaplan_meier(
    events: Histogram, censored: Histogram, *, step: int, horizon: int
) -> Iterator[SurvivalPoint]:
    """Yield the curve on days 0, step, 2 step, …, and the horizon.

    Who is censored on a day is at risk on that day. Limits: Greenwood's variance on the
    log(-log) scale; where the survival is 1 or 0 they are undefined and equal the estimate, as in
    R's ``survfit(conf.type = "log-log")``. The curve ends with the first point at which nobody is
    at risk, and is empty when nobody was followed.
    """
    at_risk = sum(events.values()) + sum(censored.values())
    if not at_risk:
        return
    survival, variance = 1.0, 0.0
    days = deque(sorted({*events, *censored}))
    for point in _points(step, horizon):
        seen = lost = 0
        on_point = at_risk
        while days and days[0] <= point:
            day = days.popleft()
            with_event, leaving = events.get(day, 0), censored.get(day, 0)
            survival *= 1 - with_event / at_risk
            variance += _greenwood(with_event, at_risk)
            seen, lost = seen + with_event, lost + leaving
            on_point = at_risk if day == point else at_risk - with_event - leaving
            at_risk -= with_event + leaving
        lower, upper = _limits(survival, variance)
        yield SurvivalPoint(point, on_point, seen, lost, 1 - survival, 1 - upper, 1 - lower)
        if not on_point:
            return


def _points(step: int, horizon: int) -> Iterator[int]:
    yield from range(0, horizon, step)
    yield horizon


def _greenwood(with_event: int, at_risk: int) -> float:
    """One day's term of Greenwood's variance; infinite when all have the event."""
    left = at_risk - with_event
    return with_event / (at_risk * left) if left else math.inf


def _limits(survival: float, variance: float) -> tuple[float, float]:
    """Lower and upper limit of a survival on the log(-log) scale."""
    if survival in (0.0, 1.0):
        return survival, survival
    half_width = Z * math.sqrt(variance) / abs(math.log(survival))
    return survival ** math.exp(half_width), survival ** math.exp(-half_width)
