"""What a result about cohorts beside one another may ask."""

import pytest
from pydantic import ValidationError

from laennec.study.model import CohortOverlap, CohortTiming
from laennec.study.model_overlap import MAX_BESIDE


@pytest.mark.parametrize("kind", [CohortOverlap, CohortTiming])
@pytest.mark.parametrize(
    "cohorts", [(), ("a",), ("a", "b", "a"), tuple(f"c{n}" for n in range(MAX_BESIDE + 1))]
)
def test_too_few_too_many_or_repeated_cohorts_are_refused(
    kind: type[CohortOverlap | CohortTiming], cohorts: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError):
        kind(name="beside", cohorts=cohorts)
