"""Median, quantiles and restricted mean of a curve: read off what is published of it.

The exact quantile is a day on which the curve falls, and the exact restricted mean a sum of such
days: with the published points, either would narrow what hidden points count. So both are computed
anew from the published points alone, and tell nothing that those do not:

- a quantile is the first published day on which the published estimate is at or below one minus the
  share, its upper limit that on which the upper limit is, and its lower limit the last published
  day before the lower limit is: between two published days each is taken on the safe side;
- the restricted mean and its limits are those of the published counts, each put in the middle
  between two published days.

The total of events is shown when the events, competing and censored after the last published
point are each 0 or at least ``threshold``.

Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from laennec.core.restricted_means import RestrictedMean, days_after, days_without
from laennec.disclosure.curves import CurveVerdict, outcome_of, points_of, rival_of
from laennec.disclosure.kinds import HIDDEN, Entry, Role
from laennec.disclosure.survival import Analysis

_NA = "NA"
_QUANTILE = re.compile(r"(median|q[0-9]{2})_survival(?:_95CI_(lower|higher))?", re.ASCII)
_LIMITS = {None: "estimate", "lower": "estimate_95CI_lower", "higher": "estimate_95CI_upper"}
_COUNTED = {Role.EVENTS: "events", Role.COMPETING: "competing", Role.CENSORED: "censored"}

Histogram = dict[int, int]


@dataclass
class _Published:
    """What a reader sees of a curve.

    Attributes:
        start: Who starts it.
        estimates: By name, estimates by day, in order of the days.
        counts: By ``events``, ``competing``, ``censored``: counts by published day.
    """

    start: int
    estimates: dict[str, dict[int, float]] = field(default_factory=dict)
    counts: dict[str, Histogram] = field(default_factory=dict)

    @property
    def gone(self) -> int:
        return sum(sum(one.values()) for one in self.counts.values())

    @property
    def days(self) -> list[int]:
        """The days with published counts."""
        return sorted({day for one in self.counts.values() for day in one})


def read_summary(
    analysis: Analysis, verdict: CurveVerdict, shown: Mapping[int, str]
) -> dict[int, str]:
    """Return, by index, what is published of each row of the summary; ``HIDDEN`` if nothing is.

    Args:
        analysis: The rows of one curve.
        verdict: On the curve.
        shown: What is published of the rows of the curve, by index.
    """
    published = _published(analysis, shown)
    return {one.index: _read(one, verdict, published) for one in analysis.summary}


def _published(analysis: Analysis, shown: Mapping[int, str]) -> _Published | None:
    """What is published; None when not even who starts is."""
    points = points_of(analysis.curve)
    starts = [one for one in points[0].rows if one.role is Role.AT_RISK and one.index in shown]
    if not starts:
        return None
    found = _Published(int(shown[starts[0].index]))
    for point in points:
        for one in point.rows:
            text = shown.get(one.index, HIDDEN)
            if text == HIDDEN:
                continue
            if one.role in _COUNTED:
                found.counts.setdefault(_COUNTED[one.role], {})[point.time] = int(text)
            elif one.role is Role.CURVE:
                found.estimates.setdefault(one.row.estimate_name, {})[point.time] = float(text)
    return found


def _read(entry: Entry, verdict: CurveVerdict, published: _Published | None) -> str:
    if published is None:
        return HIDDEN
    match entry.role:
        case Role.PERSONS:
            return str(published.start)
        case Role.EVENTS | Role.COMPETING if verdict.totals and entry.count is not None:
            return str(entry.count)
        case Role.CURVE_QUANTILE if rival_of(entry) is None:
            return _quantile(entry, published)
        case Role.CURVE_MEAN:
            return _mean(entry, published)
        case _:
            return HIDDEN


def _quantile(entry: Entry, published: _Published) -> str:
    matched = _QUANTILE.fullmatch(entry.row.estimate_name)
    if matched is None:
        return HIDDEN
    name, limit = matched.groups()
    share = 0.5 if name == "median" else int(name[1:]) / 100
    series = published.estimates.get(_LIMITS[limit], {})
    before = 0
    for day, value in series.items():
        # Published numbers have few decimals: equal ones may differ by the error of a subtraction.
        if value <= 1 - share + 1e-9:
            return str(before if limit == "lower" else day)
        before = day
    to_the_end = published.gone == published.start or _horizon(entry) in series
    return _NA if to_the_end else HIDDEN


def _mean(entry: Entry, published: _Published) -> str:
    """The restricted mean of the published counts, in half days so that middles are whole."""
    horizon = _horizon(entry)
    same = entry.settings.extra.get("restricted_mean_follow_up") == str(horizon)
    if horizon is None or not same or published.gone != published.start:
        return HIDDEN
    halves = {name: _in_the_middle(one, published.days) for name, one in published.counts.items()}
    events, competing = halves.get("events", {}), halves.get("competing", {})
    censored = halves.get("censored", {})
    last = published.counts.get("censored", {}).get(horizon, 0)
    if last:  # Most are followed to the horizon: they leave on that day, not before.
        middle = max(censored)
        censored = {**censored, middle: 0, 2 * horizon: last}
    mean: RestrictedMean | None
    if rival_of(entry) is None:
        mean = days_without(events, censored, horizon=2 * horizon)
    elif entry.row.variable_level == outcome_of(entry):
        mean = days_after(events, competing, censored, horizon=2 * horizon)
    else:
        mean = days_after(competing, events, censored, horizon=2 * horizon)
    if mean is None:
        return _NA
    lower, upper = mean.limits()
    name = entry.row.estimate_name
    value = lower if name.endswith("lower") else upper if name.endswith("upper") else mean.days
    return f"{value / 2:.2f}".rstrip("0").rstrip(".")


def _in_the_middle(counts: Histogram, days: list[int]) -> Histogram:
    """The counts, each half way from the published day before; days are counted in halves."""
    before = dict(zip(days, [0, *days], strict=False))
    return {day + before[day]: n for day, n in counts.items()}


def _horizon(entry: Entry) -> int | None:
    asked = entry.settings.extra.get("follow_up_days", "")
    return int(asked) if asked.isascii() and asked.isdigit() else None
