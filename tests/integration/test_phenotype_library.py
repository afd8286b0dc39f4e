"""Every definition of the OHDSI phenotype library on GiBleed, against circe-be's SQL.

Rows are equal for each of them. Where the SQL leaves the order of ties to the database, a fixed
order is put into it: ``UNDEFINED`` has these definitions, one by one, with the reason.
"""

import json
from collections.abc import Mapping

import pytest

from fakes.phenotype_library import (
    GIBLEED,
    LIBRARY,
    UNDEFINED,
    VOCABULARY,
    Cohorts,
    Laennec,
    ParquetSource,
    by_duckcdm,
    library,
)
from laennec.study.circe import translate
from laennec.study.circe.study import study_of
from laennec.study.model import Study


@pytest.fixture(scope="module")
def texts() -> Mapping[int, bytes]:
    if not (LIBRARY.is_file() and GIBLEED.is_dir()):
        pytest.skip("the phenotype library and GiBleed are absent beside the checkout")
    return library()


@pytest.fixture(scope="module")
def cohorts(texts: Mapping[int, bytes]) -> Cohorts:
    source, found = ParquetSource(GIBLEED), Laennec()
    found.find(texts, source, {table: source.lazy(table) for table in VOCABULARY})
    return found.cohorts


def test_each_definition_is_a_study(texts: Mapping[int, bytes]) -> None:
    assert len(texts) == 1100
    for number, text in texts.items():
        made = translate(json.loads(text), name=f"cohort_{number}")
        study = study_of([made], name="library", title="One definition")
        assert Study.model_validate_json(study.canonical(), strict=True) == study


def test_many_definitions_find_somebody(cohorts: Cohorts) -> None:
    assert sum(map(bool, cohorts.values())) == 142
    assert sum(map(len, cohorts.values())) == 220_513


def test_rows_are_those_of_circe(texts: Mapping[int, bytes], cohorts: Cohorts) -> None:
    expected = by_duckcdm(texts, GIBLEED, processes=2)
    different = [number for number in texts if cohorts[number] != expected[number]]
    assert different == []
    assert set(UNDEFINED) <= set(texts)
