"""Who a rate looks at, and who is left out by which step: IncidencePrevalence's attrition."""

from collections.abc import Iterator

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_cohorts import OF_PERSONS
from laennec.study.estimates_denominators import groups
from laennec.study.estimates_rows import place
from laennec.study.model import AgeGroup, Denominators, Incidence, Sex
from laennec.study.partials import Partial
from laennec.study.reference_rate_attrition import (
    AT_RISK,
    BORN,
    COMMON,
    FULL,
    OBSERVED,
    OF_SEX,
    POPULATION,
    SEEN,
    SEXED,
    last_step,
)

_REASONS = {
    POPULATION: "Starting population",
    BORN: "Missing year of birth",
    SEXED: "Missing sex",
    OBSERVED: "No observation time available during study period",
    SEEN: "No observation time available after applying age, prior observation and, if applicable, "
    "target criteria",
    FULL: "Do not satisfy full contribution requirement for an interval",
}


def attrition_type(asked: Denominators) -> str:
    """Return the type of the table: one for incidence, one for both kinds of prevalence."""
    return "incidence_attrition" if isinstance(asked, Incidence) else "prevalence_attrition"


def attrition_settings(settings: dict[str, str]) -> dict[str, str]:
    """Return the settings of the attrition of an analysis, from those of its estimates."""
    return {**settings, "strata": "reason", "additional": "reason_id"}


def rate_attrition_rows(
    asked: Denominators, sex: Sex, ages: AgeGroup, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield persons left and excluded at each step; the first step excludes nobody."""
    before: int | None = None
    for step in _steps(asked, sex):
        place_of = () if step in COMMON else (sex.value, ages.label)
        left = partial.counts.get(("rate_attrition", asked.name, *place_of, step), 0)
        out = 0 if before is None else before - left
        where = place(
            cdm_name,
            groups(asked),
            strata={"reason": _reason(asked, sex, step)},
            additional={"reason_id": str(step)},
        )
        for variable in OF_PERSONS:
            yield where.count(variable, None, left if variable.startswith("number") else out)
        before = left


def _steps(asked: Denominators, sex: Sex) -> Iterator[int]:
    yield from COMMON
    if sex is not Sex.BOTH:
        yield OF_SEX
    yield SEEN
    last = last_step(asked)
    if last is not None:
        yield last


def _reason(asked: Denominators, sex: Sex, step: int) -> str:
    if step == OF_SEX:
        return f"Not {sex.value}"
    if step != AT_RISK or not isinstance(asked, Incidence):
        return _REASONS[step]
    if asked.washout is None:
        reason = "Apply washout - anyone with outcome prior to start excluded"
    else:
        reason = f"Apply washout criteria of {asked.washout} days"
    return reason if asked.censor is None else f"{reason}, and end at entry to {asked.censor}"
