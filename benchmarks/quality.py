"""All data quality checks: fused scans of a hub, and one query for each check on DuckDB.

    .venv/bin/python benchmarks/quality.py --cdm CDM_FOLDER --hub HUB_FOLDER

``CDM_FOLDER`` is what ``laennec synth cdm`` wrote, ``HUB_FOLDER`` a hub that loaded it; both are
only read, except that the hub keeps its partials, as it does for a steward. In turn, each in a
process of its own: every check on sealed files, counted anew; the same again with nothing changed;
with one bucket counted anew; DuckDB over the plain files; DuckDB over the same rows loaded into its
own tables (loading apart). All with two workers: threads, or a further process where the product
starts one. Wall time, processor time, peak memory. The answers are compared check by check.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.quality_sql import query
from laennec.app.hub import open_hub
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.omop.cdm import FieldType, cdm
from laennec.quality.checks import checks
from laennec.quality.engines import MachineEngine
from laennec.quality.ports import ViewSource
from laennec.quality.run import assess
from laennec.quality.sealed_shelf import SealedShelf
from laennec.runs.engines import WORTH_PROCESSES

VERSION, THREADS = "5.4", 2
TYPES: Mapping[FieldType, str] = {
    FieldType.INTEGER: "BIGINT",
    FieldType.FLOAT: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
    FieldType.TEXT: "VARCHAR",
}
MODES = ("scans", "unchanged", "one bucket", "plain", "loaded")


class OneStale:
    """A source one bucket of which looks as if its files had changed."""

    def __init__(self, source: ViewSource) -> None:
        self._source = source
        self.buckets, self.columns = source.buckets, source.columns
        self.read, self.chosen = source.read, source.chosen

    def files(self, table: str, bucket: int | None) -> list[str]:
        changed = [str(time.time_ns())] if bucket == self.buckets()[0] else []
        return [*self._source.files(table, bucket), *changed]


def cpu_s() -> float:
    """Return the processor seconds of this process and of those it has ended."""
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def scans(folder: Path, mode: str, today: date) -> dict[str, object]:
    with open_hub(folder, clock=system_clock, reporter=Quiet()) as hub:
        began, cpu = time.monotonic(), cpu_s()
        view = hub.warehouse.loaded_view()
        shelf = SealedShelf(hub.results, VERSION)
        source = ViewSource(view, VERSION)
        with Quiet().task("") as task:
            found = assess(
                VERSION,
                OneStale(source) if mode == "one bucket" else source,
                shelf,
                today=today,
                engine=MachineEngine(THREADS, view, WORTH_PROCESSES),
                progress=task,
                everything=mode == "scans",
            )
        if shelf.changed:
            shelf.commit()
        wall, used = time.monotonic() - began, cpu_s() - cpu
    answers = {
        one.check.check_id: [one.outcome.violated, one.outcome.denominator] for one in found.results
    }
    return {
        "wall_s": wall,
        "cpu_s": used,
        "scanned": f"{found.scanned} of {found.scans}",
        "rows": sum(view.rows().values()),
        "answers": answers,
    }


def queries(folder: Path, mode: str, today: date, scratch: Path) -> dict[str, object]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": THREADS,
        "memory_limit": "6GB",
        "temp_directory": str(scratch / "spill"),
    }
    loaded = mode == "loaded"
    with duckdb.connect(str(scratch / "db") if loaded else ":memory:", config=config) as connection:
        began = time.monotonic()
        for table in cdm(VERSION).tables.values():
            path = folder / f"{table.name}.parquet"
            rows = f"SELECT * FROM '{path}'" if path.exists() else "SELECT 1 LIMIT 0"
            there = {one[0] for one in connection.execute(f"DESCRIBE {rows}").fetchall()}
            fields = ", ".join(
                f'CAST("{one.name}" AS {TYPES[one.type]}) AS "{one.name}"'
                if one.name in there
                else f'CAST(NULL AS {TYPES[one.type]}) AS "{one.name}"'
                for one in table.fields
            )
            kind = "TABLE" if loaded else "VIEW"
            connection.execute(f'CREATE {kind} "{table.name}" AS SELECT {fields} FROM ({rows})')
        loading = time.monotonic() - began
        began, cpu = time.monotonic(), time.process_time()
        by_type, answers = defaultdict[str, float](float), {}
        for check in checks(VERSION):
            at = time.monotonic()
            answers[check.check_id] = connection.execute(query(check, today)).fetchone()
            by_type[check.name] += time.monotonic() - at
        return {
            "wall_s": time.monotonic() - began,
            "cpu_s": time.process_time() - cpu,
            "loading_s": loading,
            "by_type_s": {name: round(took, 1) for name, took in sorted(by_type.items())},
            "answers": answers,
        }


def one(mode: str, cdm_folder: Path, hub_folder: Path) -> None:
    """Measure one mode in this process, and print what came of it as JSON."""
    today = date.fromisoformat(os.environ["LAENNEC_BENCH_DAY"])
    with tempfile.TemporaryDirectory(prefix="laennec-quality-", dir=hub_folder.parent) as scratch:
        measured = (
            queries(cdm_folder, mode, today, Path(scratch))
            if mode in {"plain", "loaded"}
            else scans(hub_folder, mode, today)
        )
    # With at most one further process, the largest is the only one.
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = sum(one.ru_maxrss for one in used) / 1024
    print(json.dumps({**measured, "peak_mib": round(peak)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cdm", type=Path, required=True)
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--modes", nargs="*", choices=MODES, default=MODES)
    parser.add_argument("--one", choices=MODES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one, asked.cdm, asked.hub)
        return
    os.environ["LAENNEC_BENCH_DAY"] = system_clock().date().isoformat()
    answers: dict[str, object] = {}
    for mode in asked.modes:
        words = ["--cdm", asked.cdm, "--hub", asked.hub, "--one", mode]
        done = subprocess.run(
            [sys.executable, __file__, *map(str, words)], check=True, stdout=subprocess.PIPE
        )
        measured = json.loads(done.stdout)
        found = measured.pop("answers")
        differ = [key for key, first in answers.items() if first != found[key]] if answers else []
        answers = answers or found
        print(mode, json.dumps(measured), f"answers that differ: {len(differ)}", flush=True)


if __name__ == "__main__":
    main()
