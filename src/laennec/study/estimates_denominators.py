"""What the results of incidence and prevalence say of who was looked at."""

from collections.abc import Iterator

from laennec.study.model import AgeGroup, Denominators, Sex

EVERYONE = "general_population"
"""Name of the denominator that is everyone under observation."""


def analyses(asked: Denominators) -> Iterator[tuple[Sex, AgeGroup]]:
    """Yield the pairs of age group and sex, in the order of IncidencePrevalence."""
    for group in asked.age_groups:
        for sex in asked.sexes:
            yield sex, group


def groups(asked: Denominators) -> dict[str, str]:
    """Return the names of the group column and their levels."""
    return {
        "denominator_cohort_name": asked.population or EVERYONE,
        "outcome_cohort_name": asked.outcome.label,
    }


def denominator_settings(asked: Denominators, sex: Sex, group: AgeGroup) -> dict[str, str]:
    """Return what is true of one analysis; a date that the study leaves open is left out."""
    settings = {
        "group": "denominator_cohort_name &&& outcome_cohort_name",
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


def logical(*, truth: bool) -> str:
    """Return a truth value as R writes it."""
    return "TRUE" if truth else "FALSE"
