"""Every kind of result of the study language, whole and in strata, has its place on the page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fakes.report_example import report
from fakes.report_reader import PageReader
from laennec.disclosure import check, load_profile
from laennec.omop.summarised_result import SummarisedResult
from laennec.report import render
from laennec.report.content import Section, Table
from laennec.report.divisions import MAX_DRAWN
from laennec.report.page import sections
from laennec.report.words import load_words
from laennec.study.estimates import summarise
from laennec.study.model import (
    AgeGroup,
    ByAge,
    ByEvents,
    BySex,
    Characteristics,
    Counts,
    CumulativeIncidence,
    Incidence,
    PeriodPrevalence,
    Window,
)
from laennec.study.reference import evaluate
from spec.spec_case import (
    BLEED,
    CONCEPTS,
    ULCER,
    SpecCase,
    bleed,
    drug,
    observed,
    person,
    tables,
    users,
)
from spec.spec_case import study as study_of
from spec.test_study_spec import CASES

WORDS = load_words("en")
PLAIN = WORDS.text("plain.caption")


def _result(case: SpecCase) -> SummarisedResult:
    partial = evaluate(case.study, case.rows, CONCEPTS)
    return summarise(case.study, partial, cdm_name="spec", settings={})


def _tables(section: Section) -> Iterator[Table]:
    yield from section.tables
    for one in section.divisions:
        yield from _tables(one)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nothing_ends_in_the_plain_table(case: SpecCase) -> None:
    """That table is for results of other programs: what this one makes has a place of its own."""
    result = _result(case)
    found = sections(report(result), WORDS)
    assert not [
        one.caption for section in found for one in _tables(section) if one.caption == PLAIN
    ]
    accounted = [index for section in found for index in section.indexes()]
    assert sorted(accounted) == list(range(len(result.rows)))


AGES = ByAge(groups=tuple(AgeGroup(minimum=n, maximum=n) for n in (10, 20, 45)))
ASKED = (
    Counts(name="n", cohorts=("users",), strata=(("sex",), ("sex", "age_group"))),
    Characteristics(name="who", cohorts=("users",), strata=(("sex",),)),
    CumulativeIncidence(
        name="curve", cohorts=("users",), outcome=BLEED, horizon=30, step=10, strata=(("sex",),)
    ),
)
DIVIDED = SpecCase(
    "divided",
    tables(
        *(row for n in range(60) for row in (
            person(n, "F" if n % 2 else "M", (1975, 5, 2)),
            observed("2020-01-01", "2020-12-31", n),
            drug("2020-05-01", person_id=n),
            *([bleed("2020-05-12", person_id=n)] if n % 3 == 0 else []),
        ))
    ),
    study_of(*ASKED, cohorts=(users(),), strata=(BySex(), AGES)),
    {},
)  # fmt: skip
RESULT = check(_result(DIVIDED), load_profile("france-11")).published


def test_each_figure_of_each_stratum_is_in_the_tables_once() -> None:
    reader = PageReader(render(report(RESULT), language="en"))
    assert not reader.unclosed
    published = [
        row.estimate_value
        for row in RESULT.rows
        if row.estimate_value not in {"-", "NA"}
        and not row.variable_name.lower().endswith("records")
    ]
    assert Counter(one for one in reader.figures if one != "NA") == Counter(published)
    assert ("summary", "Sex: Women") in reader.texts
    assert ("th", "Sex: Women, Age group: 10 to 10 years") in reader.texts


def test_strata_have_the_pictures_of_the_whole() -> None:
    counts, _, who, curve = sections(report(RESULT), WORDS)
    assert not counts.divisions
    assert len(counts.tables[0].groups) == 1 + 2 + 2 * len(AGES.levels)
    for section in (who, curve):
        assert [one.title for one in section.divisions] == ["Sex: Women", "Sex: Men"]
        assert all(len(one.figures) == len(section.figures) == 1 for one in section.divisions)
        assert all("(Sex: " in one.caption for part in section.divisions for one in part.tables)


ULCERS = ByEvents(name="ulcer", events=ULCER, window=Window(end=0))
RATED = SpecCase(
    "rated",
    tables(
        *(row for n in range(80) for row in (
            person(n, "F" if n % 2 else "M", (1975, 5, 2)),
            observed("2019-01-01", "2020-12-31", n),
            *([bleed("2020-05-12", person_id=n)] if n % 3 == 0 else []),
            *([bleed("2018-05-12", person_id=n, concept=3)] if n % 4 < 2 else []),
        ))
    ),
    study_of(
        Incidence(name="rate", outcome=BLEED, strata=(("ulcer",),)),
        PeriodPrevalence(name="share", outcome=BLEED, strata=(("ulcer",),)),
        strata=(ULCERS,),
    ),
    {},
)  # fmt: skip


def test_rates_have_a_division_for_each_stratum_and_their_steps_once() -> None:
    released = check(_result(RATED), load_profile("france-11")).published
    reader = PageReader(render(report(released), language="en"))
    assert ("summary", "ulcer: yes") in reader.texts
    for section in sections(report(released), WORDS):
        assert [one.title for one in section.divisions] == ["ulcer: no", "ulcer: yes"]
        steps = WORDS.text("rate_attrition.caption")
        assert [one.caption for one in section.tables].count(steps) == 1
        for one in section.divisions:
            assert one.figures
            assert all(f"({one.title})" in table.caption for table in one.tables)


def test_many_strata_have_tables_alone() -> None:
    """A picture takes time and room; nobody looks at a thousand."""
    of_women = next(row for row in RESULT.rows if row.variable_name == "Age")
    rows = [row for row in RESULT.rows if row.result_id == of_women.result_id]
    women = [row for row in rows if row.strata_level == "Female"]
    more = [replace(row, strata_level=f"level {n}") for n in range(MAX_DRAWN - 1) for row in women]
    for many, drawn in ((rows + more, False), (rows + more[: -len(women)], True)):
        result = SummarisedResult(tuple(many), RESULT.settings)
        [section] = sections(report(result), WORDS)
        assert all(bool(one.figures) == drawn for one in section.divisions)
