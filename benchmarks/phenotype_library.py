"""All definitions of the OHDSI phenotype library: rows from sealed files against circe-be's SQL.

    .venv/bin/python benchmarks/phenotype_library.py
    .venv/bin/python benchmarks/phenotype_library.py --cdm FOLDER --rounds 3
    .venv/bin/python benchmarks/phenotype_library.py --placed 20 --seed 2

Both start from the JSON of the definitions and end with the rows of every cohort. Laennec reads a
hub whose files are sealed, one pass for all definitions; duckcdm writes circe-be's SQL and runs it
on DuckDB, one definition after another, as ATLAS does. Loading is timed apart, and neither is
given the other's work to share. Rows are compared, definition by definition. With ``--placed N``
the CDM is made: N persons for each definition, with rows placed on its concepts, so that most
cohorts have members; the order of ties is then fixed in every SQL.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.phenotype_library import (
    GIBLEED,
    UNDEFINED,
    VOCABULARY,
    Cohorts,
    Duckcdm,
    Laennec,
    database,
    library,
)
from generative.placed_cdm import write_placed_cdm
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.intake.service import Intake, Options
from laennec.ledger.service import Ledger
from laennec.study.circe import translate
from laennec.study.circe.study import merged
from laennec.study.model import ConceptSet
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import PassphraseKeyring
from laennec.vault.service import Vault
from laennec.warehouse.service import Warehouse


def sealed(cdm: Path, folder: Path) -> Warehouse:
    """Load a CDM into a hub on this machine."""
    keys = PassphraseKeyring.create(folder / "keys.json", os.urandom(16))
    vault = Vault.create(LocalStore(folder / "store"), keys, clock=system_clock)
    ledger = Ledger.create(
        folder / "ledger",
        origin="benchmark/phenotype-library",
        signing_key=Ed25519PrivateKey.generate(),
        clock=system_clock,
    )
    options = Options(
        folder / "scratch",
        memory_bytes=1 << 30,
        workers=os.cpu_count() or 1,
        keep_repeated=True,
    )
    Intake(vault, ledger, reporter=Quiet(), options=options).load_omop(cdm)
    return Warehouse(vault)


def laennec(warehouse: Warehouse) -> Laennec:
    """Find every cohort, from JSON to rows."""
    view, found = warehouse.loaded_view(), Laennec()
    found.find(library(), view, {table: view.lazy(table) for table in VOCABULARY})
    return found


def duckcdm(cdm: Path, *, ordered: bool) -> Duckcdm:
    """Find every cohort by SQL, from JSON to rows; the tables are loaded before."""
    found = Duckcdm(ordered)
    with database(cdm) as connection:
        found.find(library(), connection)
    return found


def placed(folder: Path, *, persons: int, seed: int) -> Path:
    """Make a CDM with rows placed for every definition."""
    folder.mkdir()
    sets: dict[str, ConceptSet] = {}
    texts = library().items()
    made = [translate(json.loads(text), name=f"cohort_{number}") for number, text in texts]
    write_placed_cdm(folder, merged(made, sets), sets, persons=persons, seed=seed)
    return folder


def told(name: str, rounds: list[dict[str, float]]) -> float:
    """Print the median of each step, and return that of the whole."""
    whole = statistics.median(sum(one.values()) for one in rounds)
    steps = ", ".join(
        f"{step} {statistics.median(one[step] for one in rounds):.2f}" for step in rounds[0]
    )
    print(f"{name}: {whole:.2f} s ({steps})")
    return whole


def compare(ours: Cohorts, theirs: Cohorts) -> None:
    """Say how many cohorts have rows, and which are not equal."""
    rows = sum(map(len, ours.values()))
    found = sum(map(bool, ours.values()))
    print(f"{len(ours):,} definitions, {found:,} with rows, {rows:,} rows")
    for number in ours:
        if ours[number] != theirs[number]:
            only = len(set(ours[number]) - set(theirs[number]))
            other = len(set(theirs[number]) - set(ours[number]))
            print(f"  {number}: {only} rows of ours alone, {other} of duckcdm alone")
    for number, reason in UNDEFINED.items():
        print(f"  {number} is compared with the order of ties fixed: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cdm", type=Path, default=GIBLEED, help="Parquet files of a CDM")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--placed", type=int, default=0, help="persons made for each definition")
    parser.add_argument("--seed", type=int, default=1, help="which rows are placed")
    asked = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )
    with tempfile.TemporaryDirectory(prefix="laennec-library-") as scratch:
        cdm = asked.cdm
        if asked.placed:
            cdm = placed(Path(scratch) / "cdm", persons=asked.placed, seed=asked.seed)
        began = time.perf_counter()
        warehouse = sealed(cdm, Path(scratch))
        buckets = len(warehouse.loaded_view().buckets())
        print(f"sealed in {time.perf_counter() - began:.1f} s, {buckets} buckets")
        ours, theirs = [], []
        for _ in range(asked.rounds):
            ours.append(laennec(warehouse))
            theirs.append(duckcdm(cdm, ordered=asked.placed > 0))
    mine = told("Laennec", [one.seconds for one in ours])
    other = told("duckcdm", [one.seconds for one in theirs])
    running = statistics.median(one.seconds["running SQL"] for one in theirs)
    print(f"ratio {mine / other:.3f} of all, {mine / running:.3f} of running SQL alone")
    compare(ours[-1].cohorts, theirs[-1].cohorts)


if __name__ == "__main__":
    main()
