"""What is drawn from: codes and how often each comes, read from ``synthetic/data``.

Every table there is data with a source (``synthetic/data/NOTICE``). Nothing here draws.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

AGE_BANDS = (0, 18, 40, 65, 80)
"""First age of each band of the rates, in years."""


@dataclass(frozen=True)
class Weighted:
    """Codes with a weight each, and what goes with them."""

    rows: pl.DataFrame
    weights: np.ndarray

    def draw(self, draws: np.random.Generator, size: int) -> np.ndarray:
        """Return ``size`` row numbers by weight."""
        edges = np.cumsum(self.weights)
        return np.asarray(np.searchsorted(edges, draws.random(size) * edges[-1], side="right"))


@cache
def table(name: str) -> pl.DataFrame:
    """Return a table of the data folder, every column text.

    Raises:
        FileNotFoundError: there is no such table; the caller is wrong.
    """
    content = files("laennec.synthetic").joinpath("data").joinpath(f"{name}.csv").read_bytes()
    comma = name == "return_code_error_rates"
    return pl.read_csv(content, separator="," if comma else ";", infer_schema=False)


@cache
def weighted(name: str, weight: str) -> Weighted:
    """Return a table of the data folder with the column of its weights."""
    rows = table(name)
    return Weighted(rows, numbers(rows[weight]))


def numbers(column: pl.Series) -> np.ndarray:
    """Return a column of text as floats, empty as 0."""
    return column.cast(pl.Float64).fill_null(0.0).to_numpy()


def band(ages: np.ndarray) -> np.ndarray:
    """Return the age band of each age in years."""
    return np.searchsorted(np.asarray(AGE_BANDS[1:]), ages, side="right")


@cache
def by_band(name: str, prefix: str) -> np.ndarray:
    """Return the columns ``<prefix>_<first age>`` of a table: a row per row, a column per band."""
    rows = table(name)
    return np.column_stack([numbers(rows[f"{prefix}_{age}"]) for age in AGE_BANDS])


@cache
def products_of(use: str) -> np.ndarray:
    """Return the row numbers of the products that serve one use."""
    return np.flatnonzero((table("products")["use"] == use).to_numpy())


@cache
def error_rates(field: str) -> pl.DataFrame:
    """Return the shares of wrong return codes of a PMSI field: return_code, year, share.

    Years after the last published one take its rate; a star marks a rate that the source doubts.
    """
    return (
        table("return_code_error_rates")
        .filter(pl.col("pmsi_field") == field, pl.col("return_code") != "ANY")
        .select(
            "return_code",
            pl.col("year").cast(pl.Int64),
            (pl.col("percent_in_error").str.strip_suffix("*").cast(pl.Float64) / 100).alias(
                "share"
            ),
        )
        .sort("return_code", "year")
    )


def error_rate(field: str, code: str, year: int) -> float:
    """Return the share of rows whose return code is wrong, by field and year."""
    known = error_rates(field).filter(pl.col("return_code") == code)
    past = known.filter(pl.col("year") <= year)
    if not len(known):
        return 0.0
    return float((past if len(past) else known)["share"][-1 if len(past) else 0])
