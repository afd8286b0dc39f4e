"""What becomes of each row of a year of the PMSI: exactly one fate.

- ``quarantined``: no stay has its key, or the stay has no date at all;
- ``apart``: the stay belongs to nobody: it has no chaining row, or one without a person;
- ``dropped``: the same stay transmitted twice under one number: the first row counts;
- ``kept``: all others, rows of establishments too. A code that a stay repeats is kept, in one line.

Rows dropped or taken apart by cleaning rules before this are not among the frames. Pure.
"""

from collections.abc import Mapping

import polars as pl

from laennec.snds.keys import STAY_KEY
from laennec.snds.stays_fields import DELIVERED, Field, Frames, complete

KEPT, APART, QUARANTINED, DROPPED = "kept", "apart", "quarantined", "dropped"

UNJOINED = "no stay with this establishment and number"
UNCHAINED = "stay without a chaining row"
NOBODY = "stay of nobody"
UNDATED = "stay without a date"
TWICE = "same stay transmitted twice"


def fates(field: str, year: int, frames: Frames) -> dict[str, pl.DataFrame]:
    """Return what becomes of each row, by family and in order: ``fate`` and ``reason``.

    Args:
        field: MCO, SSR, HAD or RIP.
        year: Of the tables.
        frames: As ``stays.convert`` takes them. If a chaining table has ``reason``, that is why its
            rows are of nobody.

    Returns:
        One frame per family of the field, as long as its rows; ``reason`` is null where kept.
    """
    told: dict[str, pl.DataFrame] = {}
    given = complete(frames)
    for one in DELIVERED[field]:
        verdicts = _verdicts(one, year, given)
        for family in one.needs:
            if family in given:
                rows = given[family]
                told[family] = (
                    _all_kept(rows) if family == one.site else _fated(one, family, rows, verdicts)
                )
    return told


def unjoined(field: str, year: int, frames: Frames) -> dict[str, pl.DataFrame]:
    """Return the rows that go to quarantine, by family, with ``reason``.

    Arguments are those of ``fates``; a family without such rows is absent.
    """
    found: dict[str, pl.DataFrame] = {}
    for family, told in fates(field, year, frames).items():
        bad = told["fate"] == QUARANTINED
        if bad.any():
            found[family] = frames[family].with_columns(told["reason"]).filter(bad)
    return found


def _verdicts(field: Field, year: int, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return ``fate`` and ``reason`` of each stay of a field."""
    if field.head not in frames:
        return pl.DataFrame(schema={STAY_KEY: pl.UInt64, "fate": pl.String, "reason": pl.String})
    told = frames[field.head].select(STAY_KEY).unique()
    first = field.once(frames)
    found = field.stays(year, first)
    if found is None:
        return told.with_columns(pl.lit(APART).alias("fate"), pl.lit(UNCHAINED).alias("reason"))
    told = told.join(found.select(STAY_KEY, "person_id", "start"), on=STAY_KEY, how="left")
    told = told.join(_chained(first[field.chain]), on=STAY_KEY, how="left")
    cases = (
        (pl.col("$chained").is_null(), APART, pl.lit(UNCHAINED)),
        (pl.col("person_id").is_null(), APART, pl.coalesce("reason", pl.lit(NOBODY))),
        (pl.col("start").is_null(), QUARANTINED, pl.lit(UNDATED)),
    )
    fate = pl.coalesce(*(pl.when(case).then(pl.lit(name)) for case, name, _ in cases))
    reason = pl.coalesce(*(pl.when(case).then(why) for case, _, why in cases))
    return told.select(STAY_KEY, fate.fill_null(KEPT).alias("fate"), reason.alias("reason"))


def _chained(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each stay of a chaining table with the reason that its row gives, if any."""
    reason = pl.col("reason") if "reason" in rows.columns else pl.lit(None, pl.String)
    return rows.select(STAY_KEY, reason.alias("reason"), pl.lit(value=True).alias("$chained"))


def _all_kept(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.select(
        pl.repeat(KEPT, len(rows)).alias("fate"),
        pl.repeat(None, len(rows), dtype=pl.String).alias("reason"),
    )


def _fated(field: Field, family: str, rows: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    told = rows.select(STAY_KEY).join(verdicts, on=STAY_KEY, how="left", maintain_order="left")
    again = ~pl.col(STAY_KEY).is_first_distinct() & pl.lit(family in field.single)
    lost = pl.col("fate").is_null()
    return told.select(
        pl.when(again)
        .then(pl.lit(DROPPED))
        .otherwise(pl.col("fate").fill_null(QUARANTINED))
        .alias("fate"),
        pl.when(again)
        .then(pl.lit(TWICE))
        .when(lost)
        .then(pl.lit(UNJOINED))
        .otherwise("reason")
        .alias("reason"),
    )
