"""Large-scale characterisation as the rows of CohortCharacteristics.

Beside them stand the persons of each cohort, and those of them who are observed in each window:
percentages are of the latter, and whoever judges what may be published needs both.
"""

from collections.abc import Iterable, Iterator, Mapping

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_cohorts import persons_in
from laennec.study.estimates_rows import number, place
from laennec.study.model import LargeScaleCharacteristics, Study
from laennec.study.model_large_scale import window_label
from laennec.study.partials import Partial

UNKNOWN = "UNKNOWN CONCEPT"
"""Name of a concept that the vocabulary does not have, as CohortCharacteristics writes it."""

SUBJECTS = "Number subjects"
OBSERVED = "Number observed"
"""A name of its own: omopgenerics refuses a second number of subjects of one group."""


def large_scale_concepts(partial: Partial) -> frozenset[int]:
    """Return the concepts that large-scale characterisations count, for which names are wanted."""
    return frozenset(int(key[6]) for key in partial.counts if key[0] == "large_scale")


def large_scale_settings(asked: LargeScaleCharacteristics, table: str, kind: str) -> dict[str, str]:
    """Return what tells the tables of one result apart, and what is not reported."""
    return {
        "group": "cohort_name",
        "additional": "concept_id",
        "table_name": table,
        "type": kind,
        "analysis": asked.concepts,
        "minimum_frequency": f"{asked.minimum_frequency:g}",
    }


def sizes_of(cohorts: Iterable[str], study: Study, partial: Partial) -> Mapping[str, int]:
    """Return the persons of each cohort."""
    return {name: persons_in(study.cohort(name), partial) for name in cohorts}


def large_scale_rows(
    asked: LargeScaleCharacteristics,
    analysis: tuple[str, str],
    partial: Partial,
    cdm_name: str,
    sizes: Mapping[str, int],
    names: Mapping[int, str],
) -> Iterator[ResultRow]:
    """Yield one table's concepts in order of their number, for each cohort, window by window."""
    found = _counts(asked.name, analysis, partial)
    for cohort in asked.cohorts:
        whole = place(cdm_name, {"cohort_name": cohort})
        yield whole.count(SUBJECTS, None, sizes[cohort])
        observed = []
        for n, window in enumerate(asked.windows):
            observed.append(partial.counts.get(("large_scale_observed", asked.name, cohort, n), 0))
            yield whole.count(OBSERVED, window_label(window), observed[n])
        for concept, n, persons in sorted(found.get(cohort, ())):
            if persons < asked.minimum_frequency * observed[n]:
                continue
            where = place(
                cdm_name, {"cohort_name": cohort}, additional={"concept_id": str(concept)}
            )
            name, level = names.get(concept, UNKNOWN), window_label(asked.windows[n])
            share = number(100 * persons / observed[n], "percentage")
            yield where.count(name, level, persons)
            yield where.row(name, level, "percentage", "percentage", share)


def _counts(
    result: str, analysis: tuple[str, str], partial: Partial
) -> dict[str, list[tuple[int, int, int]]]:
    """Concept, window and persons, by cohort."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    for key, persons in partial.counts.items():
        if key[:4] == ("large_scale", result, *analysis):
            found.setdefault(str(key[4]), []).append((int(key[6]), int(key[5]), persons))
    return found
