"""Sections on cohorts beside one another: who is in both, and the days between entries."""

from collections.abc import Sequence

from laennec.report.charts import COLOURS, INK, SOFT, Spec, axis, data, draw
from laennec.report.content import Cell, Figure, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words, readable

_PARTS = ("Only in reference cohort", "In both cohorts", "Only in comparator cohort")
_MIRROR = (_PARTS[2], _PARTS[1], _PARTS[0])
_DAYS = "days_between_cohort_entries"
_SPREAD = ("median", "q25", "q75")
_WIDTH, _ROW_PX = 560, 24

_Pair = tuple[str, str]
_Places = dict[tuple[_Pair, str, str], Value]
"""Estimates by pair of cohorts, variable and name."""


def overlap(family: Family, words: Words) -> Section:
    """Return one line for each two cohorts: who is in one, in both, in the other."""
    found = _places(family)
    pairs = each(family.estimates, _pair)
    implied = _mirrored(pairs, found)
    shown = [one for one in pairs if not _values(one, found).keys() <= implied]
    rows = tuple(
        Row(_head(pair), tuple(_share(pair, part, found, words) for part in _PARTS))
        for pair in shown
    )
    title = words.text("overlap.title")
    heads = (words.text("overlap.first"), words.text("overlap.both"), words.text("overlap.second"))
    table = Table(
        words.text("overlap.caption"), words.text("overlap.pair"), heads, (RowGroup("", rows),)
    )
    notes = (words.text("overlap.note"), *((words.text("overlap.mirror"),) if implied else ()))
    figure = _bars(shown, found, words)
    return Section(
        title, notes, (figure,) if figure else (), tables=(table,), implied=frozenset(implied)
    )


def timing(family: Family, words: Words) -> Section:
    """Return one line for each ordered pair: persons, and the days from one entry to the other."""
    found = _places(family)
    pairs = each(family.estimates, _pair)
    title = words.text("timing.title")
    heads = (
        words.term("Number subjects"),
        words.text("timing.records"),
        words.text("spread.median"),
        words.text("spread.min"),
    )
    rows = tuple(Row(_head(pair), _timing_cells(pair, found, words)) for pair in pairs)
    table = Table(
        words.text("timing.caption"), words.text("overlap.pair"), heads, (RowGroup("", rows),)
    )
    figure = _ranges(pairs, found, words)
    notes = (words.text("timing.note"),)
    return Section(title, notes, (figure,) if figure else (), tables=(table,))


def _pair(one: Estimate) -> _Pair:
    return one.level("cohort_name_reference"), one.level("cohort_name_comparator")


def _head(pair: _Pair) -> str:
    return " → ".join(map(readable, pair))


def _places(family: Family) -> _Places:
    found: _Places = {}
    for one in family.estimates:
        place = (_pair(one), one.row.variable_name, one.row.estimate_name)
        found.setdefault(place, one.value())
    return found


def _values(pair: _Pair, found: _Places) -> dict[int, Value]:
    return {value.index: value for place, value in found.items() if place[0] == pair}


def _mirrored(pairs: Sequence[_Pair], found: _Places) -> set[int]:
    """Rows that say of two cohorts, the other way round, what an earlier row says."""
    implied: set[int] = set()
    for n, pair in enumerate(pairs):
        if pair[::-1] not in pairs[:n]:
            continue
        for part, other in zip(_PARTS, _MIRROR, strict=True):
            for estimate in ("count", "percentage"):
                here = found.get((pair, part, estimate))
                there = found.get((pair[::-1], other, estimate))
                if here is not None and there is not None and here.raw == there.raw:
                    implied.add(here.index)
    return implied


def _share(pair: _Pair, part: str, found: _Places, words: Words) -> Cell:
    count, percentage = (found.get((pair, part, name)) for name in ("count", "percentage"))
    if count is None or percentage is None:
        return Cell(tuple(one for one in (count, percentage) if one is not None))
    return Cell((count, " (", percentage, words.format["percent"] + ")"))


def _timing_cells(pair: _Pair, found: _Places, words: Words) -> tuple[Cell, ...]:
    # A dash between two numbers of which one is negative reads like a sign.
    to = words.text("timing.to")
    counts = [found.get((pair, f"number {one}", "count")) for one in ("subjects", "records")]
    median, q25, q75 = (found.get((pair, _DAYS, name)) for name in _SPREAD)
    least, most = (found.get((pair, _DAYS, name)) for name in ("min", "max"))
    middle = () if median is None or q25 is None or q75 is None else (median, " [", q25, to, q75)
    ends = () if least is None or most is None else (least, to, most)
    return (
        *(Cell(() if one is None else (one,)) for one in counts),
        Cell((*middle, "]") if middle else ()),
        Cell(ends),
    )


def _bars(pairs: Sequence[_Pair], found: _Places, words: Words) -> Figure | None:
    """A bar for each two cohorts, in three parts that make up everybody in either."""
    rows, said = [], []
    for pair in pairs:
        figures = [
            value.figure if (value := found.get((pair, part, "percentage"))) else None
            for part in _PARTS
        ]
        if any(one is None for one in figures):
            said.append({"who": _head(pair), "x": 0, "said": words.text("hidden")})
            continue
        at = 0.0
        for n, share in enumerate(figures):
            width = share or 0.0
            rows.append({"who": _head(pair), "x": at, "x2": at + width, "part": n})
            at += width
    if not rows:
        return None
    x = axis(
        "x",
        scale={"domain": [0, 100]},
        axis={"title": words.text("overlap.axis"), "tickCount": 5},
    )
    layers: list[Spec] = [
        {
            "data": data(one for one in rows if one["part"] == n),
            "mark": {"type": "bar", "color": colour, "opacity": 0.85, "height": _ROW_PX - 10},
            "encoding": {"x": x, "x2": {"field": "x2"}, "y": _names(pairs)},
        }
        for n, colour in enumerate((COLOURS[0], INK, COLOURS[1]))
    ]
    layers.append(_words_at(said, pairs, x))
    said_above = words.text("overlap.bars")
    height = _ROW_PX * len(pairs)
    picture = draw(layers, words=words, title=said_above, width=_WIDTH, height=height)
    return Figure(picture, said_above, wide=True)


def _ranges(pairs: Sequence[_Pair], found: _Places, words: Words) -> Figure | None:
    """A line from quartile to quartile with the median on it, for each pair."""
    rows, said = [], []
    for pair in pairs:
        values = [found.get((pair, _DAYS, name)) for name in _SPREAD]
        median, q25, q75 = (None if one is None else one.figure for one in values)
        if median is None or q25 is None or q75 is None:
            said.append({"who": _head(pair), "x": 0, "said": words.text("hidden")})
        else:
            rows.append({"who": _head(pair), "x": q25, "x2": q75, "middle": median})
    if not rows:
        return None
    x = axis("x", axis={"title": words.text("timing.axis"), "tickCount": 6})
    layers: list[Spec] = [
        {
            "data": data(rows),
            "mark": {"type": "rule", "color": COLOURS[0], "strokeWidth": 4, "opacity": 0.5},
            "encoding": {"x": x, "x2": {"field": "x2"}, "y": _names(pairs)},
        },
        {
            "data": data(rows),
            "mark": {"type": "point", "filled": True, "opacity": 1, "color": INK, "size": 50},
            "encoding": {"x": {**x, "field": "middle"}, "y": _names(pairs)},
        },
        _words_at(said, pairs, x),
    ]
    said_above = words.text("timing.ranges")
    height = _ROW_PX * len(pairs)
    picture = draw(layers, words=words, title=said_above, width=_WIDTH, height=height)
    return Figure(picture, said_above, wide=True)


def _names(pairs: Sequence[_Pair]) -> Spec:
    look = {"title": None, "domain": False, "ticks": False, "labelLimit": 260, "labelPadding": 8}
    return {"field": "who", "type": "nominal", "sort": list(map(_head, pairs)), "axis": look}


def _words_at(said: list[dict[str, object]], pairs: Sequence[_Pair], x: Spec) -> Spec:
    return {
        "data": data(said),
        "mark": {"type": "text", "align": "left", "dx": 4, "color": SOFT, "fontStyle": "italic"},
        "encoding": {"x": x, "y": _names(pairs), "text": {"field": "said", "type": "nominal"}},
    }
