"""One pass over one table of one bucket: every count that its checks need.

A pure function of the scan, the rows and the day: whatever runs it, threads here or another
machine, gets the same partial. First what is known of the columns settles what it can (``known``);
only columns whose rows are still needed are read.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl

from laennec.quality.context import Context, with_columns
from laennec.quality.counts import counts
from laennec.quality.joins import compared, joined
from laennec.quality.keys import keys_of
from laennec.quality.known import Known
from laennec.quality.partials import ROWS, Book, Partial
from laennec.quality.periods import overlaps
from laennec.quality.plan import PERIOD, PERSON, Scan
from laennec.quality.rows import Rows
from laennec.quality.stretches import Stretches, stretches
from laennec.quality.tallies import tallies
from laennec.vault.summaries import Footer


def scan_table(scan: Scan, context: Context, *, today: date) -> Partial:
    """Count what the checks of one table need, in the bucket of ``context``.

    Args:
        scan: What to read and count.
        context: The bucket.
        today: Day on which days count as to come; see ``tallies``.

    Raises:
        LaennecError: the rows cannot be read.
    """
    footers: list[Footer] = []
    rows = context.scanned(scan.table, scan.columns, partial(_chosen, scan, footers, today))
    book = Book(scan.table)
    missing, known = _filled(footers[0], rows)
    if not known.rows:
        if scan.of("measurePersonCompleteness"):
            book.counts({"without": context.frame(PERSON)["person_id"].count()})
        return Partial(book.closed(), keys_of(pl.Series([], dtype=pl.Int64)) if scan.key else None)
    book.counts({ROWS: known.rows, **{f"missing:{name}": n for name, n in missing.items()}})
    filled = rows.select(name for name in rows.columns if name in known.columns)
    people = stretches(filled["person_id"]) if "person_id" in filled.columns else None
    table = Rows(filled, people, context)
    if scan.of("measurePersonCompleteness"):
        book.counts({"without": _without(table)})
    if asked := counts(scan, known):
        found = filled.select(one.rows.alias(name) for name, one in asked.items())
        book.counts(found.row(0, named=True))
    for tally in tallies(scan, known, today=today):
        book.tally(f"tally:{tally.name}", tally.make(filled))
    joined(scan, table, book)
    if scan.of("measureObservationPeriodOverlap"):
        book.counts(overlaps(with_columns(rows, PERIOD)))
    if scan.table == "condition_occurrence" and scan.of("measureConditionEraCompleteness"):
        book.counts(_without_era(context, people))
    if scan.key is None:
        return Partial(book.closed())
    keys = keys_of(rows[scan.key] if scan.key in rows.columns else pl.Series([], dtype=pl.Int64))
    book.counts({f"repeated:{scan.key}": keys.repeated_rows})
    return Partial(book.closed(), keys)


def _chosen(scan: Scan, footers: list[Footer], today: date, footer: Footer) -> Sequence[str]:
    """Note what is known of the columns, and return those whose rows are needed."""
    footers.append(footer)
    known = Known.of(footer)
    needed = {
        *known.untold(),
        *(name for one in counts(scan, known).values() for name in one.columns),
        *(name for one in tallies(scan, known, today=today) for name in one.columns),
        *compared(scan),
    }
    needed |= {"person_id"} if scan.cut else set()
    needed |= {scan.key} if scan.key else set()
    needed |= set(PERIOD) if scan.of("measureObservationPeriodOverlap") else set()
    return [name for name in known.columns if name in needed]


def _filled(footer: Footer, rows: pl.DataFrame) -> tuple[Mapping[str, int], Known]:
    """Return the rows of each column that have no value, and what is known of all others."""
    missing = {
        name: rows[name].null_count() if one.missing is None else one.missing
        for name, one in footer.columns.items()
    }
    there = {name: one for name, one in footer.columns.items() if missing[name] < footer.rows}
    return missing, Known(footer.rows, there)


def _without(rows: Rows) -> int:
    """Return the rows of ``person`` whose person has no row here."""
    ids = rows.context.frame(PERSON)["person_id"]
    found = np.zeros(ids.len(), dtype=bool)
    if rows.persons is not None:
        found[rows.persons.row] = True
    return ids.len() - ids.null_count() - int(np.count_nonzero(found))


def _without_era(context: Context, people: Stretches | None) -> Mapping[str, int]:
    none = pl.DataFrame(schema={"key": pl.Int64})
    ill = none if people is None else people.known().select("key").unique()
    eras = context.frame("condition_era").select(pl.col("person_id").alias("key"))
    return {"ill": ill.height, "ill:without_era": ill.join(eras, on="key", how="anti").height}
