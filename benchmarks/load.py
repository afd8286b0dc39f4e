"""Load an OMOP data set through the product, against a bare DuckDB COPY of the same files.

The product types and checks every field, finds repeated keys and unknown persons, cuts rows into
person buckets, sorts them, seals them and commits. The baseline reads the same files with the same
types and writes each table sorted by person and date to one plain Parquet file (zstd): what a user
would do by hand, without any check. Each run is a process of its own, so that peak memory is its
own; product and baseline alternate; medians are compared. Keys come in random order unless
``--ascending`` is given, which is the harder case for the product: it then has to look for repeats.

    python benchmarks/load.py [--rows 20000000] [--form csv|parquet] [--repeats 3]
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.intake.service import Intake, Options
from laennec.ledger.service import Ledger
from laennec.omop.cdm import FieldType, cdm
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import PassphraseKeyring
from laennec.vault.service import Vault

GOAL = 2.0
ROWS_PER_PERSON = 50
PIECE = 1_000_000
SORTED_BY = {"person": "person_id", "condition_occurrence": "person_id, condition_start_date"}
SQL_TYPES = {
    FieldType.INTEGER: "BIGINT",
    FieldType.FLOAT: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
    FieldType.TEXT: "VARCHAR",
}


def make_data(folder: Path, rows: int, *, form: str, ascending: bool) -> None:
    """Write person and condition_occurrence, rows in no order of person."""
    persons = max(1, rows // ROWS_PER_PERSON)
    rng = np.random.default_rng(1)
    ids = np.arange(1, persons + 1) * 7919
    person = pl.DataFrame(
        {
            "person_id": ids,
            "gender_concept_id": rng.choice([8507, 8532], persons),
            "year_of_birth": rng.integers(1920, 2015, persons),
            "race_concept_id": np.zeros(persons, dtype=np.int64),
            "ethnicity_concept_id": np.zeros(persons, dtype=np.int64),
        }
    )
    _write(person, folder / f"person.{form}", form)
    keys = np.arange(1, rows + 1)
    if not ascending:
        rng.shuffle(keys)
    pieces = []
    for start in range(0, rows, PIECE):
        size = min(PIECE, rows - start)
        day = np.datetime64("2005-01-01") + rng.integers(0, 5844, size).astype("timedelta64[D]")
        pieces.append(
            pl.DataFrame(
                {
                    "condition_occurrence_id": keys[start : start + size],
                    "person_id": ids[rng.integers(0, persons, size)],
                    "condition_concept_id": 4_000_000 + rng.integers(0, 3000, size),
                    "condition_start_date": day,
                    "condition_start_datetime": day.astype("datetime64[us]"),
                    "condition_end_date": day + rng.integers(0, 30, size).astype("timedelta64[D]"),
                    "condition_type_concept_id": np.full(size, 32_810),
                    "visit_occurrence_id": rng.integers(1, rows, size),
                    "condition_source_value": rng.integers(10_000, 99_999, size).astype(str),
                }
            )
        )
        _append(pieces.pop(), folder / f"condition_occurrence.{form}", form, first=start == 0)


def _write(frame: pl.DataFrame, path: Path, form: str) -> None:
    if form == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def _append(frame: pl.DataFrame, path: Path, form: str, *, first: bool) -> None:
    """Add rows to a file; a Parquet file is joined from its pieces at the end by DuckDB."""
    if form == "csv":
        with path.open("ab") as file:
            frame.write_csv(file, include_header=first, datetime_format="%Y-%m-%d %H:%M:%S")
        return
    pieces = path.parent / "pieces"
    pieces.mkdir(exist_ok=True)
    frame.write_parquet(pieces / f"{len(list(pieces.iterdir())):06}.parquet")


def join_pieces(folder: Path) -> None:
    """Make one Parquet file of the pieces."""
    pieces = folder / "pieces"
    if pieces.exists():
        target = folder / "condition_occurrence.parquet"
        duckdb.execute(f"COPY (FROM '{pieces}/*.parquet') TO '{target}'")
        shutil.rmtree(pieces)


def product(data: Path, out: Path) -> None:
    """Load through the product."""
    # The keyring's cost is a fixed third of a second that says nothing about loading.
    keys = PassphraseKeyring.create(out / "keys.json", os.urandom(16))
    vault = Vault.create(LocalStore(out / "store"), keys, clock=system_clock)
    ledger = Ledger.create(
        out / "ledger",
        origin="benchmark/load",
        signing_key=Ed25519PrivateKey.generate(),
        clock=system_clock,
    )
    options = Options(out / "scratch", memory_bytes=1 << 30, workers=os.cpu_count() or 1)
    report = Intake(vault, ledger, reporter=Quiet(), options=options).load_omop(data)
    assert report.read == report.kept, "the benchmark's rows are all good"


def baseline(data: Path, out: Path) -> None:
    """Copy every table, sorted, to plain Parquet."""
    connection = duckdb.connect(config={"temp_directory": str(out / "spill")})
    for source in sorted(data.iterdir()):
        table = source.name.partition(".")[0]
        known = {one.name: SQL_TYPES[one.type] for one in cdm("5.4").tables[table].fields}
        reader = f"read_parquet('{source}')"
        if source.suffix == ".csv":
            header = source.open(encoding="utf-8").readline().strip().split(",")
            types = {name: known[name] for name in header}
            reader = f"read_csv('{source}', header=true, auto_detect=false, columns={types})"
        connection.execute(
            f"COPY (SELECT * FROM {reader} ORDER BY {SORTED_BY[table]}) "
            f"TO '{out / table}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )


def measured(who: str, data: Path) -> tuple[float, float, float]:
    """Run one side in its own process; return wall seconds, CPU seconds and peak MB."""
    with tempfile.TemporaryDirectory(prefix="laennec-bench-") as out:
        command = [sys.executable, __file__, "--side", who, "--data", str(data), "--out", out]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall, cpu, float(printed)


def compare(rows: int, *, form: str, ascending: bool, repeats: int) -> tuple[float, float]:
    """Print one line; return the ratio of medians and the product's peak memory in MB."""
    with tempfile.TemporaryDirectory(prefix="laennec-bench-data-") as folder:
        data = Path(folder)
        make_data(data, rows, form=form, ascending=ascending)
        join_pieces(data)
        size = sum(one.stat().st_size for one in data.iterdir()) / 1e6
        runs: dict[str, list[tuple[float, float, float]]] = {"product": [], "baseline": []}
        for turn in range(repeats):
            for who in runs if turn % 2 == 0 else reversed(runs):
                runs[who].append(measured(who, data))
    wall = {who: statistics.median(one[0] for one in took) for who, took in runs.items()}
    cpu = {who: statistics.median(one[1] for one in took) for who, took in runs.items()}
    peak = {who: statistics.median(one[2] for one in took) for who, took in runs.items()}
    ratio = wall["product"] / wall["baseline"]
    figures = (
        f"{rows:>12,}{size:>9,.0f}",
        f"{wall['product']:>10.2f}{wall['baseline']:>10.2f}{ratio:>8.2f}",
        f"{cpu['product'] / cpu['baseline']:>8.2f}",
        f"{peak['product']:>10,.0f}{peak['baseline']:>10,.0f}",
    )
    print("".join(figures), flush=True)
    return ratio, peak["product"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="of the larger size")
    parser.add_argument("--form", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--ascending", action="store_true", help="keys in ascending order")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("product", "baseline"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        {"product": product, "baseline": baseline}[asked.side](asked.data, asked.out)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    print(
        f"Python {platform.python_version()}, Polars {pl.__version__}, DuckDB "
        f"{duckdb.__version__}; {os.cpu_count()} cores; {asked.form}, keys in "
        f"{'ascending' if asked.ascending else 'random'} order; medians of {asked.repeats}"
    )
    print(
        f"{'rows':>12}{'MB in':>9}{'product s':>10}{'DuckDB s':>10}{'ratio':>8}{'CPU':>8}"
        f"{'peak MB':>10}{'peak MB':>10}"
    )
    found = [
        compare(rows, form=asked.form, ascending=asked.ascending, repeats=asked.repeats)
        for rows in (asked.rows // 4, asked.rows)
    ]
    growth = found[1][1] / found[0][1]
    reached = found[1][0] <= GOAL
    print(f"goal: ratio at most {GOAL}: {'reached' if reached else 'NOT reached'}")
    print(f"peak memory at 4 x the rows: {growth:.2f} x")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
