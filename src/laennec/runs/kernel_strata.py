"""Strata of the persons of one bucket: the rules of ``study.reference_strata``, on whole frames.

A stratum of a cohort is an enrolment like a whole cohort, under its label, so every result that
takes cohorts takes strata as well. Strata of a rate are labels beside the days looked at.
"""

from collections.abc import Mapping

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment, age_on, starting_in
from laennec.runs.kernel_history import PERSON, Bucket
from laennec.study.model import (
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Denominators,
    Strata,
    Stratum,
    Study,
)
from laennec.study.model_strata import NO, YES


def strata(study: Study, bucket: Bucket, enrolled: Mapping[str, Enrolment]) -> dict[str, Enrolment]:
    """Return every stratum of the study, by its label; strata have no attrition of their own."""
    ways = study.ways()
    levels: dict[str, dict[str, pl.Series]] = {}
    found = {}
    for stratum in study.all_strata():
        members = enrolled[stratum.cohort].members
        known = levels.setdefault(stratum.cohort, {})
        for name, _ in stratum.levels:
            if name not in known:
                known[name] = _level_of(ways[name], members, bucket)
        chosen = members.filter(_is_in(stratum, known, members.height))
        stays = chosen.select(PERSON, "entry", "exit").sort(PERSON)
        found[stratum.label] = Enrolment(chosen, (), stays)
    return found


def rate_strata(
    asked: Denominators, study: Study, seen: pl.DataFrame, bucket: Bucket
) -> pl.DataFrame | None:
    """Return in which strata of a rate persons are, by the first day on which they are looked at.

    Args:
        asked: What is asked.
        study: The study that asks it.
        seen: The days looked at, as ``kernel_denominators.spans_of`` returns them.
        bucket: The rows.

    Returns:
        ``person_id, group, stratum``: the label of every stratum, and the empty one of the whole
        for everybody. None where the rate is not divided.
    """
    _, *strata = study.strata_of(asked)
    if not strata:
        return None
    ways = study.ways()
    names = {name for one in strata for name, _ in one.levels}
    entries = seen.group_by(PERSON, "group").agg(entry=pl.col("start").min())
    labelled = [entries.select(PERSON, "group", stratum=pl.lit(""))]
    for members in entries.partition_by("group", maintain_order=True):
        known = {name: _level_of(ways[name], members, bucket) for name in names}
        for one in strata:
            chosen = members.filter(_is_in(one, known, members.height))
            labelled.append(chosen.select(PERSON, "group", stratum=pl.lit(one.label)))
    return pl.concat(labelled)


def with_strata(frame: pl.LazyFrame, labelled: pl.DataFrame | None) -> pl.LazyFrame:
    """Return rows of persons by group once for the whole and once for each stratum: ``stratum``."""
    if labelled is None:
        return frame.with_columns(stratum=pl.lit(""))
    return frame.join(labelled.lazy(), on=[PERSON, "group"])


def _is_in(stratum: Stratum, known: Mapping[str, pl.Series], members: int) -> pl.Series:
    """Which members, in order, are in all levels of a stratum."""
    inside = pl.Series([True], dtype=pl.Boolean).new_from_index(0, members)
    for name, level in stratum.levels:
        inside &= (known[name] == level).fill_null(value=False)
    return inside


def _level_of(way: Strata, members: pl.DataFrame, bucket: Bucket) -> pl.Series:
    """The level of each member, in order; null for no level."""
    match way:
        case BySex():
            return members["sex"]
        case ByAge():
            bounds = [(one.minimum, one.maximum, one.label) for one in way.groups]
            return members.select(level=between(age_on("entry"), bounds))["level"]
        case ByPeriod():
            days = [
                (one.start.toordinal() - EPOCH, one.end.toordinal() - EPOCH, one.label)
                for one in way.periods
            ]
            return members.select(level=between(pl.col("entry"), days))["level"]
        case ByEvents():
            found = starting_in(way.window, members, bucket.records[way.events])
            counted = found.group_by(PERSON).agg(records=pl.len().cast(pl.Int64))
            number = pl.col("records").fill_null(0)
            enough = number >= way.at_least
            if way.at_most is not None:
                enough &= number <= way.at_most
            level = pl.when(enough).then(pl.lit(YES)).otherwise(pl.lit(NO))
            joined = members.join(counted, on=PERSON, how="left", maintain_order="left")
            return joined.select(level=level)["level"]


def between(value: pl.Expr, bounds: list[tuple[int, int, str]]) -> pl.Expr:
    """The label of the bounds between which a value lies, both ends included."""
    return pl.coalesce(
        pl.when(value.is_between(low, high)).then(pl.lit(label)) for low, high, label in bounds
    )
