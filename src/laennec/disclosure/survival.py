"""Survival: which rows are one curve, and who of a cohort starts it.

Of one analysis (one result on one cohort or stratum) there are counts and estimates by day, a
summary and an attrition. They come in tables of their own, whose settings say the same but for a
few names. Estimates without counts cannot be judged, and are refused.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key, cover
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.curves import (
    curve_cell,
    outcome_of,
    points_of,
    relate_start,
    rival_of,
)
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.strata import cohort_of, levels_of, named
from laennec.omop.summarised_result import OVERALL

EVENTS, ESTIMATES = "survival_events", "survival_estimates"
SUMMARY, ATTRITION = "survival_summary", "survival_attrition"
SURVIVAL = (EVENTS, ESTIMATES, SUMMARY, ATTRITION)
"""Counts come first: they name the cell of a curve."""

_OWN = frozenset({"group", "strata", "additional", "eventgap"})
"""Settings in which the tables of one analysis differ."""


@dataclass
class Analysis:
    """The rows about one cohort or stratum in one survival result.

    Attributes:
        curve: Counts and estimates by day, the counts first.
        summary: What is said of the whole curve.
        attrition: Who of the cohort is followed.
    """

    curve: list[Entry] = field(default_factory=list)
    summary: list[Entry] = field(default_factory=list)
    attrition: list[Entry] = field(default_factory=list)

    @property
    def cell(self) -> Key:
        """The cell of who is followed."""
        return curve_cell(self.curve or self.attrition)


def analyses(by_type: Mapping[str, list[Entry]]) -> list[Analysis]:
    """Return the analyses of a result.

    Raises:
        PolicyError: a row is about another outcome than its settings name, or there are estimates
            or a summary without counts.
    """
    found: dict[Key, Analysis] = {}
    settings: dict[int, Key] = {}
    for name in SURVIVAL:
        for entry in by_type.get(name, []):
            if entry.row.result_id not in settings:
                own = entry.settings.extra.items()
                settings[entry.row.result_id] = tuple(
                    sorted(one for one in own if one[0] not in _OWN)
                )
            same = settings[entry.row.result_id]
            stratum = named("", levels_of(entry))
            key: Key = (entry.row.cdm_name, entry.row.group_level, stratum, *same)
            one = found.setdefault(key, Analysis())
            rows = {SUMMARY: one.summary, ATTRITION: one.attrition}.get(name, one.curve)
            rows.append(_of_outcome(entry))
    for one in found.values():
        counted = one.curve and one.curve[0].settings.result_type == EVENTS
        if not counted and (one.curve or one.summary):
            raise PolicyError(
                "Estimates of survival come without the counts behind them.",
                remedy="Check survival_events together with survival_estimates and _summary.",
            )
    return list(found.values())


def _of_outcome(entry: Entry) -> Entry:
    """The row, its events being competing ones if they are of the competing outcome."""
    outcome, rival = outcome_of(entry), rival_of(entry)
    level = entry.row.variable_level
    if level not in ({outcome} if rival is None else {outcome, rival}):
        raise PolicyError(
            "A row of survival is about another outcome than its settings name.",
            remedy="variable_level is the setting outcome, or competing_outcome.",
        )
    if level != outcome and entry.role is Role.EVENTS:
        return replace(entry, role=Role.COMPETING)
    return entry


def sizes(attritions: list[Entry]) -> list[Entry]:
    """Return the first steps of attritions as what they are: numbers of subjects of cohorts."""
    return [
        replace(
            one,
            settings=replace(one.settings, result_type="summarise_cohort_count"),
            row=replace(
                one.row,
                variable_name="Number subjects",
                variable_level=None,
                strata_name=OVERALL,
                strata_level=OVERALL,
            ),
        )
        for one in attritions
        if step_of(one) == 1 and one.row.variable_name == "number_subjects"
    ]


def relate_analysis(algebra: Algebra, analysis: Analysis) -> list[Key]:
    """Add who starts the curve, and the steps by which others of the cohort do not.

    Args:
        algebra: Holds the cohorts.
        analysis: The rows.

    Returns:
        The cells of who is left after steps between the cohort and the start.

    Raises:
        PolicyError: a step or a point is incomplete, or the numbers do not add up.
    """
    cell = analysis.cell
    algebra.put(cell, points_of(analysis.curve)[0].count(Role.AT_RISK) if analysis.curve else 0)
    for entry in analysis.summary:
        if entry.role is Role.PERSONS:
            algebra.put(cell, entry.count)
    first = (analysis.curve or analysis.attrition)[0]
    rest = relate_start(algebra, cell, subjects(first.row.cdm_name, cohort_of(first)))
    cells = attrition_cells(analysis)
    for entry in analysis.attrition:
        algebra.put(cells[entry.index], entry.count)
    if rest is None or not cells:
        return []
    last = max(map(step_of, analysis.attrition))
    excluded: list[Key] = [_excluded(cell, n) for n in range(2, last + 1)]
    between: list[Key] = [_left(cell, n) for n in range(2, last)]
    if any(key not in algebra for key in (*excluded, *between)):
        raise PolicyError(
            "An attrition of survival lacks a step, or the number of persons left after one.",
            remedy="Steps are numbered 1, 2, … with number_subjects and excluded_subjects.",
        )
    if excluded:
        algebra.split(rest, excluded)
    for n, key in enumerate(between, start=1):
        algebra.derive(key, [cell, *cover(excluded, n)])
    return between


def attrition_cells(analysis: Analysis) -> dict[int, Key]:
    """Return the cell of each row of the attrition, by index."""
    last = max(map(step_of, analysis.attrition), default=0)
    found: dict[int, Key] = {}
    for entry in analysis.attrition:
        number = step_of(entry)
        if entry.row.variable_name.startswith("excluded"):
            found[entry.index] = _excluded(analysis.cell, number)
        elif number == 1:
            found[entry.index] = subjects(entry.row.cdm_name, cohort_of(entry))
        elif number == last:
            found[entry.index] = analysis.cell
        else:
            found[entry.index] = _left(analysis.cell, number)
    return found


def _excluded(cell: Key, number: int) -> Key:
    return ("not followed", number, *cell)


def _left(cell: Key, number: int) -> Key:
    """A cell that ``differences.relate_starts`` compares with those who start curves."""
    _, cdm, result, *who = cell
    return ("still followed", cdm, result, number, *who)


def step_of(entry: Entry) -> int:
    """Return the number of a step of an attrition.

    Raises:
        PolicyError: it is no number.
    """
    level = entry.row.additional_level
    if not (level.isascii() and level.isdigit()):
        raise PolicyError("A step of an attrition has no number.", remedy="Run the study again.")
    return int(level)
