"""Days up to a horizon without an event, and days after one: areas over and under a curve.

The restricted mean survival time is the area under Kaplan and Meier's curve up to the horizon; with
competing events the area under the cumulative incidence of Aalen and Johansen is the time after the
event (Andersen 2013). The standard error is that of the infinitesimal jackknife, which for
one kind of event is Greenwood's (R's ``survival``: ``print(survfit(...), rmean = horizon)``).

Pure functions of counts by day.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Days = Mapping[int, int]
"""Day since entry to number of persons."""


@dataclass(frozen=True)
class RestrictedMean:
    """A mean number of days and its standard error."""

    days: float
    error: float

    def limits(self) -> tuple[float, float]:
        """Return the 95 % limits, symmetric and not cut off at 0 or at the horizon."""
        return self.days - Z * self.error, self.days + Z * self.error


def days_without(events: Days, censored: Days, *, horizon: int) -> RestrictedMean | None:
    """Return the restricted mean survival time.

    Args:
        events: Persons with the event, by day; none after the horizon.
        censored: Persons last seen without it, by day; none after the horizon.
        horizon: In days.

    Returns:
        None when nobody was followed, or nobody to the horizon while some had no event: then the
        curve is not known that far.
    """
    after = days_after(events, {}, censored, horizon=horizon)
    return None if after is None else RestrictedMean(horizon - after.days, after.error)


def days_after(
    events: Days, competing: Days, censored: Days, *, horizon: int
) -> RestrictedMean | None:
    """Return the mean of the days between the event and the horizon, 0 for who has none.

    Args:
        events: Persons with the event, by day; none after the horizon.
        competing: Persons with one that forestalls it.
        censored: Persons last seen without either.
        horizon: In days.

    Returns:
        None as for ``days_without``.
    """
    jumps = _jumps(events, competing, censored)
    free = jumps[-1].free_after if jumps else 1.0
    seen_until = max({*events, *competing, *censored}, default=-1)
    if seen_until < 0 or (seen_until < horizon and free > 0):
        return None
    added = [(horizon - one.day) * one.free * one.events / one.at_risk for one in jumps]
    later = [math.fsum(added[n + 1 :]) for n in range(len(added))]
    variance = math.fsum(
        one.variance(horizon - one.day, rest) for one, rest in zip(jumps, later, strict=True)
    )
    return RestrictedMean(math.fsum(added), math.sqrt(variance))


@dataclass(frozen=True)
class _Jump:
    """A day with events: share free of both kinds before and after it."""

    day: int
    at_risk: int
    events: int
    competing: int
    free: float

    @property
    def free_after(self) -> float:
        return self.free * (self.at_risk - self.events - self.competing) / self.at_risk

    def variance(self, remaining: int, later: float) -> float:
        """What the day adds to the variance; ``later`` is what later days add to the area."""
        left = self.at_risk - self.events - self.competing
        lost = later * self.at_risk / left if left else 0.0
        by_event, by_competing = remaining * self.free - lost, -lost
        squares = self.events * by_event**2 + self.competing * by_competing**2
        mean = (self.events * by_event + self.competing * by_competing) ** 2 / self.at_risk
        return max(0.0, squares - mean) / self.at_risk**2


def _jumps(events: Days, competing: Days, censored: Days) -> list[_Jump]:
    """The days with events, in order; who is censored on a day is at risk on it."""
    at_risk = sum(sum(one.values()) for one in (events, competing, censored))
    free = 1.0
    found: list[_Jump] = []
    for day in sorted({*events, *competing, *censored}):
        counts = [one.get(day, 0) for one in (events, competing, censored)]
        if counts[0] or counts[1]:
            found.append(_Jump(day, at_risk, counts[0], counts[1], free))
            free = found[-1].free_after
        at_risk -= sum(counts)
    return found
