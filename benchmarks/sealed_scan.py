"""What sealing costs: the same questions by the same path on sealed and on plain Parquet.

Beside it, one DuckDB query over the plain files: what a user would pick who needs no sealing.

    .venv/bin/python benchmarks/sealed_scan.py                      # 50 M rows, a few minutes
    .venv/bin/python benchmarks/sealed_scan.py --rows 5_000_000 --folder /data/bench

Runs alternate between the two kinds of file, so that a busy machine hurts both alike; the table
shows medians, and the ratio of medians with the goal of 1.10. Answers must be equal everywhere.
Exit status 1 when a ratio is over the goal.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

from buckets import BUCKETS, FileSource, Folder, Kind, prepare
from one_duckdb import SQL, connection
from queries import QUESTIONS, example_plan, over_buckets, whole_study
from questions import Answer

GOAL = 1.10
KINDS: tuple[Kind, Kind] = ("sealed", "plain")
STUDY = "a whole study"


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def works(folder: Folder, workers: int) -> dict[str, dict[Kind, Callable[[], Answer]]]:
    """Everything to measure, by question and kind of file."""
    plan = example_plan()
    sources = {kind: FileSource(folder, kind) for kind in KINDS}

    def asking(name: str, kind: Kind) -> Callable[[], Answer]:
        if name == STUDY:
            return lambda: whole_study(plan, sources[kind], workers)
        return lambda: over_buckets(QUESTIONS[name], sources[kind], workers)

    return {name: {kind: asking(name, kind) for kind in KINDS} for name in (*QUESTIONS, STUDY)}


def measure(folder: Folder, *, workers: int, repeats: int) -> bool:
    """Print a line per question; return whether every ratio reaches the goal."""
    opened = connection(folder.path / "plain", workers=workers)
    print(f"{'median seconds':36}{'sealed':>8}{'plain':>8}{'ratio':>8}{'DuckDB, plain':>15}")
    reached = True
    for name, kinds in works(folder, workers).items():
        seconds: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
        answers = {kind: kinds[kind]() for kind in KINDS}  # warm the page cache, and compare
        assert answers["sealed"] == answers["plain"], name
        for turn in range(repeats):
            for kind in KINDS if turn % 2 else reversed(KINDS):
                seconds[kind].append(timed(kinds[kind])[0])
        median = {kind: statistics.median(seconds[kind]) for kind in KINDS}
        ratio = median["sealed"] / median["plain"]
        reached &= ratio <= GOAL
        beside = ""
        if name in SQL:
            duck = [_duckdb(opened, name, answers["plain"]) for _ in range(min(3, repeats))]
            beside = f"{statistics.median(duck):15.2f}"
        print(f"{name:36}{median['sealed']:8.2f}{median['plain']:8.2f}{ratio:8.3f}{beside}")
    return reached


def _duckdb(opened: duckdb.DuckDBPyConnection, name: str, expected: Answer) -> float:
    took, answer = timed(lambda: dict(opened.execute(SQL[name]).fetchall()))
    assert answer == expected, name
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000_000, help="of condition_occurrence")
    parser.add_argument("--folder", type=Path, help="where to keep the files; default: nowhere")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laennec-bench-") as scratch:
        began = time.perf_counter()
        folder = prepare(asked.folder or Path(scratch), asked.rows)
        print(
            f"Python {platform.python_version()}, Polars {pl.__version__}, "
            f"DuckDB {duckdb.__version__}; {os.cpu_count()} cores, {asked.workers} workers; "
            f"{asked.rows:,} + {asked.rows // 2:,} rows in {BUCKETS} buckets; "
            f"sealed {folder.megabytes('sealed'):,.0f} MB, plain {folder.megabytes('plain'):,.0f}"
            f" MB; ready in {time.perf_counter() - began:.0f} s"
        )
        reached = measure(folder, workers=asked.workers, repeats=asked.repeats)
    print(f"goal: every ratio at most {GOAL:.2f}: {'reached' if reached else 'NOT reached'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
