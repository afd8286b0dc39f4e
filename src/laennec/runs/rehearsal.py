"""What a study does on rows made for it: its attrition, without a hub, a vocabulary or a person."""

from dataclasses import dataclass

from laennec.core.spill import forbid_spill
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.made_rows import affordable, concepts_themselves, make_rows
from laennec.runs.memory import RowsSource
from laennec.runs.plan import plan_study
from laennec.study.estimates_cohorts import step_reasons
from laennec.study.model import Study

PERSONS, SEED = 2_000, 1


@dataclass(frozen=True)
class Step:
    """One step of a cohort's attrition on made data."""

    cohort: str
    number: int
    reason: str
    persons: int


@dataclass(frozen=True)
class Rehearsal:
    """What came of a study on made data: how many persons were made, and every attrition."""

    persons: int
    steps: tuple[Step, ...]


def rehearse(study: Study, *, persons: int = PERSONS, seed: int = SEED) -> Rehearsal:
    """Return the attrition of every cohort of a study on rows that are made for it.

    Args:
        study: What is rehearsed.
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
    return Rehearsal(persons, steps)
