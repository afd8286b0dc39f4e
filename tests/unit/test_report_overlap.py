"""The sections on cohorts beside one another: each figure once, hidden ones in words."""

from collections import Counter
from dataclasses import replace

import pytest

from fakes.report_example import report
from fakes.report_reader import PageReader
from laennec.omop.summarised_result import SummarisedResult
from laennec.report import LANGUAGES, render
from laennec.study.estimates import summarise
from laennec.study.model import (
    Cohort,
    CohortOverlap,
    CohortTiming,
    ConceptItem,
    ConceptSet,
    Events,
    Study,
)
from laennec.study.partials import Partial

NAMES = ("users", "bleeds", "ulcers")
PAIR = ("users", "bleeds")
STUDY = Study(
    name="beside",
    title="Beside",
    concept_sets={"drug": ConceptSet(items=(ConceptItem(concept_id=1),))},
    cohorts=tuple(
        Cohort(name=name, entry=Events(table="drug_exposure", concepts="drug")) for name in NAMES
    ),
    results=(
        CohortOverlap(name="overlap", cohorts=NAMES),
        CohortTiming(name="timing", cohorts=NAMES),
    ),
)
PARTIAL = Partial(
    {
        **{("attrition", name, 2): 1000 + 37 * n for n, name in enumerate(NAMES)},
        ("overlap", "overlap", *PAIR): 611,
        ("timing_persons", "timing", *PAIR): 611,
        ("timing", "timing", *PAIR, -31): 200,
        ("timing", "timing", *PAIR, 45): 411,
    }
)
RESULT = summarise(STUDY, PARTIAL, cdm_name="db", settings={})


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_figure_stands_in_the_tables_once(language: str) -> None:
    reader = PageReader(render(report(RESULT), language=language))
    assert not reader.unclosed
    once = [row.estimate_value for row in RESULT.rows if row.variable_level is None]
    for row in RESULT.rows:
        reference, comparator = row.group_level.split(" &&& ")
        if row.variable_level and NAMES.index(reference) < NAMES.index(comparator):
            once.append(row.estimate_value)
    assert Counter(reader.figures) == Counter(once)


def test_a_mirrored_figure_that_differs_is_shown() -> None:
    """What the note says is checked, not believed."""
    row = next(one for one in RESULT.rows if one.group_level == "bleeds &&& users")
    rows = tuple(replace(one, estimate_value="977") if one is row else one for one in RESULT.rows)
    changed = SummarisedResult(rows, RESULT.settings)
    reader = PageReader(render(report(changed), language="en"))
    assert "977" in reader.figures


def test_hidden_pairs_are_words_in_table_and_picture() -> None:
    rows = tuple(
        replace(one, estimate_value="-")
        if set(one.group_level.split(" &&& ")) == set(PAIR)
        else one
        for one in RESULT.rows
    )
    reader = PageReader(render(report(SummarisedResult(rows, RESULT.settings)), language="en"))
    texts = [text for name, text in reader.texts if name == "text"]
    assert texts.count("hidden") == 1
    assert "611" not in reader.figures
