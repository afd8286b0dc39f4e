"""Treatment pathways as rows: who received which treatments in which order, and for how long.

Pathways form a tree. Each start of a pathway has the persons whose pathway begins so, and those
whose pathway ends there; the first number is the sum of the second and of the next starts.
"""

from collections import Counter
from collections.abc import Iterator

from laennec.omop.summarised_result import JOINT, ResultRow
from laennec.study.estimates_cohorts import members_of
from laennec.study.estimates_rows import Place, number, stratum_place
from laennec.study.estimators import Histogram, mean, quantile, standard_deviation
from laennec.study.model import Study, TreatmentPathways
from laennec.study.partials import Partial

SUBJECTS = "Number subjects"
PATHWAY, START, DAYS = "Pathway", "Start of pathway", "Days on last treatment"
NO_TREATMENT = "None"
"""Pathway of whoever receives none of the treatments, as TreatmentPatterns writes it."""

QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}


def pathway_settings(asked: TreatmentPathways) -> dict[str, str]:
    """Return what was asked, under the names of TreatmentPatterns in the style of settings."""
    return {
        "group": "cohort_name",
        "treatments": JOINT.join(one.label for one in asked.treatments),
        "exits": JOINT.join(one.label for one in asked.exits) or "none",
        "start_anchor": f"{asked.start_anchor}Date",
        "window_start": str(asked.window_start),
        "end_anchor": f"{asked.end_anchor}Date",
        "window_end": str(asked.window_end),
        "concat_targets": "TRUE" if asked.all_stays else "FALSE",
        "min_era_duration": str(asked.min_era_duration),
        "split_event_cohorts": JOINT.join(f"{one.treatment}: {one.days}" for one in asked.splits)
        or "none",
        "era_collapse_size": str(asked.era_collapse_size),
        "combination_window": str(asked.combination_window),
        "min_post_combination_duration": str(asked.min_post_combination_duration),
        "overlap_method": asked.overlap_method,
        "filter_treatments": asked.filter_treatments.capitalize(),
        "max_path_length": str(asked.max_path_length),
    }


def pathway_rows(
    asked: TreatmentPathways, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield the tree of each cohort and stratum, starts in the order of the alphabet.

    An empty cohort has its number only.
    """
    ends, days = _counts(asked.name, partial)
    for stratum in study.strata_of(asked):
        where = stratum_place(cdm_name, stratum)
        total = members_of(stratum, study, partial)
        yield where.count(SUBJECTS, None, total)
        if not total:
            continue
        ended = ends.get(stratum.label, {})
        yield from _share(where, PATHWAY, NO_TREATMENT, total - sum(ended.values()), total)
        starts = days.get(stratum.label, {})
        for path in sorted(starts, key=lambda one: one.split("-")):
            yield from _share(where, START, path, sum(starts[path].values()), total)
            yield from _share(where, PATHWAY, path, ended.get(path, 0), total)
            yield from _lasting(where, path, starts[path])


def _counts(
    result: str, partial: Partial
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, Counter[int]]]]:
    """Persons whose pathway ends, and days of the last step, by stratum and pathway."""
    ends: dict[str, dict[str, int]] = {}
    days: dict[str, dict[str, Counter[int]]] = {}
    for key, n in partial.counts.items():
        if key[:2] == ("pathway", result):
            ends.setdefault(str(key[2]), {})[str(key[3])] = n
        elif key[:2] == ("pathway_days", result):
            histogram = days.setdefault(str(key[2]), {}).setdefault(str(key[3]), Counter())
            histogram[int(key[4])] = n
    return ends, days


def _share(where: Place, variable: str, path: str, n: int, total: int) -> Iterator[ResultRow]:
    yield where.count(variable, path, n)
    share = number(100 * n / total, "percentage")
    yield where.row(variable, path, "percentage", "percentage", share)


def _lasting(where: Place, path: str, histogram: Histogram) -> Iterator[ResultRow]:
    """The days of the last treatment of a start: no extremes, which are one person's."""
    for estimate, share in QUARTILES.items():
        yield where.row(DAYS, path, estimate, "integer", str(quantile(histogram, share)))
    yield where.row(DAYS, path, "mean", "numeric", number(mean(histogram), "mean"))
    deviation = standard_deviation(histogram)
    if deviation is not None:
        yield where.row(DAYS, path, "sd", "numeric", number(deviation, "mean"))
