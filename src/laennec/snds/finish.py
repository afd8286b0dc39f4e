"""From lines to rows: what a person bucket holds after a load.

Lines of one bucket, from every unit of the load, and the rows it held before, become the bucket's
rows: regularisations summed (``finish_sums``), rows numbered, events tied to their visit, provider
and care site, costs summed by visit, periods and deaths told anew. A number is the first one that
the caller set aside for the table and bucket plus the row's place in a fixed order: the same
whatever order the units came in, and never given twice.

The cost of a visit is the sum of its rows in ``cost``: a later load adds rows, negative ones too,
and changes none. Pure functions: no I/O, no clock, no randomness.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.finish_rows import (
    changed_rows,
    earlier_rows,
    measured,
    no_lines,
    numbered,
    ordered,
)
from laennec.snds.finish_sums import EVENTS, HELD, LINES, ROW, sum_events
from laennec.snds.finish_visits import KEY as VISIT
from laennec.snds.finish_visits import VisitSums, rekeyed, sum_visits
from laennec.snds.lines import FIELDS, as_lines

UNITS = {"person_id": pl.Int64(), "table": pl.String(), "row": pl.Int64(), "units": pl.Float64()}
"""Units of rows of tables in which the CDM does not keep them, where they are not 1."""


UNKEPT = ("visit_occurrence", "condition_occurrence", "observation", "measurement")
"""Those tables."""


@dataclass(frozen=True)
class Surroundings:
    """What all buckets share.

    Attributes:
        providers: ``provider_key`` and ``provider_id``, each key once.
        care_sites: ``care_site_key`` and ``care_site_id``, likewise.
    """

    providers: pl.DataFrame
    care_sites: pl.DataFrame


@dataclass(frozen=True)
class BucketInput:
    """What a bucket is made from.

    Attributes:
        lines: New lines of each table; a table without any is absent.
        waiting: Lines that waited since an earlier load; likewise.
        earlier: Rows of each table so far; likewise.
        units: ``UNITS`` of the earlier rows.
        first_ids: For each table, the first of as many numbers as it has lines, new and waiting.
    """

    lines: Mapping[str, pl.DataFrame]
    waiting: Mapping[str, pl.DataFrame]
    earlier: Mapping[str, pl.DataFrame]
    units: pl.DataFrame
    first_ids: Mapping[str, int]


@dataclass(frozen=True)
class LineCount:
    """What became of a table's lines in one bucket; ``lines`` is the sum of all others.

    Attributes:
        lines: Lines, those that waited included.
        rows: Lines that are a row of their own, or the first of those summed to one.
        summed: Lines added to a row.
        cancelled: Lines that cancel each other, or say again what was said.
        waiting: Lines that take back what is not here yet.
    """

    lines: int = 0
    rows: int = 0
    summed: int = 0
    cancelled: int = 0
    waiting: int = 0

    def __add__(self, other: "LineCount") -> "LineCount":
        return LineCount(
            self.lines + other.lines,
            self.rows + other.rows,
            self.summed + other.summed,
            self.cancelled + other.cancelled,
            self.waiting + other.waiting,
        )

    @property
    def reconciles(self) -> bool:
        """Whether every line has one fate."""
        return self.lines == self.rows + self.summed + self.cancelled + self.waiting


@dataclass(frozen=True)
class BucketOutput:
    """What a bucket holds now.

    Attributes:
        tables: Rows of each table that changed, in the order of ``warehouse.layout.sort_keys``;
            those of ``cost`` are to be added to the table's others.
        waiting: Lines of each table to try again at the next load.
        units: ``UNITS`` of the rows.
        counts: What became of the lines, by table.
    """

    tables: Mapping[str, pl.DataFrame]
    waiting: Mapping[str, pl.DataFrame]
    units: pl.DataFrame
    counts: Mapping[str, LineCount] = field(default_factory=dict)


def finish(given: BucketInput, around: Surroundings) -> BucketOutput:
    """Return visits, their details, events and costs of a bucket after a load.

    Tables of which nothing changes are absent from ``tables``. Waiting lines are all returned that
    still wait, also those of tables without new lines.
    """
    lines = {table: _located(rows, around) for table, rows in _gathered(given).items()}
    visits = _visits(lines, given)
    keys, gone = visits.keys, visits.changed.filter(pl.col("units") <= 0)[ROW]
    done = [_visit_rows(visits, given), *_details(lines, given, keys)]
    done += [_events(table, lines, given, keys, gone) for table in EVENTS]
    cost = _costs(lines, given, keys)
    named = cost.waiting["visit_key"] if cost.waiting is not None else pl.Series(dtype=pl.UInt64)
    waits = (pl.col("units") < 0) | pl.col("visit_key").is_in(named.implode())
    done[0] = _with_waiting(done[0], visits.waiting.filter(waits))
    return _output([*done, cost], given.units)


@dataclass(frozen=True)
class _Finished:
    """One table: all its rows with ``HELD`` or None if nothing changed."""

    table: str
    rows: pl.DataFrame | None
    waiting: pl.DataFrame | None
    count: LineCount


def _output(done: Sequence[_Finished], before: pl.DataFrame) -> BucketOutput:
    kept = [
        one.rows.filter(pl.col(HELD) != 1).select(
            "person_id", pl.lit(one.table).alias("table"), _key(one.table).alias("row"), HELD
        )
        for one in done
        if one.rows is not None and one.table in UNKEPT
    ]
    anew = [one.table for one in done if one.rows is not None]
    stay = before.filter(~pl.col("table").is_in(anew))
    units = pl.concat([stay.cast(pl.Schema(UNITS)), *(one.rename({HELD: "units"}) for one in kept)])
    return BucketOutput(
        {one.table: one.rows.drop(HELD, strict=False) for one in done if one.rows is not None},
        {
            one.table: as_lines(one.table, one.waiting.select(FIELDS[one.table]))
            for one in done
            if one.waiting is not None and not one.waiting.is_empty()
        },
        units,
        {one.table: one.count for one in done if one.count.lines},
    )


def _gathered(given: BucketInput) -> dict[str, pl.DataFrame]:
    """Return new and waiting lines together; those that waited with the keys of this load."""
    before = given.waiting
    if "visit_occurrence" in before:
        visits = before["visit_occurrence"]
        before = {table: rekeyed(rows, visits) for table, rows in before.items()}
    tables = [table for table in FIELDS if table in before or table in given.lines]
    return {
        table: pl.concat([one[table] for one in (given.lines, before) if table in one])
        for table in tables
    }


def _located(lines: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    """Add ``provider_id`` and ``care_site_id`` where lines have their keys."""
    for key, known in (
        ("provider_key", around.providers),
        ("care_site_key", around.care_sites),
    ):
        if key in lines.columns:
            lines = lines.join(known, on=key, how="left")
    return lines


def _key(table: str) -> pl.Expr:
    return pl.col(str(cdm(CURRENT).tables[table].primary_key))


def _visits(lines: Mapping[str, pl.DataFrame], given: BucketInput) -> VisitSums:
    table = "visit_occurrence"
    return sum_visits(
        lines.get(table, no_lines(table)),
        earlier_rows(table, given.earlier.get(table), given.units),
        first_id=given.first_ids[table],
    )


def _visit_rows(visits: VisitSums, given: BucketInput) -> _Finished:
    table = "visit_occurrence"
    below = visits.waiting.filter(pl.col(ROW).is_null() & (pl.col("units") < 0))
    made, back, still = (_lines(one) for one in (visits.new, visits.changed, below))
    count = LineCount(
        made + back + still + visits.cancelled,
        len(visits.new),
        made - len(visits.new) + back,
        visits.cancelled,
        still,
    )
    if visits.new.is_empty() and visits.changed.is_empty():
        return _Finished(table, None, None, count)
    new = visits.new.with_columns(pl.col("units").fill_null(1.0).alias(HELD))
    rows = ordered(
        table,
        new,
        changed_rows(
            earlier_rows(table, given.earlier.get(table), given.units), table, visits.changed
        ),
    )
    return _Finished(table, rows, None, count)


def _lines(sums: pl.DataFrame) -> int:
    return int(sums[LINES].sum())


def _with_waiting(one: _Finished, waiting: pl.DataFrame) -> _Finished:
    return _Finished(one.table, one.rows, waiting, one.count)


def _details(
    lines: Mapping[str, pl.DataFrame], given: BucketInput, keys: pl.DataFrame
) -> list[_Finished]:
    """Return the parts of stays; one whose stay is not there is cancelled with it."""
    table = "visit_detail"
    if table not in lines:
        return []
    found = lines[table].join(keys, on="visit_key", how="inner")
    order = ["person_id", "visit_detail_start_date", "visit_detail_end_date", VISIT]
    new = numbered(
        table, found.sort(*order, "visit_detail_source_value"), first=given.first_ids[table]
    )
    count = LineCount(len(lines[table]), len(new), 0, len(lines[table]) - len(new), 0)
    rows = ordered(
        table,
        new.with_columns(pl.lit(1.0).alias(HELD)),
        earlier_rows(table, given.earlier.get(table), given.units),
    )
    return [_Finished(table, rows, None, count)]


def _events(
    table: str,
    lines: Mapping[str, pl.DataFrame],
    given: BucketInput,
    keys: pl.DataFrame,
    gone: pl.Series,
) -> _Finished:
    earlier = earlier_rows(table, given.earlier.get(table), given.units)
    if table not in lines and (earlier is None or gone.is_empty()):
        return _Finished(table, None, None, LineCount())
    how = EVENTS[table]
    found = sum_events(table, lines.get(table, no_lines(table)), keys, earlier)
    order = ["person_id", how.day, *how.same, "provider_id", VISIT]
    new = measured(
        numbered(table, found.new.sort(order, nulls_last=True), first=given.first_ids[table]), how
    )
    rows = ordered(table, new, changed_rows(earlier, table, found.changed))
    if not gone.is_empty():
        left = pl.when(~pl.col(VISIT).is_in(gone.implode())).then(pl.col(VISIT))
        rows = rows.with_columns(left.alias(VISIT))
    below = found.waiting.filter(pl.col(ROW).is_null())
    made, back, still = (_lines(one) for one in (found.new, found.changed, below))
    count = LineCount(
        made + back + still + found.cancelled,
        len(new),
        made - len(new) + back,
        found.cancelled,
        still,
    )
    return _Finished(table, rows, found.waiting, count)


_AMOUNTS = ("total_charge", "total_paid", "paid_by_payer", "paid_by_patient")


def _costs(lines: Mapping[str, pl.DataFrame], given: BucketInput, keys: pl.DataFrame) -> _Finished:
    """Return new rows of cost, one for each visit; amounts of visits that are not there wait."""
    table = "cost"
    if table not in lines:
        return _Finished(table, None, None, LineCount())
    by = [name for name in FIELDS[table] if name not in _AMOUNTS]
    total = (
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum().round(2)) for name in _AMOUNTS
    )
    summed = lines[table].group_by(by).agg(*total, pl.len().alias(LINES))
    found = summed.join(keys, on="visit_key", how="left")
    here = pl.col(VISIT).is_not_null()
    order = [VISIT, "cost_domain_id", "cost_type_concept_id"]
    new = numbered(table, found.filter(here).sort(order), first=given.first_ids[table])
    still = pl.any_horizontal(pl.col(name) != 0 for name in _AMOUNTS).fill_null(value=False)
    waiting = found.filter(~here & still)
    done, waits = _lines(new), _lines(waiting)
    count = LineCount(
        len(lines[table]), len(new), done - len(new), len(lines[table]) - done - waits, waits
    )
    rows = ordered(
        table, new.rename({VISIT: "cost_event_id"}).with_columns(pl.lit(1.0).alias(HELD)), None
    )
    return _Finished(table, rows, waiting, count)
