"""The tutorial's study on the real GiBleed tables, against queries written by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from laennec.study.estimates import summarise
from laennec.study.files import read_study
from laennec.study.partials import Partial
from laennec.study.reference import evaluate

ROOT = Path(__file__).resolve().parents[2]
STUDY = read_study(ROOT / "src" / "laennec" / "app" / "data" / "celecoxib.toml")
COLUMNS = {
    "person": "person_id gender_concept_id year_of_birth month_of_birth day_of_birth",
    "observation_period": ("person_id observation_period_start_date observation_period_end_date"),
    "drug_exposure": ("person_id drug_concept_id drug_exposure_start_date drug_exposure_end_date"),
    "condition_occurrence": (
        "person_id condition_concept_id condition_start_date condition_end_date"
    ),
}
MEMBERS = """
    create or replace temp table member as
    with entry as (
        select person_id, min(drug_exposure_start_date) as entry from drug_exposure
        where drug_concept_id = $drug group by person_id
    ), bleed as (
        select person_id, min(condition_start_date) as bleed from condition_occurrence
        where condition_concept_id = 192671 group by person_id
    )
    select *, least(entry + 365, observation_period_end_date) as leave
    from entry join observation_period using (person_id) join person using (person_id)
    left join bleed using (person_id)
    where entry between observation_period_start_date + 365 and observation_period_end_date
      and (bleed is null or bleed >= entry)
      and person_id not in (
          select d.person_id from drug_exposure d where d.person_id = entry.person_id
            and drug_concept_id = $other and drug_exposure_start_date <= entry
      )
"""
BY_SEX = """
    select count(*), sum(least(leave, coalesce(bleed, leave)) - entry + 1),
           count(*) filter (bleed <= leave)
    from member where $sex is null or gender_concept_id = $sex
"""
BY_DAY = """
    select bleed - entry, count(*) from member
    where bleed - entry <= 90 and bleed <= leave group by 1
"""
DRUGS = {"celecoxib": (1118084, 1124300), "diclofenac": (1124300, 1118084)}


@pytest.fixture(scope="module")
def folder() -> Path:
    found = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop-gibleed"
    if not found.is_dir():
        pytest.skip("the GiBleed tables are absent beside the checkout")
    return found


@pytest.fixture(scope="module")
def partial(folder: Path) -> Partial:
    rows: dict[str, list[dict[str, Any]]] = {
        table: pq.read_table(folder / f"{table}.parquet", columns=columns.split()).to_pylist()
        for table, columns in COLUMNS.items()
    }
    concepts = {
        name: frozenset(item.concept_id for item in one.items)
        for name, one in STUDY.concept_sets.items()
    }
    return evaluate(STUDY, rows, concepts)


@pytest.fixture(scope="module")
def query(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in COLUMNS:
            path = folder / f"{table}.parquet"
            connection.execute(f"create view {table} as select * from '{path}'")  # noqa: S608
        yield connection


@pytest.mark.parametrize("drug", DRUGS)
def test_members_days_and_outcomes(
    drug: str, partial: Partial, query: duckdb.DuckDBPyConnection
) -> None:
    query.execute(MEMBERS, dict(zip(("drug", "other"), DRUGS[drug], strict=True)))
    for sex, concept in (("Both", None), ("Female", 8532), ("Male", 8507)):
        found = query.execute(BY_SEX, {"sex": concept}).fetchone()
        key = ("incidence", f"rate_{drug}", sex, "0 to 150", "overall")
        assert (
            tuple(partial.counts[(*key, what)] for what in ("persons", "days", "events")) == found
        )


@pytest.mark.parametrize("drug", DRUGS)
def test_curve(drug: str, partial: Partial, query: duckdb.DuckDBPyConnection) -> None:
    query.execute(MEMBERS, dict(zip(("drug", "other"), DRUGS[drug], strict=True)))
    found = dict(query.execute(BY_DAY).fetchall())
    key = ("survival", "first_90_days", f"{drug}_users")
    assert found == {
        day: n
        for (*start, day, what), n in partial.counts.items()
        if tuple(start) == key and what == "events"
    }


def test_results_are_large_enough_to_show(partial: Partial) -> None:
    result = summarise(STUDY, partial, cdm_name="gibleed", settings={})
    overall = [
        row
        for row in result.rows
        if row.estimate_name == "outcome_count" and row.additional_level.endswith("overall")
    ]
    assert len(overall) == 18
    assert min(int(row.estimate_value) for row in overall) > 10
    covariates = [row for row in result.rows if row.variable_name == "Covariates"]
    assert min(int(row.estimate_value) for row in covariates if row.estimate_name == "count") > 10
