"""The shipped lists of codes: ids that never change, one concept a code, no gap in a hierarchy."""

import hashlib
import importlib.util
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.omop.checks import SITE_MINIMUM
from laennec.snds.code_lists import CIM10, CODE_SCHEMA, listed, normal_code, vocabularies

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"


def tool() -> ModuleType:
    """Return the program that makes the lists; it is no module of the package."""
    spec = importlib.util.spec_from_file_location("snds_codes", ROOT / "tools" / "snds_codes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()

# What was shipped first: codes by their order, and the digest of the first of them. A list may only
# grow at its end; to make this test pass by changing a digest is to break warehouses.
GIVEN = {
    "CIM10": (19686, "ba121ed4fcb7080a"),
    "CCAM": (8610, "dd96a681366b0ea6"),
    "ATC": (2732, "d6c17e17df16f4a1"),
}


def digest_of(name: str, count: int) -> str:
    first = vocabularies()[name].first_id
    rows = listed().filter(pl.col("name") == name).sort("source_concept_id").head(count)
    said = "".join(
        f"{one - first},{code};" for one, code in rows.select("source_concept_id", "code").rows()
    )
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", GIVEN)
def test_numbers_that_were_given_stay(name: str) -> None:
    count, digest = GIVEN[name]
    assert digest_of(name, count) == digest


def test_numbers_by_code_are_the_code() -> None:
    for one in vocabularies().values():
        if one.numbering == "code":
            rows = listed().filter(pl.col("name") == one.name)
            number = rows["code"].cast(pl.Int64) + one.first_id
            assert number.equals(rows["source_concept_id"], check_names=False), one.name


def test_the_other_vocabularies_have_numbers_by_place() -> None:
    places = {one.name for one in vocabularies().values() if one.numbering == "place"}
    assert places == GIVEN.keys()
    assert places <= vocabularies().keys() == TOOL.MAKERS.keys()


def test_ranges_are_apart_and_fit_31_bits() -> None:
    ranges = sorted((one.first_id, one.last_id) for one in vocabularies().values())
    assert ranges[0][0] >= SITE_MINIMUM
    assert ranges[-1][1] < 2**31
    assert all(last < first for (_, last), (first, _) in pairwise(ranges))


def test_every_code_has_one_concept_in_its_range() -> None:
    rows = listed()
    assert dict(rows.schema) == dict(CODE_SCHEMA)
    assert rows["source_concept_id"].is_unique().all()
    assert rows.select("name", "code").is_unique().all()
    for one in vocabularies().values():
        ids = rows.filter(pl.col("name") == one.name)["source_concept_id"]
        assert ids.is_between(one.first_id, one.last_id).all(), one.name


def test_codes_are_spelt_as_they_are_looked_up() -> None:
    for name in vocabularies():
        rows = listed().filter(pl.col("name") == name)
        changed = rows.filter(normal_code(name, pl.col("code")) != pl.col("code"))
        assert changed["code"].to_list() == [], name


@pytest.mark.parametrize(("name", "chapters"), [("CIM10", 22), ("CCAM", 17), ("ATC", 15)])
def test_only_chapters_have_nothing_above_them(name: str, chapters: int) -> None:
    rows = listed().filter(pl.col("name") == name)
    top = set(rows.filter(pl.col("parent").is_null())["code"])
    assert set(rows["parent"].drop_nulls()) <= set(rows["code"])
    assert all(len(code) == 1 or "-" in code for code in top)
    assert len(top) == chapters


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("CIM10", "K92.2", "K922"),
        ("CIM10", " k922 ", "K922"),
        ("CIM10", "G59.0*", "G590"),
        ("CIM10", "A17†", "A17"),
        ("CCAM", "HMFC0040", "HMFC004"),
        ("CCAM", "hmfc004-01", "HMFC004"),
        ("CIP13", "3400935418487", "3541848"),
        ("CIP13", "3541848", "3541848"),
        ("CIP13", "3541848.0", "3541848"),
        ("UCD", "0000009231824", "9231824"),
        ("UCD", "3400892318247", "9231824"),
        ("NABM", "0592", "592"),
        ("PRS_NAT", "0", "0"),
        ("LPP", "1100028", "1100028"),
        ("ATC", "m01ah01", "M01AH01"),
    ],
)
def test_spellings(name: str, given: str, code: str) -> None:
    found = pl.DataFrame({"code": [given]}).select(normal_code(name, pl.col("code")))
    assert found.item() == code


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=16)), min_size=1, max_size=8))
def test_no_text_breaks_the_spelling(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"code": texts}, schema={"code": pl.String})
    for name in vocabularies():
        once = frame.select(normal_code(name, pl.col("code")))["code"]
        assert len(once) == len(texts)
        assert once.is_null().to_list() == [text is None for text in texts]


def test_reasons_and_external_causes_are_observations() -> None:
    domains = dict(listed().filter(pl.col("name") == CIM10).select("code", "domain").rows())
    assert domains["Z999"] == domains["W19"] == domains["Z00-Z99"] == "Observation"
    assert domains["K922"] == domains["U071"] == "Condition"


CODES = st.dictionaries(st.text("ABC12", min_size=1, max_size=3), st.text(max_size=3), max_size=8)


def frame_of(codes: dict[str, str]) -> pl.DataFrame:
    rows = [(code, label or None, None) for code, label in codes.items()]
    schema = {"code": pl.String(), "label": pl.String(), "parent": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=100, deadline=None)
@given(CODES, CODES, CODES)
def test_editions_only_add(
    first: dict[str, str], second: dict[str, str], third: dict[str, str]
) -> None:
    nothing = pl.DataFrame(schema={"number": pl.Int64()}).hstack(frame_of({}))
    made = nothing
    numbers: dict[str, int] = {}
    for edition in (first, second, third):
        made = TOOL.numbered(frame_of(edition), made, by_code=False)
        now = dict(made.select("code", "number").rows())
        assert now.items() >= numbers.items()
        assert now.keys() == numbers.keys() | edition.keys()
        assert sorted(now.values()) == list(range(1, len(now) + 1))
        numbers = now
    again = TOOL.numbered(frame_of(third), made, by_code=False)
    assert dict(again.select("code", "number").rows()) == numbers


@pytest.mark.parametrize("name", TOOL.MAKERS)
def test_the_sources_make_what_is_shipped(name: str) -> None:
    if not (SHARED / "nomensland").is_dir():
        pytest.skip("shared/data is absent")
    by_code = vocabularies()[name].numbering == "code"
    assert TOOL.make(name, SHARED, by_code=by_code) == TOOL.file_of(name).read_bytes()
