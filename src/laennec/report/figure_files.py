"""A picture of the report as a file: Vega-Lite to restyle, SVG, or PNG.

A file has no style sheet: the variables of the page are replaced by the colours that they have on
paper. Nothing is drawn that the page does not draw.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import vl_convert

from laennec.report.charts import VEGA_LITE, Spec, said_if_too_large, signs
from laennec.report.content import Picture
from laennec.report.svg import as_file
from laennec.report.words import Words

PNG_SCALE = 2
"""Pixels of a PNG for each unit of the drawing, along each side."""

_TITLE: Spec = {"anchor": "start", "fontSize": 13, "fontWeight": "bold", "offset": 10}
_VARIABLE = re.compile(r"var\(--([a-z0-9]+)\)")
_DECLARED = re.compile(r"--([a-z0-9]+): (#[0-9a-f]+)")


def to_vega_lite(picture: Picture, words: Words) -> str:
    """Return the specification as JSON that any Vega-Lite tool draws as the page does."""
    return json.dumps(_standing_alone(picture, words), indent=2, ensure_ascii=False) + "\n"


def to_svg(picture: Picture, words: Words) -> str:
    """Return the picture as SVG, made of the elements that the page allows.

    Raises:
        RuntimeError: the drawing library returned something else.
        SourceError: the picture has more parts than the library can draw.
    """
    with said_if_too_large(picture.title):
        svg = vl_convert.vegalite_to_svg(
            _standing_alone(picture, words),
            vl_version=VEGA_LITE,
            allowed_base_urls=[],
            format_locale=signs(words),
        )
    return as_file(svg, picture.title)


def to_png(picture: Picture, words: Words) -> bytes:
    """Return the picture as PNG, on white.

    Raises:
        SourceError: the picture has more parts than the library can draw.
    """
    with said_if_too_large(picture.title):
        return vl_convert.vegalite_to_png(
            _standing_alone(picture, words),
            vl_version=VEGA_LITE,
            allowed_base_urls=[],
            format_locale=signs(words),
            scale=PNG_SCALE,
        )


def _standing_alone(picture: Picture, words: Words) -> Spec:
    """Return the specification with what the page has around a picture: colours and title."""
    spec: Spec = _coloured(picture.spec)
    config = {**spec["config"], "locale": {"number": signs(words)}}
    return {
        **spec,
        "config": config,
        "background": paper_colours()["paper"],
        "padding": 8,
        "title": {**_TITLE, "text": picture.title, "color": paper_colours()["ink"]},
        "description": picture.title,
    }


def _coloured(value: Any) -> Any:
    """Replace the variables in the places of colours; names and levels are data and stay."""
    match value:
        case dict():
            return {name: one if name == "data" else _coloured(one) for name, one in value.items()}
        case list():
            return [_coloured(one) for one in value]
        case str():
            found = _VARIABLE.fullmatch(value)
            return paper_colours()[found[1]] if found else value
        case _:
            return value


@cache
def paper_colours() -> dict[str, str]:
    """Return the colours of the page on paper, by the name of their variable."""
    style = (files("laennec.report") / "templates" / "page.css").read_text(encoding="utf-8")
    return dict(_DECLARED.findall(style.partition("}")[0]))
