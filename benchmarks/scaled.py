"""GiBleed many times over: the same synthetic patients under new identifiers, with fresh values.

Every person's record is repeated whole, so a count of persons is ``factor`` times that of GiBleed.
Numeric results and free identifiers get random values, since real ones do not repeat: otherwise the
copies would compress away and sizes would say nothing.
"""

import io
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from laennec.omop.cdm import CURRENT, cdm

STRIDE = 1_000_000_000
"""Distance between the identifiers of two copies; those of GiBleed are below it."""


def write_scaled_gibleed(folder: Path, factor: int) -> None:
    """Write an OMOP data set of one Parquet file a table, ``factor`` times GiBleed."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = files("laennec.app") / "data" / "gibleed.zip"
    rng = np.random.default_rng(1)
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as source:
        for name in source.namelist():
            rows = pl.read_parquet(source.read(name))
            if cdm(CURRENT).tables[Path(name).stem].person_field is None:
                rows.write_parquet(folder / name)
            else:
                _write_copies(folder / name, rows, factor, rng)


def _write_copies(path: Path, rows: pl.DataFrame, factor: int, rng: np.random.Generator) -> None:
    """Write the copies one after another: memory holds one."""
    shifted = [name for name in rows.columns if name.endswith("_id") and not _is_shared(name)]
    with pq.ParquetWriter(path, _copy(rows, 0, shifted, rng).to_arrow().schema) as writer:
        for number in range(factor):
            writer.write_table(_copy(rows, number, shifted, rng).to_arrow())


def _is_shared(name: str) -> bool:
    return name.endswith("concept_id") or name in {"provider_id", "care_site_id", "location_id"}


def _copy(
    rows: pl.DataFrame, number: int, shifted: list[str], rng: np.random.Generator
) -> pl.DataFrame:
    values = [
        pl.Series(name, rng.normal(100.0, 15.0, rows.height))
        for name in ("value_as_number", "quantity")
        if name in rows.columns
    ]
    return rows.with_columns(
        *(pl.col(name).cast(pl.Int64) + number * STRIDE for name in shifted), *values
    )
