"""What treatment pathways may ask, and what is said of what they may not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from laennec.core.errors import StudyError
from laennec.study.files import read_study
from laennec.study.model import Events, Split, Stays, TreatmentPathways
from laennec.study.model_pathways import MAX_EXITS, MAX_PATH, MAX_TREATMENTS

A, B = Stays(cohort="a"), Stays(cohort="b")


def asked(**fields: Any) -> TreatmentPathways:
    return TreatmentPathways(name="lines", cohorts=("target",), **{"treatments": (A, B), **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"treatments": ()}, "at least 1 item"),
        ({"treatments": (A, A)}, "treatment 'a'"),
        ({"treatments": (A, Events(table="drug_exposure", concepts="a"))}, "treatment 'a'"),
        ({"exits": (A,)}, "treatment 'a'"),
        (
            {"treatments": tuple(Stays(cohort=f"t{n}") for n in range(MAX_TREATMENTS + 1))},
            "at most",
        ),
        ({"exits": tuple(Stays(cohort=f"t{n}") for n in range(MAX_EXITS + 1))}, "at most"),
        ({"splits": (Split(treatment="c", days=30),)}, "no treatment named 'c'"),
        ({"splits": (Split(treatment="a", days=30), Split(treatment="a", days=60))}, "split 'a'"),
        ({"end_anchor": "start", "window_end": -1}, "the window ends before it starts"),
        ({"max_path_length": 0}, "greater than or equal to 1"),
        ({"max_path_length": MAX_PATH + 1}, "less than or equal"),
        ({"combination_window": -1}, "greater than or equal to 0"),
        ({"overlap_method": "other"}, "'truncate' or 'keep'"),
        ({"minCellCount": 5}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_asked(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        asked(**fields)


def test_a_window_may_end_before_it_starts_by_other_anchors() -> None:
    """A long stay has days between the 30th after its start and the 30th before its end."""
    assert asked(window_start=30, window_end=-30).window_end == -30


def test_steps_have_splits_and_exits() -> None:
    found = asked(splits=(Split(treatment="a", days=30),), exits=(Stays(cohort="dead"),))
    assert found.steps == ("a (acute)", "a (therapy)", "b", "dead")


STUDY = """
name = "lines"
title = "Lines"

[concept_sets]
drug.items = [{ concept_id = 1 }]

[[cohorts]]
name = "target"
entry = { table = "drug_exposure", concepts = "drug" }

[[results]]
kind = "treatment_pathways"
name = "lines"
cohorts = ["target"]
treatments = [{ table = "drug_exposure", concepts = "drug" }, { cohort = "target" }]
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('{ cohort = "target" }', '{ cohort = "targt" }', r"treatments\[1\]\.cohort.*'targt'"),
        ('concepts = "drug" }, {', 'concepts = "durg" }, {', r"treatments\[0\]\.concepts.*'durg'"),
    ],
)
def test_an_unknown_name_is_said_with_its_place(
    right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(STUDY, encoding="utf-8")
    assert read_study(file).results[0].name == "lines"
    file.write_text(STUDY.replace(right, wrong), encoding="utf-8")
    with pytest.raises(StudyError, match=rf"line 16, .*results\[0\]\.{said}.*Did you mean"):
        read_study(file)
