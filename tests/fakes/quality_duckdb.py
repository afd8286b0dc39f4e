"""Every check answered by its own query of DuckDB."""

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from fakes.quality_sql import query
from laennec.quality.checks import Check, checks

Answers = Mapping[Check, tuple[int, int] | None]


def answers(version: str, tables: Mapping[str, pl.DataFrame], *, today: date) -> Answers:
    """Return violated rows and denominator of each check, None where a table or field is absent."""
    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.register(f"frame_{name}", rows.to_arrow())
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "frame_{name}"')
            connection.unregister(f"frame_{name}")
        return {check: _answer(connection, check, today) for check in checks(version)}


def _answer(
    connection: duckdb.DuckDBPyConnection, check: Check, today: date
) -> tuple[int, int] | None:
    try:
        found = connection.execute(query(check, today)).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    assert found is not None
    return found[0], found[1]
