"""The three questions of the benchmarks as one query of DuckDB over plain files.

DuckDB has several idioms for a person's first record; each is here, and the quickest is the one to
compare with. It may not write to disk.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from questions import DRUGS, FIRST, JOINED, OUTCOMES, PER_CONCEPT, TABLES, WITHIN, Answer

_SUMMARY = """
    SELECT unnest(['persons', 'days', 'ends', 'concepts', 'identifiers']),
           unnest([count(*), sum(day - DATE '1970-01-01'), sum(ended - DATE '1970-01-01'),
                   sum(concept), sum(id & 1048575)]::BIGINT[])
    FROM first"""

_PARTS = {
    "day": "condition_start_date",
    "id": "condition_occurrence_id",
    "concept": "condition_concept_id",
    "ended": "condition_end_date",
}
_NAMED = ", ".join(f"{column} AS {name}" for name, column in _PARTS.items())
_STRUCT = "{" + ", ".join(f"'{name}': {column}" for name, column in _PARTS.items()) + "}"

FIRST_IDIOMS: Mapping[str, str] = {
    "join with the minimum": f"""
        WITH earliest AS (SELECT person_id, min(condition_start_date) AS day
                          FROM condition_occurrence GROUP BY 1),
             tied AS (SELECT c.person_id, min({_STRUCT}) AS row
                      FROM condition_occurrence c JOIN earliest e
                      ON c.person_id = e.person_id AND c.condition_start_date = e.day GROUP BY 1),
             first AS (SELECT row.* FROM tied) {_SUMMARY}""",
    "min of a struct": f"""
        WITH rows AS (SELECT person_id, min({_STRUCT}) AS row
                      FROM condition_occurrence GROUP BY 1),
             first AS (SELECT row.* FROM rows) {_SUMMARY}""",
    "arg_min of a struct": f"""
        WITH first AS (SELECT person_id, unnest(arg_min({_STRUCT},
                              (condition_start_date, condition_occurrence_id)))
                       FROM condition_occurrence GROUP BY 1) {_SUMMARY}""",
    "DISTINCT ON": f"""
        WITH first AS (SELECT DISTINCT ON (person_id) person_id, {_NAMED}
                       FROM condition_occurrence ORDER BY person_id, day, id) {_SUMMARY}""",
    "QUALIFY row_number()": f"""
        WITH first AS (SELECT person_id, {_NAMED} FROM condition_occurrence
                       QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY day, id) = 1)
        {_SUMMARY}""",
}

PAIRS = """,
    counted AS (SELECT sex || ' ' || decade AS who, count(*) AS pairs,
                       count(DISTINCT person_id) AS persons FROM pairs GROUP BY 1)
    SELECT 'pairs ' || who, pairs FROM counted
    UNION ALL SELECT 'persons ' || who, persons FROM counted"""
"""What is counted of pairs, each with its ``sex``, ``decade`` of birth and ``person_id``."""

SQL: Mapping[str, str] = {
    PER_CONCEPT: """
        SELECT condition_concept_id::VARCHAR, count(DISTINCT person_id)
        FROM condition_occurrence GROUP BY 1""",
    FIRST: FIRST_IDIOMS["join with the minimum"],
    JOINED: f"""
        WITH pairs AS (
            SELECT gender_concept_id AS sex, year_of_birth // 10 * 10 AS decade, person_id
            FROM drug_exposure JOIN condition_occurrence USING (person_id)
            JOIN person USING (person_id)
            WHERE drug_concept_id IN {tuple(sorted(DRUGS))}
            AND condition_concept_id IN {tuple(sorted(OUTCOMES))}
            AND condition_start_date
                BETWEEN drug_exposure_start_date AND drug_exposure_start_date + {WITHIN})
        {PAIRS}""",
}
"""For DuckDB over whole tables; one row per name and number."""


def connection(plain: Path, *, workers: int) -> duckdb.DuckDBPyConnection:
    """Return DuckDB with a view of each table over the files of a folder."""
    opened = duckdb.connect(config={"threads": workers, "temp_directory": ""})
    for table in TABLES:
        opened.execute(f"CREATE VIEW {table} AS FROM read_parquet('{plain}/{table}-*.parquet')")
    return opened


def in_duckdb(query: str, plain: Path, *, workers: int) -> Answer:
    """Ask DuckDB."""
    with connection(plain, workers=workers) as opened:
        return dict(opened.execute(query).fetchall())
