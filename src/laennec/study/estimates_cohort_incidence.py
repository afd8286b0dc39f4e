"""Incidence proportions and rates of cohorts as rows, by the names of CohortIncidence's table."""

from collections.abc import Iterator

from laennec.omop.summarised_result import JOINT, ResultRow
from laennec.study.estimates_rows import Place, number, place
from laennec.study.estimators import DAYS_PER_YEAR
from laennec.study.model import CohortIncidence
from laennec.study.model_cohort_incidence import ALL, Labels
from laennec.study.partials import Key, Partial

NAMES = ("age_group", "sex", "start_year")
"""Names of strata, in the order of ``Labels``."""

PERSONS = ("persons_at_risk_pe", "persons_at_risk", "persons_excluded_days")
DAYS = ("person_days_pe", "person_days")
OUTCOMES = ("person_outcomes_pe", "person_outcomes", "outcomes_pe", "outcomes")
PER = 100
"""Proportions are of so many persons, rates of so many person-years."""


def cohort_incidence_settings(asked: CohortIncidence) -> dict[str, str]:
    """Return what is true of the whole result; a date that the study leaves open is left out."""
    settings = {
        "group": JOINT.join(("target_cohort_name", "outcome_cohort_name")),
        "tar_start_with": asked.risk_from.after,
        "tar_start_offset": str(asked.risk_from.days),
        "tar_end_with": asked.risk_until.after,
        "tar_end_offset": str(asked.risk_until.days),
        "clean_window": str(asked.clean_window),
        "excluded_cohort_name": asked.exclude or "None",
    }
    divided = [name for name, levels in zip(NAMES, asked.levels, strict=True) if levels]
    if divided:
        settings["strata"] = JOINT.join(divided)
    if asked.start is not None:
        settings["study_window_start_date"] = asked.start.isoformat()
    if asked.end is not None:
        settings["study_window_end_date"] = asked.end.isoformat()
    return settings


def cohort_incidence_rows(
    asked: CohortIncidence, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield the estimates of each cohort, whole and in each group, those of nobody included.

    Without anybody at risk there is no proportion, without a day at risk no rate.
    """
    for cohort in asked.cohorts:
        names = {"target_cohort_name": cohort, "outcome_cohort_name": asked.outcome.label}
        for labels in asked.groups():
            where = place(cdm_name, names, strata=_strata(labels))
            key: Key = ("cohort_incidence", asked.name, cohort, *labels)
            yield from _estimates(where, partial, key)


def _strata(labels: Labels) -> dict[str, str]:
    return {name: one for name, one in zip(NAMES, labels, strict=True) if one != ALL}


def _estimates(where: Place, partial: Partial, key: Key) -> Iterator[ResultRow]:
    found = {one: partial.counts.get((*key, one), 0) for one in (*PERSONS, *DAYS, *OUTCOMES)}
    for name in PERSONS:
        yield where.row("Denominator", None, name, "integer", str(found[name]))
    for name in DAYS:
        yield where.row("Denominator", None, name, "numeric", str(found[name]))
    for name in OUTCOMES:
        yield where.row("Outcome", None, name, "integer", str(found[name]))
    if found["persons_at_risk"]:
        share = PER * found["person_outcomes"] / found["persons_at_risk"]
        text = number(share, "rate")
        yield where.row("Outcome", None, "incidence_proportion_p100p", "numeric", text)
    if found["person_days"]:
        per_year = PER * found["outcomes"] / (found["person_days"] / DAYS_PER_YEAR)
        text = number(per_year, "rate")
        yield where.row("Outcome", None, "incidence_rate_p100py", "numeric", text)
