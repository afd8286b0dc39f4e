"""Counts that compare the rows of a table with the persons, deaths and visits of its bucket.

A row is compared with every row of the other table that has its key, as a join of SQL does: a
person with two rows of ``death`` counts twice.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np
import polars as pl

from laennec.quality.checks import Check
from laennec.quality.context import LOOKED_INTO, Context, with_columns
from laennec.quality.finder import Finder, Values
from laennec.quality.partials import Book
from laennec.quality.plan import DEATH, PERSON, VISIT, Scan
from laennec.quality.rows import Rows
from laennec.quality.stretches import NEVER, Days, Matches, Stretches, days_of, stretches

GRACE_DAYS = 60
"""How long after death something may still be recorded."""

AROUND_DAYS = 7
"""How long before and after a visit something of it may be recorded."""

VISIT_KEY = "visit_occurrence_id"

MALE, FEMALE = 8507, 8532


def joined(scan: Scan, rows: Rows, book: Book) -> None:
    """Write down all counts of a table that need another one.

    Args:
        scan: The table's.
        rows: Its rows.
        book: Where to write.
    """
    if not scan.cut:
        _all_dangle(scan, rows.frame, book)
        return
    if rows.people is not None and scan.table != PERSON:
        _with_person(scan, rows, rows.people, book)
        _with_death(scan, rows, rows.people, book)
        if "person_id" in scan.links:
            _without_person(rows, rows.people, book)
    done = {"person_id"} | ({VISIT_KEY} if _with_visit(scan, rows, book) else set())
    _dangling(scan, rows, done, book)


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


def _fields(scan: Scan, rows: Rows, *names: str) -> list[str]:
    """Return the fields of checks of these types that have any value."""
    found = [check.field for name in names for check in scan.of(name)]
    return [field for field in dict.fromkeys(found) if field in rows.frame.columns]


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


def _with_person(scan: Scan, rows: Rows, people: Stretches, book: Book) -> None:
    after = _fields(scan, rows, "plausibleAfterBirth")
    later = [
        check.field
        for check in scan.of("plausibleTemporalAfter")
        if check.other_table == PERSON and check.field in rows.frame.columns
    ]
    sexed = _fields(scan, rows, "plausibleGender", "plausibleGenderUseDescendants")
    if not (after or later or sexed) or rows.persons is None:
        return
    met, persons = rows.persons, rows.context.once(_persons)
    limits = {
        name: persons[name].to_numpy()[met.row] for name in ("unborn", "before_midyear", "sex")
    }
    for field in dict.fromkeys([*after, *later]):
        first = met.at(people.earliest(rows.days(field)))
        for name, asked in (("unborn", after), ("before_midyear", later)):
            if field in asked:
                # Where the first of a person's days is not before the limit, none is.
                early = first < limits[name]
                some = met.of(early)
                days = people.taken(rows.days(field).first, some)
                count = days < people.spread(some, limits[name][early])
                book.counts({f"{name}:{field}": int(np.count_nonzero(count))})
    for field in sexed:
        by_sex = _by_sex(rows.frame[field], people, met, limits["sex"])
        book.tally(f"tally:sex:{field}", by_sex)


def _by_sex(concepts: pl.Series, people: Stretches, met: Matches, sex: Values) -> pl.DataFrame:
    """Count pairs of a row and its person by concept and sex."""
    whole = concepts.cast(pl.Int64, strict=False)
    own = people.taken(whole.fill_null(0).to_numpy(), met)
    # One word for both is counted several times as fast as two columns.
    packed = pl.Series("packed", own * 4 + people.spread(met, sex))
    if whole.null_count():
        packed = packed.filter(pl.Series(people.taken(whole.is_not_null().to_numpy(), met)))
    return packed.value_counts(name="rows").select(
        (pl.col("packed") // 4).alias("number"), (pl.col("packed") % 4).alias("second"), "rows"
    )


def _without_person(rows: Rows, people: Stretches, book: Book) -> None:
    found = np.zeros(len(people.starts), dtype=bool)
    if rows.persons is not None:
        found[rows.persons.stretch] = True
    absent = ~found[people.named]
    if absent.any():
        named = people.known().filter(pl.Series(absent)).group_by(pl.col("key").alias("number"))
        book.tally("tally:dangling:person_id", named.agg(pl.sum("rows")))


def _persons(context: Context) -> pl.DataFrame:
    """Return what rows are compared with, for each person; days as numbers."""
    persons = with_columns(context.frame(PERSON), LOOKED_INTO[PERSON])
    return persons.select(
        _birthday().to_physical().fill_null(NEVER).alias("unborn"),
        _midyear().to_physical().fill_null(NEVER).alias("before_midyear"),
        _sex().cast(pl.Int64).alias("sex"),
    )


def _sex() -> pl.Expr:
    """Return 0 for male, 1 for female, 2 for another concept, 3 for none."""
    sex = pl.col("gender_concept_id")
    return (
        pl.when(sex == MALE).then(0).when(sex == FEMALE).then(1).when(sex.is_null()).then(3)
    ).otherwise(2)


def _with_death(scan: Scan, rows: Rows, people: Stretches, book: Book) -> None:
    if not (scan.of("plausibleDuringLife") or scan.of("plausibleBeforeDeath")):
        return
    met = people.met(rows.context.finder(DEATH, "person_id"))
    book.counts({"of_dead": int(people.sizes[np.unique(met.stretch)].sum())})
    if not len(met.stretch):
        return
    died = days_of(rows.context.frame(DEATH)["death_date"]).first + GRACE_DAYS
    ends = people.spread(met, died[met.row])
    for field in _fields(scan, rows, "plausibleDuringLife", "plausibleBeforeDeath"):
        days = people.taken(rows.days(field).last, met)
        book.counts(
            {
                f"after_death:{field}": int(np.count_nonzero(days > ends)),
                f"of_dead:{field}": int(np.count_nonzero(days != NEVER)),
            }
        )


def _with_visit(scan: Scan, rows: Rows, book: Book) -> bool:
    """Compare rows with their visits; say whether each row that names a visit met exactly one."""
    if not scan.of("withinVisitDates") or VISIT_KEY not in rows.frame.columns:
        return False
    fields = _fields(scan, rows, "withinVisitDates")
    own = rows.frame.select(VISIT_KEY, *fields)
    if own[VISIT_KEY].null_count():
        own = own.drop_nulls(VISIT_KEY)
        days = {name: days_of(own[name]) for name in fields}
    else:
        days = {name: rows.days(name) for name in fields}
    visits = rows.context.frame(VISIT)
    finder = rows.context.finder(VISIT, VISIT_KEY)
    counts = around_visits(stretches(own[VISIT_KEY]), days, visits, finder)
    book.counts(counts)
    return counts["of_visit"] == own.height and rows.context.is_unique(VISIT, VISIT_KEY)


def around_visits(
    same: Stretches, days: Mapping[str, Days], visits: pl.DataFrame, finder: Finder
) -> dict[str, int]:
    """Count pairs of row and visit, and those of which the row's day is far from the visit.

    Args:
        same: Rows by the visit that they name.
        days: Their days, by column.
        visits: Visits, with their first and last days.
        finder: Finds these by key.
    """
    met = same.met(finder)
    # A visit without a day is far from none.
    starts, ends = (days_of(visits[name]) for name in ("visit_start_date", "visit_end_date"))
    first, last = (starts.last - AROUND_DAYS)[met.row], (ends.first + AROUND_DAYS)[met.row]
    counts = {"of_visit": int(met.at(same.sizes).sum())}
    for name, own in days.items():
        # Few stretches have a day that is far: only these are looked at by row.
        earliest, latest = map(met.at, same.ends(own))
        far = (earliest < first) | (latest > last)
        some = met.of(far)
        early = same.taken(own.first, some) < same.spread(some, first[far])
        late = same.taken(own.last, some) > same.spread(some, last[far])
        counts[f"off_visit:{name}"] = int(np.count_nonzero(early | late))
    return counts


def _dangling(scan: Scan, rows: Rows, done: AbstractSet[str], book: Book) -> None:
    """Tally foreign keys that name no row of this bucket; the census of keys has the others."""
    for field, (table, key) in scan.links.items():
        if field in done or field not in rows.frame.columns:
            continue
        named = rows.frame.select(pl.col(field).cast(pl.Int64, strict=False).alias("number"))
        there = rows.context.ids(table, key).alias("number").to_frame()
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
