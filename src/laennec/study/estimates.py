"""From the merged counts of all buckets to the rows that a researcher may ask to be released.

``summarise`` is a pure function of the study, the merged partial and the settings; it needs no
data. It hides nothing: every row goes through ``disclosure`` before it leaves the hub.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from laennec.omop.summarised_result import JOINT, ResultRow, SummarisedResult, bind
from laennec.study.estimates_cohort_incidence import (
    cohort_incidence_rows,
    cohort_incidence_settings,
)
from laennec.study.estimates_cohorts import attrition_rows, characteristic_rows, count_rows
from laennec.study.estimates_denominators import analyses
from laennec.study.estimates_incidence import incidence_rows, incidence_settings
from laennec.study.estimates_large_scale import (
    large_scale_rows,
    large_scale_settings,
    sizes_of,
)
from laennec.study.estimates_overlap import overlap_rows, timing_rows
from laennec.study.estimates_pathways import pathway_rows, pathway_settings
from laennec.study.estimates_prevalence import prevalence_rows, prevalence_settings
from laennec.study.estimates_rate_attrition import (
    attrition_settings,
    attrition_type,
    rate_attrition_rows,
)
from laennec.study.estimates_rows import section
from laennec.study.estimates_survival import survival_tables
from laennec.study.model import (
    Characteristics,
    CohortIncidence,
    CohortOverlap,
    CohortTiming,
    Combined,
    Counts,
    CumulativeIncidence,
    Denominators,
    Incidence,
    LargeScaleCharacteristics,
    OfCohorts,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Result,
    Study,
    TreatmentPathways,
    UnionOf,
)
from laennec.study.partials import Partial

NO_NAMES: Mapping[int, str] = MappingProxyType({})

PAIR = "cohort_name_reference &&& cohort_name_comparator"


def summarise(
    study: Study,
    partial: Partial,
    *,
    cdm_name: str,
    settings: Mapping[str, str],
    names: Mapping[int, str] = NO_NAMES,
) -> SummarisedResult:
    """Return the study's results in order, in the shapes of the DARWIN packages.

    Args:
        study: What was asked.
        partial: The merged answer of all buckets.
        cdm_name: Name of the data, in every row.
        settings: What else every settings row shall say, such as ``snapshot_id`` and
            ``vocabulary_version``; it may not name what this function writes.
        names: Names of the ``large_scale_concepts`` of the partial, from the vocabulary.

    Returns:
        For each result of the study, in its order: counts give a ``summarise_cohort_count`` and a
        ``summarise_cohort_attrition``; characteristics a ``summarise_characteristics``; incidence
        one ``incidence``, prevalence one ``point_prevalence`` or ``period_prevalence`` for each age
        group and sex, each with its ``incidence_attrition`` or ``prevalence_attrition``; incidence
        as CohortIncidence has it one ``cohort_incidence``; cumulative incidence a
        ``survival_estimates``, ``survival_events``, ``survival_summary`` and
        ``survival_attrition``; overlap a ``summarise_cohort_overlap``; timing a
        ``summarise_cohort_timing``; treatment pathways a ``treatment_pathways``; large-scale
        characteristics one
        ``summarise_large_scale_characteristics`` for each table and type. Every settings row has
        ``study_hash``, ``study_name`` and ``study_result``, the name of the result in the study;
        with cohorts made of others, it has ``combined_cohorts`` as well, such as ``both =
        intersection of days (users, patients)``.

    Raises:
        ValueError: ``settings`` names a setting that is written here.
    """
    sections = []
    for result in study.results:
        about = {
            "study_name": study.name,
            "study_hash": study.digest(),
            "study_result": result.name,
        }
        made = {"combined_cohorts": JOINT.join(map(_operation, study.combined()))}
        for result_type, rows, own in _tables(result, study, partial, cdm_name, names):
            written = {**own, **about, **(made if study.combined() else {})}
            if written.keys() & settings.keys():
                raise ValueError("settings of the caller collide with settings of the result")
            sections.append(section(result_type, rows, {**written, **settings}))
    return bind(sections)


def _operation(cohort: Combined) -> str:
    """How a cohort is made of others, as ``disclosure.combined`` reads it."""
    by = "days" if isinstance(cohort, UnionOf) else cohort.by
    return f"{cohort.name} = {cohort.kind} of {by} ({', '.join(cohort.cohorts)})"


def _tables(
    result: Result, study: Study, partial: Partial, cdm_name: str, names: Mapping[int, str]
) -> Iterator[tuple[str, Iterator[ResultRow], dict[str, str]]]:
    """Yield the type, rows and own settings of each table of one result."""
    group = {"group": "cohort_name"}
    divided: dict[str, str] = {}
    if isinstance(result, OfCohorts | Denominators) and result.strata:
        divided = {"strata": JOINT.join(dict.fromkeys(chain(*result.strata)))}
    match result:
        case Counts():
            rows = count_rows(result, study, partial, cdm_name)
            yield "summarise_cohort_count", rows, group | divided
            steps = {**group, "strata": "reason", "additional": "reason_id"}
            rows = attrition_rows(result, study, partial, cdm_name)
            yield "summarise_cohort_attrition", rows, steps
        case Characteristics():
            rows = characteristic_rows(result, study, partial, cdm_name)
            yield "summarise_characteristics", rows, group | divided
        case Incidence() | PointPrevalence() | PeriodPrevalence():
            yield from _rates(result, study, partial, cdm_name, divided)
        case CohortIncidence():
            rows = cohort_incidence_rows(result, partial, cdm_name)
            yield result.kind, rows, cohort_incidence_settings(result)
        case CumulativeIncidence():
            yield from survival_tables(result, study, partial, cdm_name, divided.get("strata", ""))
        case CohortOverlap():
            rows = overlap_rows(result, study, partial, cdm_name)
            yield "summarise_cohort_overlap", rows, {"group": PAIR, "overlap_by": "subject_id"}
        case CohortTiming():
            restricted = {"restrict_to_first_entry": "TRUE" if result.first_entry else "FALSE"}
            rows = timing_rows(result, partial, cdm_name)
            yield "summarise_cohort_timing", rows, {"group": PAIR, **restricted}
        case TreatmentPathways():
            rows = pathway_rows(result, study, partial, cdm_name)
            yield "treatment_pathways", rows, divided | pathway_settings(result)
        case LargeScaleCharacteristics():
            sizes = sizes_of(result.cohorts, study, partial)
            for analysis in result.analyses:
                rows = large_scale_rows(result, analysis, partial, cdm_name, sizes, names)
                about = large_scale_settings(result, *analysis)
                yield "summarise_large_scale_characteristics", rows, about


def _rates(
    result: Incidence | Prevalence,
    study: Study,
    partial: Partial,
    cdm_name: str,
    divided: Mapping[str, str],
) -> Iterator[tuple[str, Iterator[ResultRow], dict[str, str]]]:
    """Yield the estimates of each age group and sex, then their attritions, which are of all."""
    strata = study.strata_of(result)
    steps = []
    for sex, ages in analyses(result):
        if isinstance(result, Incidence):
            about = incidence_settings(result, sex, ages)
            rates = incidence_rows(result, strata, sex, ages, partial, cdm_name)
        else:
            about = prevalence_settings(result, sex, ages)
            rates = prevalence_rows(result, strata, sex, ages, partial, cdm_name)
        yield result.kind, rates, {**divided, **about}
        left = rate_attrition_rows(result, sex, ages, partial, cdm_name)
        steps.append((attrition_type(result), left, attrition_settings(about)))
    yield from steps
