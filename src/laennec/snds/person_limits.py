"""When identifiers cannot be one person: the checks that every merge must pass.

Each check is an aggregate over the identifiers that would become one person, so that millions of
groups are judged in one pass. The first check that fails, in the order of the list, is the reason.

Pure.
"""

import polars as pl

from laennec.snds.person_rules import Limits

_MONTHS = 12


def with_bounds(nodes: pl.DataFrame) -> pl.DataFrame:
    """Add ``lo`` and ``hi``: first and last month of birth from year 0 on; null if unknown."""
    year, month = pl.col("birth_year") * _MONTHS, pl.col("birth_month").cast(pl.Int32) - 1
    return nodes.with_columns(lo=year + month.fill_null(0), hi=year + month.fill_null(_MONTHS - 1))


def failing(limits: Limits) -> tuple[list[pl.Expr], pl.Expr]:
    """Return the aggregates of a group of nodes, and the reason why it is no person, or null.

    Args:
        limits: Beyond what a merge is refused.

    Returns:
        Expressions to aggregate ``with_bounds`` nodes by group, and one over their result.
    """
    death, care = pl.col("death_date"), pl.col("last_care")
    aggregates = [
        pl.len().alias("size"),
        pl.col("sex").drop_nulls().n_unique().alias("sexes"),
        (pl.col("lo").max() - pl.col("hi").min()).alias("months"),
        (death.max() - death.min()).dt.total_days().alias("days"),
        death.min().alias("death"),
        care.filter(death.is_null()).max().alias("care"),
    ]
    late = pl.col("death").dt.offset_by(f"{limits.months_after_death}mo")
    checks = {
        "two sexes": pl.col("sexes") > 1,
        "births apart": pl.col("months") > limits.months_apart,
        "deaths apart": pl.col("days") > limits.days_between_deaths,
        "care after death": pl.col("care") > late,
        "too many identifiers": pl.col("size") > limits.most_identifiers,
    }
    alone = pl.col("size") == 1
    reason = pl.coalesce(
        *(pl.when(check & ~alone).then(pl.lit(name)) for name, check in checks.items())
    )
    return aggregates, reason.alias("reason")
