"""Persons whose observation periods overlap or touch."""

from collections.abc import Mapping

import polars as pl

from laennec.quality.plan import PERIOD


def overlaps(rows: pl.DataFrame) -> Mapping[str, int]:
    """Count persons with periods, and those of whom two periods overlap or are back to back.

    Two rows are two periods when both have an identifier and it differs.
    """
    ids, person, first, last = PERIOD
    known = rows.select(
        pl.col(ids).alias("id"),
        pl.col(person).alias("person"),
        pl.col(first).cast(pl.Date).cast(pl.Int32).alias("first"),
        pl.col(last).cast(pl.Date).cast(pl.Int32).alias("last"),
    ).filter(pl.col("person").is_not_null())
    several = known.filter(pl.len().over("person") > 1)
    pairs = several.lazy().join(several.lazy(), on="person", suffix="_2")
    touching = (
        ((pl.col("first") <= pl.col("last_2")) & (pl.col("last") >= pl.col("first_2")))
        | (pl.col("last") + 1 == pl.col("first_2"))
        | (pl.col("last_2") + 1 == pl.col("first"))
    )
    found = pairs.filter((pl.col("id") != pl.col("id_2")) & touching).select("person").unique()
    return {"observed": known["person"].n_unique(), "observed:overlapping": found.collect().height}
