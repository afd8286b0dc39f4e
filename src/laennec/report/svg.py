"""What the drawing library returned, rebuilt from listed elements and attributes.

A name that carries markup can end as text only, and anything unheard of stops the work: so for the
page, and for a file that somebody opens in a browser.
"""

import xml.etree.ElementTree as ET

from markupsafe import Markup

NAMESPACE = "http://www.w3.org/2000/svg"
_SVG = f"{{{NAMESPACE}}}"
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan"})
_KEPT = frozenset(
    {
        "d",
        "display",
        "dominant-baseline",
        "dx",
        "dy",
        "fill",
        "fill-opacity",
        "font-size",
        "font-style",
        "font-weight",
        "height",
        "opacity",
        "stroke",
        "stroke-dasharray",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "text-anchor",
        "transform",
        "viewBox",
        "width",
        "x",
        "x2",
        "y",
        "y2",
    }
)
_FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"
"""Texts were placed with the widths of Liberation Sans, which the others share."""


def inside_page(svg: str, title: str) -> Markup:
    """Return a picture as an element of the page, with a title for screen readers.

    Raises:
        RuntimeError: it holds an element that is not listed.
    """
    root, width, height = _named(svg, title)
    root.attrib.update({"role": "img", "style": f"max-width:{width}px"})
    root.attrib.setdefault("viewBox", f"0 0 {width} {height}")
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - built by the serializer


def as_file(svg: str, title: str) -> str:
    """Return a picture as a file of its own.

    Raises:
        RuntimeError: it holds an element that is not listed.
    """
    root, _, _ = _named(svg, title)
    root.attrib.update({"xmlns": NAMESPACE, "role": "img", "font-family": _FONTS})
    return ET.tostring(root, encoding="unicode") + "\n"


def _named(svg: str, title: str) -> tuple[ET.Element, str, str]:
    """Rebuild a picture, and put its title first."""
    # The text is our own library's output for our own values: no DTD, no entity, no address.
    root = _rebuilt(ET.fromstring(svg))  # noqa: S314
    named = ET.Element("title")
    named.text = title
    root.insert(0, named)
    return root, root.attrib["width"], root.attrib["height"]


def _rebuilt(old: ET.Element) -> ET.Element:
    name = old.tag.removeprefix(_SVG)
    if name not in _ELEMENTS:
        raise RuntimeError("the drawing library returned an element that the page does not allow")
    new = ET.Element(name, {key: old.attrib[key] for key in old.attrib if key in _KEPT})
    new.text, new.tail = old.text, old.tail
    new.extend([_rebuilt(child) for child in old if not _invisible(child)])
    return new


def _invisible(element: ET.Element) -> bool:
    """Whether an element draws nothing, as the empty frames that the library leaves."""
    blank = element.tag == f"{_SVG}path" and not {"fill", "stroke"} & element.attrib.keys()
    return blank or element.attrib.get("display") == "none"
