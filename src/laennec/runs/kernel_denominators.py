"""Days on which persons are looked at, and the calendar: ``study.reference_denominators``."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from laennec.core.calendars import Interval
from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_history import PERSON, Bucket, first_day_from
from laennec.study.model import AgeGroup, Denominators, Sex
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_history import UNKNOWN_SEX

AT_ONCE = 64
"""Intervals into which spans are cut in one step. Data that observe people until 9999 would
otherwise make eight thousand rows of each."""

_FORMATS = {Interval.WEEKS: "%G-W%V", Interval.MONTHS: "%Y-%m"}


def spans_of(asked: Denominators, bucket: Bucket, population: Enrolment | None) -> pl.LazyFrame:
    """Return the days of each age group, by its number: ``person_id, sex, group, start, end``."""
    return _of_age(asked, _of_any_age(asked, bucket, population))


def cut(spans: pl.DataFrame, kind: Interval) -> Iterator[pl.LazyFrame]:
    """Yield the spans cut by the intervals of one kind, some intervals at a time.

    Returns:
        The columns of ``spans``, with ``begins`` and ``ends`` of the interval whole and its label
        as ``interval``; ``overall`` has no bounds.
    """
    if kind is Interval.OVERALL:
        yield spans.lazy().with_columns(interval=pl.lit(kind.value))
    elif spans.height:
        first = spans.select(_number(kind, "start").min()).item()
        last = spans.select(_number(kind, "end").max()).item()
        for number in range(first, last + 1, AT_ONCE):
            yield _cut(spans.lazy(), kind, number, min(number + AT_ONCE - 1, last))


def bounds(
    what: str, asked: Denominators, spans: pl.DataFrame
) -> tuple[dict[Key, date], dict[Key, date]]:
    """Return the first and last day of the spans, by sex and age group."""
    found = spans.group_by("group", "sex").agg(pl.col("start").min(), pl.col("end").max())
    parts = [
        Partial(first={analysis: _date(start)}, last={analysis: _date(end)})
        for group, its_sex, start, end in found.iter_rows()
        for analysis in analyses(what, asked, group, its_sex)
    ]
    total = merge(parts)
    return dict(total.first), dict(total.last)


def analyses(
    what: str, asked: Denominators, group: int, its_sex: str, stratum: str = ""
) -> list[Key]:
    """Return the analyses in which a person of this sex counts, as the start of their keys."""
    place = (asked.age_groups[group].label, *([stratum] if stratum else []))
    sexes = [one for one in asked.sexes if one in (Sex.BOTH, its_sex)]
    return [(what, asked.name, sex.value, *place) for sex in sexes]


def _of_any_age(asked: Denominators, bucket: Bucket, population: Enrolment | None) -> pl.LazyFrame:
    if population is None:
        frame = bucket.observed.lazy().join(bucket.persons.lazy(), on=PERSON)
        entry, leave = pl.col("period_start"), pl.col("period_end")
    else:
        frame, entry, leave = population.members.lazy(), pl.col("entry"), pl.col("exit")
    starts = [entry, pl.col("period_start") + asked.prior_observation]
    ends = [leave]
    if asked.start is not None:
        starts.append(pl.lit(asked.start.toordinal() - EPOCH))
    if asked.end is not None:
        ends.append(pl.lit(asked.end.toordinal() - EPOCH))
    known = (pl.col("sex") != UNKNOWN_SEX) & pl.col("birth").is_not_null()
    return frame.filter(known).select(
        PERSON, "sex", "birth", start=pl.max_horizontal(starts), end=pl.min_horizontal(ends)
    )


def _of_age(asked: Denominators, spans: pl.LazyFrame) -> pl.LazyFrame:
    birth = pl.col("birth")

    def of(group: AgeGroup) -> pl.LazyFrame:
        comes = first_day_from(birth + group.minimum * 10_000)
        goes = first_day_from(birth + (group.maximum + 1) * 10_000)
        start, end = pl.max_horizontal("start", comes), pl.min_horizontal("end", goes - 1)
        return spans.select(PERSON, "sex", start=start, end=end)

    groups = [
        of(group).with_columns(group=pl.lit(number, dtype=pl.Int64))
        for number, group in enumerate(asked.age_groups)
    ]
    return pl.concat(groups).filter(pl.col("start") <= pl.col("end"))


def _cut(spans: pl.LazyFrame, kind: Interval, first: int, last: int) -> pl.LazyFrame:
    begin = pl.max_horizontal(_number(kind, "start"), first)
    end = pl.min_horizontal(_number(kind, "end"), last)
    begins, ends = _start(kind, pl.col("number")), _start(kind, pl.col("number") + 1) - 1
    return (
        spans.filter(begin <= end)
        .with_columns(number=pl.int_ranges(begin, end + 1, dtype=pl.Int64))
        .explode("number")
        .with_columns(begins=begins, ends=ends)
        .with_columns(
            interval=_label(kind),
            start=pl.max_horizontal("start", "begins"),
            end=pl.min_horizontal("end", "ends"),
        )
        .drop("number")
    )


def _number(kind: Interval, day: str) -> pl.Expr:
    """Count intervals of one kind, so that the next interval has the next number."""
    on = _as_date(day).dt
    year, month = on.year().cast(pl.Int64), on.month().cast(pl.Int64) - 1
    match kind:
        case Interval.WEEKS:
            return (pl.col(day) + 3) // 7  # 1970-01-01 was a Thursday
        case Interval.MONTHS:
            return year * 12 + month
        case Interval.QUARTERS:
            return year * 4 + month // 3
        case _:
            return year


def _start(kind: Interval, number: pl.Expr) -> pl.Expr:
    """The first day of the interval with a number."""
    match kind:
        case Interval.WEEKS:
            return number * 7 - 3
        case Interval.MONTHS:
            return first_day_from(number // 12 * 10_000 + (number % 12 + 1) * 100 + 1)
        case Interval.QUARTERS:
            return first_day_from(number // 4 * 10_000 + (number % 4 * 3 + 1) * 100 + 1)
        case _:
            return first_day_from(number * 10_000)


def _label(kind: Interval) -> pl.Expr:
    begins = _as_date("begins").dt
    match kind:
        case Interval.YEARS:
            return begins.year().cast(pl.Int64)
        case Interval.QUARTERS:
            quarter = begins.quarter().cast(pl.String)
            return pl.concat_str(begins.strftime("%Y"), pl.lit("-Q"), quarter)
        case _:
            return begins.strftime(_FORMATS[kind])


def _as_date(day: str) -> pl.Expr:
    return pl.col(day).cast(pl.Int32).cast(pl.Date)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
