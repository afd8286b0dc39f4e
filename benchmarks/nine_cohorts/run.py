"""Nine published cohorts on a synthetic CDM: wall, processor time and memory of each engine.

    .venv/bin/python benchmarks/nine_cohorts/run.py --persons 20000 --engine all --rounds 3
    .venv/bin/python benchmarks/nine_cohorts/run.py --persons 1000000 --folder /data/nine

Each run is a fresh process; rounds alternate between engines; medians. Loading is timed apart; what
was made and loaded stays in ``--folder``, where the next call finds it.
Memory is the largest sum of proportional set sizes (PSS) of the process and all below it, sampled
in one more run of each engine: looking at it makes all that is looked at wait.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from laennec.core.progress import Quiet
from laennec.synthetic.cdm import Order, make

HERE = Path(__file__).parent
VOCABULARY = HERE.parents[2] / "shared" / "data" / "omop-gibleed"
ENGINES = ("laennec", "duckcdm", "postgres")
GOALS = {"duckcdm": 5.0, "postgres": 20.0}
"""How many times as long the others should take."""
YEARS = (2012, 2021)
EVERY_S = 0.1
ABSENT = 3
"""Exit status of an engine that is not installed."""


@dataclass(frozen=True)
class Measured:
    """One run: seconds of the nine cohorts, processor seconds of the whole process, its memory."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    each: dict[str, float]
    version: str


def measured(engine: str, store: Path, out: Path, *, sampled: bool = False) -> Measured:
    """Run the nine cohorts in a fresh process; its memory is known where it is sampled."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = _command(engine, "run", store, out)
    with (
        subprocess.Popen(
            command, env=_surroundings(), stdout=subprocess.PIPE, text=True
        ) as process,
        _sampling(process.pid) if sampled else nullcontext([0.0]) as peak,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{engine} failed.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = json.loads(said.splitlines()[-1])
    return Measured(told["seconds"], cpu, peak[0], told["each"], told["version"])


@contextmanager
def _sampling(pid: int) -> Iterator[list[float]]:
    """Sample the memory of a process and of all below it; the one number is the most so far."""
    peak, ended = [0.0], threading.Event()
    sampler = threading.Thread(target=_sample, args=(pid, peak, ended))
    sampler.start()
    try:
        yield peak
    finally:
        ended.set()
        sampler.join()


def _sample(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        peak[0] = max(peak[0], sum(_pss_mb(one) for one in _below(pid)))


def _below(pid: int) -> list[int]:
    """The process and all that descend from it."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(one for child in text.split() for one in _below(int(child)))]


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(one.split()[1]) for one in lines if one.startswith("Pss:")) / 1024


def compare(outs: dict[str, Path]) -> None:
    """Print the rows that each definition has, and where engines differ."""
    rows = {name: pl.read_parquet(path) for name, path in outs.items()}
    if not rows:
        return
    first, *others = rows
    counts = rows[first].group_by("definition").len().sort("definition").rows()
    print("rows:", ", ".join(f"{number} {count:,}" for number, count in counts))
    columns = ["definition", "person", "start", "end"]
    for other in others:
        for one, two in ((first, other), (other, first)):
            only = rows[one].join(rows[two], on=columns, how="anti")
            said = only.group_by("definition").len().sort("definition").rows()
            print(f"rows of {one} that {two} does not have: {only.height} {said or ''}")


def prepare(engine: str, cdm: Path, store: Path) -> bool:
    """Load the tables into an engine, unless it has them; False where it is not installed."""
    if store.with_suffix(".loaded").exists():
        print(f"{engine}: loaded before")
        return True
    store.mkdir()
    began = time.perf_counter()
    command = _command(engine, "prepare", cdm, store)
    status = subprocess.run(command, env=_surroundings(), check=False).returncode
    if status not in (0, ABSENT):
        raise SystemExit(f"{engine} could not be loaded.")
    if status == 0:
        store.with_suffix(".loaded").touch()
        print(f"{engine}: loaded in {time.perf_counter() - began:.1f} s")
    return status == 0


def _command(engine: str, step: str, source: Path, target: Path) -> list[str]:
    return [sys.executable, "-m", f"nine_cohorts.engine_{engine}", step, str(source), str(target)]


def _surroundings() -> dict[str, str]:
    """The environment of an engine, which finds the modules of this folder."""
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


def report(engines: Sequence[str], cdm: Path, scratch: Path, rounds: int) -> None:
    engines = [engine for engine in engines if prepare(engine, cdm, scratch / engine)]
    runs: dict[str, list[Measured]] = {engine: [] for engine in engines}
    outs = {engine: scratch / f"{engine}.parquet" for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            runs[engine].append(measured(engine, scratch / engine, outs[engine]))
    walls: dict[str, float] = {}
    for engine, found in runs.items():
        wall = statistics.median(one.wall_s for one in found)
        cpu = statistics.median(one.cpu_s for one in found)
        memory = measured(engine, scratch / engine, outs[engine], sampled=True).memory_mb
        walls[engine] = wall
        print(f"{engine} {found[0].version}: {wall:.2f} s, {cpu:.2f} s CPU, {memory:,.0f} MB")
        print("  each, last round:", ", ".join(f"{n} {s:.2f}" for n, s in found[-1].each.items()))
    if "laennec" in walls:
        own = walls.pop("laennec")
        for engine, wall in walls.items():
            print(f"{engine} / laennec: {wall / own:.1f}, goal {GOALS[engine]:.0f}")
    compare(outs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--engine", default="all", help="one, several with commas, or all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vocabulary", type=Path, default=VOCABULARY)
    parser.add_argument("--folder", type=Path, help="where to keep all that is made")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laennec-nine-") as nowhere:
        scratch = asked.folder or Path(nowhere)
        scratch.mkdir(parents=True, exist_ok=True)
        scratch.chmod(0o711)
        cdm = made_cdm(scratch / "cdm", persons=asked.persons, vocabulary=asked.vocabulary)
        engines = ENGINES if asked.engine == "all" else tuple(asked.engine.split(","))
        report(engines, cdm, scratch, asked.rounds)


def made_cdm(folder: Path, *, persons: int, vocabulary: Path) -> Path:
    """Make the CDM, unless the folder has it."""
    if not folder.exists():
        began = time.perf_counter()
        order = Order(persons, 1, *YEARS)
        make(order, folder, vocabulary=vocabulary, reporter=Quiet())
        print(f"CDM made in {time.perf_counter() - began:.1f} s")
    rows = sum(pq.read_metadata(one).num_rows for one in folder.glob("*.parquet"))
    held = pq.read_metadata(folder / "person.parquet").num_rows
    if held != persons:
        raise SystemExit(f"{folder} holds {held:,} persons: name another folder.")
    size = sum(one.stat().st_size for one in folder.glob("*.parquet"))
    print(
        f"{held:,} persons, {rows:,} rows, {size / 1e6:,.0f} MB; {os.cpu_count()} cores; Python "
        f"{platform.python_version()}"
    )
    return folder


if __name__ == "__main__":
    main()
