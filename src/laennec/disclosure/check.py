"""The one entry point: what of a result may be published, and why the rest may not.

Findings are for output checkers. They say which hidden counts are small and which only protect
others. The guarantee takes it that a reader of the published result does not know: they stay in
the hub.

Pure: no I/O beyond packaged data, no clock, no randomness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.calendars import widened
from laennec.disclosure.cohort_incidence import (
    check_targets,
    cohort_incidence_cell,
    measures_of,
    relate_cohort_days,
    relate_cohort_incidence,
)
from laennec.disclosure.cohorts import cohort_cell, records_apart, relate_cohorts, subjects
from laennec.disclosure.combined import (
    Diagram,
    check_populations,
    measure_of,
    read_diagrams,
    relate_combined,
)
from laennec.disclosure.curve_families import CurveFamily, families_of
from laennec.disclosure.curve_summaries import read_summary
from laennec.disclosure.curves import (
    CurveVerdict,
    beside_others,
    hidden_whole,
    judge,
)
from laennec.disclosure.differences import relate_starts
from laennec.disclosure.incidence import (
    comparable,
    incidence_cell,
    relate_days,
    relate_incidence,
)
from laennec.disclosure.joint_curves import judge_together
from laennec.disclosure.kinds import HIDDEN, NO_NUMBER, Entry, Role, kinds, read
from laennec.disclosure.large_scale import (
    check_not_linked,
    is_total,
    large_scale_cell,
    left_out,
    put_observed,
    relate_observed,
)
from laennec.disclosure.overlap import (
    check_not_combined,
    overlap_cell,
    overlap_cells,
    put_overlaps,
    records_of,
    relate_overlaps,
)
from laennec.disclosure.pathway_trees import is_size
from laennec.disclosure.pathways import check_pathways, judge_pathways
from laennec.disclosure.prevalence import TYPES, prevalence_cell, relate_prevalence, sets_of
from laennec.disclosure.profiles import Profile
from laennec.disclosure.rate_attrition import TYPES as ATTRITIONS
from laennec.disclosure.rate_attrition import RateAttritions
from laennec.disclosure.strata import cohort_of
from laennec.disclosure.survival import (
    ATTRITION,
    SUMMARY,
    SURVIVAL,
    Analysis,
    analyses,
    attrition_cells,
    relate_analysis,
    sizes,
)
from laennec.disclosure.totals import Why, protect
from laennec.omop.summarised_result import ResultSettings, SummarisedResult


class Rule(StrEnum):
    """Why an estimate is hidden."""

    GIVEN = "given"
    THRESHOLD = "threshold"
    SECONDARY = "secondary"
    AUDIT = "audit"
    DERIVED = "derived"
    EXTREME = "extreme"
    QUANTILE = "quantile"
    MOMENTS = "moments"
    CURVE = "curve"


REASONS: Mapping[Rule, str] = {
    Rule.GIVEN: "The result came with this value hidden.",
    Rule.THRESHOLD: "A count of few persons, or a quantity that comes from few persons.",
    Rule.SECONDARY: "With it, a small count would come back by adding or subtracting.",
    Rule.AUDIT: "With it, a solver that knows these rules would narrow a small count too far.",
    Rule.DERIVED: "Computed from a hidden count, which it would give back.",
    Rule.EXTREME: "A minimum or maximum is one person's value.",
    Rule.QUANTILE: "Too few persons on one side of the quantile.",
    Rule.MOMENTS: "Too few persons, or degrees of freedom, behind a mean or standard deviation.",
    Rule.CURVE: "Too few persons at risk, or events or censored since the last published point.",
}


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
    """How many estimates of one result type there are, are hidden, and are rewritten as sums."""

    result_type: str
    estimates: int
    hidden: int
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
        _counts(entries, set(rules), changed - set(rules)),
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
    entries: tuple[Entry, ...], hidden: set[int], changed: set[int]
) -> tuple[TypeCount, ...]:
    types: dict[str, set[int]] = {}
    for entry in entries:
        types.setdefault(entry.settings.result_type, set()).add(entry.index)
    return tuple(
        TypeCount(name, len(rows), len(rows & hidden), len(rows & changed))
        for name, rows in sorted(types.items())
    )


class _Judgement:
    """All cells of a result, which of them are hidden, and what follows for each row."""

    def __init__(self, entries: tuple[Entry, ...], profile: Profile) -> None:
        self._entries, self._profile = entries, profile
        by_type: dict[str, list[Entry]] = {}
        for entry in entries:
            by_type.setdefault(entry.settings.result_type, []).append(entry)
        incidence = by_type.pop("incidence", [])
        targets = by_type.pop(_TARGETS, [])
        left = [one for name in ATTRITIONS for one in by_type.pop(name, [])]
        shares = [one for name in TYPES for one in by_type.pop(name, [])]
        followed = {name: by_type.pop(name, []) for name in SURVIVAL}
        survival = analyses(followed)
        drawn = [one.curve for one in survival if one.curve]
        overlaps = [one for name in _PAIRS for one in by_type.pop(name, [])]
        large_scale = by_type.pop(_LARGE_SCALE, [])
        pathways = by_type.pop(_PATHWAYS, [])
        self._records = records_of(overlaps)
        algebra = Algebra()
        cohorts = [one for rows in by_type.values() for one in rows]
        cohorts += [one for one in large_scale if is_total(one) and one.row.variable_level is None]
        cohorts += sizes(followed[ATTRITION])
        cohorts += [one for one in pathways if is_size(one)]
        diagrams = read_diagrams(entries)
        check_pathways(pathways, diagrams)
        check_not_combined(overlaps, diagrams)
        check_not_linked(large_scale, diagrams)
        check_populations(shares, diagrams)
        check_targets(targets, diagrams)
        observed = put_observed(algebra, large_scale)
        beside = [*put_overlaps(algebra, overlaps), *observed]
        relate_cohorts(algebra, cohorts, diagrams, beside=beside, threshold=profile.threshold)
        relate_overlaps(algebra, overlaps)
        relate_observed(algebra, observed)
        relate_incidence(algebra, incidence, threshold=profile.threshold)
        at_risk = comparable(incidence)
        relate_prevalence(algebra, shares, at_risk=at_risk, threshold=profile.threshold)
        attritions = RateAttritions(left, diagrams)
        self._linked = attritions.hidden
        looked_at = [*at_risk["persons"], *sets_of(shares)]
        attritions.relate(algebra, looked_at, threshold=profile.threshold)
        relate_cohort_incidence(algebra, targets, threshold=profile.threshold)
        _relate_populations(algebra, [*incidence, *shares], diagrams)
        starts = [one.cell for one in survival]
        for one in survival:
            starts += relate_analysis(algebra, one)
        self._steps = {at: key for one in survival for at, key in attrition_cells(one).items()}
        self._steps |= attritions.cells()
        families = families_of(drawn, diagrams)
        for family in families:
            family.relate(algebra)
        relate_starts(algebra, starts, threshold=profile.threshold)
        self._system = algebra.finish()
        self._why: dict[Key, Why] = dict(protect(self._system, profile).why)
        self._why |= _hidden_days(incidence, targets, profile)
        self._why |= dict.fromkeys(beside_others(drawn), Why.SECONDARY)
        self._near_records = records_apart(
            cohorts, self._system.values, threshold=profile.threshold
        )
        self.dropped: set[int] = set()
        if large_scale:
            values = self._system.values
            self.dropped |= left_out(large_scale, values, self._why.keys(), profile)
        self._pathways = judge_pathways(pathways, self._system.values, self._why.keys(), profile)
        self.dropped |= self._pathways.dropped
        self._curves: dict[int, Rule] = {}
        self._rewritten: dict[int, int] = {}
        self._grids: dict[int, float] = {}
        self._verdicts: dict[Key, CurveVerdict] = {}
        self._read: dict[int, str] = {}
        for family in families:
            self._judge_family(family)
        for one in survival:
            if one.curve:
                self._read_summary(one)

    def text(self, entry: Entry) -> str:
        """Return the estimate as published, if it is published."""
        if entry.index in self._read:
            return self._read[entry.index]
        if entry.index in self._rewritten:
            return str(self._rewritten[entry.index])
        if entry.row.estimate_value in {HIDDEN, *NO_NUMBER}:
            return entry.row.estimate_value
        if entry.role is Role.CURVE:
            grid = self._grids.get(entry.index, 10.0**-self._profile.curve_decimals)
            rounded = round(float(entry.row.estimate_value) / grid) * grid
            return f"{rounded:.{self._profile.curve_decimals}f}"
        if entry.role in _PERCENT and entry.row.variable_name in _days(entry):
            step = self._profile.quantile_days
            return str(round(float(entry.row.estimate_value) / step) * step)
        return entry.row.estimate_value

    def settings(self, result: SummarisedResult) -> tuple[ResultSettings, ...]:
        """Return the settings; they say to what estimates were rounded."""
        steps: dict[int, dict[str, float]] = {}
        days = {"quantiles_of_days_rounded_to": str(self._profile.quantile_days)}
        for entry in self._entries:
            if entry.index in self._grids:
                grid = self._grids[entry.index]
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
        if entry.index in self._linked:
            return Rule.SECONDARY
        if entry.index in self._steps:
            return _RULES.get(self._why.get(self._steps[entry.index]))
        if entry.settings.result_type in SURVIVAL:
            return Rule.EXTREME if entry.role is Role.EXTREME else self._curves.get(entry.index)
        if entry.settings.result_type == _LARGE_SCALE and not is_total(entry):
            return None  # What may not be published is left out whole.
        if entry.settings.result_type == _PATHWAYS and not is_size(entry):
            return self._pathway(entry)
        match entry.role:
            case Role.EXTREME:
                return Rule.EXTREME
            case Role.Q25 | Role.MEDIAN | Role.Q75 | Role.MOMENT:
                return self._distribution(entry)
            case Role.RECORDS:
                return self._repeated(entry)
            case Role.SHARE | Role.RATE:
                return self._if_any_hidden(self._computed_from(entry))
            case _:
                return _RULES.get(self._why.get(self._cell(entry)))

    def _cell(self, entry: Entry) -> Key:
        if entry.settings.result_type == _LARGE_SCALE:
            return large_scale_cell(entry)
        if entry.settings.result_type == _TARGETS:
            return cohort_incidence_cell(entry, entry.row.estimate_name)
        if entry.settings.result_type in _PAIRS:
            return overlap_cell(entry)
        if entry.settings.result_type not in {"incidence", *TYPES}:
            return cohort_cell(entry)
        if entry.role is Role.DAYS:
            return incidence_cell(entry, "days")
        return _rate_cell(entry)

    def _computed_from(self, entry: Entry) -> list[Key]:
        """Return the cells from which a share or a rate is computed."""
        kind = entry.settings.result_type
        if kind == _TARGETS:
            return [cohort_incidence_cell(entry, one) for one in measures_of(entry)]
        if kind in _PAIRS:
            return overlap_cells(entry)
        if kind in TYPES:
            return [prevalence_cell(entry, one) for one in ("looked at", "having")]
        if entry.role is Role.RATE:
            return [incidence_cell(entry, one) for one in ("outcomes", "days")]
        return [self._cell(entry), _subjects(entry)]

    def _if_any_hidden(self, cells: list[Key]) -> Rule | None:
        """Hide what is computed from hidden cells, or from cells that are not in the result."""
        known = self._system.values
        absent = any(key not in known and key[0] not in _TIME for key in cells)
        return Rule.DERIVED if absent or any(key in self._why for key in cells) else None

    def _distribution(self, entry: Entry) -> Rule | None:
        """Judge a quantile, mean or standard deviation by the persons behind it."""
        persons = self._persons_behind(entry)
        if persons is None:
            return Rule.DERIVED
        if entry.settings.result_type not in _PAIRS:
            return distribution_rule(entry.role, persons, self._profile)
        records = self._records.get((entry.row.result_id, entry.row.cdm_name, *entry.group))
        if records is None:
            return Rule.DERIVED
        return distribution_rule(entry.role, persons, self._profile, records=records)

    def _pathway(self, entry: Entry) -> Rule | None:
        """Judge what is said of a start of pathways that is shown, or of its end."""
        if entry.index in self._pathways.hidden:
            few = self._pathways.hidden[entry.index]
            return Rule.THRESHOLD if few else Rule.SECONDARY
        if entry.role in (Role.PERSONS, Role.SHARE):
            return None
        return distribution_rule(entry.role, self._pathways.persons[entry.index], self._profile)

    def _repeated(self, entry: Entry) -> Rule | None:
        """Judge a number of records, which tells how many came from persons seen before."""
        persons = self._persons_behind(entry)
        if persons is None or entry.count is None:
            return Rule.DERIVED
        if entry.index in self._near_records:
            return Rule.SECONDARY
        return Rule.THRESHOLD if self._profile.is_small(entry.count - persons) else None

    def _persons_behind(self, entry: Entry) -> int | None:
        """Return the published number of persons of a distribution; None when it is hidden."""
        paired = entry.settings.result_type in _PAIRS
        cell = overlap_cell(entry) if paired else _subjects(entry)
        return None if cell in self._why else self._system.values.get(cell)

    def _judge_family(self, family: CurveFamily) -> None:
        hidden = frozenset(key for key in family.curves if key in self._why)
        for key in hidden:
            curve = family.curves[key]
            self._take(key, curve, hidden_whole(curve))
            self._curves |= {one.index: Rule.DERIVED for one in curve}
        if len(family.curves) > 1:
            verdicts = judge_together(family.curves, family.sums(), hidden, self._profile)
            for key in family.curves.keys() - hidden:
                self._take(key, family.curves[key], verdicts[key])
        elif not hidden:
            for key, curve in family.curves.items():
                self._take(key, curve, judge(curve, self._profile))

    def _read_summary(self, one: Analysis) -> None:
        """Publish of a summary what the published points of its curve tell."""
        shown = {
            row.index: self.text(row)
            for row in one.curve
            if row.index not in self._curves and row.row.estimate_value != HIDDEN
        }
        read = read_summary(one, self._verdicts[one.cell], shown)
        hidden = {index for index, text in read.items() if text == HIDDEN}
        why = Rule.DERIVED if one.cell in self._why else Rule.CURVE
        self._curves |= dict.fromkeys(hidden, why)
        self._read |= {index: text for index, text in read.items() if index not in hidden}

    def _take(self, key: Key, curve: list[Entry], verdict: CurveVerdict) -> None:
        self._verdicts[key] = verdict
        self.dropped |= verdict.dropped
        self._curves |= dict.fromkeys(verdict.hidden, Rule.CURVE)
        self._rewritten |= verdict.rewritten
        if verdict.grid is not None:
            self._grids |= {one.index: verdict.grid for one in curve}


def _listed(steps: Mapping[str, float]) -> str:
    return "; ".join(f"{group}: {step:g}" for group, step in sorted(steps.items()))


_RULES: Mapping[Why | None, Rule] = {
    Why.PRIMARY: Rule.THRESHOLD,
    Why.SECONDARY: Rule.SECONDARY,
    Why.AUDIT: Rule.AUDIT,
}

_LARGE_SCALE = "summarise_large_scale_characteristics"
_TIME = ("days", "person_days", "person_days_pe")
"""Starts of keys of time at risk, which is no count of persons."""

_TARGETS = "cohort_incidence"
_PATHWAYS = "treatment_pathways"
_PAIRS = ("summarise_cohort_overlap", "summarise_cohort_timing")

_PERCENT = {Role.Q25: 25, Role.MEDIAN: 50, Role.Q75: 75}


def distribution_rule(
    role: Role, persons: int, profile: Profile, *, records: int | None = None
) -> Rule | None:
    """Return the rule that hides a quantile or moment of ``persons`` persons, or None.

    A quantile at ``p`` % has ``floor(persons * p / 100)`` persons at or below it and
    ``floor(persons * (100 - p) / 100)`` at or above it; both are at least
    ``profile.quantile_persons``. With 11: a median needs 22 persons, a quartile 44. A mean or
    standard deviation needs ``profile.moment_persons`` persons, and as many less one as
    ``profile.degrees_of_freedom``. Where persons have several ``records`` each, the records beyond
    the first of each person may all lie on one side of a quantile: that side has fewer persons.
    """
    if role in _PERCENT:
        percent = _PERCENT[role]
        whole = persons if records is None else records
        fewest = min(whole * percent // 100, whole * (100 - percent) // 100) - (whole - persons)
        return Rule.QUANTILE if fewest < profile.quantile_persons else None
    enough = persons >= profile.moment_persons and persons - 1 >= profile.degrees_of_freedom
    return None if enough else Rule.MOMENTS


def _days(entry: Entry) -> tuple[str, ...]:
    return kinds()[entry.settings.result_type].days


def _subjects(entry: Entry) -> Key:
    return subjects(entry.row.cdm_name, cohort_of(entry))


_TARGET = "denominator_target_cohort_name"


def _relate_populations(
    algebra: Algebra, rates: list[Entry], diagrams: Mapping[str, Diagram]
) -> None:
    """Relate persons and outcomes in populations that set operations link."""
    found: dict[Key, dict[str, Key]] = {}
    for entry in [one for one in rates if one.role is Role.PERSONS]:
        settings = replace(entry.settings, extra={**entry.settings.extra, _TARGET: ""})
        anywhere = _rate_cell(replace(entry, settings=settings))
        linked = measure_of(anywhere, entry, diagrams)
        if linked is not None and entry.settings.extra.get(_TARGET) == linked[1]:
            found.setdefault(linked[0], {})[linked[1]] = _rate_cell(entry)
    for measure, by_population in found.items():
        relate_combined(algebra, diagrams[str(measure[1])], measure, by_population)


def _rate_cell(entry: Entry) -> Key:
    """Return the cell of a count of incidence or prevalence."""
    denominator = entry.row.variable_name == "Denominator"
    if entry.settings.result_type in TYPES:
        return prevalence_cell(entry, "looked at" if denominator else "having")
    return incidence_cell(entry, "persons" if denominator else "outcomes")


def _hidden_days(incidence: list[Entry], targets: list[Entry], profile: Profile) -> dict[Key, Why]:
    """Return the cells of time at risk to hide: of few persons, and what would give them back."""
    algebra = Algebra()
    relate_days(algebra, incidence, threshold=profile.threshold)
    relate_cohort_days(algebra, targets, threshold=profile.threshold)
    system = algebra.finish()
    small = [key for key, size in system.values.items() if size is None or profile.is_small(size)]
    primary = frozenset(small)
    return {key: Why.PRIMARY if key in primary else Why.SECONDARY for key in system.closure(small)}
