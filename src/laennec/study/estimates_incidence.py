"""Incidence rates as DARWIN rows, in the shape of ``IncidencePrevalence::estimateIncidence``."""

from collections.abc import Iterator
from datetime import date

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_rows import number, place
from laennec.study.estimators import rate
from laennec.study.model import AgeGroup, Incidence, Interval, Sex
from laennec.study.partials import Key, Partial

EVERYONE = "general_population"
"""Name of the denominator that is everyone under observation."""


def analyses(asked: Incidence) -> Iterator[tuple[Sex, AgeGroup]]:
    """Yield the pairs of age group and sex, in the order of IncidencePrevalence."""
    for group in asked.age_groups:
        for sex in asked.sexes:
            yield sex, group


def incidence_settings(asked: Incidence, sex: Sex, group: AgeGroup) -> dict[str, str]:
    """Return what is true of one analysis; a date that the study leaves open is left out."""
    settings = {
        "group": "denominator_cohort_name &&& outcome_cohort_name",
        "additional": "incidence_start_date &&& incidence_end_date &&& analysis_interval",
        "analysis_outcome_washout": "inf" if asked.washout is None else str(asked.washout),
        "analysis_repeated_events": _logical(truth=asked.repeated),
        "analysis_complete_database_intervals": _logical(truth=asked.complete_intervals),
        "analysis_censor_cohort_name": "None",
        "denominator_age_group": group.label,
        "denominator_sex": sex.value,
        "denominator_days_prior_observation": str(asked.prior_observation),
        "denominator_requirements_at_entry": "FALSE",
        "denominator_target_cohort_name": asked.population or "None",
        "denominator_time_at_risk": "0 to Inf",
    }
    if asked.start is not None:
        settings["denominator_start_date"] = asked.start.isoformat()
    if asked.end is not None:
        settings["denominator_end_date"] = asked.end.isoformat()
    return settings


def incidence_rows(
    asked: Incidence, sex: Sex, group: AgeGroup, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield the estimates of one analysis: years in order, then overall.

    An interval in which nobody is at risk has no rows. With ``complete_intervals`` a year counts
    only if the first day at risk of anybody is not after 1 January and the last not before
    31 December; the overall interval runs from that first to that last day.
    """
    key: Key = ("incidence", asked.name, sex.value, group.label)
    if key not in partial.first:
        return
    names = {
        "denominator_cohort_name": asked.population or EVERYONE,
        "outcome_cohort_name": asked.outcome.concepts,
    }
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
            names,
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
) -> Iterator[tuple[int | str, str, date, date]]:
    """Yield the key, kind, first and last day of each interval to publish."""
    if Interval.YEARS in asked.intervals:
        for year in range(first.year, last.year + 1):
            start, end = date(year, 1, 1), date(year, 12, 31)
            if not asked.complete_intervals or (first <= start and end <= last):
                yield year, Interval.YEARS.value, max(first, start), min(last, end)
    if Interval.OVERALL in asked.intervals:
        yield Interval.OVERALL.value, Interval.OVERALL.value, first, last


def _logical(*, truth: bool) -> str:
    return "TRUE" if truth else "FALSE"
