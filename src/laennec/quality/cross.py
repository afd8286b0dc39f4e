"""Visits that a row of another bucket names: the one comparison that a bucket cannot make alone.

A visit belongs to one person and so lies in one bucket. Where a row names the visit of somebody
else, or one identifier stands for visits of two persons, some pairs of row and visit lie in two
buckets. Which identifiers these are is known after the keys are folded; as a rule there are none
and nothing is read. Otherwise the visits and rows of just these identifiers are read again.
"""

from collections.abc import Iterable, Sequence

import polars as pl
from pyroaring import BitMap64

from laennec.quality.finder import Finder
from laennec.quality.joins import around_visits
from laennec.quality.keys import Census, is_in
from laennec.quality.partials import Book, Measures
from laennec.quality.plan import STAY, VISIT, Scan
from laennec.quality.ports import QualitySource
from laennec.quality.stretches import days_of, stretches

_KEY = "visit_occurrence_id"


def crossing(scans: Iterable[Scan], measures: Measures, census: Census) -> pl.Series:
    """Return the identifiers of visits that may be named from another bucket."""
    found = [_signed(census.shared)]
    for scan in scans:
        if scan.of("withinVisitDates") and scan.links.get(_KEY) == (VISIT, _KEY):
            named = measures.tally(scan.table, f"dangling:{_KEY}")["number"]
            found.append(named.filter(is_in(named, census.union)))
    return pl.concat(found).unique()


def across(scans: Sequence[Scan], source: QualitySource, visits: pl.Series) -> pl.DataFrame:
    """Count pairs of a row and a visit of another bucket.

    Args:
        scans: All of them; those without visits are skipped.
        source: The data set.
        visits: From ``crossing``.

    Returns:
        Measures to add to those of the buckets.
    """
    if visits.is_empty():
        return Book(VISIT).closed()
    buckets = source.buckets()
    there = pl.concat([_visits(source, bucket, visits) for bucket in buckets])
    frames = [Book(VISIT).closed()]
    for scan in scans:
        fields = [check.field for check in scan.of("withinVisitDates")]
        for bucket in buckets if fields else ():
            rows = source.read(scan.table, bucket, [_KEY, *fields])
            own = rows.select(
                pl.col(_KEY).cast(pl.Int64, strict=False),
                *(pl.col(name).cast(pl.Date, strict=False) for name in fields),
            ).filter(pl.col(_KEY).is_in(visits.implode()))
            book, others = Book(scan.table), there.filter(pl.col("*bucket") != bucket)
            days = {name: days_of(own[name]) for name in fields}
            finder = Finder(others[_KEY])
            book.counts(around_visits(stretches(own[_KEY]), days, others, finder))
            frames.append(book.closed())
    return pl.concat(frames)


def _visits(source: QualitySource, bucket: int, visits: pl.Series) -> pl.DataFrame:
    rows = source.read(VISIT, bucket, STAY)
    return rows.select(
        pl.col(_KEY).cast(pl.Int64, strict=False),
        *(pl.col(name).cast(pl.Date, strict=False) for name in STAY[1:]),
        pl.lit(bucket).alias("*bucket"),
    ).filter(pl.col(_KEY).is_in(visits.implode()))


def _signed(keys: BitMap64) -> pl.Series:
    """Return keys as the signed numbers they stand for."""
    found = pl.Series(keys.to_array(), dtype=pl.UInt64)
    return found.reinterpret(signed=True)
