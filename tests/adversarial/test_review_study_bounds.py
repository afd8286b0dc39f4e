"""A study as a denial of service: enormous lists and curves are refused while it is read.

Also texts that would look like something else on a screen or in a report.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from laennec.core.errors import StudyError
from laennec.study.files import read_study

EVENTS = {"table": "condition_occurrence", "concepts": "bleed"}
CURVE = {"kind": "cumulative_incidence", "name": "c", "cohorts": ["a"], "outcome": EVENTS}


def _study(**changed: Any) -> dict[str, Any]:
    return {
        "name": "attack",
        "title": "Étude « 1 » — 東京",
        "description": "First line\nsecond\tline",
        "concept_sets": {"bleed": {"items": [{"concept_id": 1}]}},
        "cohorts": [{"name": "a", "entry": EVENTS}],
        "results": [{"kind": "counts", "name": "n", "cohorts": ["a"]}],
        **changed,
    }


def _read(folder: Path, study: dict[str, Any]) -> None:
    file = folder / "study.json"
    file.write_text(json.dumps(study), encoding="utf-8")
    read_study(file)


def _many(stem: str, number: int, **rest: Any) -> list[dict[str, Any]]:
    return [{"name": f"{stem}{n}", **rest} for n in range(number)]


def test_the_study_itself_is_sound(tmp_path: Path) -> None:
    _read(tmp_path, _study())
    _read(tmp_path, _study(results=[{**CURVE, "horizon": 3650, "step": 1}]))


@pytest.mark.parametrize(
    "changed",
    [
        {"cohorts": [{"name": "a", "entry": EVENTS}, *_many("b", 100, entry=EVENTS)]},
        {"results": _many("r", 101, kind="counts", cohorts=["a"])},
        {"concept_sets": {f"s{n}": {"items": [{"concept_id": 1}]} for n in range(101)}},
        {
            "cohorts": [
                {
                    "name": "a",
                    "entry": EVENTS,
                    "criteria": _many("c", 20_000, kind="sex", sex="Male"),
                }
            ]
        },
        {
            "results": [
                {
                    "kind": "incidence",
                    "name": "i",
                    "outcome": EVENTS,
                    "age_groups": [
                        {"minimum": low, "maximum": high}
                        for low in range(40)
                        for high in range(low, 40)
                    ],
                }
            ]
        },
        {"results": [{**CURVE, "horizon": 10_000_000, "step": 1}]},
    ],
)
def test_enormous_lists_are_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="at most"):
        _read(tmp_path, _study(**changed))


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\u202egnp.exe", "\r", "\u2028"])
def test_a_text_that_looks_like_another_is_refused(text: str, tmp_path: Path) -> None:
    for field in ("title", "description"):
        with pytest.raises(StudyError, match="control character") as refused:
            _read(tmp_path, _study(**{field: f"Plain{text}text"}))
        assert text not in str(refused.value)


def test_a_title_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="control character"):
        _read(tmp_path, _study(title="A study\nThe study is well formed"))


def _divided(groups: int) -> dict[str, Any]:
    """A rate in nine strata (whole, two, two and four crossed) of each sex and age group."""
    asked = {
        "kind": "incidence",
        "name": "rate",
        "outcome": EVENTS,
        "sexes": ["Both", "Male", "Female"],
    }
    ages = [{"minimum": 0, "maximum": n} for n in range(groups)]
    strata = [["f0"], ["f1"], ["f0", "f1"]]
    return _study(
        results=[{**asked, "age_groups": ages, "strata": strata}],
        strata=_many("f", 2, kind="events", events=EVENTS, window={}),
    )


def test_strata_are_bounded_where_they_are_asked_for(tmp_path: Path) -> None:
    _read(tmp_path, _divided(37))
    with pytest.raises(StudyError, match=r"results\[0\]: .* more than 1000 sexes, age groups and"):
        _read(tmp_path, _divided(38))
    wide = {
        "kind": "counts",
        "name": "n",
        "cohorts": ["a"],
        "strata": [[f"f{n}" for n in range(10)]],
    }
    ways = _many("f", 10, kind="events", events=EVENTS, window={})
    with pytest.raises(StudyError, match=r"results\[0\]: .* more than 1000 cohorts and strata"):
        _read(tmp_path, _study(results=[wide], strata=ways))
