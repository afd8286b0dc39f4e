"""Who carries one BEN_NIR_ANO: one person where all agree, and as few as can be where they do not.

A number that is wrongly shared joins strangers. Its carriers are then cut ever finer until what is
left together can be one person: by sex and births within a month; by sex and exact birth; singly.
An identifier whose sex or birth is not known stays alone as soon as its number is in dispute.

Pure; the order of nodes changes nothing.
"""

from collections.abc import Callable

import polars as pl

from laennec.snds.person_limits import failing
from laennec.snds.person_rules import Limits

REFUSED = {"reason": pl.String(), "identifiers": pl.UInt32()}
"""A merge that was refused, and how many identifiers it would have joined."""

_Cut = Callable[[pl.DataFrame, Limits], pl.Series]


def _all_carriers(nodes: pl.DataFrame, _limits: Limits) -> pl.Series:
    return nodes.select(pl.col("node").min().over("nir_ano")).to_series()


def _near_births(nodes: pl.DataFrame, limits: Limits) -> pl.Series:
    """One sex, and no two births in a row further apart than the limit."""
    within = ("nir_ano", "sex")
    rows = nodes.sort("exact", *within, "lo", "node")
    begins = (
        ~pl.col("exact")
        | pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in within)
        | (pl.col("lo") - pl.col("lo").shift() > limits.months_apart)
    )
    keyed = rows.select("node", key=begins.fill_null(value=True).cum_sum())
    return nodes.join(keyed, on="node", how="left", maintain_order="left")["key"].cast(pl.Int64)


def _exact_births(nodes: pl.DataFrame, _limits: Limits) -> pl.Series:
    shared = pl.col("node").min().over("nir_ano", "sex", "lo")
    return nodes.select(pl.when("exact").then(shared).otherwise("node")).to_series()


def _alone(nodes: pl.DataFrame, _limits: Limits) -> pl.Series:
    return nodes["node"]


_CUTS: tuple[_Cut, ...] = (_all_carriers, _near_births, _exact_births, _alone)


def by_number(nodes: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Group those who carry one BEN_NIR_ANO, as far as they can be one person.

    Args:
        nodes: Facts with bounds and ``node``, a number for each identifier.
        limits: Beyond what a merge is refused.

    Returns:
        ``node``, ``group`` (smallest node of the group) and ``ambiguous`` of every identifier whose
        number others carry too; and the numbers in dispute as ``REFUSED``.
    """
    shared = pl.col("nir_ano").is_not_null() & pl.col("nir_ano").is_duplicated()
    exact = pl.col("sex").is_not_null() & (pl.col("lo") == pl.col("hi"))
    left = nodes.filter(shared).with_columns(exact=exact.fill_null(value=False))
    grouped, refused = [], []
    for cut in _CUTS:
        left = left.with_columns(cut(left, limits).alias("key"))
        aggregates, reason = failing(limits)
        judged = left.group_by("key").agg(*aggregates).select("key", "size", reason)
        judged = left.join(judged, on="key", how="left")
        group = pl.col("node").min().over("key")
        good = judged.filter(pl.col("reason").is_null())
        grouped.append(good.select("node", group=group, ambiguous=pl.lit(cut is not _all_carriers)))
        bad = judged.filter(pl.col("reason").is_not_null())
        if cut is _all_carriers:
            refused.append(bad.unique("key").select("reason", identifiers="size"))
        left = bad.drop("size", "reason", "key")
    return pl.concat(grouped), pl.concat(refused).cast(REFUSED)  # type: ignore[arg-type]
