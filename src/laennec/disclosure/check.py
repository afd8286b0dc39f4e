"""The one entry point: what of a result may be published, and why the rest may not.

Findings are for output checkers. They say which hidden counts are small and which only protect
others. The guarantee takes it that a reader of the published result does not know: they stay in
the hub.

Pure: no I/O beyond packaged data, no clock, no randomness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from laennec.disclosure.calendars import widened
from laennec.disclosure.cells import LARGE_SCALE, PAIRS, PATHWAYS, Cells
from laennec.disclosure.judged_curves import JudgedCurves
from laennec.disclosure.kinds import HIDDEN, NO_NUMBER, Entry, Role, kinds, read
from laennec.disclosure.large_scale import is_total
from laennec.disclosure.pathway_trees import is_size
from laennec.disclosure.profiles import Profile
from laennec.disclosure.rules import BY_CELL, PERCENT, REASONS, Rule, distribution_rule
from laennec.disclosure.survival import SUMMARY, SURVIVAL
from laennec.omop.summarised_result import ResultSettings, SummarisedResult


@dataclass(frozen=True)
class Finding:
    """Why one estimate is hidden; for the output checker, never for the reader.

    Attributes:
        row: Index among the rows of the result, from 0.
    """

    row: int
    rule: Rule
    reason: str


@dataclass(frozen=True)
class TypeCount:
    """What became of the estimates of one result type.

    Attributes:
        estimates: All that were judged: those published, hidden ones included, and those left out.
        hidden: Published as ``-``.
        left_out: Not published at all, so that nothing tells where they were: the hidden end of
            curves, concepts of a large-scale characterisation, starts of treatment pathways.
        rewritten: Published as sums.
    """

    result_type: str
    estimates: int
    hidden: int
    left_out: int
    rewritten: int


@dataclass(frozen=True)
class Review:
    """What may be published, and why the rest may not.

    Attributes:
        published: The same rows in the same order, without the hidden end of curves; a hidden
            estimate is written ``-``, intervals of incidence and of period prevalence
            are widened to whole calendar intervals.
        findings: One for each estimate that is written ``-``, by row of the result judged.
        counts: By result type, in order of name.
        profile: Name and version of the profile.
    """

    published: SummarisedResult
    findings: tuple[Finding, ...]
    counts: tuple[TypeCount, ...]
    profile: str


def check(result: SummarisedResult, profile: Profile) -> Review:
    """Decide what of a result may leave the hub.

    Args:
        result: Everything that is to leave together. Results checked apart are not protected
            against one another.
        profile: From ``load_profile``.

    Returns:
        The published result, the findings and their numbers.

    Raises:
        PolicyError: an unknown type, variable or estimate, a value that cannot be read, or counts
            that contradict one another. Nothing may be published then.

    Resists: a reader who holds the published result, this program and the profile.
    """
    everything = read(result)
    judgement = _Judgement(everything, profile)
    entries = tuple(one for one in everything if one.index not in judgement.dropped)
    rules = {one.index: rule for one in entries if (rule := judgement.rule(one)) is not None}
    rows = {}
    for entry in entries:
        value = HIDDEN if entry.index in rules else judgement.text(entry)
        level = entry.row.additional_level
        if entry.settings.result_type in _CUT:
            level = widened(level)
        rows[entry.index] = replace(entry.row, estimate_value=value, additional_level=level)
    changed = {
        one.index for one in entries if one.row.estimate_value != rows[one.index].estimate_value
    }
    return Review(
        SummarisedResult(tuple(rows.values()), _suppressed(judgement.settings(result), profile)),
        tuple(Finding(row, rule, REASONS[rule]) for row, rule in sorted(rules.items())),
        _counts(everything, set(rules), judgement.dropped, changed - set(rules)),
        f"{profile.name} {profile.version}",
    )


def _suppressed(
    settings: tuple[ResultSettings, ...], profile: Profile
) -> tuple[ResultSettings, ...]:
    """Say below which count cells were hidden, in the setting that omopgenerics looks at."""
    said = {"min_cell_count": str(profile.threshold)}
    return tuple(replace(one, extra={**one.extra, **said}) for one in settings)


_CUT = frozenset({"incidence", "period_prevalence"})
"""Types whose intervals are cut at the first and last day that anybody was seen."""


def _counts(
    entries: tuple[Entry, ...], hidden: set[int], left_out: set[int], changed: set[int]
) -> tuple[TypeCount, ...]:
    types: dict[str, set[int]] = {}
    for entry in entries:
        types.setdefault(entry.settings.result_type, set()).add(entry.index)
    return tuple(
        TypeCount(name, len(rows), len(rows & hidden), len(rows & left_out), len(rows & changed))
        for name, rows in sorted(types.items())
    )


class _Judgement:
    """What follows for each row from the cells and curves of a result."""

    def __init__(self, entries: tuple[Entry, ...], profile: Profile) -> None:
        self._entries, self._profile = entries, profile
        self._cells = Cells(entries, profile)
        self._curves = JudgedCurves(self._cells, profile)
        self.dropped = self._cells.dropped | self._curves.dropped

    def text(self, entry: Entry) -> str:
        """Return the estimate as published, if it is published."""
        text = self._curves.text(entry)
        if text in {HIDDEN, *NO_NUMBER}:
            return text
        if entry.role in PERCENT and entry.row.variable_name in _days(entry):
            step = self._profile.quantile_days
            return str(round(float(text) / step) * step)
        return text

    def settings(self, result: SummarisedResult) -> tuple[ResultSettings, ...]:
        """Return the settings; they say to what estimates were rounded."""
        steps: dict[int, dict[str, float]] = {}
        days = {"quantiles_of_days_rounded_to": str(self._profile.quantile_days)}
        for entry in self._entries:
            if entry.index in self._curves.grids:
                grid = self._curves.grids[entry.index]
                steps.setdefault(entry.row.result_id, {})[entry.row.group_level] = grid
        return tuple(
            replace(one, extra={**one.extra, "estimates_rounded_to": _listed(steps[one.result_id])})
            if one.result_id in steps
            else replace(one, extra={**one.extra, **days})
            if kinds()[one.result_type].days
            else replace(one, extra={**one.extra, "read_off": "the published points of the curve"})
            if one.result_type == SUMMARY
            else one
            for one in result.settings
        )

    def rule(self, entry: Entry) -> Rule | None:
        """Return the rule that hides the estimate, or None."""
        if entry.row.estimate_value == HIDDEN:
            return Rule.GIVEN
        if entry.index in self._cells.linked:
            return Rule.SECONDARY
        step = self._cells.step(entry)
        if step is not None:
            return BY_CELL.get(self._cells.why.get(step))
        if entry.settings.result_type in SURVIVAL:
            return (
                Rule.EXTREME if entry.role is Role.EXTREME else self._curves.rules.get(entry.index)
            )
        if entry.settings.result_type == LARGE_SCALE and not is_total(entry):
            return None  # What may not be published is left out whole.
        if entry.settings.result_type == PATHWAYS and not is_size(entry):
            return self._pathway(entry)
        match entry.role:
            case Role.EXTREME:
                return Rule.EXTREME
            case Role.Q25 | Role.MEDIAN | Role.Q75 | Role.MOMENT:
                return self._distribution(entry)
            case Role.RECORDS:
                return self._repeated(entry)
            case Role.SHARE | Role.RATE:
                return Rule.DERIVED if self._cells.is_any_hidden(entry) else None
            case _:
                return BY_CELL.get(self._cells.why.get(self._cells.cell(entry)))

    def _distribution(self, entry: Entry) -> Rule | None:
        """Judge a quantile, mean or standard deviation by the persons behind it."""
        persons = self._cells.persons_behind(entry)
        if persons is None:
            return Rule.DERIVED
        if entry.settings.result_type not in PAIRS:
            return distribution_rule(entry.role, persons, self._profile)
        records = self._cells.records(entry)
        if records is None:
            return Rule.DERIVED
        return distribution_rule(entry.role, persons, self._profile, records=records)

    def _pathway(self, entry: Entry) -> Rule | None:
        """Judge what is said of a start of pathways that is shown, or of its end."""
        if entry.index in self._cells.pathways.hidden:
            few = self._cells.pathways.hidden[entry.index]
            return Rule.THRESHOLD if few else Rule.SECONDARY
        if entry.role in (Role.PERSONS, Role.SHARE):
            return None
        return distribution_rule(
            entry.role, self._cells.pathways.persons[entry.index], self._profile
        )

    def _repeated(self, entry: Entry) -> Rule | None:
        """Judge a number of records, which tells how many came from persons seen before."""
        persons = self._cells.persons_behind(entry)
        if persons is None or entry.count is None:
            return Rule.DERIVED
        if entry.index in self._cells.near_records:
            return Rule.SECONDARY
        return Rule.THRESHOLD if self._profile.is_small(entry.count - persons) else None


def _listed(steps: Mapping[str, float]) -> str:
    return "; ".join(f"{group}: {step:g}" for group, step in sorted(steps.items()))


def _days(entry: Entry) -> tuple[str, ...]:
    return kinds()[entry.settings.result_type].days
