"""The section on large-scale characterisation: the most frequent concepts, window by window.

A release may hold tens of thousands of figures; the page shows the most frequent concepts of each
cohort, and says where the others are.
"""

from collections.abc import Sequence

from laennec.report.charts import COLOURS, Spec, data, draw
from laennec.report.content import Cell, Figure, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words, readable

SHOWN = 25
"""Concepts of a cohort that the page shows."""

_OBSERVED = "Number observed"
_PX = (64, 20)

_Concept = tuple[str, str]
"""Its number and its name."""


def large_scale(family: Family, words: Words) -> Section:
    """Return a picture and a table for each cohort; other concepts are counted in a note."""
    totals = [one for one in family.estimates if not one.level("concept_id")]
    cells = [one for one in family.estimates if one.level("concept_id")]
    windows = each(totals, lambda one: str(one.row.variable_level))
    levels = [one for one in windows if one != "None"]
    asked = family.estimates[0].settings.extra
    table, kind = (asked.get(name, "") for name in ("table_name", "type"))
    figures, tables, implied = [], [], set[int]()
    for cohort in each(family.estimates, lambda one: one.row.group_level):
        mine = [one for one in cells if one.row.group_level == cohort]
        chosen = _most_frequent(mine)
        implied |= {one.index for one in mine if _concept(one) not in chosen}
        sizes = [one for one in totals if one.row.group_level == cohort]
        tables.append(_table(cohort, sizes, mine, chosen, levels, words))
        if chosen:
            figures.append(_heat(cohort, mine, chosen, levels, words))
    title = words.text("large_scale.title", table=words.term(table), kind=words.term(kind))
    notes = [words.text("large_scale.note")]
    if implied:
        notes.append(words.text("large_scale.more", n=SHOWN))
    return Section(title, tuple(notes), tuple(figures), tuple(tables), implied=frozenset(implied))


def _concept(one: Estimate) -> _Concept:
    return one.level("concept_id"), one.row.variable_name


def _most_frequent(cells: Sequence[Estimate]) -> list[_Concept]:
    """Concepts by their largest count in any window; of equal ones the smaller number first."""
    most: dict[_Concept, float] = {}
    for one in cells:
        figure = one.value().figure if one.row.estimate_name == "count" else None
        if figure is not None:
            most[_concept(one)] = max(figure, most.get(_concept(one), 0.0))
    return sorted(most, key=lambda one: (-most[one], len(one[0]), one[0]))[:SHOWN]


def _table(
    cohort: str,
    sizes: Sequence[Estimate],
    cells: Sequence[Estimate],
    chosen: Sequence[_Concept],
    levels: Sequence[str],
    words: Words,
) -> Table:
    found: dict[tuple[object, ...], Value] = {}
    for one in cells:
        found[_concept(one), one.row.variable_level, one.row.estimate_name] = one.value()
    observed = {one.row.variable_level: one.value() for one in sizes}
    whole = Row(words.term(_OBSERVED), tuple(_cell(observed.get(level)) for level in levels))
    everyone = Row(words.text("large_scale.cohort"), _first(observed.get(None), len(levels)))
    rows = tuple(
        Row(f"{name} ({number})", tuple(
            _share(found.get(((number, name), level, "count")),
                   found.get(((number, name), level, "percentage")), words)
            for level in levels
        ))
        for number, name in chosen
    )  # fmt: skip
    groups = (
        RowGroup(words.text("large_scale.observed"), (everyone, whole)),
        RowGroup(words.text("large_scale.concepts"), rows),
    )
    heads = tuple(words.text("large_scale.days", window=level) for level in levels)
    return Table(readable(cohort), words.text("large_scale.concept"), heads, groups)


def _cell(value: Value | None) -> Cell:
    return Cell() if value is None else Cell((value,))


def _first(value: Value | None, columns: int) -> tuple[Cell, ...]:
    return (_cell(value), *(Cell() for _ in range(columns - 1)))


def _share(count: Value | None, percentage: Value | None, words: Words) -> Cell:
    if count is None or percentage is None:
        return _cell(count or percentage)
    return Cell((count, " (", percentage, words.format["percent"] + ")"))


def _heat(
    cohort: str,
    cells: Sequence[Estimate],
    chosen: Sequence[_Concept],
    levels: Sequence[str],
    words: Words,
) -> Figure:
    """A field for each concept and window, the darker the more frequent; white where none shows."""
    rows = [
        {"who": _head(_concept(one)), "when": one.row.variable_level, "share": figure}
        for one in cells
        if one.row.estimate_name == "percentage"
        and _concept(one) in chosen
        and (figure := one.value().figure) is not None
    ]
    look = {"title": None, "domain": False, "ticks": False, "labelLimit": 280, "labelPadding": 8}
    y = {"field": "who", "type": "nominal", "sort": list(map(_head, chosen)), "axis": look}
    x = {
        "field": "when",
        "type": "nominal",
        "sort": list(levels),
        "scale": {"domain": list(levels)},
        "axis": {"title": words.text("large_scale.axis"), "labelAngle": 0, "ticks": False},
    }
    opacity = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 100], "range": [0.05, 1]},
        "legend": None,
    }
    layer: Spec = {
        "data": data(rows),
        "mark": {"type": "rect", "color": COLOURS[0]},
        "encoding": {"x": x, "y": y, "opacity": opacity},
    }
    caption = words.text("large_scale.caption", cohort=readable(cohort))
    width, height = _PX[0] * len(levels), _PX[1] * len(chosen)
    return Figure(draw([layer], words=words, title=caption, width=width, height=height), caption,
                  wide=True)  # fmt: skip


def _head(concept: _Concept) -> str:
    return f"{concept[1]} ({concept[0]})"
