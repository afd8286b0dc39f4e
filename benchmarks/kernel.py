"""Three questions over 50 M rows: sealed buckets against one DuckDB and one Polars query.

    .venv/bin/python benchmarks/kernel.py                          # 50 M rows, some minutes
    .venv/bin/python benchmarks/kernel.py --rows 5_000_000 --folder /data/bench

The bucket kernel reads encrypted files with their keys, DuckDB and Polars the same rows from plain
files; all have two threads and none may write to disk. The rows of both lie by person and day,
which the buckets' source says as the manifest of a warehouse does; SQL has no way to say it.
``queries.py`` says what the questions are.
Every run is a fresh process that imports its own engine only, so that peak memory is its own; ``at
1st`` is what it held before the question. Engines alternate; medians. Seconds are those of the
question, without the start of Python. DuckDB's first record of each person is
asked in every idiom once, and the quickest is compared. Answers must be equal everywhere.

Goals: at most 0.4 of DuckDB's time on the first question and 0.5 on the others, and a quarter of
its memory. Exit status 1 when one is missed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from questions import FIRST, JOINED, PER_CONCEPT, Answer

PREPARE = str(Path(__file__).with_name("buckets.py"))
SEALED, DUCKDB, POLARS = "sealed buckets", "DuckDB", "Polars"
ENGINES = (SEALED, DUCKDB, POLARS)
GOALS: Mapping[str, float] = {PER_CONCEPT: 0.4, FIRST: 0.5, JOINED: 0.5}
MEMORY_GOAL = 0.25


@dataclass(frozen=True)
class Measured:
    """One run in a process of its own."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    start_mb: float
    answer: Answer


def engine_of(name: str, question: str, asked: argparse.Namespace) -> Callable[[], Answer]:
    """Return one engine, ready to answer; of the others nothing is imported."""
    plain = asked.folder / "plain"
    if name == DUCKDB:
        from one_duckdb import FIRST_IDIOMS, SQL, in_duckdb

        query = FIRST_IDIOMS[asked.idiom] if question == FIRST else SQL[question]
        return lambda: in_duckdb(query, plain, workers=asked.workers)
    if name == POLARS:
        from one_polars import in_polars, plain_tables

        return lambda: in_polars(question, plain_tables(plain))
    from buckets import FileSource, Folder
    from queries import QUESTIONS, over_buckets

    source = FileSource(Folder(asked.folder, asked.rows), "sealed")
    return lambda: over_buckets(QUESTIONS[question], source, asked.workers)


def alone(asked: argparse.Namespace) -> None:
    """Be the process that asks, and say what it took."""
    name, question = asked.alone
    work = engine_of(name, question, asked)
    start = _most_memory_mb()
    before, began = time.process_time(), time.perf_counter()
    answer = work()
    wall, cpu = time.perf_counter() - began, time.process_time() - before
    print(json.dumps([wall, cpu, _most_memory_mb(), start, answer]))


def _most_memory_mb() -> float:
    """The most memory this program has held; getrusage would tell of its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measured(engine: str, question: str, asked: argparse.Namespace, *, idiom: str) -> Measured:
    """Ask one engine in a fresh process."""
    command = [sys.executable, __file__, "--alone", engine, question, "--rows", str(asked.rows)]
    command += ["--folder", asked.folder, "--workers", str(asked.workers), "--idiom", idiom]
    threads = {"POLARS_MAX_THREADS": str(asked.workers)}
    done = subprocess.run(
        command, check=True, env=os.environ | threads, stdout=subprocess.PIPE, text=True
    )
    return Measured(*json.loads(done.stdout))


def quickest_idiom(asked: argparse.Namespace) -> str:
    """Ask DuckDB for the first records in each idiom, and return the quickest."""
    from one_duckdb import FIRST_IDIOMS

    took = {}
    for idiom in FIRST_IDIOMS:
        run = measured(DUCKDB, FIRST, asked, idiom=idiom)
        took[idiom] = run.wall_s
        print(f"  DuckDB, {idiom}: {run.wall_s:.2f} s, {run.peak_mb:,.0f} MB", flush=True)
    return min(took, key=lambda idiom: took[idiom])


def compare(question: str, asked: argparse.Namespace) -> bool:
    """Print a line per engine; return whether the goals are reached."""
    idiom = quickest_idiom(asked) if question == FIRST else ""
    runs: dict[str, list[Measured]] = {engine: [] for engine in ENGINES}
    for _ in range(asked.repeats):
        for engine, found in runs.items():
            found.append(measured(engine, question, asked, idiom=idiom))
    answers = [one.answer for found in runs.values() for one in found]
    if any(answer != answers[0] for answer in answers):
        raise SystemExit(f"{question}: the answers differ")
    wall, cpu, peak, start = (
        _medians(runs, name) for name in ("wall_s", "cpu_s", "peak_mb", "start_mb")
    )
    print(question)
    for engine in ENGINES:
        taken = f"{wall[engine]:8.2f}{cpu[engine]:8.2f}{peak[engine]:8,.0f}{start[engine]:8,.0f}"
        ratios = f"{wall[engine] / wall[DUCKDB]:8.2f}{peak[engine] / peak[DUCKDB]:8.2f}"
        print(f"  {engine:16}{taken}{ratios}", flush=True)
    return (
        wall[SEALED] <= GOALS[question] * wall[DUCKDB]
        and peak[SEALED] <= MEMORY_GOAL * peak[DUCKDB]
    )


def _medians(runs: Mapping[str, Sequence[Measured]], name: str) -> dict[str, float]:
    return {
        engine: statistics.median(getattr(one, name) for one in found)
        for engine, found in runs.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000_000, help="of condition_occurrence")
    parser.add_argument("--folder", type=Path, help="where to keep the files; default: nowhere")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--idiom", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        alone(asked)
        return 0
    with tempfile.TemporaryDirectory(prefix="laennec-bench-") as scratch:
        asked.folder = asked.folder or Path(scratch)
        subprocess.run([sys.executable, PREPARE, asked.folder, str(asked.rows)], check=True)
        versions = ", ".join(f"{one} {version(one)}" for one in ("polars", "duckdb"))
        print(
            f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, "
            f"{asked.workers} threads; {asked.rows:,} + {asked.rows // 2:,} rows; medians of "
            f"{asked.repeats}"
        )
        print(f"{'':18}{'wall s':>8}{'CPU s':>8}{'MB':>8}{'at 1st':>8}{'time':>8}{'memory':>8}")
        reached = [compare(one, asked) for one in GOALS]
    for question, reaches in zip(GOALS, reached, strict=True):
        print(f"{question}: goals {'reached' if reaches else 'NOT reached'}")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
