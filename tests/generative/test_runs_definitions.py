"""The bucket kernel's definitions against the reference, on random definitions and rows.

``LAENNEC_EXAMPLES`` multiplies the number of examples, for a long search.
"""

import os
from collections import Counter
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.definition_runs import BucketAnswer, stays_in_buckets
from generative.definition_strategies import DefinitionCase, definition_cases
from laennec.study.reference_definition import outcome
from laennec.study.reference_history import read_histories

TIMES = int(os.environ.get("LAENNEC_EXAMPLES", "1"))


def by_reference(case: DefinitionCase) -> BucketAnswer:
    """Return the stays and masks that the reference engine finds."""
    stays: list[tuple[int, date, date]] = []
    events: Counter[int] = Counter()
    persons: Counter[int] = Counter()
    for history in read_histories(case.rows):
        found = outcome(case.definition, history, case.concepts)
        stays += [
            (
                history.row["person_id"],
                date.fromordinal(one.start),
                date.fromordinal(one.end),
            )
            for one in found.stays
        ]
        events.update(found.masks)
        persons.update([] if found.best is None else [found.best])
    return BucketAnswer(sorted(stays), dict(events), dict(persons))


@settings(
    max_examples=150 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=definition_cases(ties=True), count=st.sampled_from([1, 3]))
def test_the_kernel_agrees_with_the_reference(case: DefinitionCase, count: int) -> None:
    found = stays_in_buckets(case.definition, case.rows, case.concepts, count=count)
    assert found == by_reference(case)
