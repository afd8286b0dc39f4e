"""Settling overlaps in rounds gives what settling them one by one gives, on eras of few days."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.runs.kernel_pathways import Eras, _settled
from laennec.study.model import Stays, TreatmentPathways
from laennec.study.reference_pathways import Era, _combined

days = st.integers(0, 30)
Row = tuple[int, int, int, int]
eras = st.lists(
    st.tuples(st.integers(1, 3), days, days, st.sampled_from([1, 2, 4, 8])), max_size=16
)
few = st.sampled_from([0, 1, 2, 5, 12])


def settled(asked: TreatmentPathways, rows: list[Row]) -> list[tuple[int, ...]]:
    """What the kernel gives."""
    columns = [np.array([row[n] for row in rows], dtype=np.int64) for n in range(4)]
    given: Eras = (columns[0], columns[1], columns[2], columns[3])
    return sorted(zip(*(one.tolist() for one in _settled(asked, given)), strict=True))


@settings(max_examples=400, deadline=None)
@given(rows=eras, window=few, least=few, method=st.sampled_from(["truncate", "keep"]))
def test_rounds_agree_with_one_by_one(
    rows: list[Row], window: int, least: int, method: str
) -> None:
    asked = TreatmentPathways.model_validate(
        {
            "name": "lines",
            "cohorts": ["target"],
            "treatments": [Stays(cohort=name) for name in "abcd"],
            "combination_window": window,
            "min_post_combination_duration": least,
            "overlap_method": method,
        }
    )
    rows = [
        (person, start, start + length, treatments) for person, start, length, treatments in rows
    ]
    expected = [
        (person, one.start, one.end, one.treatments)
        for person in (1, 2, 3)
        for one in _combined(asked, [Era(*row[1:]) for row in rows if row[0] == person])
    ]
    found = settled(asked, rows)
    assert found == sorted(expected)
    if method == "truncate":
        for before, after in itertools.pairwise(found):
            assert before[0] != after[0] or before[2] <= after[1]
