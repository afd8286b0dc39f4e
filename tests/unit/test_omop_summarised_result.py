"""The ``summarised_result``: its CSV loses nothing, and what is not one is refused by line."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import SourceError
from laennec.omop.summarised_result import (
    COLUMNS,
    ESTIMATE_TYPES,
    ResultRow,
    ResultSettings,
    SummarisedResult,
    bind,
    from_csv,
    to_csv,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
NAMES = TEXT.filter(lambda text: text != "settings")
LEVELS = st.none() | TEXT.filter(lambda text: text != "NA")
RESERVED = {"result_type", "package_name", "package_version"}
EXTRA = st.dictionaries(TEXT.filter(lambda text: text not in RESERVED), TEXT, max_size=3)


@st.composite
def results(draw: st.DrawFn) -> SummarisedResult:
    ids = draw(st.lists(st.integers(1, 9), unique=True, min_size=1, max_size=3))
    settings_ = [
        ResultSettings(one, draw(TEXT), draw(TEXT), draw(TEXT), draw(EXTRA)) for one in ids
    ]
    rows = draw(
        st.lists(
            st.builds(
                ResultRow,
                result_id=st.sampled_from(ids),
                cdm_name=TEXT,
                group_name=TEXT,
                group_level=TEXT,
                strata_name=TEXT,
                strata_level=TEXT,
                variable_name=NAMES,
                variable_level=LEVELS,
                estimate_name=TEXT,
                estimate_type=st.sampled_from(sorted(ESTIMATE_TYPES)),
                estimate_value=TEXT,
                additional_name=TEXT,
                additional_level=TEXT,
            ),
            max_size=3,
        )
    )
    return SummarisedResult(tuple(rows), tuple(settings_))


@settings(max_examples=60, deadline=None)
@given(results())
def test_csv_round_trip(result: SummarisedResult) -> None:
    assert from_csv(to_csv(result), name="x.csv") == result


@settings(max_examples=40, deadline=None)
@given(st.lists(results(), max_size=3))
def test_bind_keeps_rows_settings_and_their_order(parts: list[SummarisedResult]) -> None:
    bound = bind(parts)
    assert [one.result_id for one in bound.settings] == list(range(1, len(bound.settings) + 1))
    assert [one.extra for one in bound.settings] == [
        one.extra for part in parts for one in part.settings
    ]
    before = [(part, row) for part in parts for row in part.rows]
    assert len(bound.rows) == len(before)
    for now, (part, was) in zip(bound.rows, before, strict=True):
        assert (now.estimate_value, now.variable_level) == (was.estimate_value, was.variable_level)
        assert bound.type_of(now) == part.type_of(was)


def row(**changes: object) -> ResultRow:
    given = {
        **dict.fromkeys(COLUMNS, "a"),
        "result_id": 1,
        "variable_level": None,
        "estimate_type": "integer",
        **changes,
    }
    return ResultRow(**given)  # type: ignore[arg-type]


SETTINGS = ResultSettings(1, "incidence", "laennec", "0.1.0", {"min_cell_count": "11"})


def test_the_shape_is_that_of_omopgenerics() -> None:
    lines = list(csv.reader(io.StringIO(to_csv(SummarisedResult((row(),), (SETTINGS,))))))
    assert ",".join(lines[0]) == (
        "result_id,cdm_name,group_name,group_level,strata_name,strata_level,variable_name,"
        "variable_level,estimate_name,estimate_type,estimate_value,additional_name,additional_level"
    )
    assert lines[1][7] == "NA"
    assert [line[8:11] for line in lines[2:]] == [
        ["result_type", "character", "incidence"],
        ["package_name", "character", "laennec"],
        ["package_version", "character", "0.1.0"],
        ["min_cell_count", "character", "11"],
    ]
    assert {line[6] for line in lines[2:]} == {"settings"}


@pytest.mark.parametrize(
    ("rows", "all_settings", "message"),
    [
        ((row(),), (), "settings that do not exist"),
        ((row(result_id=2),), (SETTINGS,), "settings that do not exist"),
        ((), (SETTINGS, SETTINGS), "share a result_id"),
        ((row(estimate_type="number"),), (SETTINGS,), "unknown estimate type"),
    ],
)
def test_contradictions_are_refused(
    rows: tuple[ResultRow, ...], all_settings: tuple[ResultSettings, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SummarisedResult(rows, all_settings)


HEADER = ",".join(COLUMNS)
GOOD = "1,c,a,a,a,a,v,NA,count,integer,secret,a,a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the columns"),
        ("result_id,cdm_name\n", "line 1: the columns"),
        (HEADER.replace("group_name,group_level", "group_level,group_name") + "\n", "line 1"),
        (f"{HEADER}\n{GOOD}\nx{GOOD}\n", "line 3: result_id"),
        (f"{HEADER}\n{GOOD},more\n", "line 2: the line has not thirteen"),
        (f"{HEADER}\n1,c,secret\n", "line 2: the line has not thirteen"),
        (f"{HEADER}\n{GOOD}\n", "settings that do not exist"),
        (f"{HEADER}\n{GOOD.replace('integer', 'number')}\n", "r.csv"),
    ],
)
def test_what_is_no_result_is_refused_without_its_values(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        from_csv(text, name="r.csv")
    assert "secret" not in str(caught.value)
