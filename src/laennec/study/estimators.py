"""Estimates from counts: quantiles, mean, rate with exact interval, Kaplan-Meier, Aalen-Johansen.

Pure functions of whole numbers, each with its published definition, so that the same counts give
the same text on every machine. Persons never come here.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.special import gammaincinv

from laennec.core.restricted_means import Z

DAYS_PER_YEAR = 365.25
RATE_PERSON_YEARS = 100_000
CONFIDENCE = 0.95
ROUNDING = 1e-9
"""How far from 1 a sum of shares may come that is 1: below one person's share of any cohort."""

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


def wilson(cases: int, persons: int) -> tuple[float, float, float]:
    """Return a share with its 95 % score limits (Wilson 1927), which stay within 0 and 1.

    Args:
        cases: At least 0, at most ``persons``.
        persons: At least 1.
    """
    share, squared = cases / persons, Z * Z
    middle = (cases + squared / 2) / (persons + squared)
    spread = math.sqrt(share * (1 - share) + squared / (4 * persons))
    half_width = Z * math.sqrt(persons) / (persons + squared) * spread
    return share, max(0.0, middle - half_width), min(1.0, middle + half_width)


@dataclass(frozen=True)
class SurvivalPoint:
    """The Kaplan-Meier curve on one day.

    Attributes:
        day: Days since entry.
        at_risk: Persons neither with outcome nor censored before that day.
        events, censored: Persons since the previous point, this day included.
        incidence: Share with an event by the end of that day.
        lower, upper: Its 95 % limits.
        competing: Persons with a competing event since the previous point, this day included.
    """

    day: int
    at_risk: int
    events: int
    censored: int
    incidence: float
    lower: float
    upper: float
    competing: int = 0


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
            variance += greenwood(with_event, at_risk)
            seen, lost = seen + with_event, lost + leaving
            on_point = at_risk if day == point else at_risk - with_event - leaving
            at_risk -= with_event + leaving
        lower, upper = limits(survival, variance)
        yield SurvivalPoint(point, on_point, seen, lost, 1 - survival, 1 - upper, 1 - lower)
        if not on_point:
            return


def aalen_johansen(
    events: Histogram, competing: Histogram, censored: Histogram, *, step: int, horizon: int
) -> Iterator[SurvivalPoint]:
    """Yield the cumulative incidence of an event that another one can forestall.

    On each day the share still without either event times events / persons at risk is added (Aalen
    and Johansen 1978). Limits: the delta method's variance (Marubini and Valsecchi 1995, 10.12),
    on the log(-log) scale; where the incidence is 0 or 1 they equal it. Days and ends of the curve
    are those of ``kaplan_meier``.
    """
    at_risk = sum(sum(one.values()) for one in (events, competing, censored))
    if not at_risk:
        return
    sums = _DeltaSums()
    days = deque(sorted({*events, *competing, *censored}))
    for point in _points(step, horizon):
        seen = forestalled = lost = 0
        on_point = at_risk
        while days and days[0] <= point:
            day = days.popleft()
            counts = [one.get(day, 0) for one in (events, competing, censored)]
            sums.add(counts[0], counts[1], at_risk)
            seen, forestalled, lost = seen + counts[0], forestalled + counts[1], lost + counts[2]
            on_point = at_risk if day == point else at_risk - sum(counts)
            at_risk -= sum(counts)
        share = sums.incidence
        lower, upper = limits(share, sums.variance() / (share * share) if share else 0.0)
        yield SurvivalPoint(point, on_point, seen, lost, share, lower, upper, forestalled)
        if not on_point:
            return


@dataclass
class _DeltaSums:
    """The cumulative incidence and the sums of which its variance is made, day by day.

    Attributes:
        free: Share without either event.
        incidence: Share with the event.
        weights: Sums of Greenwood's term times 1, the incidence of its day, and its square.
        own: Sum of the variance of the day's own addition.
        mixed: Sums of the covariance of both, times 1 and times the incidence of its day.
    """

    free: float = 1.0
    incidence: float = 0.0
    weights: tuple[float, float, float] = (0.0, 0.0, 0.0)
    own: float = 0.0
    mixed: tuple[float, float] = (0.0, 0.0)

    def add(self, events: int, competing: int, at_risk: int) -> None:
        """Take one day on."""
        self.incidence += self.free * events / at_risk
        left = at_risk - events - competing
        # When all have an event nothing is added later, and the term has no weight.
        term = (events + competing) / (at_risk * left) if left else 0.0
        here = self.incidence
        sums, mixed = self.weights, self.free * events / at_risk**2
        self.weights = (sums[0] + term, sums[1] + term * here, sums[2] + term * here * here)
        self.own += self.free**2 * events * (at_risk - events) / at_risk**3
        self.mixed = (self.mixed[0] + mixed, self.mixed[1] + mixed * here)
        self.free *= left / at_risk

    def variance(self) -> float:
        """The variance of the incidence so far."""
        here = self.incidence
        of_free = here * here * self.weights[0] - 2 * here * self.weights[1] + self.weights[2]
        return max(0.0, of_free + self.own - 2 * (here * self.mixed[0] - self.mixed[1]))


def _points(step: int, horizon: int) -> Iterator[int]:
    yield from range(0, horizon, step)
    yield horizon


def greenwood(with_event: int, at_risk: int) -> float:
    """Return one day's term of Greenwood's variance; infinite when all have the event."""
    left = at_risk - with_event
    return with_event / (at_risk * left) if left else math.inf


def limits(survival: float, variance: float) -> tuple[float, float]:
    """Return the limits on the log(-log) scale; the variance is divided by the square.

    At 0 and at 1 they are undefined, and equal the value; so they do where a sum of floats is 1 but
    for rounding.
    """
    if survival == 0.0 or survival > 1.0 - ROUNDING:
        return survival, survival
    half_width = Z * math.sqrt(variance) / abs(math.log(survival))
    return survival ** math.exp(half_width), survival ** math.exp(-half_width)
