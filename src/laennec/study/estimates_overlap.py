"""Cohort overlap and timing as the rows of CohortCharacteristics."""

from collections.abc import Iterator
from itertools import permutations

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_cohorts import QUANTILES, persons_in
from laennec.study.estimates_rows import Place, number, place
from laennec.study.estimators import quantile
from laennec.study.model import CohortOverlap, CohortTiming, Study
from laennec.study.partials import Partial

DAYS_BETWEEN = "days_between_cohort_entries"


def overlap_rows(
    asked: CohortOverlap, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield, for each ordered pair of cohorts, persons in one, in both and in the other.

    Percentages are of the persons who are in either; a pair of empty cohorts has none.
    """
    for reference, comparator in permutations(asked.cohorts, 2):
        both = _both(partial, "overlap", asked.name, reference, comparator)
        parts = {
            "Only in reference cohort": persons_in(study.cohort(reference), partial) - both,
            "In both cohorts": both,
            "Only in comparator cohort": persons_in(study.cohort(comparator), partial) - both,
        }
        where, total = _pair(cdm_name, reference, comparator), sum(parts.values())
        for variable, persons in parts.items():
            yield where.count(variable, "Subjects", persons)
            if total:
                share = number(100 * persons / total, "percentage")
                yield where.row(variable, "Subjects", "percentage", "percentage", share)


def timing_rows(asked: CohortTiming, partial: Partial, cdm_name: str) -> Iterator[ResultRow]:
    """Yield the distribution of days for each ordered pair of cohorts that shares somebody."""
    histograms = _histograms(asked.name, partial)
    for reference, comparator in permutations(asked.cohorts, 2):
        histogram = histograms.get((reference, comparator))
        if histogram is None:
            continue
        persons = _both(partial, "timing_persons", asked.name, reference, comparator)
        where = _pair(cdm_name, reference, comparator)
        yield where.count("number records", None, sum(histogram.values()))
        yield where.count("number subjects", None, persons)
        for estimate, share in QUANTILES.items():
            value = str(quantile(histogram, share))
            yield where.row(DAYS_BETWEEN, None, estimate, "integer", value)


def _pair(cdm_name: str, reference: str, comparator: str) -> Place:
    named = {"cohort_name_reference": reference, "cohort_name_comparator": comparator}
    return place(cdm_name, named)


def _both(partial: Partial, kind: str, result: str, *pair: str) -> int:
    """Persons in both cohorts, whichever of them the partial names first."""
    return sum(partial.counts.get((kind, result, *names), 0) for names in (pair, pair[::-1]))


def _histograms(result: str, partial: Partial) -> dict[tuple[str, str], dict[int, int]]:
    """Days from one entry to the other, in both directions; the partial has one of the two."""
    found: dict[tuple[str, str], dict[int, int]] = {}
    for key, n in partial.counts.items():
        if key[:2] == ("timing", result):
            one, other, days = str(key[2]), str(key[3]), int(key[4])
            found.setdefault((one, other), {})[days] = n
            found.setdefault((other, one), {})[-days] = n
    return found
