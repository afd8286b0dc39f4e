"""Prevalence as DARWIN rows, in the shape of ``IncidencePrevalence::estimatePointPrevalence``."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product

from laennec.core.calendars import Interval, Label, intervals
from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_denominators import denominator_settings, groups, logical
from laennec.study.estimates_rows import NO_NUMBER, Place, number, place
from laennec.study.estimators import wilson
from laennec.study.model import AgeGroup, PointPrevalence, Prevalence, Sex, Stratum
from laennec.study.partials import Key, Partial
from laennec.study.reference_prevalence import point


def prevalence_settings(asked: Prevalence, sex: Sex, group: AgeGroup) -> dict[str, str]:
    """Return what is true of one analysis."""
    settings = {
        "additional": "prevalence_start_date &&& prevalence_end_date &&& analysis_interval",
        **denominator_settings(asked, sex, group),
    }
    if isinstance(asked, PointPrevalence):
        return settings | {
            "analysis_type": "point",
            "analysis_time_point": asked.time_point.value,
            "analysis_complete_database_intervals": "FALSE",
            "analysis_full_contribution": "FALSE",
            "analysis_level": "person",
        }
    return settings | {
        "analysis_type": "period",
        "analysis_complete_database_intervals": logical(truth=asked.complete_intervals),
        "analysis_full_contribution": logical(truth=asked.full_contribution),
        "analysis_level": asked.level.value,
    }


def prevalence_rows(
    asked: Prevalence,
    strata: Iterable[Stratum],
    sex: Sex,
    group: AgeGroup,
    partial: Partial,
    cdm_name: str,
) -> Iterator[ResultRow]:
    """Yield the estimates of one analysis, interval by interval, in order of kind and time.

    Those of the whole come first, then those of each stratum, with the intervals of the whole. An
    interval in which nobody is looked at has no rows; a stratum without persons in it has zeros,
    and a share that is no number. An interval is complete when it lies between the first and the
    last day on which anybody of the analysis is looked at.
    """
    key: Key = ("prevalence", asked.name, sex.value, group.label)
    if key not in partial.first:
        return
    shown = [
        (kind, *one)
        for kind in Interval
        if kind in asked.intervals
        for one in _intervals(asked, kind, partial.first[key], partial.last[key])
        if partial.counts.get((*key, one[0], "denominator"), 0)
    ]
    for stratum, (kind, label, start, end) in product(strata, shown):
        where = place(
            cdm_name,
            groups(asked),
            strata=dict(stratum.levels),
            additional={
                "prevalence_start_date": start.isoformat(),
                "prevalence_end_date": end.isoformat(),
                "analysis_interval": kind.value,
            },
        )
        yield from _estimates(where, partial, (*key, *stratum.key, label))


def _estimates(where: Place, partial: Partial, counted: Key) -> Iterator[ResultRow]:
    """Yield what is estimated of one interval."""
    looked_at = partial.counts.get((*counted, "denominator"), 0)
    outcomes = partial.counts.get((*counted, "outcomes"), 0)
    yield where.row("Denominator", None, "denominator_count", "integer", str(looked_at))
    yield where.row("Outcome", None, "outcome_count", "integer", str(outcomes))
    estimates = wilson(outcomes, looked_at) if looked_at else (None, None, None)
    for suffix, value in zip(("", "_95CI_lower", "_95CI_upper"), estimates, strict=True):
        text = NO_NUMBER if value is None else number(value, "prevalence")
        yield where.row("Outcome", None, f"prevalence{suffix}", "numeric", text)


def _intervals(
    asked: Prevalence, kind: Interval, first: date, last: date
) -> Iterator[tuple[Label, date, date]]:
    """Yield label, first and last day of each interval to publish."""
    if kind is Interval.OVERALL:
        yield kind.value, first, last
        return
    for label, start, end in intervals(kind, first, last):
        if isinstance(asked, PointPrevalence):
            day = point(kind, asked.time_point, start)
            yield label, day, day
        elif not asked.complete_intervals or (first <= start and end <= last):
            yield label, max(first, start), min(last, end)
