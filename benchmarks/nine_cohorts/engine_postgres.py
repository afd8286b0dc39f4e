"""Circe SQL on PostgreSQL: ``prepare CDM STORE`` loads and indexes, ``run STORE OUT`` asks.

A server of its own, as user ``postgres``, in a new data folder, on a socket in that folder and on
no network. Tables, keys and indexes are those of the CDM's published DDL; tables are analysed
after loading. A run starts the server and stops it, so that its processes end with the run.
"""

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from nine_cohorts.circe_sql import COHORT, TABLES, definitions, statements, write_rows

DDL = Path(__file__).parents[3] / "shared" / "data" / "omop-cdm-ddl"
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "effective_cache_size": "8GB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "2",
}


ABSENT = 3
"""Exit status where PostgreSQL is not installed."""


def binaries() -> Path:
    """Return the folder of PostgreSQL 15's programs; ends the process where there is none."""
    folder = Path("/usr/lib/postgresql/15/bin")
    found = shutil.which("initdb", path=str(folder)) or shutil.which("initdb")
    if found is None:
        print("PostgreSQL is not installed: skipped.")
        raise SystemExit(ABSENT)
    return Path(found).resolve().parent


@contextmanager
def server(store: Path) -> Iterator[None]:
    """Run the server of a store."""
    options = [item for name, value in SETTINGS.items() for item in ("-c", f"{name}={value}")]
    programs = binaries()
    command = [str(programs / "postgres"), "-D", f"{store}/data", "-k", str(store), *options]
    with (
        (store / "server.log").open("ab") as log,
        subprocess.Popen(command, user="postgres", stderr=log, stdout=log) as process,
    ):
        try:
            while subprocess.run(
                [programs / "pg_isready", "-q", "-h", store], check=False
            ).returncode:
                if process.poll() is not None:
                    raise SystemExit("The server did not start: see server.log of its folder.")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def ask(store: Path, sql: str, *options: str) -> str:
    """Run statements with psql, and return what it prints."""
    command = ["psql", "-h", str(store), "-U", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        [*command, *options], input=sql, text=True, check=True, stdout=subprocess.PIPE
    )
    return done.stdout


def ddl(part: str) -> str:
    text = (DDL / f"OMOPCDM_postgresql_5.4_{part}.sql").read_text(encoding="utf-8")
    return text.replace("@cdmDatabaseSchema", "public")


def prepare(cdm: Path, store: Path) -> None:
    programs = binaries()
    store.chmod(0o711)
    shutil.chown(store, "postgres")
    subprocess.run(
        [programs / "initdb", "-D", store / "data", "-A", "trust", "-E", "UTF8", "--no-locale"],
        user="postgres",
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with server(store):
        ask(store, ddl("ddl"))
        for table in TABLES:
            copy(cdm / f"{table}.parquet", store, table)
        ask(store, ddl("primary_keys"))
        ask(store, ddl("indices"))
        ask(store, "ANALYZE;")


def copy(file: Path, store: Path, table: str) -> None:
    """Copy a Parquet file into a table, a row group at a time."""
    command = ["psql", "-h", str(store), "-U", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    with pq.ParquetFile(file) as parquet:
        columns = ", ".join(parquet.schema_arrow.names)
        sql = f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)"
        with subprocess.Popen([*command, "-c", sql], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for group in range(parquet.num_row_groups):
                rows = pl.from_arrow(parquet.read_row_group(group))
                assert isinstance(rows, pl.DataFrame)
                rows.write_csv(process.stdin, include_header=False)
            process.stdin.close()
            if process.wait():
                raise SystemExit(f"{table} was not loaded.")


def run(store: Path, out: Path) -> None:
    with server(store):
        ask(store, f"DROP TABLE IF EXISTS cohort; {COHORT};")
        began = time.perf_counter()
        each = {}
        for number, text in definitions():
            start = time.perf_counter()
            found = statements(number, text, dialect="postgresql", schema="public")
            ask(store, "".join(f"{one};\n" for one in found))
            each[number] = round(time.perf_counter() - start, 3)
        seconds = time.perf_counter() - began
        text = ask(store, "", "-c", "COPY cohort TO STDOUT WITH (FORMAT csv, HEADER)")
        version = ask(store, "", "-A", "-t", "-c", "SHOW server_version").strip()
    write_rows(pl.read_csv(io.StringIO(text), try_parse_dates=True), out)
    print(json.dumps({"seconds": seconds, "each": each, "version": f"{version} {SETTINGS}"}))


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
