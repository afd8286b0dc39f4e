"""Studies on a real Spark cluster: one worker, two workers, a worker killed, and threads beside it.

    .venv/bin/python benchmarks/spark.py                          # 100,000 persons, half an hour
    .venv/bin/python benchmarks/spark.py --persons 20_000 --repeats 1 --folder /data/bench

A synthetic CDM is made and sealed once, in 64 buckets; a folder that is given keeps it. The same
study, cohorts with characteristics, incidence and survival, runs on each engine, and partials must
be equal. Workers have one core each. Times are of the run alone: the session stands and its Python
workers have opened the hub; what starting takes is told beside it. Figures are medians. On a
machine that does other work too, the processor seconds tell more than the seconds: work that is
split in two without loss takes as many of them as before.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from fakes.cli_shell import Cli, new_hub  # noqa: E402 - the tests' own hub and cluster
from fakes.compute_tasks import Steps  # noqa: E402
from laennec.app.hub import Hub, open_hub  # noqa: E402
from laennec.app.study_runs import remote_engine  # noqa: E402
from laennec.compute.spark import SparkExecutor  # noqa: E402
from laennec.core.clock import system_clock  # noqa: E402
from laennec.core.progress import Quiet  # noqa: E402
from laennec.runs.engines import Engine, LocalEngine  # noqa: E402
from laennec.study.files import read_study  # noqa: E402
from laennec.study.partials import Partial  # noqa: E402
from parts.spark import cluster, fresh_driver  # noqa: E402

BUCKETS = 64
COHORTS = 6
FRANCE = 67_000_000


def study(folder: Path) -> Path:
    """Write a study over the most frequent concepts of the made CDM."""
    frequent = (
        pl.scan_parquet(folder / "cdm" / "condition_occurrence.parquet")
        .group_by("condition_concept_id")
        .len()
        .sort("len", "condition_concept_id", descending=True)
        .head(2 * COHORTS)
        .collect()["condition_concept_id"]
        .to_list()
    )
    names = [f"c{number}" for number in range(len(frequent))]
    events = [{"table": "condition_occurrence", "concepts": name} for name in names]
    cohorts = [
        {
            "name": f"cohort_{number}",
            "entry": events[number],
            "prior_observation": 365,
            "exit": {"kind": "end_of_observation"},
        }
        for number in range(COHORTS)
    ]
    named = [str(one["name"]) for one in cohorts]
    covariates = [
        {"name": name, "events": one, "window": {"start": -365, "end": 0}}
        for name, one in zip(names, events, strict=True)
    ]
    ages = [{"minimum": low, "maximum": low + 19} for low in range(0, 100, 20)]
    results: list[dict[str, object]] = [
        {"kind": "counts", "name": "flow", "cohorts": named},
        {"kind": "characteristics", "name": "who", "cohorts": named, "covariates": covariates},
    ]
    for number in range(COHORTS):
        outcome = events[COHORTS + number]
        results += [
            {
                "kind": "incidence",
                "name": f"incidence_{number}",
                "outcome": outcome,
                "age_groups": ages,
                "sexes": ["Both", "Female", "Male"],
            },
            {
                "kind": "cumulative_incidence",
                "name": f"survival_{number}",
                "cohorts": [named[number]],
                "outcome": outcome,
                "horizon": 1825,
                "step": 90,
            },
        ]
    path = folder / "study.json"
    sets = {
        name: {"items": [{"concept_id": concept}]}
        for name, concept in zip(names, frequent, strict=True)
    }
    asked = {
        "name": "benchmark",
        "title": "Benchmark",
        "concept_sets": sets,
        "cohorts": cohorts,
        "results": results,
    }
    path.write_text(json.dumps(asked), encoding="utf-8")
    return path


def prepared(folder: Path, persons: int) -> Cli:
    """Make and seal the CDM, unless the folder has it."""
    cli = Cli(folder / "hub")
    if (folder / "study.json").exists():
        return cli
    with zipfile.ZipFile(str(files("laennec.app") / "data" / "gibleed.zip")) as archive:
        archive.extractall(folder / "vocabulary")
    made = ("--persons", persons, "--vocabulary", folder / "vocabulary", "--out", folder / "cdm")
    cli.ok("--quiet", "synth", "cdm", "--seed", 7, "--years", "2010-2019", *made)
    new_hub(folder)
    cli.ok("--quiet", "load", "omop", folder / "cdm")
    cli.ok("--quiet", "rebucket", BUCKETS)
    study(folder)
    return cli


def timed(cli: Cli, make: Callable[[Hub], Engine], steps: Steps) -> tuple[float, Partial]:
    """Run the study in an engine; return the seconds of the run alone, and its partial."""
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        view = hub.warehouse.loaded_view()
        plan = hub.runs().check(read_study(cli.folder.parent / "study.json")).plan
        engine = make(hub)
        began = time.perf_counter()
        partial = engine.evaluate(plan, view, progress=steps)
        return time.perf_counter() - began, partial


def on_threads(cli: Cli, threads: int, repeats: int) -> list[float]:
    """Run the study on threads of a fresh process, in which Polars has as many."""
    folder = str(cli.folder.parent)
    options = ["--folder", folder, "--repeats", str(repeats), "--threads", str(threads)]
    said = subprocess.run(
        [sys.executable, __file__, *options],
        env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
        capture_output=True,
        check=True,
        text=True,
    )
    return [float(one) for one in said.stdout.split()]


def print_threads(cli: Cli, threads: int, repeats: int) -> None:
    """Print the seconds of each run on threads of this process; the first reads the files."""
    timed(cli, lambda _: LocalEngine(threads), Steps())
    for _ in range(repeats):
        print(timed(cli, lambda _: LocalEngine(threads), Steps())[0])


def processor_seconds(workers: Sequence[int]) -> float:
    """Return what these workers, their executors and their Python workers have used so far."""
    ticks = 0
    for one in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = one.read_text().rpartition(")")[2].split()
            if int(fields[3]) in workers:  # the session, which a daemon of Python does not leave
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Runs:
    """What runs on a cluster take, in seconds."""

    starting: float
    wall: float
    processor: float


class Spark:
    """Runs of the study on clusters of their own."""

    def __init__(self, cli: Cli, expected: Partial) -> None:
        self._cli, self._expected = cli, expected

    def runs(self, workers: int, repeats: int) -> Runs:
        """Return the median of runs on a fresh cluster, and what starting takes before."""
        with (
            tempfile.TemporaryDirectory() as folder,
            cluster(Path(folder), workers=workers) as here,
            fresh_driver(here.environment),
        ):
            began = time.perf_counter()
            with SparkExecutor(here.master) as executor:
                started = time.perf_counter() - began
                first = self._run(executor, Steps())
                sessions = [one.pid for one in here.workers]
                before = processor_seconds(sessions)
                wall = statistics.median(self._run(executor, Steps()) for _ in range(repeats))
                used = (processor_seconds(sessions) - before) / repeats
        return Runs(started + max(0.0, first - wall), wall, used)

    def killed(self) -> tuple[float, float]:
        """Return the seconds of a run, and of one in which a worker is killed in the middle."""
        with (
            tempfile.TemporaryDirectory() as folder,
            cluster(Path(folder)) as here,
            fresh_driver(here.environment),
            SparkExecutor(here.master) as executor,
        ):
            self._run(executor, Steps())
            whole = self._run(executor, Steps())
            steps = Steps(lambda: here.kill_worker(0), after=BUCKETS // 2)
            return whole, self._run(executor, steps)

    def _run(self, executor: SparkExecutor, steps: Steps) -> float:
        seconds, partial = timed(
            self._cli, lambda hub: remote_engine(hub, self._cli.folder, executor), steps
        )
        assert partial == self._expected
        return seconds


def measure(cli: Cli, persons: int, repeats: int) -> None:
    """Print the figures."""
    _, expected = timed(cli, lambda _: LocalEngine(2), Steps())
    spark = Spark(cli, expected)
    print(f"{persons:,} persons, {len(expected.counts):,} counts, {repeats} runs each, seconds")
    here = [statistics.median(on_threads(cli, threads, repeats)) for threads in (1, 2)]
    for threads, seconds in enumerate(here, 1):
        print(f"{threads} threads here: {seconds:.1f}")
    one, two = (spark.runs(workers, repeats) for workers in (1, 2))
    for workers, found in ((1, one), (2, two)):
        print(
            f"{workers} Spark workers: {found.wall:.1f}, processor {found.processor:.1f}, "
            f"starting {found.starting:.1f}"
        )
    print(f"one to two workers: efficiency {one.wall / two.wall / 2:.0%}")
    print(f"one to two workers, in processor seconds: {one.processor / two.processor:.0%}")
    print(f"one to two threads here: efficiency {here[0] / here[1] / 2:.0%}")
    whole, killed = spark.killed()
    print(f"killed at half: {killed:.1f}, the run before it {whole:.1f}, equal results")
    core_hours = two.processor / persons * FRANCE / 3600
    print(f"{FRANCE:,} persons at that rate: {core_hours:.1f} core hours")


def main() -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with contextlib.ExitStack() as held:
        folder = given.folder or Path(held.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        cli = prepared(folder, given.persons)
        if given.threads:
            print_threads(cli, given.threads, given.repeats)
        else:
            measure(cli, given.persons, given.repeats)


if __name__ == "__main__":
    main()
