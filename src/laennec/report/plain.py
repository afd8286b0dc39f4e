"""Estimates of kinds that this report has no picture for: a plain table that loses nothing."""

from collections.abc import Sequence

from laennec.omop.summarised_result import JOINT, OVERALL
from laennec.report.content import Cell, Row, RowGroup, Section, Table
from laennec.report.estimates import Estimate, Family
from laennec.report.words import Words, readable


def plain(family: Family, words: Words) -> Section:
    """Return a section with the plain table of all its estimates."""
    title = words.text("plain.title", kind=readable(family.result_type))
    return Section(title, tables=(plain_table(family.estimates, words, folded=False),))


def plain_table(estimates: Sequence[Estimate], words: Words, *, folded: bool) -> Table:
    """Return one line per estimate, under the place where the estimate stands."""
    lines: dict[str, list[Row]] = {}
    for one in estimates:
        row = Row(_name(one, words), (Cell((one.value(),)),))
        lines.setdefault(_place(one, words), []).append(row)
    groups = tuple(RowGroup(place, tuple(rows)) for place, rows in lines.items())
    return Table(
        words.text("plain.caption"),
        words.text("estimate"),
        (words.text("value"),),
        groups,
        folded=folded,
    )


def _place(one: Estimate, words: Words) -> str:
    """Group, strata and additional levels, each with its name."""
    row = one.row
    said = [
        f"{readable(name)}: {words.term(level)}"
        for names, levels in (
            (row.group_name, row.group_level),
            (row.strata_name, row.strata_level),
            (row.additional_name, row.additional_level),
        )
        if names != OVERALL
        for name, level in zip(names.split(JOINT), levels.split(JOINT), strict=False)
    ]
    return "; ".join(said) or words.text("overall")


def _name(one: Estimate, words: Words) -> str:
    row = one.row
    variable = words.term(row.variable_name)
    if row.variable_level is not None:
        variable = f"{variable}: {words.term(row.variable_level)}"
    return f"{variable}, {words.term(row.estimate_name)}"
