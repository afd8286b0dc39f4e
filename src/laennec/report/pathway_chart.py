"""The picture of treatment pathways: a column for each line of treatment, heights are persons.

Beside a treatment stand those that follow it, the most frequent first, then in grey who is not told
apart; who ends there leaves the place empty. Names tell treatments apart; colours help.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from laennec.report.charts import COLOURS, INK, SOFT, VEIL, Spec, axis, data, draw
from laennec.report.content import Figure
from laennec.report.words import Words, readable

_HEIGHT, _COLUMN_PX, _EDGE_PX = 440, 210, 4
_WIDE_PX = 900
_NAMED_PX, _SEEN_PX = 13, 2
"""Least height of a field that holds its name, and of one that is drawn apart from the rest."""

_SHADES = (0.36, 0.16, 0.58)
"""How dense the colours are, where they come again."""

_NOBODY, _REST = -1, -2
_MOST_COLUMNS = 10

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

    def drawable(self) -> "Tree":
        """Return what a picture can show, whatever program counted.

        These are starts whose own start is there, of at most ``_MOST_COLUMNS`` steps, and as many
        persons as they need.
        """
        starts = {
            path: n
            for path, n in self.starts.items()
            if len(path) <= _MOST_COLUMNS
            and all(path[:k] in self.starts for k in range(1, len(path)))
        }
        first = sum(n for path, n in starts.items() if len(path) == 1)
        return Tree(max(self.size, first + self.ends.get((), 0.0)), starts, self.ends)

    def following(self, path: Path) -> list[Path]:
        """Return the starts that follow a start, the most frequent first."""
        found = [one for one in self.starts if one[:-1] == path]
        return sorted(found, key=lambda one: (-self.starts[one], one))

    def persons(self, path: Path) -> float:
        """Return the persons of a start; of the empty one, all."""
        return self.starts[path] if path else self.size


@dataclass(frozen=True)
class _Field:
    """A rectangle: its column from 0, its top and height in persons, what it says, how it looks.

    Attributes:
        look: Number of the treatment; ``_NOBODY`` for no treatment, ``_REST`` for what is not told
            apart.
    """

    column: int
    top: float
    persons: float
    name: str
    look: int


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
    low = min(tree.size * _SEEN_PX / _HEIGHT, max(tree.starts.values()))
    tree = replace(tree, starts={path: n for path, n in tree.starts.items() if n >= low})
    columns = max(map(len, tree.starts))
    everything = _fields((), 0.0, tree, _looks(tree), words)
    fields = [one for one in everything if one.column < columns and one.persons >= low]
    width = min(_WIDE_PX, _COLUMN_PX * max(columns, 2)) // columns * columns
    x = axis("x", scale={"domain": [0, columns], "nice": False}, axis=None)
    y = axis("y", scale={"domain": [0, tree.size], "nice": False, "reverse": True}, axis=None)
    layers = [*_rectangles(fields, x, y), *_heads(columns, width, words)]
    layers += _names(fields, tree, width / columns, x, y, words)
    title = words.text("pathways.figure", cohort=cohort)
    picture = draw(layers, words=words, title=title, width=width, height=_HEIGHT)
    return Figure(picture, title, wide=True)


def _looks(tree: Tree) -> dict[str, int]:
    """Number the treatments, the most frequent first."""
    most: dict[str, float] = {}
    for path, persons in tree.starts.items():
        most[path[-1]] = most.get(path[-1], 0.0) + persons
    return {name: n for n, name in enumerate(sorted(most, key=lambda one: (-most[one], one)))}


def _fields(
    path: Path, top: float, tree: Tree, looks: dict[str, int], words: Words
) -> Iterator[_Field]:
    """Yield what follows a start, from the top down."""
    left = tree.persons(path) - tree.ends.get(path, 0.0)
    for one in tree.following(path):
        persons = tree.starts[one]
        yield _Field(len(path), top, persons, step_name(one[-1], words), looks[one[-1]])
        yield from _fields(one, top, tree, looks, words)
        top += persons
        left -= persons
    if left > 0:
        yield _Field(len(path), top, left, words.text("pathways.other"), _REST)
    if not path and tree.ends.get(path):
        yield _Field(0, top + left, tree.ends[path], words.text("pathways.none"), _NOBODY)


def _rectangles(fields: list[_Field], x: Spec, y: Spec) -> list[Spec]:
    ends = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    layers: list[Spec] = []
    for look in dict.fromkeys(one.look for one in fields):
        rows = [
            {"x": one.column, "x2": one.column + 1, "y": one.top, "y2": one.top + one.persons}
            for one in fields
            if one.look == look
        ]
        edge = {"stroke": "var(--paper)", "strokeWidth": 1.5}
        layers.append({"data": data(rows), "mark": {**_fill(look), **edge}, "encoding": ends})
    return layers


def _fill(look: int) -> Spec:
    if look in (_NOBODY, _REST):
        return {"type": "rect", "fill": VEIL, "fillOpacity": 1 if look == _NOBODY else 0.5}
    shade = _SHADES[look // len(COLOURS) % len(_SHADES)]
    return {"type": "rect", "fill": COLOURS[look % len(COLOURS)], "fillOpacity": shade}


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
            "data": data(_said(one, words) for one in named if told == (one.look >= 0)),
            "mark": {**mark, **appearance, "limit": wide - 2 * _EDGE_PX},
            "encoding": {"x": x, "y": y, "text": {"field": "said"}},
        }
        for told, appearance in looks
    ]


def _said(one: _Field, words: Words) -> dict[str, object]:
    persons = words.digits(f"{one.persons:.0f}")
    return {"x": one.column, "y": one.top + one.persons / 2, "said": f"{one.name}: {persons}"}
