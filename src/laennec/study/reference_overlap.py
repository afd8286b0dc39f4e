"""One person in two cohorts: whether, and how many days after one entry comes the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from laennec.study.model import CohortOverlap, CohortTiming
from laennec.study.partials import Key, Partial
from laennec.study.reference_history import Span

Stays = Mapping[str, Sequence[Span]]
"""All stays of one person in each cohort, in order; no stay, not in the cohort."""


def overlap(asked: CohortOverlap, stays: Stays) -> Partial:
    """Count the person for every two cohorts they are in."""
    mine = [name for name in asked.cohorts if stays[name]]
    return Partial({("overlap", asked.name, *pair): 1 for pair in combinations(mine, 2)})


def timing(asked: CohortTiming, stays: Stays) -> Partial:
    """Count the days between their entries, for every two cohorts the person is in."""
    counts: Counter[Key] = Counter()
    mine = [name for name in asked.cohorts if stays[name]]
    for one, other in combinations(mine, 2):
        counts["timing_persons", asked.name, one, other] = 1
        for here in stays[one][:1] if asked.first_entry else stays[one]:
            for there in stays[other][:1] if asked.first_entry else stays[other]:
                counts["timing", asked.name, one, other, there.start - here.start] += 1
    return Partial(counts)
