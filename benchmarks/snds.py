"""Load a synthetic base of the SNDS through the product, against a bare DuckDB reading of it.

The product reads every file, types and cleans the rows, finds the persons, makes OMOP rows of them,
seals them by person bucket, and commits: ``laennec load snds`` in a process of its own. The
baseline reads the same CSV files with DuckDB, all columns as text, and writes each table sorted to
one plain Parquet file (zstd), on the same cores, without any check or join. Wall time and peak
memory are those of the processes; the base is generated once and kept.

    python benchmarks/snds.py [--persons 1000000] [--years 2015-2019] [--folder DIR] [--quarter]

``--quarter`` measures a base of a quarter of the persons as well: memory should be the same. The
projection is arithmetic from the measured times, stated with its assumptions; it is no measurement.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

RATIO_GOAL, MEMORY_GOAL_GB = 4.0, 6.0
FRANCE = 67_000_000
SORTED_BY = {
    "ER_PRS_F": ("BEN_NIR_PSA", "BEN_RNG_GEM", "EXE_SOI_DTD"),
    "ER": ("FLX_DIS_DTD", "FLX_EMT_NUM", "FLX_EMT_ORD", "DCT_ORD_NUM", "PRS_ORD_NUM"),
    "IR": ("BEN_NIR_PSA", "BEN_RNG_GEM"),
    "T": ("ETA_NUM", "ETA_NUM_EPMSI", "RSA_NUM", "RHA_NUM", "RHAD_NUM", "RIP_NUM"),
}


@dataclass(frozen=True)
class Measured:
    """A process that ended: wall and processor seconds, peak memory in bytes, what it said."""

    wall: float
    cpu: float
    peak: int
    said: str


def run(command: Sequence[str]) -> Measured:
    """Run a command to its end."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        out.seek(0)
        said = out.read()
    if status:
        sys.exit(f"{command[0]} failed: {status}\n{said}")
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, said)


def laennec(*arguments: str) -> list[str]:
    """Return the command line of the product, in this Python."""
    code = "from laennec.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", code, *arguments]


def base(folder: Path, *, persons: int, years: str) -> Path:
    """Generate a base unless it is there."""
    data = folder / f"snds-{persons}-{years}"
    if not (data / "truth" / "summary.json").exists():
        shutil.rmtree(data, ignore_errors=True)
        order = ("--persons", str(persons), "--seed", "1", "--years", years)
        made = run(laennec("synth", "snds", *order, str(data)))
        print(f"generated {persons:,} persons in {made.wall:.0f} s, {made.peak / 1e9:.2f} GB")
    return data


def product(data: Path, hub: Path) -> Measured:
    """Load a base into a new hub."""
    shutil.rmtree(hub, ignore_errors=True)
    secret = hub.parent / "passphrase"
    secret.write_text("benchmark passphrase")
    secret.chmod(0o600)
    named = ("--name", "b", "--origin", "b.example/b", "--passphrase-file", str(secret))
    run(laennec("--hub", str(hub), "init", *named))
    return run(laennec("--hub", str(hub), "load", "snds", str(data)))


def families(data: Path) -> dict[str, list[Path]]:
    """Return the files of each table, by table and, where its columns change, by year."""
    found: dict[str, list[Path]] = {}
    for file in sorted(data.glob("*.csv")):
        stem = file.stem
        name = stem.rpartition("_")[0] if stem[-6:].isdigit() else stem
        found.setdefault(name, []).append(file)
    return found


def baseline(data: Path, out: Path) -> None:
    """Read every table by DuckDB into one sorted plain Parquet file; runs in its own process."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    connection = duckdb.connect(config={"memory_limit": "8GB", "temp_directory": str(out / "tmp")})
    for name, files in families(data).items():
        header = files[0].open().readline().strip().split(";")
        keys = SORTED_BY.get(name, SORTED_BY.get(name.split("_")[0], ()))
        order = ", ".join(f'"{one}"' for one in keys if one in header) or "1"
        listed = ", ".join(f"'{one}'" for one in files)
        connection.execute(
            f"COPY (SELECT * FROM read_csv([{listed}], delim=';', header=true, all_varchar=true) "
            f"ORDER BY {order}) TO '{out / name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )


def measure(folder: Path, *, persons: int, years: str, with_baseline: bool) -> dict[str, float]:
    """Measure one size; print and return the figures."""
    data = base(folder, persons=persons, years=years)
    files = list(data.glob("*.csv"))
    size = sum(one.stat().st_size for one in files)
    summary = json.loads((data / "truth" / "summary.json").read_text())
    rows = sum(one["rows"] for one in summary["files"].values())
    loaded = product(data, folder / "hub")
    stored = sum(
        one.stat().st_size for one in (folder / "hub" / "store").rglob("*") if one.is_file()
    )
    print(f"{persons:,} persons: {len(files)} files, {rows:,} rows, {size / 1e9:.2f} GB of CSV")
    print(
        f"  product   {loaded.wall:7.1f} s wall, {loaded.cpu:7.1f} s cpu, "
        f"{loaded.peak / 1e9:.2f} GB peak, {stored / 1e9:.2f} GB sealed"
    )
    figures = {"wall": loaded.wall, "cpu": loaded.cpu, "peak": loaded.peak / 1e9}
    if with_baseline:
        code = [sys.executable, __file__, "--baseline", str(data), str(folder / "plain")]
        bare = run(code)
        figures["ratio"] = loaded.wall / bare.wall
        print(
            f"  baseline  {bare.wall:7.1f} s wall, {bare.cpu:7.1f} s cpu, "
            f"{bare.peak / 1e9:.2f} GB peak; ratio {figures['ratio']:.2f}"
        )
    return figures


def project(figures: dict[str, float], persons: int, executors: Sequence[int]) -> None:
    """Say what the measured processor time comes to for the whole country. Arithmetic only."""
    whole = figures["cpu"] * FRANCE / persons
    print(f"\nProjection to {FRANCE:,} persons, from {figures['cpu']:.0f} s of processor time:")
    print("  linear in rows (units and buckets are independent; no shuffle), 4 cores an executor,")
    print("  perfect balance, storage that keeps up. Not measured.")
    for number in executors:
        print(f"  {number:4} executors: {whole / (number * 4) / 3600:6.1f} h")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--years", default="2015-2019")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bench-snds")
    parser.add_argument("--quarter", action="store_true")
    parser.add_argument("--baseline", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.baseline:
        baseline(*asked.baseline)
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    print(
        f"Python {platform.python_version()}, Polars {pl.__version__}, "
        f"DuckDB {duckdb.__version__}, "
        f"{os.cpu_count()} cores, {platform.machine()}"
    )
    if asked.quarter:
        less = measure(
            asked.folder, persons=asked.persons // 4, years=asked.years, with_baseline=False
        )
    figures = measure(asked.folder, persons=asked.persons, years=asked.years, with_baseline=True)
    print(f"goals: ratio <= {RATIO_GOAL}, peak <= {MEMORY_GOAL_GB} GB")
    if asked.quarter:
        print(
            f"peak at a quarter of the persons: {less['peak'] / figures['peak']:.2f} of the whole"
        )
    project(figures, asked.persons, (10, 50, 100))


if __name__ == "__main__":
    main()
