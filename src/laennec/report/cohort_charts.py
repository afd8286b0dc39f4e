"""Pictures of cohorts: their sizes, who was left out at each step, and what share has what."""

from collections.abc import Sequence
from dataclasses import dataclass

from laennec.report.charts import (
    GRID,
    INK,
    SOFT,
    VEIL,
    Spec,
    axis,
    data,
    draw,
    look,
)
from laennec.report.content import Figure, Value
from laennec.report.words import Words

_FLOW_PX, _OUT_PX, _GAP_PX = 270, 120, 26
_BOX_PX, _STEP_PX = 42, 64
_APART_PX = 6
"""Between the marks of two cohorts on one line, so that equal shares do not hide one another."""
_ROW_PX, _SHARES_PX, _SIZES_PX = 24, 420, 300


@dataclass(frozen=True)
class FlowStep:
    """One step of an attrition: what is asked, who is left, and who was left out by it."""

    label: str
    left: Value | None
    left_out: Value | None


@dataclass(frozen=True)
class Share:
    """What share of one cohort has a characteristic; None where it is hidden."""

    label: str
    cohort: str
    percentage: float | None


def attrition_figure(cohort: str, steps: Sequence[FlowStep], words: Words) -> Figure:
    """Return a flow of boxes from the first step down, with those left out on the right."""
    height = _STEP_PX * (len(steps) - 1) + _BOX_PX
    wide = _FLOW_PX + _GAP_PX + _OUT_PX
    x = axis("x", scale={"domain": [0, wide], "nice": False}, axis=None)
    y = axis("y", scale={"domain": [0, height], "nice": False, "reverse": True}, axis=None)
    layers: list[Spec] = []
    for n, step in enumerate(steps):
        top = n * _STEP_PX
        layers += _box(0, top, _FLOW_PX, _BOX_PX, x, y)
        layers += _said(10, top + 14, step.label, x, y, {"color": SOFT, "limit": _FLOW_PX - 20})
        layers += _number(10, top + 30, step.left, words, x, y)
        if n:
            layers += _arrow(top - (_STEP_PX - _BOX_PX), top, x, y)
            layers += _left_out(top, step, words, x, y)
    title = words.text("attrition.figure", cohort=cohort)
    return Figure(draw(layers, words=words, title=title, width=wide, height=height), cohort)


def _left_out(top: int, step: FlowStep, words: Words, x: Spec, y: Spec) -> list[Spec]:
    """Draw who was left out by a step, beside the arrow that leads to it."""
    if step.left_out is None:
        return []
    middle = top - (_STEP_PX - _BOX_PX) / 2
    start = _FLOW_PX + _GAP_PX
    ends = {"x": x, "x2": {"field": "x2"}, "y": y}
    line = [{"x": _FLOW_PX / 2, "x2": start, "y": middle}]
    said = words.text("attrition.out", n=_text(step.left_out, words))
    style = {"color": INK, "fontStyle": "italic" if step.left_out.hidden else "normal"}
    return [
        {"data": data(line), "mark": {"type": "rule", "color": SOFT}, "encoding": ends},
        *_box(start, middle - 12, _OUT_PX, 24, x, y),
        *_said(start + 8, middle, said, x, y, {**style, "limit": _OUT_PX - 12}),
    ]


def _box(left: float, top: float, width: float, height: float, x: Spec, y: Spec) -> list[Spec]:
    place = [{"x": left, "x2": left + width, "y": top, "y2": top + height}]
    mark = {"type": "rect", "fill": VEIL, "stroke": SOFT, "strokeWidth": 1, "fillOpacity": 0.5}
    ends = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    return [{"data": data(place), "mark": mark, "encoding": ends}]


def _arrow(top: float, bottom: float, x: Spec, y: Spec) -> list[Spec]:
    middle = _FLOW_PX / 2
    line = [{"x": middle, "y": top, "y2": bottom - 4}]
    head = {"type": "point", "shape": "triangle-down", "filled": True, "opacity": 1, "size": 40}
    return [
        {
            "data": data(line),
            "mark": {"type": "rule", "color": SOFT},
            "encoding": {"x": x, "y": y, "y2": {"field": "y2"}},
        },
        {
            "data": data([{"x": middle, "y": bottom - 4}]),
            "mark": {**head, "color": SOFT},
            "encoding": {"x": x, "y": y},
        },
    ]


def _number(
    left: float, top: float, value: Value | None, words: Words, x: Spec, y: Spec
) -> list[Spec]:
    if value is None:
        return []
    hidden = {"fontStyle": "italic"} if value.hidden else {"fontWeight": "bold"}
    return _said(left, top, _text(value, words), x, y, {"color": INK, **hidden})


def _said(left: float, top: float, text: str, x: Spec, y: Spec, style: Spec) -> list[Spec]:
    mark = {"type": "text", "align": "left", "baseline": "middle", **style}
    place = {"x": x, "y": y, "text": {"field": "said"}}
    row = [{"x": left, "y": top, "said": text}]
    return [{"data": data(row), "mark": mark, "encoding": place}]


def _text(value: Value, words: Words) -> str:
    return words.text("hidden") if value.hidden else words.value(value)


def sizes_figure(sizes: Sequence[tuple[str, Value]], words: Words) -> Figure | None:
    """Return a bar of persons for each cohort, hidden ones named; None when all are hidden."""
    if not any(value.figure for _, value in sizes):
        return None
    y = _names([name for name, _ in sizes])
    x = axis("x", scale={"domainMin": 0}, axis={"title": None, "tickCount": 4, "grid": False})
    shown = [
        {"who": name, "x": value.figure, "said": words.value(value)}
        for name, value in sizes
        if value.figure is not None
    ]
    bars: Spec = {
        "data": data(shown),
        "mark": {"type": "bar", "color": look(0).colour, "height": 14, "opacity": 0.75},
        "encoding": {"x": x, "y": y},
    }
    numbers: Spec = {
        "data": data(shown),
        "mark": {"type": "text", "align": "left", "dx": 5, "color": INK},
        "encoding": {"x": x, "y": y, "text": {"field": "said"}},
    }
    layers = [bars, numbers, *_hidden([name for name, one in sizes if one.hidden], y, words)]
    title = words.text("sizes.caption")
    height = _ROW_PX * len(sizes)
    picture = draw(layers, words=words, title=title, width=_SIZES_PX, height=height)
    return Figure(picture, title, apart=True)


def shares_figure(shares: Sequence[Share], words: Words) -> Figure | None:
    """Return a dot for each cohort on a line for each characteristic; None without any dot."""
    labels = list(dict.fromkeys(one.label for one in shares))
    cohorts = list(dict.fromkeys(one.cohort for one in shares))
    shown = [one for one in shares if one.percentage is not None]
    if not shown:
        return None
    y = _names(labels)
    x = axis(
        "x",
        scale={"domain": [0, 100]},
        axis={"title": words.text("shares.axis"), "tickCount": 5},
    )
    lines: Spec = {
        "data": data({"who": label, "x": 0, "to": 100} for label in labels),
        "mark": {"type": "rule", "color": GRID},
        "encoding": {"x": x, "x2": {"field": "to"}, "y": y},
    }
    layers = [lines, *_dots(cohorts, shown, x, y)]
    layers += _key(cohorts)
    dotted = {one.label for one in shown}
    layers += _hidden([label for label in labels if label not in dotted], y, words)
    title = words.text("shares.figure")
    height = _ROW_PX * len(labels)
    picture = draw(layers, words=words, title=title, width=_SHARES_PX, height=height)
    return Figure(picture, title, wide=True)


def _dots(cohorts: Sequence[str], shown: Sequence[Share], x: Spec, y: Spec) -> list[Spec]:
    return [
        {
            "data": data(
                {"who": one.label, "x": one.percentage} for one in shown if one.cohort == cohort
            ),
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "size": 50,
                "yOffset": _APART_PX * (n - (len(cohorts) - 1) / 2),
                "color": look(n).colour,
                "shape": look(n).shape,
            },
            "encoding": {"x": x, "y": y},
        }
        for n, cohort in enumerate(cohorts)
    ]


def _key(cohorts: Sequence[str]) -> list[Spec]:
    """Name the cohorts above the plot, each with its mark."""
    layers: list[Spec] = []
    for n, cohort in enumerate(cohorts):
        top = -14 - 18 * (len(cohorts) - 1 - n)
        appearance = look(n)
        dot = {"type": "point", "filled": True, "opacity": 1, "size": 60}
        text = {"type": "text", "align": "left", "fontWeight": "bold", "limit": _SHARES_PX}
        layers += [
            {
                "data": data([{}]),
                "mark": {**dot, "color": appearance.colour, "shape": appearance.shape},
                "encoding": {"x": {"value": 4}, "y": {"value": top}},
            },
            {
                "data": data([{"said": cohort}]),
                "mark": {**text, "color": appearance.colour},
                "encoding": {
                    "x": {"value": 14},
                    "y": {"value": top},
                    "text": {"field": "said"},
                },
            },
        ]
    return layers


def _names(labels: Sequence[str]) -> Spec:
    """Return a position with one line for each label, in order."""
    plain = {"title": None, "grid": False, "domain": False, "ticks": False}
    return {
        "field": "who",
        "type": "nominal",
        "sort": list(labels),
        "scale": {"domain": list(labels)},
        "axis": {**plain, "labelLimit": 260, "labelPadding": 8},
    }


def _hidden(labels: Sequence[str], y: Spec, words: Words) -> list[Spec]:
    """Say on the line of a label that nothing of it is published."""
    said = [{"who": label, "said": words.text("hidden")} for label in labels]
    mark = {"type": "text", "align": "left", "fontStyle": "italic", "color": SOFT}
    place = {"x": {"value": 8}, "y": y, "text": {"field": "said"}}
    return [{"data": data(said), "mark": mark, "encoding": place}] if said else []
