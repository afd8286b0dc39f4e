"""Names of files and columns: tolerant of spelling, strict about meaning, silent about values."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laennec.core.errors import SourceError
from laennec.omop.cdm import Table, cdm
from laennec.omop.names import match_header, match_table

CDM = cdm("5.4")
PERSON = CDM.tables["person"]
SPELLINGS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [str, str.upper, str.title, '"{}"'.format, " {} ".format, "\ufeff{}".format]
)


@given(st.sampled_from(sorted(CDM.tables.values(), key=lambda one: one.name)), st.data())
def test_any_spelling_of_all_columns_in_any_order_is_found(
    table: Table, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(table.field_names))
    spelt = [data.draw(SPELLINGS)(name) for name in order]
    header = match_header(spelt, table, file="x.csv")
    assert list(header.names) == order
    assert (header.unknown, header.missing) == ((), ())
    assert match_table(data.draw(SPELLINGS)(table.name), CDM) is table


def test_unknown_and_missing_are_reported() -> None:
    header = match_header(["PERSON_ID", "favourite_colour", "12/05/1970"], PERSON, file="x.csv")
    assert header.names == ("person_id", None, None)
    assert header.unknown == ("favourite_colour", "column 3")
    assert header.missing == PERSON.field_names[1:]
    assert header.missing_required == (
        "gender_concept_id",
        "year_of_birth",
        "race_concept_id",
        "ethnicity_concept_id",
    )


def test_a_file_without_header_tells_nothing_of_its_first_row() -> None:
    with pytest.raises(SourceError) as caught:
        match_header(["1", "8507", "Dupont"], PERSON, file="PERSON.csv")
    assert "PERSON.csv, line 1" in str(caught.value)
    assert "Dupont" not in str(caught.value)
    assert "8507" not in str(caught.value)


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="more than once: person_id"):
        match_header(["person_id", "PERSON_ID"], PERSON, file="x.csv")


def test_tables_that_are_not_of_the_cdm() -> None:
    assert match_table("PERSONS", CDM) is None
    assert match_table("attribute_definition", CDM) is None
    assert (
        match_table("ATTRIBUTE_DEFINITION", cdm("5.3")) is cdm("5.3").tables["attribute_definition"]
    )
