"""Which engine, and which kind of worker, for the bucket kernel.

    .venv/bin/python benchmarks/kernel.py --rows 20_000_000

1. The three questions on the same rows: read by Polars from plain files, then answered by Polars,
   or handed over as Arrow and answered by DuckDB (one thread and no temporary folder per worker, as
   a kernel must be). Runs alternate; medians.
2. A whole study on threads that share this process, and on processes with one Polars thread each.
3. Three ways to ask the Parquet reader for a set of concepts.

``docs/decisions/0003-bucket-kernel.md`` draws the conclusion.
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import polars as pl

from buckets import BUCKETS, FileSource, Folder, prepare
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.plan import Plan
from laennec.runs.ports import BucketSource
from laennec.study.partials import Partial, merge
from queries import (
    OUTCOMES,
    QUESTIONS,
    Answer,
    BucketQuestion,
    among,
    example_plan,
    exposures,
    outcomes,
    over_buckets,
    whole_study,
)

LOCAL = threading.local()


def connection() -> duckdb.DuckDBPyConnection:
    """This worker's DuckDB: one thread, a memory limit, and no folder to spill to."""
    if not hasattr(LOCAL, "duckdb"):
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "temp_directory": "",
            "memory_limit": "2GB",
        }
        LOCAL.duckdb = duckdb.connect(config=config)
    return LOCAL.duckdb  # type: ignore[no-any-return]


def in_duckdb(query: str, **frames: pl.DataFrame) -> Answer:
    for name, frame in frames.items():
        connection().register(name, frame.to_arrow())
    answer = dict(connection().execute(query).fetchall())
    for name in frames:
        connection().unregister(name)
    return answer


def persons_per_concept(source: BucketSource, bucket: int) -> Answer:
    columns = ["person_id", "condition_concept_id"]
    rows = source.read("condition_occurrence", bucket, columns=columns, where=None)
    query = """SELECT concept::VARCHAR, count(*) FROM (
               SELECT DISTINCT condition_concept_id AS concept, person_id FROM rows) GROUP BY 1"""
    return in_duckdb(query, rows=rows)


def first_events(source: BucketSource, bucket: int) -> Answer:
    query = """WITH first AS (SELECT min(condition_start_date) AS day FROM rows GROUP BY person_id)
               SELECT unnest(['persons', 'days']),
                      unnest([count(*), sum(day - DATE '1970-01-01')]) FROM first"""
    return in_duckdb(query, rows=outcomes(source, bucket))


def outcome_within_90_days(source: BucketSource, bucket: int) -> Answer:
    query = """
        WITH users AS (SELECT person_id, min(drug_exposure_start_date) AS day
                       FROM drugs GROUP BY 1),
             hits AS (SELECT DISTINCT person_id FROM users JOIN conditions USING (person_id)
                      WHERE condition_start_date BETWEEN day AND day + 90)
        SELECT unnest(['users', 'with outcome']),
               unnest([(SELECT count(*) FROM users), (SELECT count(*) FROM hits)])"""
    found = {"drugs": exposures(source, bucket), "conditions": outcomes(source, bucket)}
    return in_duckdb(query, **found)


IN_DUCKDB: Mapping[str, BucketQuestion] = dict(
    zip(QUESTIONS, (persons_per_concept, first_events, outcome_within_90_days), strict=True)
)


def compare(title: str, works: Mapping[str, Callable[[], object]], repeats: int) -> None:
    """Run in turn, and print the median of each."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    answers = [work() for work in works.values()]
    assert all(answer == answers[0] for answer in answers), title
    for _ in range(repeats):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    medians = ", ".join(f"{name} {statistics.median(took):.2f} s" for name, took in seconds.items())
    print(f"{title}: {medians}")


def engines(source: FileSource, workers: int, repeats: int) -> None:
    for name, question in QUESTIONS.items():
        works = {
            "Polars": lambda q=question: over_buckets(q, source, workers),
            "DuckDB over Arrow": lambda q=IN_DUCKDB[name]: over_buckets(q, source, workers),
        }
        compare(name, works, repeats)


def in_process(job: tuple[Plan, FileSource, int]) -> Partial:
    return evaluate_bucket(*job)


def kinds_of_workers(source: FileSource, workers: int, repeats: int) -> None:
    plan = example_plan()
    os.environ["POLARS_MAX_THREADS"] = "1"  # read by the processes when they import Polars
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:

        def processes() -> Answer:
            jobs = [(plan, source, bucket) for bucket in source.buckets()]
            counts = merge(pool.map(in_process, jobs)).counts
            return {repr(key): number for key, number in counts.items()}

        works = {"threads": lambda: whole_study(plan, source, workers), "processes": processes}
        compare("a whole study", works, repeats)


def ways_to_filter(source: FileSource, workers: int, repeats: int) -> None:
    column, ids = pl.col("condition_concept_id"), sorted(OUTCOMES)

    def reading(wheres: pl.Expr | None, after: pl.Expr | None = None) -> Callable[[], Answer]:
        def question(source: BucketSource, bucket: int) -> Answer:
            columns = ["person_id", "condition_concept_id"]
            rows = source.read("condition_occurrence", bucket, columns=columns, where=wheres)
            return {"rows": (rows if after is None else rows.filter(after)).height}

        return lambda: over_buckets(question, source, workers)

    works = {
        "a list in a series": reading(among("condition_concept_id", OUTCOMES)),
        "a plain list": reading(column.is_in(ids)),
        "filter after reading": reading(None, column.is_in(ids)),
    }
    compare(f"read rows of {len(ids)} concepts", works, repeats)


def report(folder: Folder, *, workers: int, repeats: int) -> None:
    source = FileSource(folder, "plain")
    parts: Iterable[Callable[[FileSource, int, int], None]]
    parts = (engines, kinds_of_workers, ways_to_filter)
    for part in parts:
        part(source, workers, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="of condition_occurrence")
    parser.add_argument("--folder", type=Path, help="where to keep the files; default: nowhere")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laennec-bench-") as scratch:
        folder = prepare(asked.folder or Path(scratch), asked.rows)
        print(
            f"Python {platform.python_version()}, Polars {pl.__version__}, DuckDB "
            f"{duckdb.__version__}; {os.cpu_count()} cores, {asked.workers} workers; "
            f"{asked.rows:,} + {asked.rows // 2:,} rows in {BUCKETS} buckets"
        )
        report(folder, workers=asked.workers, repeats=asked.repeats)


if __name__ == "__main__":
    main()
