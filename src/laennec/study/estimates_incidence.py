"""Incidence rates as DARWIN rows, in the shape of ``IncidencePrevalence::estimateIncidence``."""

from collections.abc import Iterator
from datetime import date

from laennec.core.calendars import Interval, Label, intervals
from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_denominators import denominator_settings, groups, logical
from laennec.study.estimates_rows import number, place
from laennec.study.estimators import rate
from laennec.study.model import AgeGroup, Incidence, Sex
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
    asked: Incidence, sex: Sex, group: AgeGroup, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield the estimates of one analysis: weeks, months, quarters, years in order, then overall.

    An interval in which nobody is at risk has no rows. With ``complete_intervals`` one counts
    only if the first day at risk of anybody is not after its first and the last not before its
    last; the overall interval runs from that first to that last day.
    """
    key: Key = ("incidence", asked.name, sex.value, group.label)
    if key not in partial.first:
        return
    for interval, kind, start, end in _intervals(asked, partial.first[key], partial.last[key]):
        counted: Key = (*key, interval)
        persons = partial.counts.get((*counted, "persons"), 0)
        if not persons:
            continue
        days = partial.counts[(*counted, "days")]
        events = partial.counts.get((*counted, "events"), 0)
        found = rate(events=events, days=days)
        where = place(
            cdm_name,
            groups(asked),
            additional={
                "incidence_start_date": start.isoformat(),
                "incidence_end_date": end.isoformat(),
                "analysis_interval": kind,
            },
        )
        yield where.row("Denominator", None, "denominator_count", "integer", str(persons))
        yield where.row("Denominator", None, "person_days", "numeric", str(days))
        years = number(found.person_years, "rate")
        yield where.row("Denominator", None, "person_years", "numeric", years)
        yield where.row("Outcome", None, "outcome_count", "integer", str(events))
        for suffix, value in (
            ("", found.value),
            ("_95CI_lower", found.lower),
            ("_95CI_upper", found.upper),
        ):
            estimate = f"incidence_100000_pys{suffix}"
            yield where.row("Outcome", None, estimate, "numeric", number(value, "rate"))


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
