"""The section on treatment pathways: a picture of the tree, and a line for each start of a pathway.

The picture is computed from published figures only. What is not told apart is what is left of a
start beside the ends and the next treatments that are shown.
"""

from collections.abc import Sequence

from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.pathway_chart import Tree, pathway_figure, step_name
from laennec.report.words import Words, readable

_START, _END, _DAYS = "Start of pathway", "Pathway", "Days on last treatment"
_NOBODY = "None"
_OPEN = 25
"""Lines of a table that is open."""

_Found = dict[tuple[str, str, str], Value]
"""Estimates of one cohort by variable, pathway and name."""


def pathways(family: Family, words: Words) -> Section:
    """Return a picture and a table for each cohort."""
    figures, tables = [], []
    for cohort in each(family.estimates, lambda one: one.row.group_level):
        mine = [one for one in family.estimates if one.row.group_level == cohort]
        found = {
            (one.row.variable_name, str(one.row.variable_level), one.row.estimate_name): one.value()
            for one in mine
        }
        tables.append(_table(cohort, mine, found, words))
        tree = _tree(mine, found)
        if tree.starts:
            figures.append(pathway_figure(readable(cohort), tree, words))
    notes = (words.text("pathways.note"), words.text("pathways.picture"))
    return Section(
        words.text("pathways.title"),
        notes if figures else notes[:1],
        tuple(figures),
        tuple(tables),
    )


def _paths(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    starts = [one for one in estimates if one.row.variable_name == _START]
    return each(starts, lambda one: str(one.row.variable_level))


def _tree(estimates: Sequence[Estimate], found: _Found) -> Tree:
    starts, ends = {}, {}
    for path in _paths(estimates):
        count = found.get((_START, path, "count"))
        if count is not None and count.figure:
            starts[tuple(path.split("-"))] = count.figure
    for (variable, path, estimate), value in found.items():
        if (variable, estimate) == (_END, "count") and value.figure is not None:
            ends[() if path == _NOBODY else tuple(path.split("-"))] = value.figure
    size = found.get(("Number subjects", _NOBODY, "count"))
    return Tree(size.figure or 0.0 if size else 0.0, starts, ends).drawable()


def _table(cohort: str, estimates: Sequence[Estimate], found: _Found, words: Words) -> Table:
    size = found.get(("Number subjects", _NOBODY, "count"))
    everyone = (_one(size), *(Cell() for _ in range(3)))
    nobody = (Cell(), _share(_END, _NOBODY, found, words), Cell(), Cell())
    paths = _paths(estimates)
    rows = [
        Row(words.text("pathways.cohort"), everyone),
        *([Row(words.text("pathways.none"), nobody)] if (_END, _NOBODY, "count") in found else []),
        *(Row(_head(path, words), _cells(path, found, words)) for path in paths),
    ]
    heads = (
        words.text("pathways.started"),
        words.text("pathways.ended"),
        words.text("pathways.median"),
        words.text("pathways.mean"),
    )
    caption = words.text("pathways.caption", cohort=readable(cohort))
    groups = (RowGroup("", tuple(rows)),)
    corner = words.text("pathways.path")
    return Table(caption, corner, heads, groups, folded=len(rows) > _OPEN)


def _head(path: str, words: Words) -> str:
    return " → ".join(step_name(one, words) for one in path.split("-"))


def _cells(path: str, found: _Found, words: Words) -> tuple[Cell, ...]:
    q25, median, q75, mean, sd = (
        found.get((_DAYS, path, name)) for name in ("q25", "median", "q75", "mean", "sd")
    )
    middle = () if median is None or q25 is None or q75 is None else (median, " [", q25, "–", q75)
    spread = () if sd is None else (" (", sd, ")")
    return (
        _share(_START, path, found, words),
        _share(_END, path, found, words),
        Cell((*middle, "]") if middle else ()),
        Cell(() if mean is None else (mean, *spread)),
    )


def _share(variable: str, path: str, found: _Found, words: Words) -> Cell:
    count, percentage = (found.get((variable, path, name)) for name in ("count", "percentage"))
    if count is None or percentage is None:
        return _one(count or percentage)
    return Cell((count, " (", percentage, words.format["percent"] + ")"))


def _one(value: Value | None) -> Cell:
    return Cell() if value is None else Cell((value,))
