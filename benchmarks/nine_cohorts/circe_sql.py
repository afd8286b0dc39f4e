"""The SQL of a definition, as duckcdm's port of circe-be and of SqlRender writes it."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from duckcdm.circe import build_cohort_query
from duckcdm.sqlrender import render, split_sql, translate

HERE = Path(__file__).parent
COHORT = (
    "CREATE TABLE cohort (cohort_definition_id INT, subject_id BIGINT, cohort_start_date DATE, "
    "cohort_end_date DATE)"
)

TABLES = (
    "person",
    "observation_period",
    "visit_occurrence",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "measurement",
    "observation",
    "device_exposure",
    "death",
    "condition_era",
    "drug_era",
    "concept",
    "concept_ancestor",
    "concept_relationship",
)
"""Tables that are loaded."""


def definitions() -> list[tuple[int, str]]:
    """Return number and JSON of each definition, by number."""
    found = (HERE / "definitions").glob("*.json")
    return sorted((int(one.stem), one.read_text(encoding="utf-8")) for one in found)


def statements(number: int, text: str, *, dialect: str, schema: str) -> Iterator[str]:
    """Yield the statements that write one cohort into ``cohort``, without statistics of rules."""
    sql = build_cohort_query(
        text,
        cohort_id=number,
        cdm_schema=schema,
        result_schema=schema,
        target_table=f"{schema}.cohort",
        generate_stats=False,
    )
    yield from split_sql(translate(render(sql), dialect))


def write_rows(rows: pl.DataFrame, path: Path) -> None:
    """Keep the rows that an engine found, in one order, for the comparison."""
    names = ("definition", "person", "start", "end")
    types = (pl.Int64, pl.Int64, pl.Date, pl.Date)
    columns = zip(rows.columns, names, types, strict=True)
    kept = rows.select(pl.col(old).cast(kind).alias(new) for old, new, kind in columns)
    kept.sort(names).write_parquet(path)
