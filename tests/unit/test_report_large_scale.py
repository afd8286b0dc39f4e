"""The section on every concept of a table: the most frequent ones, and where the others are."""

from dataclasses import replace

import pytest

from fakes.report_example import report
from fakes.report_reader import PageReader
from laennec.omop.summarised_result import SummarisedResult
from laennec.report import LANGUAGES, render
from laennec.report.large_scale import SHOWN
from laennec.study.estimates import summarise
from laennec.study.estimates_large_scale import large_scale_concepts
from laennec.study.model import (
    Cohort,
    ConceptItem,
    ConceptSet,
    Events,
    LargeScaleCharacteristics,
    Study,
)
from laennec.study.partials import Key, Partial

STUDY = Study(
    name="every",
    title="Every",
    concept_sets={"drug": ConceptSet(items=(ConceptItem(concept_id=1),))},
    cohorts=(Cohort(name="users", entry=Events(table="drug_exposure", concepts="drug")),),
    results=(
        LargeScaleCharacteristics(
            name="all", cohorts=("users",), event_in_window=("condition_occurrence",)
        ),
    ),
)
PLACE = ("large_scale", "all", "condition_occurrence", "event", "users")
OBSERVED: dict[Key, int] = {("large_scale_observed", "all", "users", n): 5000 for n in range(7)}


def result(concepts: int) -> SummarisedResult:
    """Concepts 1, 2, … in the window of the entry day, of which later ones are rarer."""
    counts: dict[Key, int] = {(*PLACE, 3, n): 4000 - n for n in range(1, concepts + 1)}
    partial = Partial({**counts, **OBSERVED, ("attrition", "users", 2): 5000})
    assert large_scale_concepts(partial) == {*range(1, concepts + 1)}
    names = {n: f"<b>concept {n}</b>" for n in range(1, concepts + 1)}
    return summarise(STUDY, partial, cdm_name="db", settings={}, names=names)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("concepts", [0, 3, SHOWN + 5])
def test_the_most_frequent_are_shown_and_the_others_are_said_to_be_elsewhere(
    language: str, concepts: int
) -> None:
    html = render(report(result(concepts)), language=language)
    reader = PageReader(html)
    assert not reader.unclosed
    shown = {one for one in map(str, range(3950, 4000)) if one in reader.figures}
    assert shown == {str(4000 - n) for n in range(1, min(concepts, SHOWN) + 1)}
    assert ("others" in html or "autres" in html) == (concepts > SHOWN)


def test_the_title_says_of_which_table_also_where_there_is_one_alone() -> None:
    reader = PageReader(render(report(result(3)), language="en"))
    titles = [text for name, text in reader.texts if name == "h2"]
    assert "Every concept of conditions (by first day)" in titles


def test_names_of_concepts_are_text() -> None:
    html = render(report(result(3)), language="en")
    assert "<b>concept" not in html
    assert "&lt;b&gt;concept 1&lt;/b&gt;" in html


def test_a_concept_without_number_is_shown_all_the_same() -> None:
    made = result(2)
    strange = replace(
        made,
        rows=tuple(replace(one, additional_level=one.additional_level + "x") for one in made.rows),
    )
    assert render(report(strange), language="en")
