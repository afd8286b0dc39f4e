"""Synthetic person buckets for the benchmarks: seeded, on disk, sealed and plain side by side.

Both kinds of file come from the same frames and the same Polars writer with the same compression;
only the encryption differs. They are read by the same steps: the whole file into memory, then a
scan with the filter pushed down, as ``laennec.vault.sealed_parquet`` does.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from laennec.vault.sealed_parquet import (
    COMPRESSION_LEVEL,
    GROUP_ROWS,
    file_place,
    read_frame,
    seal_frame,
)
from questions import CONDITIONS, DRUG_CONCEPTS, FIRST_CONDITION, FIRST_DRUG

BUCKETS = 64
ROWS_PER_PERSON = 50
DAY_0, DAYS = 14_610, 5_844  # 2010-01-01, sixteen years

Kind = Literal["sealed", "plain"]


@dataclass(frozen=True)
class Folder:
    """Where the files are, and how many rows ``condition_occurrence`` has."""

    path: Path
    rows: int

    def file(self, kind: Kind, table: str, bucket: int | str) -> Path:
        return self.path / kind / f"{table}-{bucket}.parquet"

    def megabytes(self, kind: Kind) -> float:
        return sum(one.stat().st_size for one in (self.path / kind).iterdir()) / 1e6


@dataclass(frozen=True)
class FileSource:
    """The buckets of a folder, as the kernel's source."""

    folder: Folder
    kind: Kind

    def buckets(self) -> Sequence[int]:
        return range(BUCKETS)

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        body = self.folder.file(self.kind, table, bucket).read_bytes()
        if self.kind == "sealed":
            key, place = _lock(table, bucket)
            return read_frame(body, key=key, place=place, name=table, columns=columns, where=where)
        frame = pl.scan_parquet(body, glob=False)
        frame = frame if where is None else frame.filter(where)
        return frame.select(columns).collect()

    def ordered(self, table: str, bucket: int) -> bool:  # noqa: ARG002 - the port's
        """Rows were made so; the sealed manifest of a warehouse says it of its files."""
        return True

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:  # noqa: ARG002 - the port's
        return True

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        raise ValueError(f"the benchmark has no table {table}, of columns {columns}")


def prepare(path: Path, rows: int, *, seed: int = 1) -> Folder:
    """Make the files, unless the folder holds them already."""
    folder, made = Folder(path, rows), path / "made.json"
    wanted = {"rows": rows, "seed": seed, "buckets": BUCKETS, "polars": pl.__version__, "form": 3}
    if made.exists() and json.loads(made.read_text()) == wanted:
        return folder
    for kind in ("sealed", "plain"):
        (path / kind).mkdir(parents=True, exist_ok=True)
    for bucket in range(BUCKETS):
        for table, frame in _frames(bucket, rows, np.random.default_rng([seed, bucket])).items():
            _write(folder, table, bucket, frame)
    made.write_text(json.dumps(wanted))
    return folder


def _write(folder: Folder, table: str, bucket: int, frame: pl.DataFrame) -> None:
    key, place = _lock(table, bucket)
    sealed = seal_frame(frame, key=key, place=place)
    folder.file("sealed", table, bucket).write_bytes(sealed)
    plain = folder.file("plain", table, bucket)
    frame.write_parquet(
        plain,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        row_group_size=GROUP_ROWS,
    )


def _lock(table: str, bucket: int) -> tuple[bytes, bytes]:
    """A key and a place per file; the rows are made up, so the key may be too."""
    place = file_place(warehouse_id="benchmark", table=table, bucket=bucket, version=1)
    return hashlib.sha256(place).digest(), place


def _frames(bucket: int, rows: int, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    persons = _person_ids(bucket, max(1, rows // ROWS_PER_PERSON // BUCKETS), rng)
    conditions, drugs = rows // BUCKETS, rows // BUCKETS // 2
    born = rng.integers(1930, 2010, persons.size)
    began = rng.integers(DAY_0, DAY_0 + DAYS // 2, persons.size)
    ended = np.minimum(began + rng.integers(365, DAYS, persons.size), DAY_0 + DAYS)
    return {
        "person": pl.DataFrame(
            {
                "person_id": persons,
                "gender_concept_id": rng.choice([8507, 8532], persons.size),
                "year_of_birth": born,
                "month_of_birth": rng.integers(1, 13, persons.size),
                "day_of_birth": rng.integers(1, 29, persons.size),
            }
        ),
        "observation_period": pl.DataFrame(
            {
                "observation_period_id": persons,
                "person_id": persons,
                "observation_period_start_date": _dates(began),
                "observation_period_end_date": _dates(ended),
            }
        ),
        "condition_occurrence": _events(
            "condition", "condition", (FIRST_CONDITION, CONDITIONS), conditions, persons, rng
        ),
        "drug_exposure": _events(
            "drug", "drug_exposure", (FIRST_DRUG, DRUG_CONCEPTS), drugs, persons, rng
        ),
    }


def _events(
    domain: str,
    prefix: str,
    concepts: tuple[int, int],
    rows: int,
    persons: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Rows of an event table by person and day; few concepts are common, most are rare."""
    first, count = concepts
    start = rng.integers(DAY_0, DAY_0 + DAYS, rows)
    name = {"condition": "condition_occurrence", "drug": "drug_exposure"}[domain]
    return pl.DataFrame(
        {
            f"{name}_id": rng.integers(-(2**62), 2**62, rows),
            "person_id": rng.choice(persons, rows),
            f"{domain}_concept_id": first + (rng.zipf(1.2, rows) % count),
            f"{prefix}_start_date": _dates(start),
            f"{prefix}_end_date": _dates(start + rng.integers(0, 60, rows)),
            f"{domain}_type_concept_id": np.full(rows, 32_817),
        }
    ).sort("person_id", f"{prefix}_start_date", f"{name}_id")


def _person_ids(bucket: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Ids over the whole 64-bit range, as pseudonyms are; the low bits are the bucket."""
    return np.unique(rng.integers(-(2**56), 2**56, count)) * BUCKETS + bucket


def _dates(days: np.ndarray) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]))
