"""The section on treatment pathways: each figure once, and a picture of what is published."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from fakes.report_example import report
from fakes.report_reader import PageReader
from laennec.disclosure.check import check
from laennec.disclosure.profiles import load_profile
from laennec.omop.summarised_result import SummarisedResult
from laennec.report import LANGUAGES, render
from laennec.report.content import Figure, Section
from laennec.report.page import sections
from laennec.report.words import load_words
from laennec.study.estimates import summarise
from laennec.study.model import (
    BySex,
    Cohort,
    ConceptItem,
    ConceptSet,
    Events,
    Study,
    TreatmentPathways,
)
from laennec.study.partials import Key, Partial

NAMES = ("asthma", "inhaled_steroid")
EVENTS = Events(table="drug_exposure", concepts="drug")
STUDY = Study(
    name="lines",
    title="Lines",
    concept_sets={"drug": ConceptSet(items=(ConceptItem(concept_id=1),))},
    cohorts=tuple(Cohort(name=name, entry=EVENTS) for name in NAMES),
    strata=(BySex(),),
    results=(
        TreatmentPathways(
            name="lines", cohorts=("asthma",), strata=(("sex",),), treatments=(EVENTS,)
        ),
    ),
)


def result(ends: dict[str, int], nobody: int = 100) -> SummarisedResult:
    """The result of as many persons with each pathway, half of them women."""
    counts: dict[Key, int] = {}
    for label, share in (("asthma", 1), ("asthma|sex=Female", 2), ("asthma|sex=Male", 2)):
        for path, n in ends.items():
            counts["pathway", "lines", label, path] = n // share
            steps = path.split("-")
            for k in range(1, len(steps) + 1):
                key: Key = ("pathway_days", "lines", label, "-".join(steps[:k]), 30 * k)
                counts[key] = counts.get(key, 0) + n // share
        size = sum(n // share for n in ends.values()) + nobody // share
        counts["attrition", label, 2] = counts["members", label] = size
    return summarise(STUDY, Partial(counts), cdm_name="db", settings={})


WHOLE = result({"a": 300, "a-b": 200, "a-b-a+b": 60, "inhaled_steroid (acute)": 40})


def section(shown: SummarisedResult, language: str = "en") -> Section:
    (found,) = sections(report(shown), load_words(language))
    return found


def _values(figure: Figure) -> Iterator[dict[str, Any]]:
    for layer in figure.picture.spec["layer"]:
        yield from layer["data"]["values"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_figure_stands_in_the_tables_once(language: str) -> None:
    reader = PageReader(render(report(WHOLE), language=language))
    assert not reader.unclosed
    assert Counter(reader.figures) == Counter(row.estimate_value for row in WHOLE.rows)


def test_starts_are_written_as_steps() -> None:
    (table,) = section(WHOLE, "fr").tables
    heads = [row.head for group in table.groups for row in group.rows]
    assert heads[:2] == ["Toutes les personnes de la cohorte", "Aucun traitement"]
    assert heads[2:] == ["a", "a → b", "a → b → a + b", "inhaled steroid (aigu)"]


def test_the_picture_says_persons_of_each_field() -> None:
    (figure,) = section(WHOLE).figures
    texts = [row["said"] for row in _values(figure) if "said" in row]
    assert {"Line 1", "Line 2", "Line 3", "a: 560", "b: 260", "a + b: 60"} <= {*texts}
    assert {"No treatment: 100", "inhaled steroid (acute): 40"} <= {*texts}


def test_fields_of_a_column_are_apart_and_within_the_start() -> None:
    (figure,) = section(WHOLE).figures
    fields = [row for row in _values(figure) if "y2" in row]
    for column in range(3):
        spans = sorted((row["y"], row["y2"]) for row in fields if row["x"] == column)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert max(row["y2"] for row in fields) == 700


def test_what_is_not_told_apart_is_a_field_of_its_own() -> None:
    published = check(result({"a": 300, "a-b": 200, "a-c": 4}), load_profile("france-11")).published
    (figure,) = section(published).figures
    text = json.dumps(figure.picture.spec)
    assert "ended, or other treatments: 304" in text
    assert "c: 4" not in text
    reader = PageReader(render(report(published), language="en"))
    assert "a → c" not in {text for _, text in reader.texts}


def test_without_a_start_there_is_no_picture() -> None:
    published = check(result({"a": 300}, nobody=4), load_profile("france-11")).published
    found = section(published)
    assert not found.figures
    assert len(found.notes) == 2
    assert len(found.tables) == 1


def test_rare_starts_are_drawn_together_unless_all_are_rare() -> None:
    (figure,) = section(result({"a": 3000, "b": 3})).figures
    assert {row["x"] for row in _values(figure) if "y2" in row} == {0}
    assert len([row for row in _values(figure) if "y2" in row]) == 2
    (figure,) = section(result({"a": 3, "b": 2}, nobody=10_000)).figures
    assert len([row for row in _values(figure) if "y2" in row]) == 2


def test_each_stratum_has_its_picture() -> None:
    assert [one.title for one in section(WHOLE).divisions] == ["Sex: Women", "Sex: Men"]
    assert all(one.figures for one in section(WHOLE).divisions)


def test_a_long_table_is_folded() -> None:
    many = {"-".join(["a", "b", "c", "d"][: n % 4 + 1]) + f"-t{n}": 40 for n in range(40)}
    (table,) = section(result(many)).tables
    assert table.folded


def _renamed(paths: dict[str, str]) -> SummarisedResult:
    """The result of another program, with other pathways."""
    rows = tuple(
        replace(one, variable_level=paths.get(str(one.variable_level), one.variable_level))
        for one in WHOLE.rows
    )
    return SummarisedResult(rows, WHOLE.settings)


@pytest.mark.parametrize(
    "level", ["", "-", "a-", "--b", "+", "-".join("x" * 400), "<b>a</b>-b", "a" * 400, "None-a"]
)
def test_pathways_of_another_program_are_shown_as_they_are(level: str) -> None:
    for shown in (_renamed({"a": level}), _renamed({"a-b": level}), _renamed({"None": level})):
        page = render(report(shown), language="en")
        reader = PageReader(page)
        assert not reader.unclosed
        assert len(reader.figures) == len(WHOLE.rows)
        assert "<b>" not in page


def test_figures_that_contradict_one_another_are_shown() -> None:
    lost = ("Number subjects", "Start of pathway")
    for variable in lost:
        for value in ("-", "0", "7", "x"):
            rows = tuple(
                replace(one, estimate_value=value) if one.variable_name == variable else one
                for one in WHOLE.rows
            )
            assert render(report(SummarisedResult(rows, WHOLE.settings)), language="fr")
    for gone in ("count", "percentage"):
        rows = tuple(
            one
            for one in WHOLE.rows
            if (one.variable_name, one.estimate_name) != ("Start of pathway", gone)
        )
        assert render(report(SummarisedResult(rows, WHOLE.settings)), language="en")
