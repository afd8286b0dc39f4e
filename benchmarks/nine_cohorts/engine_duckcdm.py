"""duckcdm on plain DuckDB: ``prepare CDM STORE`` loads, ``run STORE OUT`` makes the cohorts."""

import json
import sys
import time
from pathlib import Path

import duckdb

from nine_cohorts.circe_sql import COHORT, TABLES, definitions, statements, write_rows


def prepare(cdm: Path, store: Path) -> None:
    with duckdb.connect(str(store / "cdm.duckdb")) as connection:
        for table in TABLES:
            file = str(cdm / f"{table}.parquet")
            connection.execute(f"CREATE TABLE {table} AS FROM read_parquet(?)", [file])


def run(store: Path, out: Path) -> None:
    with duckdb.connect(str(store / "cdm.duckdb")) as connection:
        connection.execute(COHORT.replace("TABLE", "OR REPLACE TABLE"))
        began = time.perf_counter()
        each = {}
        for number, text in definitions():
            start = time.perf_counter()
            for statement in statements(number, text, dialect="duckdb", schema="main"):
                connection.execute(statement)
            each[number] = round(time.perf_counter() - start, 3)
        seconds = time.perf_counter() - began
        write_rows(connection.execute("FROM cohort").pl(), out)
    print(json.dumps({"seconds": seconds, "each": each, "version": duckdb.__version__}))


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
