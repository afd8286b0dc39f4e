"""Incidence rates as DARWIN rows, in the shape of ``IncidencePrevalence::estimateIncidence``."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product

from laennec.core.calendars import Interval, Label, intervals
from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_denominators import denominator_settings, groups, logical
from laennec.study.estimates_rows import NO_NUMBER, Place, number, place
from laennec.study.estimators import rate
from laennec.study.model import AgeGroup, Incidence, Sex, Stratum
from laennec.study.partials import Key, Partial


def incidence_settings(asked: Incidence, sex: Sex, group: AgeGroup) -> dict[str, str]:
    """Return what is true of one analysis."""
    return {
        "additional": "incidence_start_date &&& incidence_end_date &&& analysis_interval",
        "analysis_outcome_washout": "inf" if asked.washout is None else str(asked.washout),
        "analysis_repeated_events": logical(truth=asked.repeated),
        "analysis_complete_database_intervals": logical(truth=asked.complete_intervals),
        "analysis_censor_cohort_name": asked.censor or "None",
        **denominator_settings(asked, sex, group),
    }


def incidence_rows(
    asked: Incidence,
    strata: Iterable[Stratum],
    sex: Sex,
    group: AgeGroup,
    partial: Partial,
    cdm_name: str,
) -> Iterator[ResultRow]:
    """Yield the estimates of one analysis: weeks, months, quarters, years in order, then overall.

    Those of the whole come first, then those of each stratum, with the intervals of the whole. An
    interval in which nobody is at risk has no rows; a stratum without persons in it has zeros, and
    a rate that is no number. With ``complete_intervals`` an interval counts only if the first day
    at risk of anybody is not after its first and the last not before its last; the overall interval
    runs from that first to that last day.
    """
    key: Key = ("incidence", asked.name, sex.value, group.label)
    if key not in partial.first:
        return
    shown = [
        one
        for one in _intervals(asked, partial.first[key], partial.last[key])
        if partial.counts.get((*key, one[0], "persons"), 0)
    ]
    for stratum, (interval, kind, start, end) in product(strata, shown):
        where = place(
            cdm_name,
            groups(asked),
            strata=dict(stratum.levels),
            additional={
                "incidence_start_date": start.isoformat(),
                "incidence_end_date": end.isoformat(),
                "analysis_interval": kind,
            },
        )
        yield from _estimates(where, partial, (*key, *stratum.key, interval))


def _estimates(where: Place, partial: Partial, counted: Key) -> Iterator[ResultRow]:
    """Yield what is estimated of one interval."""
    persons, days, events = (
        partial.counts.get((*counted, what), 0) for what in ("persons", "days", "events")
    )
    found = rate(events=events, days=days) if days else None
    years = "0" if found is None else number(found.person_years, "rate")
    yield where.row("Denominator", None, "denominator_count", "integer", str(persons))
    yield where.row("Denominator", None, "person_days", "numeric", str(days))
    yield where.row("Denominator", None, "person_years", "numeric", years)
    yield where.row("Outcome", None, "outcome_count", "integer", str(events))
    estimates = (None, None, None) if found is None else (found.value, found.lower, found.upper)
    for suffix, value in zip(("", "_95CI_lower", "_95CI_upper"), estimates, strict=True):
        text = NO_NUMBER if value is None else number(value, "rate")
        yield where.row("Outcome", None, f"incidence_100000_pys{suffix}", "numeric", text)


def _intervals(
    asked: Incidence, first: date, last: date
) -> Iterator[tuple[Label, str, date, date]]:
    """Yield the label, kind, first and last day of each interval to publish."""
    for kind in Interval:
        if kind not in asked.intervals:
            continue
        if kind is Interval.OVERALL:
            yield kind.value, kind.value, first, last
            continue
        for label, start, end in intervals(kind, first, last):
            if not asked.complete_intervals or (first <= start and end <= last):
                yield label, kind.value, max(first, start), min(last, end)
