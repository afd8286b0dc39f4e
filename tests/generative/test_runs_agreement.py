"""The bucket kernel and the reference engine give the same partial on random studies and rows.

``LAENNEC_EXAMPLES`` multiplies the number of examples, for a long search.
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.frame_source import FrameSource
from generative.study_strategies import Case, cases
from laennec.core.progress import Quiet
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.local import run
from laennec.runs.plan import Plan, plan_study
from laennec.study.partials import Partial
from laennec.study.reference import evaluate

TIMES = int(os.environ.get("LAENNEC_EXAMPLES", "1"))


def _search(examples: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples * TIMES, deadline=None, suppress_health_check=slow)


def _run(plan: Plan, source: FrameSource, *, workers: int) -> Partial:
    with Quiet().task("buckets") as progress:
        return run(plan, source, workers=workers, progress=progress)


@_search(200)
@given(case=cases())
def test_one_bucket_agrees_with_the_reference(case: Case) -> None:
    plan = plan_study(case.study, case.concepts)
    found = evaluate_bucket(plan, FrameSource(case.rows), 0)
    assert found == evaluate(case.study, case.rows, case.concepts)


@_search(50)
@given(case=cases(), count=st.integers(2, 5), workers=st.integers(1, 3))
def test_buckets_add_up_to_one_bucket(case: Case, count: int, workers: int) -> None:
    plan = plan_study(case.study, case.concepts)
    apart = _run(plan, FrameSource(case.rows, count=count), workers=workers)
    together = _run(plan, FrameSource(case.rows), workers=1)
    assert apart == together
    assert list(apart.counts) == list(together.counts)


@_search(50)
@given(case=cases())
def test_a_plan_survives_its_text(case: Case) -> None:
    plan = plan_study(case.study, case.concepts)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.to_json() == plan.to_json()
