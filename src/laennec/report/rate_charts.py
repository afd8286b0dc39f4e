"""Pictures of incidence rates: one line per group overall, and small multiples by interval."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from laennec.report.charts import INK, SOFT, VEIL, Look, Point, Spec, axis, data, draw, look, series
from laennec.report.content import Figure
from laennec.report.words import Words

_LOOKS = {
    sex: replace(look(n), dash=(1, 0)) for sex, n in (("Both", 3), ("Female", 0), ("Male", 1))
}
"""Solid lines: each picture has one, and its own caption."""
_PANEL = (250, 120)
_ROW_PX = 24
_OVERALL_PX = 560
_MARGIN = 1.05
"""How far above the largest rate an axis goes at least, so that no point is on its end."""
_ROOM = 1.6
"""How far above the largest rate an axis goes; wider confidence intervals are cut."""


@dataclass(frozen=True)
class Rate:
    """One interval: calendar year, rate and its limits, None where hidden."""

    year: float | None
    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Analysis:
    """The rates of one sex and age group, in order of time."""

    sex: str
    label: str
    rates: tuple[Rate, ...]

    @property
    def look(self) -> Look:
        """How it is drawn: by sex."""
        return _LOOKS.get(self.sex, look(2))


def overall_figure(
    analyses: Sequence[Analysis], words: Words, *, title: str, unit: str
) -> Figure | None:
    """Return one rate with its interval per group; hidden ones say so; None if all are hidden."""
    top, cut = _top(analyses)
    if not top:
        return None
    order = [one.label for one in analyses]
    y: Spec = {
        "field": "who",
        "type": "nominal",
        "sort": order,
        "axis": {
            "title": None,
            "grid": False,
            "domain": False,
            "ticks": False,
            "labelLimit": 220,
            "labelPadding": 8,
        },
    }
    x = axis(
        "x",
        scale={"domain": [0, top]},
        axis={"title": unit, "tickCount": 6},
    )
    layers = [layer for one in analyses for layer in _forest(one, top, x, y, words)]
    picture = draw(
        layers, words=words, title=title, width=_OVERALL_PX, height=_ROW_PX * len(analyses)
    )
    return Figure(picture, _caption(title, words, cut=cut), wide=True)


def _forest(one: Analysis, top: float, x: Spec, y: Spec, words: Words) -> list[Spec]:
    layers: list[Spec] = []
    for rate in one.rates:
        if rate.value is None:
            said = {"who": one.label, "said": words.text("hidden")}
            mark = {"type": "text", "align": "left", "fontStyle": "italic", "color": SOFT}
            place = {"x": {"value": 8}, "y": y, "text": {"field": "said"}}
            layers.append({"data": data([said]), "mark": mark, "encoding": place})
            continue
        row = {"who": one.label, "x": rate.value}
        if rate.lower is not None and rate.upper is not None:
            row |= {"lower": rate.lower, "upper": min(top, rate.upper)}
            rule = {"type": "rule", "color": one.look.colour, "strokeWidth": 2, "opacity": 0.6}
            ends = {"x": {**x, "field": "lower"}, "x2": {"field": "upper"}, "y": y}
            layers.append({"data": data([row]), "mark": rule, "encoding": ends})
        dot = {
            "type": "point",
            "filled": True,
            "opacity": 1,
            "size": 70,
            "color": one.look.colour,
            "shape": one.look.shape,
        }
        layers.append({"data": data([row]), "mark": dot, "encoding": {"x": x, "y": y}})
    return layers


def yearly_figures(analyses: Sequence[Analysis], words: Words, *, unit: str) -> list[Figure]:
    """Return one small picture per sex and age group, all on the same scales."""
    years = [rate.year for one in analyses for rate in one.rates if rate.year is not None]
    top, cut = _top(analyses)
    if not years or not top:
        return []
    step = _step(sorted(set(years)))
    span = (min(years) - step / 2, max(years) + step / 2)
    return [_panel(one, span, top, step, words, unit=unit, cut=cut) for one in analyses]


def _panel(
    one: Analysis,
    span: tuple[float, float],
    top: float,
    step: float,
    words: Words,
    *,
    unit: str,
    cut: bool,
) -> Figure:
    x = axis(
        "x",
        scale={"domain": list(span), "nice": False},
        axis={"title": None, "grid": False, "format": "d", "values": _years(*span)},
    )
    y = axis("y", scale={"domain": [0, top]}, axis={"title": None, "tickCount": 4})
    dated = [rate for rate in one.rates if rate.year is not None]
    points = [_point(rate, top) for rate in dated]
    hidden = [rate.year for rate in dated if rate.value is None and rate.year is not None]
    veils = _veils(hidden, step)
    layers: list[Spec] = [
        {
            "data": data(veils),
            "mark": {"type": "rect", "color": VEIL},
            "encoding": {"x": x, "x2": {"field": "to"}},
        },
        *series(points, one.look, x=x, y=y, bridge=False),
    ]
    if len(hidden) == len(dated):
        layers.append(_all_hidden(words))
    title = words.text("shares.level", variable=unit, level=one.label)
    width, height = _PANEL
    picture = draw(layers, words=words, title=title, width=width, height=height)
    return Figure(picture, _caption(one.label, words, cut=cut and _is_cut(one, top)))


def _years(first: float, last: float) -> list[int]:
    """Return whole years for an axis, six at most."""
    every = 1 + int(last - first) // 6
    return list(range(math.ceil(first), math.floor(last) + 1, every))


def _veils(years: Sequence[float], step: float) -> list[dict[str, float]]:
    """Return one band for each row of hidden intervals that follow one another."""
    veils: list[dict[str, float]] = []
    for year in years:
        if veils and year - step / 2 <= veils[-1]["to"] + step / 100:
            veils[-1]["to"] = year + step / 2
        else:
            veils.append({"x": year - step / 2, "to": year + step / 2})
    return veils


def _all_hidden(words: Words) -> Spec:
    width, height = _PANEL
    return {
        "data": data([{"said": words.text("all_hidden")}]),
        "mark": {"type": "text", "fontStyle": "italic", "color": INK},
        "encoding": {
            "x": {"value": width / 2},
            "y": {"value": height / 2},
            "text": {"field": "said"},
        },
    }


def _point(rate: Rate, top: float) -> Point | None:
    if rate.value is None or rate.year is None:
        return None
    lower = None if rate.lower is None else min(top, rate.lower)
    return Point(rate.year, rate.value, lower, None if rate.upper is None else min(top, rate.upper))


def _top(analyses: Sequence[Analysis]) -> tuple[float, bool]:
    """Return where the axis of rates ends, and whether an interval goes beyond."""
    rates = [rate for one in analyses for rate in one.rates if rate.value is not None]
    values = [rate.value for rate in rates if rate.value is not None]
    uppers = [rate.upper for rate in rates if rate.upper is not None]
    if not values:
        return 0.0, False
    room = _ROOM * max(values) or max(uppers, default=1.0)
    beyond_points = _MARGIN * max(values)
    top = min(room, max([*uppers, beyond_points]))
    return top, max(uppers, default=0.0) > room


def _is_cut(one: Analysis, top: float) -> bool:
    return any(rate.upper is not None and rate.upper > top for rate in one.rates if rate.value)


def _step(years: Sequence[float]) -> float:
    """Return the usual distance between intervals, in years."""
    return min((after - before for before, after in itertools.pairwise(years)), default=1.0)


def _caption(text: str, words: Words, *, cut: bool) -> str:
    return f"{text} ({words.text('cut')})" if cut else text
