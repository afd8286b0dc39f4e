"""The engines that the spec runs on, by name. A new engine is one line here."""

from collections.abc import Callable, Mapping

from fakes.frame_source import FrameSource
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.plan import plan_study
from laennec.study.model import Study
from laennec.study.partials import Partial
from laennec.study.reference import evaluate
from laennec.study.reference_history import Concepts, Rows

Engine = Callable[[Study, Rows, Concepts], Partial]


def in_one_bucket(study: Study, rows: Rows, concepts: Concepts) -> Partial:
    """Run the bucket kernel over all rows at once."""
    return evaluate_bucket(plan_study(study, concepts), FrameSource(rows), 0)


ENGINES: Mapping[str, Engine] = {"reference": evaluate, "bucket kernel": in_one_bucket}
