"""The section that describes cohorts side by side: what papers call Table 1."""

from collections.abc import Sequence
from dataclasses import dataclass

from laennec.omop.summarised_result import ResultRow
from laennec.report.cohort_charts import Share, shares_figure
from laennec.report.cohorts import notes_on, records_as_persons, share_of
from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words, readable

_NUMBERS = ("Number subjects", "Number records")
_SHARES = ("Sex", "Age group", "Covariates")
_SPREADS = ("median", "mean", "min")
"""The rows of a distribution, each named by its first estimate."""

_Place = tuple[str, str | None, str, str]


@dataclass(frozen=True)
class _Lookup:
    """Estimates by variable, level, estimate and cohort; of two at one place, the first."""

    values: dict[_Place, Value]
    words: Words

    def find(self, variable: str, level: str | None, estimate: str, cohort: str) -> Value | None:
        return self.values.get((variable, level, estimate, cohort))

    def share(self, variable: str, level: str | None, cohort: str) -> Cell:
        """Persons, their percentage, and a bar of it."""
        count = self.find(variable, level, "count", cohort)
        percentage = self.find(variable, level, "percentage", cohort)
        if count is None or percentage is None:
            return _together(count, percentage)
        parts = (count, " (", percentage, self.words.format["percent"] + ")")
        return Cell(parts, share_of(percentage, 100))

    def spread(self, variable: str, first: str, cohort: str) -> Cell:
        """Median and quartiles, mean and standard deviation, or both extremes."""
        names = {"median": ("q25", "q75"), "mean": ("sd",), "min": ("max",)}[first]
        lead = self.find(variable, None, first, cohort)
        others = [self.find(variable, None, name, cohort) for name in names]
        if lead is None or any(other is None for other in others):
            return _together(lead, *others)
        known = [other for other in others if other is not None]
        if first == "median":
            return Cell((lead, " [", known[0], "–", known[1], "]"))
        if first == "mean":
            return Cell((lead, " (", known[0], ")"))
        return Cell((lead, "–", known[0]))


def characteristics(family: Family, words: Words) -> Section:
    """Return one table with a column for each cohort."""
    plain = family.estimates
    cohorts = each(plain, lambda one: one.row.group_level)
    implied = records_as_persons(plain)
    lookup = _Lookup(_values(plain), words)
    groups = [
        *_numbers(lookup, cohorts, implied),
        *_distributions(lookup, cohorts, plain),
        *_levels(lookup, cohorts, plain),
    ]
    table = Table(
        words.text("characteristics.caption"),
        words.text("characteristic"),
        tuple(readable(cohort) for cohort in cohorts),
        tuple(group for group in groups if group.rows),
    )
    notes = (words.text("characteristics.note"), *notes_on(implied, words))
    figure = shares_figure(_shares(plain, words), words)
    return Section(
        words.text("characteristics.title"),
        notes,
        (figure,) if figure else (),
        (table,),
        implied=implied,
    )


def _shares(estimates: Sequence[Estimate], words: Words) -> list[Share]:
    """Return the percentages of the picture, in the order of the table."""
    return [
        Share(_label(one.row, words), readable(one.row.group_level), one.value().figure)
        for variable in _SHARES
        for one in estimates
        if (one.row.variable_name, one.row.estimate_name) == (variable, "percentage")
    ]


def _label(row: ResultRow, words: Words) -> str:
    level = words.term(row.variable_level or "")
    if row.variable_name == "Covariates":
        return level
    return words.text("shares.level", variable=words.term(row.variable_name), level=level)


def _values(estimates: Sequence[Estimate]) -> dict[_Place, Value]:
    found: dict[_Place, Value] = {}
    for one in estimates:
        found.setdefault(_place(one.row), one.value())
    return found


def _place(row: ResultRow) -> _Place:
    return (row.variable_name, row.variable_level, row.estimate_name, row.group_level)


def _numbers(lookup: _Lookup, cohorts: tuple[str, ...], implied: frozenset[int]) -> list[RowGroup]:
    rows = []
    for variable in _NUMBERS:
        cells = tuple(_together(lookup.find(variable, None, "count", cohort)) for cohort in cohorts)
        values = [value for cell in cells for value in cell.values]
        if values and not implied.intersection(value.index for value in values):
            rows.append(Row(lookup.words.term(variable), cells))
    return [RowGroup("", tuple(rows))]


def _distributions(
    lookup: _Lookup, cohorts: tuple[str, ...], estimates: Sequence[Estimate]
) -> list[RowGroup]:
    groups = []
    measured = [one for one in estimates if one.row.estimate_name in _SPREADS]
    for variable in each(measured, lambda one: one.row.variable_name):
        rows = []
        for first in _SPREADS:
            cells = tuple(lookup.spread(variable, first, cohort) for cohort in cohorts)
            if any(cell.values for cell in cells):
                rows.append(Row(lookup.words.text(f"spread.{first}"), cells))
        groups.append(RowGroup(lookup.words.term(variable), tuple(rows)))
    return groups


def _levels(
    lookup: _Lookup, cohorts: tuple[str, ...], estimates: Sequence[Estimate]
) -> list[RowGroup]:
    groups = []
    for variable in _SHARES:
        levels = each(
            [one for one in estimates if one.row.variable_name == variable],
            lambda one: one.row.variable_level,
        )
        rows = tuple(
            Row(
                lookup.words.term(level or ""),
                tuple(lookup.share(variable, level, cohort) for cohort in cohorts),
            )
            for level in levels
        )
        groups.append(RowGroup(lookup.words.term(variable), rows))
    return groups


def _together(*values: Value | None) -> Cell:
    """Return what there is of some values, with commas."""
    parts: list[Value | str] = []
    for value in values:
        if value is not None:
            parts += [", ", value] if parts else [value]
    return Cell(tuple(parts))
