"""Counts that compare the rows of a table with the persons, deaths and visits of its bucket.

A row is compared with every row of the other table that has its key, as a join of SQL does: a
person with two rows of ``death`` counts twice.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from laennec.quality.checks import Check
from laennec.quality.context import LOOKED_INTO, Context, with_columns
from laennec.quality.partials import Book
from laennec.quality.plan import DEATH, PERSON, VISIT, Scan
from laennec.quality.stretches import STRETCH, Stretches, day_numbers, moments, stretches

GRACE_DAYS = 60
"""How long after death something may still be recorded."""

AROUND_DAYS = 7
"""How long before and after a visit something of it may be recorded."""

VISIT_KEY = "visit_occurrence_id"

MALE, FEMALE = 8507, 8532


def joined(
    scan: Scan, rows: pl.DataFrame, people: Stretches | None, context: Context, book: Book
) -> None:
    """Write down all counts of a table that need another one.

    Args:
        scan: The table's.
        rows: Its columns that have any value.
        people: The same rows by person; None where no row has one.
        context: The bucket.
        book: Where to write.
    """
    if not scan.cut:
        _all_dangle(scan, rows, book)
        return
    if people is not None and scan.table != PERSON:
        _with_person(scan, rows, people, context, book)
        _with_death(scan, rows, people, context, book)
        if "person_id" in scan.links:
            _without_person(people, context, book)
    known = {VISIT_KEY} if _with_visit(scan, rows, context, book) else set[str]()
    _dangling(scan, rows.drop({"person_id", *known} & set(rows.columns)), context, book)


_COMPARED = (
    "plausibleAfterBirth",
    "plausibleTemporalAfter",
    "plausibleGender",
    "plausibleGenderUseDescendants",
    "plausibleDuringLife",
    "plausibleBeforeDeath",
    "withinVisitDates",
)


def compared(scan: Scan) -> frozenset[str]:
    """Return the columns whose rows these counts need; those without a value are not needed."""
    fields = {check.field for name in _COMPARED for check in scan.of(name)}
    visits = {VISIT_KEY} if scan.of("withinVisitDates") else set()
    return frozenset(fields | visits | set(scan.links))


def _fields(scan: Scan, rows: pl.DataFrame, *names: str) -> list[str]:
    """Return the fields of checks of these types that have any value."""
    found = [check.field for name in names for check in scan.of(name)]
    return [field for field in dict.fromkeys(found) if field in rows.columns]


def _birthday() -> pl.Expr:
    """Return the day of birth; without a moment of birth, the first of what is not known."""
    parts = (pl.col("year_of_birth"), _first("month_of_birth"), _first("day_of_birth"))
    written = pl.format(
        "{}-{}-{}",
        parts[0].cast(pl.String).str.zfill(4),
        parts[1].cast(pl.String).str.zfill(2),
        parts[2].cast(pl.String).str.zfill(2),
    )
    return pl.coalesce("birth_datetime", written.str.to_date("%Y-%m-%d", strict=False))


def _first(name: str) -> pl.Expr:
    return pl.col(name).fill_null(1)


def _midyear() -> pl.Expr:
    """Return the day of birth; without a moment of birth, 1 June of the year."""
    return pl.coalesce("birth_datetime", pl.date(pl.col("year_of_birth").cast(pl.Int32), 6, 1))


def _with_person(
    scan: Scan, rows: pl.DataFrame, people: Stretches, context: Context, book: Book
) -> None:
    after = _fields(scan, rows, "plausibleAfterBirth")
    later = [
        check.field
        for check in scan.of("plausibleTemporalAfter")
        if check.other_table == PERSON and check.field in rows.columns
    ]
    sexed = _fields(scan, rows, "plausibleGender", "plausibleGenderUseDescendants")
    if not (after or later or sexed):
        return
    met = people.known.join(context.once(_persons), on="key", maintain_order="left")
    for field in dict.fromkeys([*after, *later]):
        own = moments(rows[field])
        first = people.earliest(own).gather(met[STRETCH])
        for name, asked in (("unborn", after), ("before_midyear", later)):
            if field in asked:
                # Where the first of a person's days is not before the limit, none is.
                some = met.filter(first < met[name])
                early = day_numbers(people.taken(own, some)) < people.spread(some, some[name])
                book.counts({f"{name}:{field}": int(early.sum())})
    for field in sexed:
        book.tally(f"tally:sex:{field}", _by_sex(rows[field], people, met))


def _by_sex(concepts: pl.Series, people: Stretches, met: pl.DataFrame) -> pl.DataFrame:
    """Count pairs of a row and its person by concept and sex."""
    # One word for both is counted several times as fast as two columns.
    own = people.taken(concepts, met).cast(pl.Int64, strict=False)
    packed = (own * 4 + people.spread(met, met["sex"])).alias("packed").drop_nulls()
    return packed.value_counts(name="rows").select(
        (pl.col("packed") // 4).alias("number"), (pl.col("packed") % 4).alias("second"), "rows"
    )


def _without_person(people: Stretches, context: Context, book: Book) -> None:
    there = pl.col("key").is_in(context.frame(PERSON)["person_id"].implode())
    absent = people.known.filter(~there).group_by(pl.col("key").alias("number"))
    book.tally("tally:dangling:person_id", absent.agg(pl.sum("rows")))


def _persons(context: Context) -> pl.DataFrame:
    """Return persons with what rows are compared with; days as numbers."""
    persons = with_columns(context.frame(PERSON), LOOKED_INTO[PERSON])
    return persons.select(
        pl.col("person_id").alias("key"),
        _birthday().to_physical().alias("unborn"),
        _midyear().to_physical().alias("before_midyear"),
        _sex().alias("sex"),
    )


def _sex() -> pl.Expr:
    """Return 0 for male, 1 for female, 2 for another concept, 3 for none."""
    sex = pl.col("gender_concept_id")
    return (
        pl.when(sex == MALE).then(0).when(sex == FEMALE).then(1).when(sex.is_null()).then(3)
    ).otherwise(2)


def _with_death(
    scan: Scan, rows: pl.DataFrame, people: Stretches, context: Context, book: Book
) -> None:
    if not (scan.of("plausibleDuringLife") or scan.of("plausibleBeforeDeath")):
        return
    deaths = context.frame(DEATH).select(
        pl.col("person_id").alias("key"),
        (pl.col("death_date").to_physical() + GRACE_DAYS).alias("end"),
    )
    met = people.known.join(deaths, on="key")
    book.counts({"of_dead": int(met.unique(STRETCH)["rows"].sum())})
    if met.is_empty():
        return
    ends = people.spread(met, met["end"])
    for field in _fields(scan, rows, "plausibleDuringLife", "plausibleBeforeDeath"):
        days = day_numbers(people.taken(moments(rows[field]), met))
        book.counts(
            {
                f"after_death:{field}": int((days > ends).sum()),
                f"of_dead:{field}": days.len() - days.null_count(),
            }
        )


def _with_visit(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> bool:
    """Compare rows with their visits; say whether each row that names a visit met exactly one."""
    if not scan.of("withinVisitDates") or VISIT_KEY not in rows.columns:
        return False
    fields = _fields(scan, rows, "withinVisitDates")
    own = rows.select(VISIT_KEY, *fields).drop_nulls(VISIT_KEY)
    counts = around_visits(own, context.frame(VISIT), fields)
    book.counts(counts)
    return counts["of_visit"] == own.height and context.is_unique(VISIT, VISIT_KEY)


def around_visits(own: pl.DataFrame, visits: pl.DataFrame, fields: Sequence[str]) -> dict[str, int]:
    """Count pairs of row and visit, and those of which the row's day is far from the visit."""
    same = stretches(own[VISIT_KEY])
    met = _met(same, visits[VISIT_KEY])
    ends = (("first", "visit_start_date", -AROUND_DAYS), ("last", "visit_end_date", AROUND_DAYS))
    met = met.with_columns(
        (visits[field].to_physical().gather(met["visit"]) + days).alias(end)
        for end, field, days in ends
    )
    counts = {"of_visit": int(met["rows"].sum())}
    for name in fields:
        own_days = moments(own[name])
        # Few stretches have a day that is far: only these are looked at by row.
        earliest = same.earliest(own_days).gather(met[STRETCH])
        latest = same.latest(own_days).gather(met[STRETCH])
        far = met.filter((earliest < met["first"]) | (latest > met["last"]))
        found = day_numbers(same.taken(own_days, far))
        first, last = (same.spread(far, far[end]) for end in ("first", "last"))
        counts[f"off_visit:{name}"] = int(((found < first) | (found > last)).sum())
    return counts


def _met(same: Stretches, visits: pl.Series) -> pl.DataFrame:
    """Return each pair of a stretch and the number of a row in ``visits`` with its key."""
    keys = visits.to_numpy()
    if visits.is_empty() or visits.null_count() or (keys[1:] <= keys[:-1]).any():
        there = visits.alias("key").to_frame().with_row_index("visit")
        return same.known.join(there, on="key", maintain_order="left")
    # Keys that ascend with persons: those asked one after the other lie close by, and bisection is
    # several times as fast as a join.
    asked = same.known["key"].to_numpy()
    at = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    hits = keys[at] == asked
    met = same.known.with_columns(visit=at)
    return met if hits.all() else met.filter(hits)


def _dangling(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> None:
    """Tally foreign keys that name no row of this bucket; the census of keys has the others."""
    for field, (table, key) in scan.links.items():
        if field not in rows.columns:
            continue
        named = rows.select(pl.col(field).cast(pl.Int64, strict=False).alias("number"))
        there = context.ids(table, key).alias("number").to_frame()
        absent = named.drop_nulls().join(there, on="number", how="anti")
        book.tally(f"tally:dangling:{field}", absent.group_by("number").agg(pl.len().alias("rows")))


def _all_dangle(scan: Scan, rows: pl.DataFrame, book: Book) -> None:
    for field in scan.links:
        if field in rows.columns:
            number = pl.col(field).cast(pl.Int64, strict=False).alias("number")
            named = rows.select(number).drop_nulls()
            book.tally(
                f"tally:dangling:{field}", named.group_by("number").agg(pl.len().alias("rows"))
            )


def sexes(check: Check) -> frozenset[int]:
    """Return the codes of ``_sex`` that a check on sex finds wrong; none known is not wrong."""
    return frozenset({0, 1, 2}) - ({0} if check.value == "Male" else {1})
