"""Cohort counts, attrition and characteristics as DARWIN rows."""

from collections.abc import Iterator

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_rows import Place, number, place, stratum_place
from laennec.study.estimators import Histogram, mean, quantile, standard_deviation
from laennec.study.model import (
    AnyCohort,
    Characteristics,
    Cohort,
    Counts,
    Definition,
    Sex,
    Stratum,
    Study,
)
from laennec.study.partials import Partial
from laennec.study.reference_history import UNKNOWN_SEX

NO_GROUP = "None"
"""Level of who is in no age group, or of unknown age."""

DISTRIBUTIONS = {
    "Age": "age",
    "Prior observation": "prior_observation",
    "Future observation": "future_observation",
}
QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}
OF_BOTH = ("number_records", "number_subjects", "excluded_records", "excluded_subjects")
OF_PERSONS = ("number_subjects", "excluded_subjects")
"""What attrition counts: where a person may have several stays, only who has one."""

SEX_LEVELS = (Sex.FEMALE.value, Sex.MALE.value, UNKNOWN_SEX)


def step_reasons(cohort: AnyCohort) -> tuple[str, ...]:
    """Return what each step of attrition asks for, in order."""
    if not isinstance(cohort, Cohort | Definition):
        return ("Stays in the cohort",)
    if isinstance(cohort, Definition):
        return (
            "Has a qualifying event",
            *(rule.name for rule in cohort.rules),
            "Stays in the cohort",
        )
    return (
        "Has an entry event",
        "Entry day is observed",
        f"At least {cohort.prior_observation} days observed before entry",
        *(criterion.name for criterion in cohort.criteria),
    )


def persons_in(cohort: AnyCohort, partial: Partial) -> int:
    """Return how many persons the cohort has: who passes its last step."""
    last = len(step_reasons(cohort)) - 1
    return partial.counts.get(("attrition", cohort.name, last), 0)


def members_of(stratum: Stratum, study: Study, partial: Partial) -> int:
    """Return how many persons a cohort, or a stratum of it, has."""
    if stratum.levels:
        return partial.counts.get(("members", stratum.label), 0)
    return persons_in(study.cohort(stratum.cohort), partial)


def count_rows(asked: Counts, study: Study, partial: Partial, cdm_name: str) -> Iterator[ResultRow]:
    """Yield the persons of each cohort, and its records: the stays of a whole definition.

    Of a cohort that each enters once there are as many records as persons; strata of a definition
    and cohorts made of others have persons only.
    """
    for stratum in study.strata_of(asked):
        where = stratum_place(cdm_name, stratum)
        cohort = study.cohort(stratum.cohort)
        if isinstance(cohort, Definition) and not stratum.levels:
            records = partial.counts.get(("records", cohort.name), 0)
            yield where.count("Number records", None, records)
        yield from _numbers(where, cohort, members_of(stratum, study, partial))


def attrition_rows(
    asked: Counts, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield persons left and excluded at each step; the first step excludes nobody."""
    for name in asked.cohorts:
        before: int | None = None
        cohort = study.cohort(name)
        counted = OF_BOTH if isinstance(cohort, Cohort) else OF_PERSONS
        for step, reason in enumerate(step_reasons(cohort)):
            left = partial.counts.get(("attrition", name, step), 0)
            out = 0 if before is None else before - left
            where = place(
                cdm_name,
                {"cohort_name": name},
                strata={"reason": reason},
                additional={"reason_id": str(step + 1)},
            )
            for variable in counted:
                value = left if variable.startswith("number") else out
                yield where.count(variable, None, value)
            before = left


def characteristic_rows(
    asked: Characteristics, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield numbers, distributions, age groups, sexes and covariates of each cohort.

    The levels of "Age group" and those of "Sex" each add up to the cohort: who is of unknown sex
    or in no age group is counted as ``None``. An empty cohort has its two numbers only.
    """
    for stratum in study.strata_of(asked):
        name = stratum.label
        where = stratum_place(cdm_name, stratum)
        cohort = study.cohort(stratum.cohort)
        total = members_of(stratum, study, partial)
        yield from _numbers(where, cohort, total)
        if not total:
            continue
        for variable, key in DISTRIBUTIONS.items():
            histogram = _histogram(partial, key, asked.name, name)
            if histogram:
                yield from _distribution(where, variable, histogram)
        yield from _age_groups(asked, where, _histogram(partial, "age", asked.name, name), total)
        for sex in SEX_LEVELS:
            n = partial.counts.get(("sex", asked.name, name, sex), 0)
            yield from _share(where, "Sex", sex, n, total)
        for one in asked.covariates:
            n = partial.counts.get(("covariate", asked.name, name, one.name), 0)
            yield from _share(where, "Covariates", one.name, n, total)


def _numbers(where: Place, cohort: AnyCohort, persons: int) -> Iterator[ResultRow]:
    if isinstance(cohort, Cohort):
        yield where.count("Number records", None, persons)
    yield where.count("Number subjects", None, persons)


def _histogram(partial: Partial, kind: str, result: str, cohort: str) -> Histogram:
    """Values and persons of one distribution, in order of value."""
    found = {
        value: n
        for (*key, value), n in partial.counts.items()
        if key == [kind, result, cohort] and isinstance(value, int)
    }
    return dict(sorted(found.items()))


def _distribution(where: Place, variable: str, histogram: Histogram) -> Iterator[ResultRow]:
    for estimate, share in QUANTILES.items():
        value = str(quantile(histogram, share))
        yield where.row(variable, None, estimate, "integer", value)
    yield where.row(variable, None, "mean", "numeric", number(mean(histogram), "mean"))
    deviation = standard_deviation(histogram)
    if deviation is not None:
        yield where.row(variable, None, "sd", "numeric", number(deviation, "mean"))


def _age_groups(
    asked: Characteristics, where: Place, ages: Histogram, total: int
) -> Iterator[ResultRow]:
    if not asked.age_groups:
        return
    counted = 0
    for group in asked.age_groups:
        n = sum(count for age, count in ages.items() if group.minimum <= age <= group.maximum)
        counted += n
        yield from _share(where, "Age group", group.label, n, total)
    yield from _share(where, "Age group", NO_GROUP, total - counted, total)


def _share(where: Place, variable: str, level: str, n: int, total: int) -> Iterator[ResultRow]:
    yield where.count(variable, level, n)
    percentage = number(100 * n / total, "percentage")
    yield where.row(variable, level, "percentage", "percentage", percentage)
