"""Treatment pathways of one bucket: the rules of ``study.reference_pathways``, on whole frames.

Overlaps are settled in rounds: each takes, of every person who has one left, the earliest overlap,
and puts aside what comes before it. A round costs as many rows as those persons still have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_history import PERSON, collected
from laennec.study.model import Events, Stays, Stratum, TreatmentPathways
from laennec.study.model_pathways import acute, therapy
from laennec.study.partials import Key, Partial
from laennec.study.reference_pathways import step_name

Outcomes = Callable[[Events | Stays], pl.DataFrame]
Column = np.ndarray[tuple[int], np.dtype[np.int64]]
Eras = tuple[Column, Column, Column, Column]
"""Person, first day, last day, set of treatments."""

Rows = np.ndarray[tuple[int], np.dtype[np.bool_]]

_ERA = (PERSON, "start", "end", "treatments")


def pathways(
    asked: TreatmentPathways,
    strata: Sequence[Stratum],
    outcomes: Outcomes,
    enrolled: Mapping[str, Enrolment],
) -> Partial:
    """Count pathways, and days of their steps.

    Args:
        asked: What is asked.
        strata: Cohorts and strata, by their labels in ``enrolled``; a whole cohort comes before its
            strata.
        outcomes: Returns treatments as ``person_id, start, end``, by person and day.
        enrolled: Cohorts and strata.
    """
    counts: dict[Key, int] = {}
    found: dict[str, pl.DataFrame] = {}
    for stratum in strata:
        if stratum.cohort not in found:
            found[stratum.cohort] = _pathways(asked, enrolled[stratum.cohort].stays, outcomes)
        paths = found[stratum.cohort]
        if stratum.levels:
            paths = paths.join(enrolled[stratum.label].members, on=PERSON, how="semi")
        counts |= _counted(asked.name, stratum.label, paths)
    return Partial(counts)


def _counted(result: str, label: str, paths: pl.DataFrame) -> dict[Key, int]:
    ends = paths.filter(pl.col("is_last")).group_by("path").len()
    days = paths.group_by("path", "days").len()
    return {("pathway", result, label, path): n for path, n in ends.iter_rows()} | {
        ("pathway_days", result, label, path, between): n for path, between, n in days.iter_rows()
    }


def _pathways(asked: TreatmentPathways, stays: pl.DataFrame, outcomes: Outcomes) -> pl.DataFrame:
    """One row for each step of a person: ``person_id, path, days, is_last``."""
    windows = _windows(asked, stays)
    treated, left = (_within(windows, one) for one in _treatments(asked, outcomes))
    combined = _settled(asked, _columns(_collapsed(asked, treated)))
    received = _filtered(asked, pl.DataFrame(dict(zip(_ERA, combined, strict=True))))
    steps = collected(
        pl.concat([received, left.lazy().select(_ERA)])
        .sort(_ERA)
        .with_columns(at=pl.int_range(pl.len()).over(PERSON))
        .filter(pl.col("at") < asked.max_path_length)
        .with_columns(is_last=pl.col("at") == pl.col("at").max().over(PERSON))
        .select(PERSON, "treatments", "at", "is_last", days=pl.col("end") - pl.col("start"))
    )
    return _named(asked, steps)


def _windows(asked: TreatmentPathways, stays: pl.DataFrame) -> pl.DataFrame:
    anchors = {"start": pl.col("entry"), "end": pl.col("exit")}
    first = stays.group_by(PERSON, maintain_order=True).first()
    return (stays if asked.all_stays else first).select(
        PERSON,
        opens=anchors[asked.start_anchor] + asked.window_start,
        closes=anchors[asked.end_anchor] + asked.window_end,
    )


def _treatments(
    asked: TreatmentPathways, outcomes: Outcomes
) -> tuple[list[pl.LazyFrame], list[pl.LazyFrame]]:
    """Eras of treatments that last long enough, and of exits, each with its bit."""
    bits = {name: 1 << n for n, name in enumerate(asked.steps)}
    cuts = {one.treatment: one.days for one in asked.splits}
    treated = []
    days = pl.col("end") - pl.col("start")
    for treatment in asked.treatments:
        eras = outcomes(treatment).lazy().filter(days >= asked.min_era_duration)
        if treatment.label in cuts:
            short = pl.lit(bits[acute(treatment.label)], dtype=pl.Int64)
            long = pl.lit(bits[therapy(treatment.label)], dtype=pl.Int64)
            bit = pl.when(days < cuts[treatment.label]).then(short).otherwise(long)
        else:
            bit = pl.lit(bits[treatment.label], dtype=pl.Int64)
        treated.append(eras.select(PERSON, "start", "end", treatments=bit))
    left = [
        outcomes(one)
        .lazy()
        .select(PERSON, "start", "end", treatments=pl.lit(bits[one.label], dtype=pl.Int64))
        for one in asked.exits
    ]
    return treated, left


def _within(windows: pl.DataFrame, eras: list[pl.LazyFrame]) -> pl.DataFrame:
    """Those that start in a window of the person, each once."""
    if not eras:
        return pl.DataFrame(schema=dict.fromkeys(_ERA, pl.Int64))
    opened = pl.col("start").is_between(pl.col("opens"), pl.col("closes"))
    inside = pl.concat(eras).join(windows.lazy(), on=PERSON).filter(opened)
    return collected(inside.select(_ERA).unique())


def _collapsed(asked: TreatmentPathways, eras: pl.DataFrame) -> pl.DataFrame:
    """Join eras of one treatment; no two of them share a day."""
    ordered = eras.lazy().sort(PERSON, "treatments", "start")
    same = pl.all_horizontal(pl.col(one) == pl.col(one).shift(1) for one in (PERSON, "treatments"))
    near = pl.col("start") - pl.col("end").shift(1) <= asked.era_collapse_size
    begins = (~(same & near)).fill_null(value=True)
    return collected(
        ordered.with_columns(era=begins.cum_sum())
        .group_by("era", maintain_order=True)
        .agg(pl.col(PERSON, "start", "treatments").first(), pl.col("end").last())
        .select(_ERA)
    )


def _columns(eras: pl.DataFrame) -> Eras:
    person, start, end, treatments = (eras[name].to_numpy() for name in _ERA)
    return person, start, end, treatments


def _settled(asked: TreatmentPathways, eras: Eras) -> Eras:
    """Settle each overlap of each person, the earliest first."""
    settled: list[Eras] = []
    while eras[0].size:
        eras = _taken(eras, np.lexsort(eras[::-1]))
        people, clashes = _earliest(asked, eras)
        place = np.arange(eras[0].size)
        near = np.minimum(np.searchsorted(people, eras[0]), max(people.size - 1, 0))
        clashing = people[near] == eras[0] if people.size else np.zeros(place.size, dtype=bool)
        # Whoever has no overlap left is settled, and so is what lies before the earliest one.
        until = np.where(clashing, clashes[near], place.size) if people.size else place + 1
        done, new = _split(asked, _taken(eras, clashes), _taken(eras, clashes + 1))
        settled += [_taken(eras, place < until), done]
        eras = _joined([_taken(eras, place > until + 1), new])
    return _joined([*settled, eras])


def _earliest(asked: TreatmentPathways, eras: Eras) -> tuple[Column, Column]:
    """Persons with an overlap that changes something, and the place of the first era of it."""
    person, start, end, _ = eras
    clash = (person[1:] == person[:-1]) & (start[1:] < end[:-1])
    if asked.overlap_method == "keep":
        clash &= _is_combination(asked, _taken(eras, slice(-1)), _taken(eras, slice(1, None)))
    places = np.flatnonzero(clash)
    people, first = np.unique(person[places], return_index=True)
    return people, places[first]


def _is_combination(asked: TreatmentPathways, first: Eras, second: Eras) -> Rows:
    enough: Rows = first[2] - second[1] >= asked.combination_window
    if asked.overlap_method == "keep":
        return enough
    together: Rows = (first[1] == second[1]) | (first[2] == second[2])
    return np.logical_or(enough, together)


def _split(asked: TreatmentPathways, first: Eras, second: Eras) -> tuple[Eras, Eras]:
    """Cut two eras that overlap: what is settled, and what may overlap with others."""
    combined = _is_combination(asked, first, second)
    cut = (first[0], first[1], second[1], first[3])
    longer = np.where(first[2] > second[2], first[3], second[3])
    during = (first[0], second[1], np.minimum(first[2], second[2]), first[3] | second[3])
    after = (first[0], during[2], np.maximum(first[2], second[2]), longer)
    before = (cut[2] > cut[1]) & _is_long(asked, cut)
    left = combined & (after[2] > after[1]) & _is_long(asked, after)
    return _taken(cut, ~combined | before), _joined(
        [
            _taken(second, ~combined),
            _taken(during, combined & _is_long(asked, during)),
            _taken(after, left),
        ]
    )


def _is_long(asked: TreatmentPathways, eras: Eras) -> Rows:
    long: Rows = eras[2] - eras[1] >= asked.min_post_combination_duration
    return long


def _taken(eras: Eras, rows: Any) -> Eras:
    person, start, end, treatments = (one[rows] for one in eras)
    return person, start, end, treatments


def _joined(parts: Sequence[Eras]) -> Eras:
    person, start, end, treatments = (np.concatenate(one) for one in zip(*parts, strict=True))
    return person, start, end, treatments


def _filtered(asked: TreatmentPathways, eras: pl.DataFrame) -> pl.LazyFrame:
    ordered = eras.lazy().sort(_ERA)
    match asked.filter_treatments:
        case "first":
            return ordered.unique([PERSON, "treatments"], keep="first", maintain_order=True)
        case "changes":
            names = (PERSON, "treatments")
            same = pl.all_horizontal(pl.col(one) == pl.col(one).shift(1) for one in names)
            return ordered.filter((~same).fill_null(value=True))
        case "all":
            return ordered


def _named(asked: TreatmentPathways, steps: pl.DataFrame) -> pl.DataFrame:
    """Give each step the pathway that ends with it."""
    sets = steps["treatments"].unique()
    names = [step_name(asked.steps, one) for one in sets]
    name = pl.col("treatments").replace_strict(sets, names, return_dtype=pl.String)
    left = steps.with_columns(name=name)
    named = []
    before = left.filter(pl.col("at") == 0).with_columns(path="name")
    while before.height:
        named.append(before)
        later = left.filter(pl.col("at") == len(named))
        paths = before.select(PERSON, before="path")
        path = pl.concat_str("before", "name", separator="-")
        before = later.join(paths, on=PERSON).with_columns(path=path).drop("before")
    if not named:
        return steps.select(PERSON, "days", "is_last", path=pl.lit("")).clear()
    return pl.concat(named).select(PERSON, "path", "days", "is_last")
