"""Strata of the cohorts of one bucket: the rules of ``study.reference_strata``, on whole frames.

A stratum is an enrolment like a whole cohort, under its label, so every result that takes cohorts
takes strata as well.
"""

from collections.abc import Mapping

import polars as pl

from laennec.runs.kernel_cohorts import EPOCH, Enrolment, age_on, starting_in
from laennec.runs.kernel_history import PERSON, Bucket
from laennec.study.model import ByAge, ByEvents, ByPeriod, BySex, Strata, Study
from laennec.study.model_strata import NO, YES


def strata(study: Study, bucket: Bucket, enrolled: Mapping[str, Enrolment]) -> dict[str, Enrolment]:
    """Return every stratum of the study, by its label; strata have no attrition of their own."""
    ways = {one.label: one for one in study.strata}
    levels: dict[str, dict[str, pl.Series]] = {}
    found = {}
    for stratum in study.all_strata():
        members = enrolled[stratum.cohort].members
        known = levels.setdefault(stratum.cohort, {})
        for name, _ in stratum.levels:
            if name not in known:
                known[name] = _level_of(ways[name], members, bucket)
        inside = pl.Series([True], dtype=pl.Boolean).new_from_index(0, members.height)
        for name, level in stratum.levels:
            inside &= (known[name] == level).fill_null(value=False)
        chosen = members.filter(inside)
        stays = chosen.select(PERSON, "entry", "exit").sort(PERSON)
        found[stratum.label] = Enrolment(chosen, (), stays)
    return found


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
