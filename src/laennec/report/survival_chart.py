"""The picture of cumulative incidence curves, labelled directly, with numbers at risk below."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laennec.report.charts import INK, SOFT, Look, Point, Spec, axis, data, draw, look, series
from laennec.report.content import Figure, Value
from laennec.report.words import Words

_WIDTH, _HEIGHT = 620, 280
_RISK_TOP, _RISK_ROW = 58, 18
"""Where the numbers at risk start under the plot, and the height of a line of them, in pixels."""
_TICKS = 7
_LABEL_GAP = 0.06
"""Smallest distance between two labels, as a share of the height."""


@dataclass(frozen=True)
class Moment:
    """One published day: share with the outcome and its limits, None where hidden."""

    day: int
    estimate: float | None
    lower: float | None
    upper: float | None
    at_risk: Value | None


@dataclass(frozen=True)
class Curve:
    """One cohort, by day."""

    label: str
    moments: tuple[Moment, ...]


def highest(curves: Iterable[Sequence[Moment]]) -> float:
    """Return the highest share or limit of any curve, for a scale; 1 if there is none."""
    shown = [one for moments in curves for one in moments if one.estimate is not None]
    return max((one.upper or one.estimate or 0.0 for one in shown), default=0.0) or 1.0


def curves_figure(
    curves: Sequence[Curve],
    words: Words,
    *,
    title: str,
    caption: str,
    counted: str | None = None,
    top: float | None = None,
) -> Figure | None:
    """Return all curves on one scale, or None when nothing of them is published.

    Args:
        curves: In the order of their looks.
        words: The language.
        title: What a screen reader says.
        caption: What stands over the picture.
        counted: Of whom the numbers at risk are, if all curves are of the same persons.
        top: Where the scale ends; at the highest point of these curves unless given.
    """
    if not any(one.estimate is not None for curve in curves for one in curve.moments):
        return None
    days = sorted({one.day for curve in curves for one in curve.moments})
    ticks = days[:: math.ceil(len(days) / _TICKS)]
    top = top or highest(one.moments for one in curves)
    x = axis(
        "x",
        scale={"domain": [0, max(days[-1], 1)], "nice": False},
        axis={"title": words.text("survival.days"), "values": ticks, "grid": False},
    )
    y = axis(
        "y",
        scale={"domain": [0, top], "nice": True},
        axis={"title": None, "format": "~%", "tickCount": 5},
    )
    layers = [
        layer
        for n, curve in enumerate(curves)
        for layer in series(_points(curve), look(n), x=x, y=y, bridge=True)
    ]
    layers += _labels(curves, x, y, top)
    layers += _risk_table(curves, ticks, x, words, counted)
    picture = draw(layers, words=words, title=title, width=_WIDTH, height=_HEIGHT)
    return Figure(picture, caption, wide=True)


def _points(curve: Curve) -> list[Point | None]:
    return [
        None if one.estimate is None else Point(one.day, one.estimate, one.lower, one.upper)
        for one in curve.moments
    ]


def _labels(curves: Sequence[Curve], x: Spec, y: Spec, top: float) -> list[Spec]:
    """Name each curve at its last published point, moved apart where two would overlap."""
    ends: list[tuple[float, int, str, Look]] = []
    for n, curve in enumerate(curves):
        shown = [one for one in curve.moments if one.estimate is not None]
        if shown:
            ends.append((shown[-1].estimate or 0.0, shown[-1].day, curve.label, look(n)))
    layers, lowest = [], -math.inf
    for height, day, label, appearance in sorted(ends, key=lambda end: (end[0], end[2])):
        lowest = max(height, lowest + _LABEL_GAP * top)
        layers.append(
            {
                "data": data([{"x": day, "y": lowest, "said": label}]),
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 8,
                    "color": appearance.colour,
                    "fontWeight": "bold",
                    "limit": 150,
                },
                "encoding": {"x": x, "y": y, "text": {"field": "said"}},
            }
        )
    return layers


def _risk_table(
    curves: Sequence[Curve], ticks: Sequence[int], x: Spec, words: Words, counted: str | None
) -> list[Spec]:
    """Write the numbers at risk under the axis, at the days of its ticks: one line per curve.

    Curves of the same persons have one line, in their name.
    """
    start = _HEIGHT + _RISK_TOP
    layers = [_line(words.text("survival.at_risk"), start, SOFT)]
    lines = [(one.label, look(n).colour) for n, one in enumerate(curves)]
    if counted is not None:
        lines = [(counted, INK)]
    for n, ((label, colour), curve) in enumerate(zip(lines, curves, strict=False), start=1):
        height = start + _RISK_ROW * n
        layers.append(_line(label, height, colour))
        said = [
            {"x": one.day, "said": _number(one.at_risk, words)}
            for one in curve.moments
            if one.day in ticks and one.at_risk is not None
        ]
        place = {"x": x, "y": {"value": height}, "text": {"field": "said"}}
        mark = {"type": "text", "color": INK}
        layers.append({"data": data(said), "mark": mark, "encoding": place})
    return layers


def _line(text: str, height: int, colour: str) -> Spec:
    return {
        "data": data([{"said": text}]),
        "mark": {"type": "text", "align": "right", "color": colour, "limit": 150},
        "encoding": {
            "x": {"value": -28},
            "y": {"value": height},
            "text": {"field": "said"},
        },
    }


def _number(value: Value, words: Words) -> str:
    return words.text("hidden") if value.hidden else words.value(value)
