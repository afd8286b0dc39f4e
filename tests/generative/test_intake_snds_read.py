"""Random files of the SNDS, read as a slow reader in plain Python reads them.

And the two quick ways of the CSV reader, which skips columns and makes numbers itself, against the
way that makes text of everything.
"""

import io
import re
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.snds_files import CLAIM, csv_text, read_all
from laennec.core.errors import SourceError
from laennec.intake.csv_blocks import read_header, read_records
from laennec.intake.csv_records import LINE
from laennec.intake.csv_text import Utf8Stream
from laennec.intake.snds.typing import type_rows
from laennec.snds.catalogue import POLARS, Kind
from laennec.snds.keys import NINE_KEYS

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=True).map(repr),
    st.decimals(-1000, 1000, places=2).map(str),
    st.decimals(-1000, 1000, places=2).map(lambda one: str(one).replace(".", ",")),
    st.text("0123456789 .,+-eEinfaN_x\u00a0", max_size=8),
)
DATES = st.one_of(
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.dates().map(lambda day: f"{day:%d%m}{day.year:04}"),
    st.dates().map(lambda day: f"{day.year:04}{day:%m%d}"),
    st.dates(date(1600, 1, 1)).map(lambda day: day.strftime("%d%b%Y:00:00:00").upper()),
    st.text("0123456789/- T:JAN", max_size=12),
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "PRS_ACT_QTE": NUMBERS,
        "PRS_PAI_MNT": NUMBERS,
        "EXE_SOI_DTD": DATES,
        "BEN_SEX_COD": st.sampled_from(["0", "1", "2", "3", "9", "", " 1", "01", "1.0", "x"]),
        "DCT_ORD_NUM": st.sampled_from(["1", "", "  ", "."]),
        "PFS_EXE_NUM": st.text(' "ab012é', max_size=5),
    },
)
MISSING = {"", ".", "NA", "NaN", "nan"}
BLANKS = " \t\u00a0\u202f"


def slow_integer(text: str) -> tuple[object, str | None]:
    if re.fullmatch(r"[+-]?[0-9]+([.,]0*)?", text):
        value = int(re.split("[.,]", text)[0])
        return (value, None) if -(2**63) <= value < 2**63 else (None, "wrong_type")
    return None, slow_fault(text)


def slow_decimal(text: str) -> tuple[object, str | None]:
    if re.fullmatch(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?", text):
        value = float(text.replace(",", "."))
        return (value, None) if abs(value) != float("inf") else (None, "wrong_type")
    return None, slow_fault(text)


def slow_fault(text: str) -> str | None:
    if text in MISSING:
        return None
    groups = r"[+-]?[0-9]{1,3}([ \u00a0\u202f'.,][0-9]{3})+([.,][0-9]*)?"
    return "thousands_separator" if re.fullmatch(groups, text) else "wrong_type"


def slow_date(text: str) -> tuple[object, str | None]:
    if text in MISSING:
        return None, None
    day = re.sub(r"[ T:]00:00(:00(\.0{1,9})?)?Z?$", "", text)
    for form, pattern in (
        (r"\d\d/\d\d/\d{4}", "%d/%m/%Y"),
        (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
        (r"\d{8}", "%d%m%Y"),
        (r"\d{8}", "%Y%m%d"),
        (r"\d\d[A-Z]{3}\d{4}", "%d%b%Y"),
    ):
        if not re.fullmatch(form, day, re.ASCII):
            continue
        try:
            value = datetime.strptime(day, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
        if value in (date(1600, 1, 1), date(1, 1, 1)):
            return None, None
        if value.year >= 1600:
            return value, None
    return None, "wrong_type"


SLOW = {
    "PRS_ACT_QTE": slow_integer,
    "PRS_PAI_MNT": slow_decimal,
    "EXE_SOI_DTD": slow_date,
    "BEN_SEX_COD": slow_integer,
    "DCT_ORD_NUM": slow_integer,
}


def slow_row(row: dict[str, str]) -> tuple[dict[str, object], tuple[str, str] | None]:
    """Return the values of a row, and the rule and column of its first fault."""
    values: dict[str, object] = {}
    faults: list[tuple[str, str]] = []
    for name in CLAIM:
        text = row[name].strip(BLANKS)
        if name in SLOW:
            values[name], fault = SLOW[name](text)
            faults += [(fault, name)] if fault else []
        elif name == "PFS_EXE_NUM":
            values[name] = text or None
    faults += [("missing_key", name) for name in NINE_KEYS if values.get(name, row[name]) is None]
    if values["BEN_SEX_COD"] not in (None, 0, 1, 2, 9):
        faults.append(("outside_nomenclature", "BEN_SEX_COD"))
    return values, faults[0] if faults else None


def quoted(text: str) -> str:
    """Return a cell, in quotes when there is one in it."""
    return '"' + text.replace('"', '""') + '"' if '"' in text else text


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]))
@example([{"PRS_ACT_QTE": " 5"}], "\n")
@example([{"PRS_PAI_MNT": "inf"}, {"PRS_PAI_MNT": "1"}], "\n")
@example([{"PRS_PAI_MNT": "nan"}], "\n")
@example([{"EXE_SOI_DTD": "01010001"}, {"EXE_SOI_DTD": "20122012"}], "\n")
def test_a_file_is_read_as_slowly(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, str]], end: str
) -> None:
    rows = [CLAIM | one for one in changes]
    cells = [{name: quoted(text) for name, text in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("read") / "ER_PRS_F_201902.csv"
    path.write_bytes(csv_text(*cells, end=end).encode())
    got = read_all(path)
    slow = [slow_row(row) for row in rows]
    assert got.refused == [
        (line, *fault) for line, (_, fault) in enumerate(slow, start=2) if fault is not None
    ]
    expected = [values for values, fault in slow if fault is None]
    assert got.rows.select(*expected[0]).to_dicts() == expected if expected else got.rows.is_empty()


CELLS = st.one_of(NUMBERS, st.text(' "a;é', max_size=4), st.just(""))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8),
    st.sampled_from([7, 64, 1 << 20]),
    st.sampled_from(["\n", "\r\n"]),
)
@example([("1", "", "2"), ("1.0", "x", "3"), ("4", "", "5")], 7, "\n")
def test_skipping_columns_and_making_numbers_loses_nothing(
    rows: list[tuple[str, str, str]], block: int, end: str
) -> None:
    body = "".join(";".join(row) + end for row in [("a", "b", "c"), *rows]).encode()
    numbers = {"a": POLARS[Kind.INTEGER], "c": POLARS[Kind.DECIMAL]}
    kinds = {"a": Kind.INTEGER, "c": Kind.DECIMAL}

    def read(**how: object) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
        stream = Utf8Stream(io.BytesIO(body), file="t.csv", encoding="utf-8")
        columns, dialect = read_header(stream, file="t.csv")
        found = read_records(stream, columns, dialect, file="t.csv", block=block, **how)  # type: ignore[arg-type]
        return [(one.rows, one.malformed) for one in found]

    if body.count(b'"') % 2:
        return  # an open quote is an error, tested with csv_blocks
    try:
        whole = read()
    except SourceError as error:
        with pytest.raises(SourceError, match=re.escape(str(error))):
            read(wanted=["c", "a"], numbers=numbers)
        return
    quick = read(wanted=["c", "a"], numbers=numbers)
    assert [one.columns for one, _ in quick] == [["c", "a", LINE]] * len(whole)
    for (slow_rows, slow_malformed), (rows_, malformed) in zip(whole, quick, strict=True):
        assert malformed.equals(slow_malformed)
        assert rows_[LINE].equals(slow_rows[LINE])
        expected, wrong = type_rows(slow_rows, kinds)
        got, misfits = type_rows(rows_, kinds)
        assert got.equals(expected)
        assert [(one.column, one.fault, one.rows.to_list()) for one in misfits] == [
            (one.column, one.fault, one.rows.to_list()) for one in wrong
        ]
