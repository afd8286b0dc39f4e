"""The reference engine's definitions against circe-be's SQL, on random definitions and rows.

The SQL is made by ``duckcdm``'s port of circe-be and of SqlRender and run by DuckDB. Where that SQL
leaves the order of ties to the database, the identifier is added to it, which is our rule.
``LAENNEC_EXAMPLES`` multiplies the number of examples, for a long search.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache

import duckdb
import polars as pl
from duckcdm.circe import build_cohort_query
from duckcdm.sqlrender import render, split_sql, translate
from hypothesis import HealthCheck, given, settings

from generative.circe_json import circe
from generative.definition_strategies import DefinitionCase, definition_cases
from laennec.omop.cdm import CURRENT, cdm
from laennec.study.definition import TABLES
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import read_histories

TIMES = int(os.environ.get("LAENNEC_EXAMPLES", "1"))
Stay = tuple[int, date, date]
READ = (*TABLES, "person", "provider", "care_site")

TIES = (
    ("order by pe.start_date ASC)", "order by pe.start_date ASC, pe.event_id)"),
    ("order by pe.start_date DESC)", "order by pe.start_date DESC, pe.event_id)"),
    ("order by start_date ASC) as ordinal", "order by start_date ASC, event_id) as ordinal"),
    ("order by start_date DESC) as ordinal", "order by start_date DESC, event_id) as ordinal"),
    ("R.start_date ASC)", "R.start_date ASC, R.event_id)"),
    (
        "ORDER BY ppp.payer_plan_period_start_date)",
        "ORDER BY ppp.payer_plan_period_start_date, ppp.payer_plan_period_id)",
    ),
)
"""What orders only by day in circe-be's SQL, and the same with our order of ties."""


@cache
def _empty_cdm() -> duckdb.DuckDBPyConnection:
    """A database with every table that is read, and the tables that the SQL writes to."""
    connection = duckdb.connect()
    for table in READ:
        frame = pl.DataFrame(schema=cdm(CURRENT).tables[table].polars_schema())
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {table} AS FROM frame")
    connection.execute("CREATE TABLE concept AS SELECT 1::BIGINT AS concept_id LIMIT 0")
    for name, columns in RESULTS.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    return connection


RESULTS = {
    "cohort": "cohort_definition_id INT, subject_id BIGINT, cohort_start_date DATE,"
    " cohort_end_date DATE",
    "cohort_censor_stats": "cohort_definition_id INT, lost_count BIGINT",
    "cohort_inclusion_result": "cohort_definition_id INT, inclusion_rule_mask BIGINT,"
    " person_count BIGINT, mode_id INT",
    "cohort_inclusion_stats": "cohort_definition_id INT, rule_sequence INT, person_count BIGINT,"
    " gain_count BIGINT, person_total BIGINT, mode_id INT",
    "cohort_summary_stats": "cohort_definition_id INT, base_count BIGINT, final_count BIGINT,"
    " mode_id INT",
}


def by_sql(case: DefinitionCase) -> tuple[list[Stay], dict[tuple[int, int], int]]:
    """Return the stays and the masks by mode that circe-be's SQL finds."""
    connection = _empty_cdm().cursor()
    connection.execute("BEGIN")
    try:
        for table, rows in case.rows.items():
            schema = cdm(CURRENT).tables[table].polars_schema()
            frame = pl.DataFrame(rows, schema=schema)
            connection.register("frame", frame.to_arrow())
            connection.execute(f"INSERT INTO {table} FROM frame")
        ids = sorted({one for found in case.concepts.values() for one in found})
        connection.executemany("INSERT INTO concept VALUES (?)", [[one] for one in ids])
        for statement in _statements(case):
            connection.execute(statement)
        stays = connection.execute("SELECT * EXCLUDE (cohort_definition_id) FROM cohort").fetchall()
        masks = connection.execute(
            "SELECT mode_id, inclusion_rule_mask, person_count FROM cohort_inclusion_result"
        ).fetchall()
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    return sorted(stays), {(mode, mask): number for mode, mask, number in masks}


def _statements(case: DefinitionCase) -> Iterator[str]:
    concepts = {name: sorted(found) for name, found in case.concepts.items()}
    sql = build_cohort_query(
        circe(case.definition, concepts),
        cohort_id=1,
        cdm_schema="main",
        result_schema="main",
        target_table="main.cohort",
        generate_stats=True,
    )
    for tie, ordered in TIES:
        sql = sql.replace(tie, ordered)
    return iter(split_sql(translate(render(sql), "duckdb")))


def by_reference(case: DefinitionCase) -> tuple[list[Stay], dict[tuple[int, int], int]]:
    """Return the same from the reference engine; masks only where there are rules, as Circe."""
    stays: list[Stay] = []
    masks: Counter[tuple[int, int]] = Counter()
    for history in read_histories(case.rows):
        found = outcome(case.definition, history, case.concepts)
        person_id = history.row["person_id"]
        stays += [
            (person_id, date.fromordinal(one.start), date.fromordinal(one.end))
            for one in found.stays
        ]
        if case.definition.rules:
            masks.update((0, mask) for mask in found.masks)
            masks.update([] if found.best is None else [(1, found.best)])
    return sorted(stays), dict(masks)


@settings(
    max_examples=25 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=definition_cases(ties=False))
def test_the_reference_agrees_with_the_sql_of_circe(case: DefinitionCase) -> None:
    assert by_reference(case) == by_sql(case)
