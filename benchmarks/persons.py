"""How fast persons are resolved, and how much memory it takes.

    .venv/bin/python benchmarks/persons.py --persons 1_000_000

Makes a register of that many persons (1.3 identifiers each; twins, shared numbers, missing numbers,
a scheme without ranks), resolves it, numbers the persons, resolves it again as a second load, and
asks the index for claims and stays. Each step runs once, in a child process, so that the peak is
its own: wall clock, processor time of all threads, rows a second, peak of memory so far. Figures
are for the machine that is printed.
"""

import argparse
import multiprocessing
import platform
import resource
import time
from collections.abc import Callable
from datetime import date
from multiprocessing.connection import Connection
from typing import TypeVar

import numpy as np
import polars as pl

from laennec.snds.person_ids import assign_person_ids
from laennec.snds.person_index import PersonIndex
from laennec.snds.persons import NEEDS, resolve

ASKED = 10_000_000
KEY = bytes(range(32))
T = TypeVar("T")


def texts(numbers: np.ndarray) -> pl.Series:
    """Seventeen characters for each number, alike for equal numbers."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(4)
    return pl.Series(mixed).cast(pl.String).str.zfill(17).str.slice(0, 17)


def register(persons: int, seed: int = 1) -> pl.DataFrame:
    """Rows of IR_BEN_R."""
    draws = np.random.default_rng(seed)
    person = np.concatenate([np.arange(persons), draws.integers(0, persons, persons * 3 // 10)])
    size = len(person)
    twin = (person % 100 == 1).astype(np.int64)
    base = person - twin
    month = base % 1200
    known = draws.random(persons) < 0.98
    number = np.where(draws.random(size) < 0.0002, person + 1, person)
    place = np.arange(size)
    rank = np.where(draws.random(size) < 0.03, 0, 1 + twin)
    nirs = pl.DataFrame({"nir": texts(number + 10**9), "known": known[person]})
    nothing = pl.lit(None, pl.String)
    rows = pl.DataFrame(
        {
            "BEN_NIR_PSA": texts(np.where(place < persons, base, place + persons)),
            "BEN_RNG_GEM": rank,
            "BEN_NIR_ANO": nirs.select(pl.when("known").then("nir")).to_series(),
            "BEN_NAI_ANN": pl.Series(1920 + month // 12).cast(pl.String),
            "BEN_NAI_MOI": pl.Series(1 + month % 12).cast(pl.String),
            "BEN_SEX_COD": 1 + base % 2,
        }
    )
    dates = ("BEN_IDT_MAJ", "BEN_DTE_INS", "BEN_DTE_MAJ", "MAX_TRT_DTD")
    others = [name for name in NEEDS if name not in rows.columns and name not in dates]
    return rows.with_columns(
        *(nothing.alias(name) for name in others),
        *(pl.lit(date(2019, 1, 1)).alias(name) for name in dates),
    ).with_columns(
        BEN_CDI_NIR=pl.lit("00"),
        BEN_RES_DPT=pl.lit("075"),
        BEN_RES_COM=pl.lit("056"),
        BEN_DCD_DTE=pl.lit(None, pl.Date),
        LINE=pl.int_range(pl.len(), dtype=pl.Int64),
    )


def timed(label: str, rows: int, step: Callable[[], T]) -> T:
    began, worked = time.perf_counter(), time.process_time()
    result = step()
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    rate = rows / seconds / 1e6
    print(f"{label:<16} {seconds:6.2f} s {worked:6.2f} CPU s {rate:6.2f} M rows/s {peak()} MiB")
    return result


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(persons: int, done: Connection) -> None:
    rows = timed("register made", persons, lambda: register(persons))
    print(
        f"{rows.height:,} rows of IR_BEN_R, {rows.estimated_size() / rows.height:.0f} bytes a row"
    )
    resolution = timed("resolve", rows.height, lambda: resolve(rows))
    first = timed(
        "number persons", rows.height, lambda: assign_person_ids(resolution, None, key=KEY)
    )
    again = timed(
        "second load", rows.height,
        lambda: assign_person_ids(resolution, first.identifiers, key=KEY),
    )  # fmt: skip
    assert again.identifiers.equals(first.identifiers)
    print(f"{first.identifiers.height:,} identifiers of {first.persons.height:,} persons")
    size = first.identifiers.estimated_size() / first.identifiers.height
    print(f"an identifier kept for the next load takes {size:.0f} bytes")
    index = timed(
        "index built", rows.height,
        lambda: PersonIndex(first.identifiers, first.resolution.nobody),
    )  # fmt: skip
    print(f"index: {index.nbytes / len(index):.1f} bytes a pseudonym")
    asked = rows["BEN_NIR_PSA"].sample(ASKED, with_replacement=True, seed=1)
    ranks = pl.Series(np.ones(ASKED, dtype=np.int64))
    timed("claims asked", ASKED, lambda: index.of_claims(asked, ranks))
    timed("stays asked", ASKED, lambda: index.of_stays(asked, ranks, ranks))
    done.send(peak())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure person resolution.")
    parser.add_argument("--persons", type=int, default=1_000_000)
    persons = parser.parse_args().persons
    print(f"{platform.machine()}, {multiprocessing.cpu_count()} cores, Polars {pl.__version__}")
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(persons, theirs))
    child.start()
    child.join()
    if child.exitcode == 0:
        print(f"peak of all {mine.recv()} MiB")
    raise SystemExit(child.exitcode)


if __name__ == "__main__":
    main()
