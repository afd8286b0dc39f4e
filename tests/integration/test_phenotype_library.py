"""Every definition of the OHDSI phenotype library on GiBleed, against circe-be's SQL.

Rows are equal for each of them. Where the SQL leaves the order of ties to the database, a fixed
order is put into it: ``UNDEFINED`` has these definitions, one by one, with the reason.
"""

import json
from collections.abc import Mapping
from pathlib import Path

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
from generative.placed_cdm import write_placed_cdm
from laennec.study.circe import translate
from laennec.study.circe.study import merged, study_of
from laennec.study.model import ConceptSet, Study


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


PLACED = 12
"""One definition of so many is asked of rows that were placed for it; the benchmark asks all."""


def test_rows_are_those_of_circe_where_rows_were_placed(
    texts: Mapping[int, bytes], tmp_path: Path
) -> None:
    some = dict(list(texts.items())[::PLACED])
    sets: dict[str, ConceptSet] = {}
    made = [translate(json.loads(text), name=f"cohort_{number}") for number, text in some.items()]
    write_placed_cdm(tmp_path, merged(made, sets), sets, persons=10, seed=1)
    source, found = ParquetSource(tmp_path), Laennec()
    found.find(some, source, {table: source.lazy(table) for table in VOCABULARY})
    assert sum(map(bool, found.cohorts.values())) > 0.8 * len(some)
    expected = by_duckcdm(some, tmp_path, processes=2, ordered=True)
    assert [one for one in some if found.cohorts[one] != expected[one]] == []
