"""Which engine, and which kind of worker, for the bucket kernel.

    .venv/bin/python benchmarks/engines.py --rows 20_000_000

1. The three questions on the same rows, read by Polars from plain files, in three designs: on whole
   arrays in the order of the file (``queries.py``), as Polars expressions, which need no order, or
   handed over as Arrow and answered by DuckDB (one thread and no temporary folder per worker, as a
   kernel must be). Runs alternate; medians.
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
from one_duckdb import FIRST_IDIOMS, PAIRS, SQL
from one_polars import in_polars, pairs_answer
from queries import QUESTIONS, BucketQuestion, among, example_plan, over_buckets, whole_study
from questions import DRUGS, FIRST, JOINED, OUTCOMES, PER_CONCEPT, WITHIN, Answer

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


def rows_of(
    source: BucketSource, bucket: int, table: str, domain: str, ids: frozenset[int]
) -> pl.DataFrame:
    """The rows of some concepts: person and first day."""
    start = f"{table.replace('_occurrence', '')}_start_date"
    where = among(f"{domain}_concept_id", ids)
    rows = source.read(table, bucket, columns=["person_id", start], where=where)
    return rows.rename({start: f"{domain}_day"})


def inputs(question: str, source: BucketSource, bucket: int) -> dict[str, pl.DataFrame]:
    """What a question reads of a bucket."""
    if question == JOINED:
        columns = ["person_id", "gender_concept_id", "year_of_birth"]
        return {
            "person": source.read("person", bucket, columns=columns, where=None),
            "drugs": rows_of(source, bucket, "drug_exposure", "drug", DRUGS),
            "conditions": rows_of(source, bucket, "condition_occurrence", "condition", OUTCOMES),
        }
    columns = ["person_id", "condition_concept_id"]
    if question == FIRST:
        columns += ["condition_start_date", "condition_occurrence_id", "condition_end_date"]
    rows = source.read("condition_occurrence", bucket, columns=columns, where=None)
    return {"condition_occurrence": rows}


def as_expressions(question: str) -> BucketQuestion:
    """The question as Polars expressions, the same as over whole files."""

    def asked(source: BucketSource, bucket: int) -> Answer:
        read = inputs(question, source, bucket)
        if question != JOINED:
            return in_polars(question, {name: rows.lazy() for name, rows in read.items()})
        after = (pl.col("condition_day") - pl.col("drug_day")).dt.total_days()
        pairs = (
            read["drugs"]
            .join(read["conditions"], on="person_id")
            .filter(after.is_between(0, WITHIN))
            .join(read["person"], on="person_id")
            .group_by("gender_concept_id", pl.col("year_of_birth") // 10 * 10)
            .agg(pl.len().cast(pl.Int64), pl.col("person_id").n_unique().cast(pl.Int64))
        )
        return pairs_answer(pairs)

    return asked


def over_arrow(question: str) -> BucketQuestion:
    """The question as SQL over what Polars has read."""
    query = {
        PER_CONCEPT: SQL[PER_CONCEPT],
        FIRST: FIRST_IDIOMS["join with the minimum"],
        JOINED: f"""
            WITH pairs AS (
                SELECT gender_concept_id AS sex, year_of_birth // 10 * 10 AS decade, person_id
                FROM drugs JOIN conditions USING (person_id) JOIN person USING (person_id)
                WHERE condition_day BETWEEN drug_day AND drug_day + {WITHIN}) {PAIRS}""",
    }[question]
    return lambda source, bucket: in_duckdb(query, **inputs(question, source, bucket))


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
        designs = {
            "arrays in order": question,
            "Polars expressions": as_expressions(name),
            "DuckDB over Arrow": over_arrow(name),
        }
        works = {
            design: lambda q=asked: over_buckets(q, source, workers)
            for design, asked in designs.items()
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
