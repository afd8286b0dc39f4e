"""Every spec case, on every engine."""

import pytest

from laennec.study.estimates import summarise
from spec import (
    cohort_cases,
    cohort_incidence_cases,
    combined_cases,
    incidence_cases,
    large_scale_cases,
    overlap_cases,
    pathway_cases,
    prevalence_cases,
    rate_attrition_cases,
    rate_strata_cases,
    result_cases,
    strata_cases,
)
from spec.engines import ENGINES
from spec.spec_case import CONCEPTS, SpecCase

CHAPTERS = {
    "Cohorts": cohort_cases.CASES,
    "Set operations": combined_cases.CASES,
    "Strata": strata_cases.CASES,
    "Incidence": incidence_cases.CASES,
    "Incidence as CohortIncidence has it": cohort_incidence_cases.CASES,
    "Prevalence, finer intervals, cohorts as outcomes": prevalence_cases.CASES,
    "Strata of incidence and prevalence": rate_strata_cases.CASES,
    "Attrition of incidence and prevalence": rate_attrition_cases.CASES,
    "Characteristics and cumulative incidence": result_cases.CASES,
    "Cohorts beside one another": overlap_cases.CASES,
    "Treatment pathways": pathway_cases.CASES,
    "Large-scale characterisation": large_scale_cases.CASES,
}
CASES = [case for cases in CHAPTERS.values() for case in cases]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: SpecCase, engine: str) -> None:
    partial = ENGINES[engine](case.study, case.rows, CONCEPTS)
    found = {key: n for key, n in partial.counts.items() if key[0] in case.all_kinds()}
    assert found == case.expected
    for key, day in case.first.items():
        assert partial.first[key] == day
    for key, day in case.last.items():
        assert partial.last[key] == day
    rows = summarise(case.study, partial, cdm_name="spec", settings={}).rows
    values: dict[tuple[str | None, ...], str] = {}
    for one in rows:
        place = (one.variable_name, one.variable_level, one.estimate_name, one.additional_level)
        values[place] = one.estimate_value
        values[one.strata_level, *place] = one.estimate_value
        values[one.group_level, one.variable_name, one.estimate_name] = one.estimate_value
    for where, value in case.estimates.items():
        assert values.get(where) == value, where


def test_names_are_given_once() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


def test_every_case_says_what_it_is_about() -> None:
    assert all(case.all_kinds() for case in CASES)
