"""Who is left after each step from the population to those whom a rate looks at.

The steps have the numbers of IncidencePrevalence 1.2 (``getDenominatorCohorts.R``,
``generateDenominatorCohortSet.R``, ``getIncidence.R``, ``getPrevalence.R``). Steps 4, 6 and 7 are
in step 10; the one on complete intervals, which looks at everybody's first and last day, is not
given.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from laennec.study.model import AgeGroup, Denominators, Incidence, PeriodPrevalence, Sex
from laennec.study.partials import Key, Partial
from laennec.study.reference_history import UNKNOWN_SEX, History, Span

POPULATION, BORN, SEXED, OBSERVED, OF_SEX, SEEN = 1, 2, 3, 5, 8, 10
AT_RISK, FULL = 12, 13
"""Numbers of the steps; the last two are of incidence, and of full contribution."""

COMMON = (POPULATION, BORN, SEXED, OBSERVED)
"""Steps that are the same for every sex and age group."""


def common_steps(
    asked: Denominators, history: History, spans: Sequence[tuple[Span, Span]], *, member: bool
) -> list[int]:
    """Return the steps common to all analyses that the person passes, in order.

    Args:
        asked: What is asked.
        history: The person.
        spans: As ``reference_denominators.candidates`` returns them.
        member: Whether they are in the population.
    """
    first = None if asked.start is None else asked.start.toordinal()
    last = None if asked.end is None else asked.end.toordinal()
    passes = (
        member,
        history.birth is not None,
        history.sex != UNKNOWN_SEX,
        any(
            (first is None or first <= days.end) and (last is None or days.start <= last)
            for days, _ in spans
        ),
    )
    return [step for step, _ in takewhile(lambda one: one[1], zip(COMMON, passes, strict=True))]


def counted(
    asked: Denominators,
    common: Sequence[int],
    analyses: Mapping[tuple[Sex, AgeGroup], Sequence[int]],
) -> Partial:
    """Count a person at the steps they pass, common ones and those of each sex and age group."""
    counts: dict[Key, int] = {("rate_attrition", asked.name, step): 1 for step in common}
    for (sex, group), steps in analyses.items() if OBSERVED in common else ():
        for step in steps:
            counts["rate_attrition", asked.name, sex.value, group.label, step] = 1
    return Partial(counts)


def last_step(asked: Denominators) -> int | None:
    """Return the step after being seen, if there is one."""
    if isinstance(asked, Incidence):
        return AT_RISK
    full = isinstance(asked, PeriodPrevalence) and asked.full_contribution
    return FULL if full else None
