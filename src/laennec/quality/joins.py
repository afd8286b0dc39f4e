"""Counts that compare the rows of a table with the persons, deaths and visits of its bucket.

A row is compared with every row of the other table that has its key, as a join of SQL does: a
person with two rows of ``death`` counts twice.
"""

from collections.abc import Sequence

import polars as pl

from laennec.quality.checks import Check
from laennec.quality.context import Context
from laennec.quality.partials import Book
from laennec.quality.plan import DEATH, PERSON, VISIT, Scan

GRACE = pl.duration(days=60)
"""How long after death something may still be recorded."""

AROUND = pl.duration(days=7)
"""How long before and after a visit something of it may be recorded."""

VISIT_KEY = "visit_occurrence_id"

MALE, FEMALE = 8507, 8532


def joined(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> None:
    """Write down all counts of a table that need another one."""
    if not scan.cut:
        _all_dangle(scan, rows, book)
        return
    if "person_id" in rows.columns and scan.table != PERSON:
        _with_person(scan, rows, context, book)
        _with_death(scan, rows, context, book)
    known = {VISIT_KEY} if _with_visit(scan, rows, context, book) else set[str]()
    _dangling(scan, rows.drop(known), context, book)


def _fields(scan: Scan, rows: pl.DataFrame, *names: str) -> list[str]:
    """Return the fields of checks of these types that have any value."""
    found = [check.field for name in names for check in scan.of(name)]
    return [field for field in dict.fromkeys(found) if field in rows.columns]


def _days(rows: pl.DataFrame, key: str, fields: Sequence[str]) -> pl.DataFrame:
    """Return the key and some fields as days."""
    return rows.select(
        pl.col(key).cast(pl.Int64, strict=False),
        *(pl.col(name).cast(pl.Date, strict=False) for name in fields if name != key),
    )


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


def _with_person(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> None:
    after = _fields(scan, rows, "plausibleAfterBirth")
    later = [
        check.field
        for check in scan.of("plausibleTemporalAfter")
        if check.other_table == PERSON and check.field in rows.columns
    ]
    sexed = _fields(scan, rows, "plausibleGender", "plausibleGenderUseDescendants")
    if not (after or later or sexed):
        return
    persons = context.frame(PERSON)
    persons = persons.select(
        "person_id",
        *([_birthday().alias("*birthday")] if after else []),
        *([_midyear().alias("*midyear")] if later else []),
        *([_sex().alias("*sex")] if sexed else []),
    )
    own = _days(rows, "person_id", list(dict.fromkeys([*after, *later])))
    own = own.with_columns(rows[field].cast(pl.Int64, strict=False) for field in sexed)
    both = own.lazy().join(persons.lazy(), on="person_id").collect()
    if both.is_empty():
        return
    counts = {
        **{f"unborn:{name}": (pl.col(name) < pl.col("*birthday")).sum() for name in after},
        **{f"before_midyear:{name}": (pl.col("*midyear") > pl.col(name)).sum() for name in later},
    }
    if counts:
        found = both.select(rows.alias(name) for name, rows in counts.items())
        book.counts(found.row(0, named=True))
    for field in sexed:
        packed = both.select((pl.col(field) * 4 + pl.col("*sex")).alias("packed")).drop_nulls()
        grouped = packed.group_by("packed").agg(pl.len().alias("rows"))
        book.tally(
            f"tally:sex:{field}",
            grouped.select(
                (pl.col("packed") // 4).alias("number"),
                (pl.col("packed") % 4).alias("second"),
                "rows",
            ),
        )


def _sex() -> pl.Expr:
    """Return 0 for male, 1 for female, 2 for another concept, 3 for none."""
    sex = pl.col("gender_concept_id")
    return (
        pl.when(sex == MALE).then(0).when(sex == FEMALE).then(1).when(sex.is_null()).then(3)
    ).otherwise(2)


def _with_death(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> None:
    fields = _fields(scan, rows, "plausibleDuringLife", "plausibleBeforeDeath")
    if not (scan.of("plausibleDuringLife") or scan.of("plausibleBeforeDeath")):
        return
    deaths = context.frame(DEATH)
    own = _days(rows, "person_id", fields)
    dead = own.join(deaths.select(pl.col("person_id").unique()), on="person_id", how="semi")
    book.counts({"of_dead": dead.height})
    if dead.is_empty() or not fields:
        return
    end = (pl.col("death_date") + GRACE).alias("*end")
    both = dead.join(deaths.select("person_id", end), on="person_id")
    found = both.select(
        *((pl.col(name) > pl.col("*end")).sum().alias(f"after_death:{name}") for name in fields),
        *(pl.col(name).count().alias(f"of_dead:{name}") for name in fields),
    )
    book.counts(found.row(0, named=True))


def _with_visit(scan: Scan, rows: pl.DataFrame, context: Context, book: Book) -> bool:
    """Compare rows with their visits; say whether each row that names a visit met exactly one."""
    if not scan.of("withinVisitDates") or VISIT_KEY not in rows.columns:
        return False
    fields = _fields(scan, rows, "withinVisitDates")
    own = _days(rows, VISIT_KEY, fields).drop_nulls(VISIT_KEY)
    counts = around_visits(own, context.frame(VISIT), fields)
    book.counts(counts)
    return counts["of_visit"] == own.height and context.is_unique(VISIT, VISIT_KEY)


def around_visits(own: pl.DataFrame, visits: pl.DataFrame, fields: Sequence[str]) -> dict[str, int]:
    """Count pairs of row and visit, and those of which the row's day is far from the visit."""
    around = visits.select(
        "visit_occurrence_id",
        (pl.col("visit_start_date") - AROUND).alias("*from"),
        (pl.col("visit_end_date") + AROUND).alias("*to"),
    )
    both = own.join(around, on=VISIT_KEY)
    found = both.select(
        pl.len().alias("of_visit"),
        *(
            (
                (pl.col(name) < pl.col("*from")).fill_null(value=False)
                | (pl.col(name) > pl.col("*to")).fill_null(value=False)
            )
            .sum()
            .alias(f"off_visit:{name}")
            for name in fields
        ),
    )
    return dict(found.row(0, named=True))


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
