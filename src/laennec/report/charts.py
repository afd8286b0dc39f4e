"""Vega-Lite specifications as values, and their picture as SVG that is safe inside a page.

Colours are CSS variables of the page, so that one picture serves light, dark and paper. The drawing
library gets values only and may open no address; what it returns is rebuilt (``report.svg``). It
ends the whole process over a character that XML has not, so these are written out beforehand.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import vl_convert
from markupsafe import Markup

from laennec.core.errors import SourceError
from laennec.report.content import Picture
from laennec.report.svg import inside_page
from laennec.report.words import Words

Spec = dict[str, Any]

VEGA_LITE = "6.4"
COLOURS = tuple(f"var(--c{n})" for n in range(1, 7))
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (6, 2), (2, 2), (8, 2, 2, 2), (4, 4), (1, 3))
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
INK, SOFT, GRID, VEIL = "var(--ink)", "var(--soft)", "var(--grid)", "var(--veil)"
TEXT_PX = 12

_TOO_DEEP = "Maximum call stack size exceeded"
"""What the library says of an axis of more than about a thousand names."""

_UNDRAWABLE = re.compile("[^\t\n\r\x20-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AXIS: Spec = {
    "domainColor": SOFT,
    "gridColor": GRID,
    "labelColor": INK,
    "labelFlush": False,
    "labelFontSize": TEXT_PX,
    "tickColor": SOFT,
    "titleColor": INK,
    "titleFontSize": TEXT_PX,
    "titleFontWeight": "normal",
}


@dataclass(frozen=True)
class Point:
    """A published estimate on a curve; limits are None when they are hidden."""

    x: float
    y: float
    lower: float | None
    upper: float | None

    @property
    def limited(self) -> bool:
        """Whether it has both limits."""
        return self.lower is not None and self.upper is not None


@dataclass(frozen=True)
class Look:
    """How one series is told from the others, by more than its colour."""

    colour: str
    dash: tuple[int, ...]
    shape: str


def look(number: int) -> Look:
    """Return the look of the series of that number, from 0; looks repeat after thirty-six."""
    shift = number // len(COLOURS)
    return Look(
        COLOURS[number % len(COLOURS)],
        DASHES[(number + shift) % len(DASHES)],
        SHAPES[(number + shift) % len(SHAPES)],
    )


def data(rows: Iterable[Mapping[str, object]]) -> Spec:
    """Return values as Vega-Lite takes them."""
    return {"values": [dict(row) for row in rows]}


def axis(field: str, **options: Any) -> Spec:
    """Return a quantitative position; ``options`` are those of Vega-Lite."""
    return {"field": field, "type": "quantitative", **options}


def series(
    points: Sequence[Point | None], appearance: Look, *, x: Spec, y: Spec, bridge: bool
) -> list[Spec]:
    """Return layers for a curve with its confidence band, broken where a point is None.

    The band is broken where a point has no limits as well; alone between such points it is a line.

    Args:
        points: In order of x; None is a hidden one, over which no solid line passes.
        appearance: Its colour, dash and shape.
        x: Position of the field ``x``.
        y: Position of the field ``y``.
        bridge: Join published points over hidden ones by a thin dotted line.
    """
    rows = _runs(points)
    banded = [row for row in rows if row["band"] is not None]
    colour = appearance.colour
    place = {"x": x, "y": y, "detail": {"field": "run", "type": "nominal"}}
    limits = {"x": x, "y": {**y, "field": "lower"}, "y2": {"field": "upper"}}
    layers: list[Spec] = [
        {
            "data": data(banded),
            "mark": {"type": "area", "color": colour, "opacity": 0.16},
            "encoding": {**limits, "detail": {"field": "band", "type": "nominal"}},
        },
        {
            "data": data(row for row in banded if row["band_alone"]),
            "mark": {"type": "rule", "color": colour, "opacity": 0.5, "strokeWidth": 1.5},
            "encoding": limits,
        },
        {
            "data": data(rows),
            "mark": {
                "type": "line",
                "color": colour,
                "strokeDash": list(appearance.dash),
                "strokeWidth": 2,
            },
            "encoding": place,
        },
        {
            "data": data(rows),
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "color": colour,
                "shape": appearance.shape,
                "size": 18,
            },
            "encoding": {"x": x, "y": y},
        },
    ]
    if bridge:
        thin = {"type": "line", "color": colour, "strokeDash": [1, 3], "strokeWidth": 1}
        layers.insert(0, {"data": data(rows), "mark": thin, "encoding": {"x": x, "y": y}})
    return layers


def _runs(points: Sequence[Point | None]) -> list[dict[str, object]]:
    """Number the runs of published points, and of points with limits, of which a band is made."""
    rows: list[dict[str, object]] = []
    limited = [point is not None and point.limited for point in points]
    run = band = 0
    for n, point in enumerate(points):
        run += point is None
        band += not limited[n]
        if point is None:
            continue
        beside = limited[max(n - 1, 0) : n] + limited[n + 1 : n + 2]
        rows.append(
            {
                "x": point.x,
                "y": point.y,
                "lower": point.lower,
                "upper": point.upper,
                "run": run,
                "band": band if limited[n] else None,
                "band_alone": not any(beside),
            }
        )
    return rows


def draw(layers: Sequence[Spec], *, words: Words, title: str, width: int, height: int) -> Picture:
    """Return the layers, drawn over one another.

    Args:
        layers: Vega-Lite layers; all texts in them are values, never expressions.
        words: For the signs of numbers on axes.
        title: What a screen reader says of the picture.
        width: Of the plotting area, in CSS pixels.
        height: Of the plotting area, in CSS pixels.
    """
    title = drawable(title)
    spec: Spec = {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE[0]}.json",
        "width": width,
        "height": height,
        "background": None,
        "padding": 2,
        "layer": drawable(list(layers)),
        "config": {
            "aria": False,
            "font": "Liberation Sans",
            "view": {"stroke": None},
            "axis": _AXIS,
            "text": {"color": INK, "fontSize": TEXT_PX},
        },
    }

    def drawn() -> Markup:
        with said_if_too_large(title):
            svg = vl_convert.vegalite_to_svg(
                spec, vl_version=VEGA_LITE, allowed_base_urls=[], format_locale=signs(words)
            )
        return inside_page(svg, title)

    return Picture(spec, title, drawn)


@contextmanager
def said_if_too_large(title: str) -> Iterator[None]:
    """Turn the drawing library's failure over a picture of very many parts into ours.

    Raises:
        SourceError: the library could not draw the picture.
    """
    try:
        yield
    except ValueError as error:
        if _TOO_DEEP not in str(error):
            raise
        raise SourceError(
            f"The picture {title!r} has more parts than can be drawn.",
            remedy="Ask for tables (--format html, latex) or --format json, or draw fewer groups.",
        ) from error


def drawable(value: Any) -> Any:
    """Return a value with the characters that XML has not written out in its texts."""
    match value:
        case str():
            return _UNDRAWABLE.sub(lambda found: ascii(found[0])[1:-1], value)
        case dict():
            return {name: drawable(one) for name, one in value.items()}
        case list() | tuple():
            return [drawable(one) for one in value]
        case _:
            return value


def signs(words: Words) -> dict[str, Any]:
    """Return how axes write numbers, in the terms of d3-format."""
    return {
        "decimal": words.format["decimal"],
        "thousands": words.format["thousands"],
        "grouping": [3],
        "currency": ["", ""],
        "percent": words.format["percent"],
        "minus": words.format["minus"],
    }
