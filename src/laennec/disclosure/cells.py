"""All cells of a result, how they hang together, and which of them are hidden.

What estimates share across kinds of result meets here: each kind adds its cells to one algebra, in
an order in which later ones find the earlier. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from laennec.disclosure.algebra import Algebra, Key
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
from laennec.disclosure.curve_families import families_of
from laennec.disclosure.curves import beside_others
from laennec.disclosure.differences import relate_starts
from laennec.disclosure.incidence import (
    comparable,
    incidence_cell,
    relate_days,
    relate_incidence,
)
from laennec.disclosure.kinds import Entry, Role
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
    SURVIVAL,
    Analysis,
    analyses,
    attrition_cells,
    relate_analysis,
    sizes,
)
from laennec.disclosure.totals import Why, protect

LARGE_SCALE = "summarise_large_scale_characteristics"
PATHWAYS = "treatment_pathways"
PAIRS = ("summarise_cohort_overlap", "summarise_cohort_timing")
_TARGETS = "cohort_incidence"
_TIME = ("days", "person_days", "person_days_pe")
"""Starts of keys of time at risk, which is no count of persons."""


@dataclass(frozen=True)
class _Rows:
    """The rows of a result by what they are about.

    Attributes:
        cohorts: All that count the persons of cohorts and of strata, whatever their type.
        survival: Analyses; their curves are ``drawn``.
        shares: Prevalence.
        targets: Incidence after CohortIncidence.
        attritions: Of incidence and prevalence.
    """

    cohorts: list[Entry]
    overlaps: list[Entry]
    large_scale: list[Entry]
    pathways: list[Entry]
    incidence: list[Entry]
    targets: list[Entry]
    shares: list[Entry]
    attritions: list[Entry]
    survival: list[Analysis]

    @property
    def drawn(self) -> list[list[Entry]]:
        return [one.curve for one in self.survival if one.curve]


def _sorted_out(entries: Iterable[Entry]) -> _Rows:
    by_type: dict[str, list[Entry]] = {}
    for entry in entries:
        by_type.setdefault(entry.settings.result_type, []).append(entry)

    def of(*types: str) -> list[Entry]:
        return [one for name in types for one in by_type.pop(name, [])]

    followed = {name: of(name) for name in SURVIVAL}
    large_scale, pathways = of(LARGE_SCALE), of(PATHWAYS)
    totals = [one for one in large_scale if is_total(one) and one.row.variable_level is None]
    sized = [*totals, *sizes(followed[ATTRITION]), *(one for one in pathways if is_size(one))]
    apart = {
        "incidence": of("incidence"),
        "targets": of(_TARGETS),
        "shares": of(*TYPES),
        "attritions": of(*ATTRITIONS),
        "overlaps": of(*PAIRS),
    }
    return _Rows(
        cohorts=[*(one for rows in by_type.values() for one in rows), *sized],
        large_scale=large_scale,
        pathways=pathways,
        survival=analyses(followed),
        **apart,
    )


def _refuse_linked(rows: _Rows, diagrams: Mapping[str, Diagram]) -> None:
    """Refuse what no rule can tell apart when cohorts are made of others."""
    check_pathways(rows.pathways, diagrams)
    check_not_combined(rows.overlaps, diagrams)
    check_not_linked(rows.large_scale, diagrams)
    check_populations(rows.shares, diagrams)
    check_targets(rows.targets, diagrams)


def _relate_cohorts(
    algebra: Algebra, rows: _Rows, diagrams: Mapping[str, Diagram], *, threshold: int
) -> None:
    observed = put_observed(algebra, rows.large_scale)
    beside = [*put_overlaps(algebra, rows.overlaps), *observed]
    relate_cohorts(algebra, rows.cohorts, diagrams, beside=beside, threshold=threshold)
    relate_overlaps(algebra, rows.overlaps)
    relate_observed(algebra, observed)


def _relate_rates(
    algebra: Algebra,
    rows: _Rows,
    attritions: RateAttritions,
    diagrams: Mapping[str, Diagram],
    *,
    threshold: int,
) -> None:
    relate_incidence(algebra, rows.incidence, threshold=threshold)
    at_risk = comparable(rows.incidence)
    relate_prevalence(algebra, rows.shares, at_risk=at_risk, threshold=threshold)
    looked_at = [*at_risk["persons"], *sets_of(rows.shares)]
    attritions.relate(algebra, looked_at, threshold=threshold)
    relate_cohort_incidence(algebra, rows.targets, threshold=threshold)
    _relate_populations(algebra, [*rows.incidence, *rows.shares], diagrams)


class Cells:
    """The cells of a result.

    Attributes:
        values: Persons in each cell; None where the input had hidden it already.
        why: Cells that are hidden, and why.
        linked: Rows of attrition that are hidden whole.
        near_records: Rows of records that another number of records would give away.
        dropped: Rows that are left out.
        pathways: What may be told of pathways.
        survival, families: Analyses whose curves are judged next, and which curves together.

    Raises:
        PolicyError: the result contradicts itself, or holds what may not leave together.
    """

    def __init__(self, entries: tuple[Entry, ...], profile: Profile) -> None:
        rows, diagrams = _sorted_out(entries), read_diagrams(entries)
        _refuse_linked(rows, diagrams)
        self.survival = rows.survival
        self._records = records_of(rows.overlaps)
        algebra, threshold = Algebra(), profile.threshold
        _relate_cohorts(algebra, rows, diagrams, threshold=threshold)
        attritions = RateAttritions(rows.attritions, diagrams)
        self.linked = attritions.hidden
        _relate_rates(algebra, rows, attritions, diagrams, threshold=threshold)
        starts = [one.cell for one in rows.survival]
        for one in rows.survival:
            starts += relate_analysis(algebra, one)
        self._steps = {at: key for one in rows.survival for at, key in attrition_cells(one).items()}
        self._steps |= attritions.cells()
        self.families = families_of(rows.drawn, diagrams)
        for family in self.families:
            family.relate(algebra)
        relate_starts(algebra, starts, threshold=threshold)
        system = algebra.finish()
        self.values = system.values
        self.why: dict[Key, Why] = dict(protect(system, profile).why)
        self.why |= _hidden_days(rows.incidence, rows.targets, profile)
        self.why |= dict.fromkeys(beside_others(rows.drawn), Why.SECONDARY)
        self.near_records = records_apart(rows.cohorts, self.values, threshold=threshold)
        self.pathways = judge_pathways(rows.pathways, self.values, self.why.keys(), profile)
        self.dropped = set(self.pathways.dropped)
        if rows.large_scale:
            self.dropped |= left_out(rows.large_scale, self.values, self.why.keys(), profile)

    def step(self, entry: Entry) -> Key | None:
        """Return the cell of a step of attrition of survival or of a rate."""
        return self._steps.get(entry.index)

    def records(self, entry: Entry) -> int | None:
        """Return how many pairs of records a distribution of an overlap or timing is of."""
        return self._records.get((entry.row.result_id, entry.row.cdm_name, *entry.group))

    def persons_behind(self, entry: Entry) -> int | None:
        """Return the published number of persons of a distribution; None when it is hidden."""
        paired = entry.settings.result_type in PAIRS
        cell = overlap_cell(entry) if paired else _subjects(entry)
        return None if cell in self.why else self.values.get(cell)

    def is_any_hidden(self, entry: Entry) -> bool:
        """Return whether a share or rate is of cells that are hidden, or not in the result."""
        cells = self._computed_from(entry)
        absent = any(key not in self.values and key[0] not in _TIME for key in cells)
        return absent or any(key in self.why for key in cells)

    def cell(self, entry: Entry) -> Key:
        """Return the cell that a count is."""
        if entry.settings.result_type == LARGE_SCALE:
            return large_scale_cell(entry)
        if entry.settings.result_type == _TARGETS:
            return cohort_incidence_cell(entry, entry.row.estimate_name)
        if entry.settings.result_type in PAIRS:
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
        if kind in PAIRS:
            return overlap_cells(entry)
        if kind in TYPES:
            return [prevalence_cell(entry, one) for one in ("looked at", "having")]
        if entry.role is Role.RATE:
            return [incidence_cell(entry, one) for one in ("outcomes", "days")]
        return [self.cell(entry), _subjects(entry)]


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
