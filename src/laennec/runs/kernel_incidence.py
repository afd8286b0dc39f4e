"""Time at risk and outcomes of one bucket: the rules of ``study.reference_incidence``.

The reference walks a person's outcomes one by one. Here the walk is unrolled: between two outcomes
of a person lies a *gap*, and every stretch at risk is the overlap of a span with a gap:

    span          s ───────────────────────────────── e
    outcomes   ■■        ■■■            ■
    gap k       (after: end of the outcome before, until: start of the next one)
    stretch     [ max(s, after + washout + 1), min(e, until) ]   empty ones are dropped

A stretch ends on an outcome when ``until`` is within the span. ``after`` is null before the first
outcome, ``until`` is null after the last one, and null bounds nothing.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment
from laennec.runs.kernel_history import PERSON, Bucket, collected, first_day_from
from laennec.study.model import AgeGroup, Incidence, Interval, Sex
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference_history import UNKNOWN_SEX

YEARS_AT_ONCE = 64
"""Calendar years for which stretches are cut in one step. Data that observe people until 9999 would
otherwise make eight thousand rows of each."""


def incidence(
    asked: Incidence, bucket: Bucket, outcomes: pl.DataFrame, population: Enrolment | None
) -> Partial:
    """Count persons, days and outcomes at risk by sex, age group and calendar interval.

    Args:
        asked: What is asked.
        bucket: The rows.
        outcomes: As ``kernel_outcomes.outcomes_of`` returns them.
        population: The cohort at risk; None takes everyone under observation.
    """
    spans = _of_age(asked, _spans(asked, bucket, population))
    stretches = collected(_stretches(asked, spans, _gaps(asked, outcomes)))
    counts: dict[Key, int] = {}
    for pieces in _by_interval(asked, stretches):
        counts |= _tally(asked, pieces)
    first, last = _bounds(asked, stretches)
    return Partial(counts, first, last)


def _spans(asked: Incidence, bucket: Bucket, population: Enrolment | None) -> pl.LazyFrame:
    """Days that may be at risk at any age: ``person_id, sex, birth, start, end``."""
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


def _of_age(asked: Incidence, spans: pl.LazyFrame) -> pl.LazyFrame:
    """Cut spans to the days of each age group, by its number: ``…, group, start, end``."""
    birth = pl.col("birth")

    def cut(group: AgeGroup) -> pl.LazyFrame:
        comes = first_day_from(birth + group.minimum * 10_000)
        goes = first_day_from(birth + (group.maximum + 1) * 10_000)
        start, end = pl.max_horizontal("start", comes), pl.min_horizontal("end", goes - 1)
        return spans.select(PERSON, "sex", start=start, end=end)

    groups = [
        cut(group).with_columns(group=pl.lit(number, dtype=pl.Int64))
        for number, group in enumerate(asked.age_groups)
    ]
    return pl.concat(groups).filter(pl.col("start") <= pl.col("end"))


def _gaps(asked: Incidence, outcomes: pl.DataFrame) -> pl.LazyFrame:
    """Time free of outcomes, for persons who have one: ``person_id, after, until``."""
    same = pl.col(PERSON) == pl.col(PERSON).shift(1)
    after = pl.when(same).then(pl.col("end").shift(1))
    leading = outcomes.lazy().select(PERSON, after=after, until="start")
    if asked.washout is None:
        return leading.filter(pl.col("after").is_null())
    last = outcomes.lazy().group_by(PERSON).agg(after=pl.col("end").max())
    return pl.concat([leading, last.with_columns(until=pl.lit(None, dtype=pl.Int64))])


def _stretches(asked: Incidence, spans: pl.LazyFrame, gaps: pl.LazyFrame) -> pl.LazyFrame:
    """Time at risk: ``person_id, sex, group, start, end, has_outcome``."""
    free_from = pl.col("after") + (asked.washout or 0) + 1
    stretches = (
        spans.join(gaps, on=PERSON, how="left")
        .select(
            PERSON,
            "sex",
            "group",
            start=pl.max_horizontal("start", free_from),
            end=pl.min_horizontal("end", "until"),
            has_outcome=(pl.col("until") <= pl.col("end")).fill_null(value=False),
        )
        .filter(pl.col("start") <= pl.col("end"))
    )
    if asked.repeated:
        return stretches
    of = [PERSON, "group"]
    counted = stretches.filter("has_outcome").group_by(of).agg(first=pl.col("end").min())
    until_first = (pl.col("end") <= pl.col("first")).fill_null(value=True)
    return stretches.join(counted, on=of, how="left").filter(until_first).drop("first")


def _by_interval(asked: Incidence, stretches: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Yield the stretches cut by each kind of interval asked for, in a column ``interval``."""
    if Interval.OVERALL in asked.intervals:
        yield stretches.lazy().with_columns(interval=pl.lit(Interval.OVERALL.value))
    if Interval.YEARS in asked.intervals and stretches.height:
        first = stretches.select(_year("start").min()).item()
        last = stretches.select(_year("end").max()).item()
        for year in range(first, last + 1, YEARS_AT_ONCE):
            yield _by_year(stretches.lazy(), year, min(year + YEARS_AT_ONCE - 1, last))


def _by_year(stretches: pl.LazyFrame, first: int, last: int) -> pl.LazyFrame:
    """Cut stretches at the end of each of these years; an outcome stays on its last piece."""
    begin, end = pl.max_horizontal(_year("start"), first), pl.min_horizontal(_year("end"), last)
    year = pl.col("interval")
    begins, ends = first_day_from(year * 10_000), first_day_from((year + 1) * 10_000) - 1
    return (
        stretches.filter(begin <= end)
        .with_columns(interval=pl.int_ranges(begin, end + 1, dtype=pl.Int64))
        .explode("interval")
        .with_columns(
            start=pl.max_horizontal(pl.col("start"), begins),
            end=pl.min_horizontal(pl.col("end"), ends),
            has_outcome=pl.col("has_outcome") & (pl.col("end") <= ends),
        )
    )


def _year(day: str) -> pl.Expr:
    return pl.col(day).cast(pl.Int32).cast(pl.Date).dt.year().cast(pl.Int64)


def _tally(asked: Incidence, pieces: pl.LazyFrame) -> dict[Key, int]:
    """Count persons, days and outcomes by sex, age group and interval."""
    counted = pieces.group_by("group", "sex", "interval").agg(
        persons=pl.col(PERSON).n_unique().cast(pl.Int64),
        days=(pl.col("end") - pl.col("start") + 1).sum(),
        events=pl.col("has_outcome").cast(pl.Int64).sum(),
    )
    counts: Counter[Key] = Counter()
    for group, its_sex, interval, *numbers in collected(counted).iter_rows():
        for analysis in _analyses(asked, group, its_sex):
            for what, number in zip(("persons", "days", "events"), numbers, strict=True):
                counts[(*analysis, interval, what)] += number
    return {key: number for key, number in counts.items() if number}


def _bounds(asked: Incidence, stretches: pl.DataFrame) -> tuple[dict[Key, date], dict[Key, date]]:
    """First and last day at risk, by sex and age group."""
    bounds = stretches.group_by("group", "sex").agg(pl.col("start").min(), pl.col("end").max())
    parts = [
        Partial(first={analysis: _date(start)}, last={analysis: _date(end)})
        for group, its_sex, start, end in bounds.iter_rows()
        for analysis in _analyses(asked, group, its_sex)
    ]
    total = merge(parts)
    return dict(total.first), dict(total.last)


def _analyses(asked: Incidence, group: int, its_sex: str) -> list[Key]:
    """The analyses in which a person of this known sex counts, as the start of their keys."""
    label = asked.age_groups[group].label
    sexes = [one for one in asked.sexes if one in (Sex.BOTH, its_sex)]
    return [("incidence", asked.name, sex.value, label) for sex in sexes]


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
