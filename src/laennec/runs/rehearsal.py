"""What a study does on rows made for it: its attrition, and whether it could be released at all.

There is no hub, no vocabulary and no person. Some results may never leave together, whatever their
numbers (an overlap of cohorts beside their intersection, records counted twice): who rehearses is
told so before a hub has worked for them.
"""

from dataclasses import dataclass, replace

from laennec.core.errors import PolicyError
from laennec.core.spill import forbid_spill
from laennec.disclosure.check import check
from laennec.disclosure.profiles import Profile
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.made_rows import affordable, concepts_themselves, make_rows
from laennec.runs.memory import RowsSource
from laennec.runs.plan import plan_study
from laennec.study.estimates import summarise
from laennec.study.estimates_cohorts import step_reasons
from laennec.study.model import Study
from laennec.study.partials import Partial

PERSONS, SEED = 2_000, 1
AS_MANY = 1_000
"""Persons that one made person stands for where release is rehearsed: then hardly a count is small,
and judging takes no time."""


@dataclass(frozen=True)
class Step:
    """One step of a cohort's attrition on made data."""

    cohort: str
    number: int
    reason: str
    persons: int


@dataclass(frozen=True)
class Rehearsal:
    """What came of a study on made data.

    Attributes:
        persons: How many were made.
        steps: Attrition of every cohort.
        refusal: Why disclosure control would refuse the whole result, or None. What it would hide
            depends on numbers, and is not told here.
    """

    persons: int
    steps: tuple[Step, ...]
    refusal: PolicyError | None


def rehearse(
    study: Study, profile: Profile, *, persons: int = PERSONS, seed: int = SEED
) -> Rehearsal:
    """Return the attrition of every cohort of a study on rows that are made for it.

    Args:
        study: What is rehearsed.
        profile: By which release is judged.
        persons: How many to make at most; fewer where a study looks for very many events.
        seed: Of the random numbers; the same study and seed give the same attrition.
    """
    forbid_spill()
    concepts = concepts_themselves(study)
    persons = affordable(study, persons)
    rows = make_rows(study, concepts, persons=persons, seed=seed)
    partial = evaluate_bucket(plan_study(study, concepts), RowsSource(rows), 0)
    steps = tuple(
        Step(one.name, n + 1, reason, partial.counts.get(("attrition", one.name, n), 0))
        for one in study.cohorts
        for n, reason in enumerate(step_reasons(one))
    )
    return Rehearsal(persons, steps, _refusal(study, partial, profile))


def _refusal(study: Study, partial: Partial, profile: Profile) -> PolicyError | None:
    many = replace(partial, counts={key: n * AS_MANY for key, n in partial.counts.items()})
    try:
        check(summarise(study, many, cdm_name="rehearsal", settings={}), profile)
    except PolicyError as error:
        return error
    return None
