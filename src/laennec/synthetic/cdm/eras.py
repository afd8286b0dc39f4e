"""Eras: spans of one person and concept, joined where less than a month lies between them. Pure."""

import numpy as np
import polars as pl

GAP_DAYS = 30
"""Days that may pass between two spans of an era, as the CDM says for both kinds."""

_LINE = 2**32
"""More than any day, so that each person and concept has a stretch of numbers to itself."""


def eras(spans: pl.DataFrame) -> pl.DataFrame:
    """Join spans into eras.

    Args:
        spans: ``person_id``, ``concept``, ``start`` and ``end``, whole numbers, in any order; the
            last two are days since 1970-01-01.

    Returns:
        The same columns and ``count``, the spans of each era; by person, concept and start.
    """
    spans = spans.sort("person_id", "concept", "start", "end")
    if not spans.height:
        return spans.with_columns(count=pl.lit(0, pl.Int64))
    new = spans.select(
        new=(pl.col("person_id") != pl.col("person_id").shift())
        | (pl.col("concept") != pl.col("concept").shift())
    )["new"].fill_null(value=True)
    line = np.cumsum(new.to_numpy()).astype(np.int64) * _LINE
    start, end = spans["start"].to_numpy() + line, spans["end"].to_numpy() + line
    reached = np.maximum.accumulate(end)
    begins = np.insert(start[1:] > reached[:-1] + GAP_DAYS, 0, values=True)
    firsts = np.flatnonzero(begins)
    last = np.maximum.reduceat(end, firsts) - line[firsts]
    counts = np.diff(np.append(firsts, spans.height))
    return spans[firsts].with_columns(end=pl.Series(last), count=pl.Series(counts))
