"""The section on cumulative incidence: curves with numbers at risk, and the table behind."""

from collections.abc import Sequence

from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.survival_chart import Curve, Moment, curves_figure
from laennec.report.words import Words, readable

_COUNTS = ("n_risk", "n_events", "n_competing", "n_censored")
_CURVE = ("estimate", "estimate_95CI_lower", "estimate_95CI_upper")
_Places = dict[tuple[str, str, str], Value]
"""Estimates by cohort, time and name."""


def cumulative_incidence(family: Family, words: Words) -> Section:
    """Return the curves of all cohorts in one picture, and a table by day since entry."""
    timed = [one for one in family.estimates if one.level("time").isdecimal()]
    cohorts = each(timed, _cohort)
    times = sorted(each(timed, lambda one: one.level("time")), key=int)
    found: _Places = {}
    for one in timed:
        place = (_cohort(one), one.level("time"), one.row.estimate_name)
        found.setdefault(place, one.value(as_percent=one.row.estimate_name in _CURVE))
    first = family.estimates[0]
    outcome = readable(first.level("outcome") or first.level("outcome_cohort_name"))
    title = words.text("survival.title", outcome=outcome)
    rival = first.settings.extra.get("competing_outcome")
    note = words.text("survival.note")
    if rival is not None:
        note = words.text("survival.competing", rival=readable(rival))
    figure = curves_figure([_curve(one, times, found) for one in cohorts], words, title=title)
    return Section(
        title,
        (note,),
        (figure,) if figure else (),
        (_table(cohorts, times, found, words),) if timed else (),
    )


def _cohort(one: Estimate) -> str:
    return one.level("cohort_name") or one.level("target_cohort")


def _curve(cohort: str, times: Sequence[str], found: _Places) -> Curve:
    moments = []
    for time in times:
        if (cohort, time, "estimate") not in found:
            continue
        values = [found.get((cohort, time, name)) for name in _CURVE]
        share, lower, upper = (None if one is None else one.figure for one in values)
        at_risk = found.get((cohort, time, "n_risk"))
        moments.append(Moment(int(time), share, lower, upper, at_risk))
    return Curve(readable(cohort), tuple(moments))


def _table(cohorts: Sequence[str], times: Sequence[str], found: _Places, words: Words) -> Table:
    names = [name for name in _COUNTS if any(place[2] == name for place in found)]
    heads = (*(words.term(name) for name in names), words.text("survival.estimate"))
    groups = []
    for cohort in cohorts:
        lines = ((time, _cells(cohort, time, found, names)) for time in times)
        rows = (
            Row(words.digits(time), cells)
            for time, cells in lines
            if any(cell.values for cell in cells)
        )
        groups.append(RowGroup(readable(cohort), tuple(rows)))
    return Table(
        words.text("survival.table"), words.text("survival.days"), heads, tuple(groups), folded=True
    )


def _cells(cohort: str, time: str, found: _Places, names: Sequence[str]) -> tuple[Cell, ...]:
    counts = tuple(
        Cell((found[(cohort, time, name)],)) if (cohort, time, name) in found else Cell()
        for name in names
    )
    estimate, lower, upper = (found.get((cohort, time, name)) for name in _CURVE)
    if estimate is None:
        return (*counts, Cell())
    if lower is None or upper is None:
        return (*counts, Cell((estimate,)))
    return (*counts, Cell((estimate, " [", lower, "–", upper, "]")))
