"""The picture of treatment pathways: a column for each line of treatment, heights are persons.

Beside a treatment stand those that follow it, the most frequent first, then in grey who is not told
apart; who ends there leaves the place empty. Names tell treatments apart; colours help.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from laennec.report.charts import COLOURS, INK, SOFT, VEIL, Spec, axis, data, draw
from laennec.report.content import Figure
from laennec.report.words import Words, readable

_HEIGHT, _COLUMN_PX, _EDGE_PX = 440, 210, 4
_WIDE_PX = 900
_NAMED_PX = 13
"""Least height of a field that holds its name."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """Published figures of the pathways of one cohort.

    Attributes:
        size: Persons of the cohort.
        starts: Persons whose pathway starts so.
        ends: Persons whose pathway ends so, where that is shown.
    """

    size: float
    starts: dict[Path, float]
    ends: dict[Path, float]

    def following(self, path: Path) -> list[Path]:
        """Return the starts that follow a start, the most frequent first."""
        found = [one for one in self.starts if one[:-1] == path]
        return sorted(found, key=lambda one: (-self.starts[one], one))

    def persons(self, path: Path) -> float:
        """Return the persons of a start; of the empty one, all."""
        return self.starts[path] if path else self.size


@dataclass(frozen=True)
class _Field:
    """A rectangle: its column from 0, its top and height in persons, and what it says."""

    column: int
    top: float
    persons: float
    name: str
    colour: str | None


def step_name(step: str, words: Words) -> str:
    """Return a treatment or combination as the page writes it."""
    kinds = {
        " (acute)": words.text("pathways.acute"),
        " (therapy)": words.text("pathways.therapy"),
    }
    parts = []
    for one in step.split("+"):
        kind = next((end for end in kinds if one.endswith(end)), "")
        said = [readable(one.removesuffix(kind)), *([kinds[kind]] if kind else [])]
        parts.append(" ".join(said))
    return " + ".join(parts)


def pathway_figure(cohort: str, tree: Tree, words: Words) -> Figure:
    """Return the picture of a tree that has starts."""
    columns = max(map(len, tree.starts))
    colours = _colours(tree)
    fields = list(_fields((), 0.0, tree, colours, words))
    width = min(_WIDE_PX, _COLUMN_PX * max(columns, 2)) // columns * columns
    x = axis("x", scale={"domain": [0, columns], "nice": False}, axis=None)
    y = axis("y", scale={"domain": [0, tree.size], "nice": False, "reverse": True}, axis=None)
    layers = [*_rectangles(fields, x, y), *_heads(columns, width, words)]
    layers += _names(fields, tree, width / columns, x, y, words)
    title = words.text("pathways.figure", cohort=cohort)
    picture = draw(layers, words=words, title=title, width=width, height=_HEIGHT)
    return Figure(picture, title, wide=True)


def _colours(tree: Tree) -> dict[str, str]:
    """The colour of each treatment, most frequent first; colours come back after the last one."""
    most: dict[str, float] = {}
    for path, persons in tree.starts.items():
        most[path[-1]] = most.get(path[-1], 0.0) + persons
    ordered = sorted(most, key=lambda one: (-most[one], one))
    return {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(ordered)}


def _fields(
    path: Path, top: float, tree: Tree, colours: dict[str, str], words: Words
) -> Iterator[_Field]:
    """Yield what follows a start, from the top down."""
    left = tree.persons(path) - tree.ends.get(path, 0.0)
    for one in tree.following(path):
        persons = tree.starts[one]
        name = step_name(one[-1], words)
        yield _Field(len(path), top, persons, name, colours[one[-1]])
        yield from _fields(one, top, tree, colours, words)
        top += persons
        left -= persons
    if left > 0:
        yield _Field(len(path), top, left, words.text("pathways.other"), None)
    if not path and tree.ends.get(path):
        said = words.text("pathways.none")
        yield _Field(0, top + left, tree.ends[path], said, VEIL)


def _rectangles(fields: list[_Field], x: Spec, y: Spec) -> list[Spec]:
    """Draw the fields of each colour; who is not told apart has none."""
    ends = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    layers: list[Spec] = []
    for colour in dict.fromkeys(one.colour for one in fields):
        rows = [
            {"x": one.column, "x2": one.column + 1, "y": one.top, "y2": one.top + one.persons}
            for one in fields
            if one.colour == colour
        ]
        opacity = 1 if colour == VEIL else 0.5 if colour is None else 0.34
        mark = {"type": "rect", "fill": colour or VEIL, "fillOpacity": opacity}
        edge = {"stroke": "var(--paper)", "strokeWidth": 1.5}
        layers.append({"data": data(rows), "mark": {**mark, **edge}, "encoding": ends})
    return layers


def _heads(columns: int, width: int, words: Words) -> list[Spec]:
    """Number the lines of treatment above their columns."""
    wide = width / columns
    mark = {"type": "text", "align": "left", "fontWeight": "bold", "color": SOFT}
    return [
        {
            "data": data([{"said": words.text("pathways.line", n=n + 1)}]),
            "mark": {**mark, "limit": wide - _EDGE_PX},
            "encoding": {
                "x": {"value": n * wide + _EDGE_PX},
                "y": {"value": -10},
                "text": {"field": "said"},
            },
        }
        for n in range(columns)
    ]


def _names(
    fields: list[_Field], tree: Tree, wide: float, x: Spec, y: Spec, words: Words
) -> list[Spec]:
    """Write its name and persons into each field that is high enough."""
    named = [one for one in fields if one.persons * _HEIGHT >= _NAMED_PX * tree.size]
    mark = {"type": "text", "align": "left", "baseline": "middle", "dx": _EDGE_PX + 2}
    looks = ((True, {"color": INK}), (False, {"color": SOFT, "fontStyle": "italic"}))
    return [
        {
            "data": data(_said(one, words) for one in named if told == (one.colour in COLOURS)),
            "mark": {**mark, **appearance, "limit": wide - 2 * _EDGE_PX},
            "encoding": {"x": x, "y": y, "text": {"field": "said"}},
        }
        for told, appearance in looks
    ]


def _said(one: _Field, words: Words) -> dict[str, object]:
    persons = words.digits(f"{one.persons:.0f}")
    return {"x": one.column, "y": one.top + one.persons / 2, "said": f"{one.name}: {persons}"}
