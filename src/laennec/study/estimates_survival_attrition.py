"""Who of a cohort is followed, and why others are not: ``survival_attrition`` of CohortSurvival."""

from collections.abc import Iterator

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_cohorts import OF_BOTH, persons_in
from laennec.study.estimates_rows import place
from laennec.study.model import Cohort, CumulativeIncidence, Study
from laennec.study.partials import Partial


def survival_attrition_rows(
    asked: CumulativeIncidence, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield, for each whole cohort and step, who is left and who is left out by it."""
    for cohort in asked.cohorts:
        left = persons_in(study.cohort(cohort), partial)
        for number, (reason, out) in enumerate(_steps(asked, study, partial, cohort), start=1):
            left -= out
            where = place(
                cdm_name,
                {"target_cohort": cohort},
                strata={"reason": reason},
                additional={"reason_id": str(number)},
            )
            for variable in OF_BOTH:
                count = out if variable.startswith("excluded") else left
                yield where.count(variable, asked.outcome.label, count)


def _steps(
    asked: CumulativeIncidence, study: Study, partial: Partial, cohort: str
) -> Iterator[tuple[str, int]]:
    """The reasons, in the words of CohortSurvival where it has them, and who is left out."""
    out = {
        why: partial.counts.get(("survival_left_out", asked.name, cohort, why), 0)
        for why in ("washout", "censored", "too_short")
    }
    yield "Initial qualifying events", 0
    if not isinstance(study.cohort(cohort), Cohort):
        followed = sum(
            n
            for key, n in partial.counts.items()
            if key[0] == "survival" and key[1:3] == (asked.name, cohort)
        )
        members = followed + sum(out.values())
        yield "Entry day is observed", persons_in(study.cohort(cohort), partial) - members
    yield "No outcome event in washout period", out["washout"]
    if asked.censor is not None or asked.censor_on is not None:
        yield "Not censored before entry", out["censored"]
    yield f"Survival days for outcome less than {asked.minimum_days}", out["too_short"]
