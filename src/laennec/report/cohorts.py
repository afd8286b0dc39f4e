"""Sections on cohorts: their sizes, and how many persons each step leaves."""

from collections.abc import Sequence

from laennec.omop.summarised_result import OVERALL
from laennec.report.cohort_charts import FlowStep, attrition_figure, sizes_figure
from laennec.report.content import Cell, Figure, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words, readable

_SIZES = ("Number subjects", "Number records")
_STEPS = ("number_subjects", "excluded_subjects", "number_records", "excluded_records")


def sizes(family: Family, words: Words) -> Section:
    """Return the persons of each cohort, whole and in strata, with bars on one scale."""
    implied = records_as_persons(family.estimates)
    shown = _columns(family.estimates, _SIZES, implied)
    largest = _largest(family.estimates)
    groups = tuple(
        RowGroup(
            "" if names == OVERALL else words.strata(names, levels),
            _size_rows(
                [one for one in family.estimates if _stratum(one) == (names, levels)],
                shown,
                largest,
            ),
        )
        for names, levels in each(family.estimates, _stratum)
    )
    table = Table(
        words.text("sizes.caption"),
        words.text("cohort"),
        tuple(words.term(variable) for variable in shown),
        groups,
        narrow=True,
    )
    persons = [
        (readable(one.row.group_level), one.value())
        for one in family.estimates
        if (one.row.variable_name, one.row.estimate_name) == (_SIZES[0], "count")
        and one.row.strata_name == OVERALL
    ]
    figure = sizes_figure(persons, words)
    return Section(
        words.text("sizes.title"),
        notes_on(implied, words),
        (figure,) if figure else (),
        (table,),
        implied=implied,
    )


def _stratum(one: Estimate) -> tuple[str, str]:
    return one.row.strata_name, one.row.strata_level


def _size_rows(
    estimates: Sequence[Estimate], shown: Sequence[str], largest: float
) -> tuple[Row, ...]:
    return tuple(
        Row(
            readable(cohort),
            tuple(
                _cell(estimates, variable, None if n else largest, group=cohort)
                for n, variable in enumerate(shown)
            ),
        )
        for cohort in each(estimates, lambda one: one.row.group_level)
    )


def attrition(family: Family, words: Words) -> Section:
    """Return a flow and a table per cohort: persons after each step, and those left out by it."""
    implied = records_as_persons(family.estimates)
    figures, tables = [], []
    for cohort in each(family.estimates, lambda one: one.row.group_level):
        mine = [one for one in family.estimates if one.row.group_level == cohort]
        shown = _columns(mine, _STEPS, implied)
        largest = _largest(mine)
        asked = each(mine, lambda one: (one.level("reason_id"), one.level("reason")))
        figures.append(_flow(cohort, asked, mine, words))
        steps = tuple(
            Row(
                f"{number}. {words.term(reason)}",
                tuple(
                    _cell(mine, variable, None if n else largest, step=number)
                    for n, variable in enumerate(shown)
                ),
            )
            for number, reason in asked
        )
        tables.append(
            Table(
                readable(cohort),
                words.text("step"),
                tuple(words.term(variable) for variable in shown),
                (RowGroup("", steps),),
                narrow=True,
            )
        )
    notes = (words.text("attrition.note"), *notes_on(implied, words))
    title = words.text("attrition.title")
    return Section(title, notes, tuple(figures), tuple(tables), implied=implied)


def _flow(
    cohort: str, asked: Sequence[tuple[str, str]], mine: Sequence[Estimate], words: Words
) -> Figure:
    steps = []
    for number, reason in asked:
        left, out = (
            next(iter(_cell(mine, variable, None, step=number).values), None)
            for variable in _STEPS[:2]
        )
        steps.append(FlowStep(f"{number}. {words.term(reason)}", left, out))
    return attrition_figure(readable(cohort), steps, words)


def records_as_persons(estimates: Sequence[Estimate]) -> frozenset[int]:
    """Return the rows that count records, when each says the same as its row of persons.

    A person enters a cohort of this program once, so that both numbers are always equal; a column
    that repeats another one is then said in words instead. One difference, and all are shown.
    """
    persons: dict[tuple[str, ...], str] = {}
    records: dict[int, tuple[tuple[str, ...], str]] = {}
    for one in estimates:
        row = one.row
        place = (row.group_level, row.strata_level, row.additional_level)
        if row.variable_name.endswith("subjects"):
            persons[(row.variable_name.removesuffix("subjects"), *place)] = row.estimate_value
        elif row.variable_name.endswith("records"):
            key = (row.variable_name.removesuffix("records"), *place)
            records[one.index] = (key, row.estimate_value)
    same = all(persons.get(key) == value for key, value in records.values())
    return frozenset(records) if same else frozenset()


def notes_on(implied: frozenset[int], words: Words) -> tuple[str, ...]:
    """Return the sentence that stands for left-out rows, if there are any."""
    return (words.text("records_as_persons"),) if implied else ()


def _columns(
    estimates: Sequence[Estimate], known: Sequence[str], implied: frozenset[int]
) -> tuple[str, ...]:
    """Return the known variables that have rows to show, in the order given."""
    there = {one.row.variable_name for one in estimates if one.index not in implied}
    return tuple(variable for variable in known if variable in there)


def _cell(
    estimates: Sequence[Estimate],
    variable: str,
    largest: float | None,
    *,
    group: str | None = None,
    step: str | None = None,
) -> Cell:
    for one in estimates:
        row = one.row
        if (
            (row.variable_name, row.estimate_name) == (variable, "count")
            and group in {None, row.group_level}
            and step in {None, one.level("reason_id")}
        ):
            value = one.value()
            return Cell((value,), share_of(value, largest))
    return Cell()


def share_of(value: Value, largest: float | None) -> float | None:
    """Return how long the bar of a value is, 0 to 1; None when either is no number."""
    figure = value.figure
    if figure is None or not largest:
        return None
    return min(1.0, max(0.0, figure / largest))


def _largest(estimates: Sequence[Estimate]) -> float:
    figures = (one.value().figure for one in estimates)
    return max((figure for figure in figures if figure is not None), default=0.0)
