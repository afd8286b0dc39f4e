"""Persons, places and long-term diseases."""

from datetime import date

import polars as pl

from fakes.snds_stays import Codebook
from laennec.snds import beneficiaries
from laennec.snds.catalogue import catalogue
from laennec.snds.lines import schema

START, END = date(2015, 6, 1), date(2020, 5, 31)
RESOLVED = pl.DataFrame(
    {
        "person_id": [3, 1, 2, 4],
        "sex": [2, 1, None, 1],
        "birth_year": [1950, 1980, 2001, None],
        "birth_month": [4, None, 12, None],
        "department": ["075", "02A", "075", None],
        "commune": ["056", None, "056", None],
    },
    schema_overrides={"sex": pl.Int8, "birth_year": pl.Int32, "birth_month": pl.Int8},
)


def diseases(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"person_id": 1, "IMB_ALD_DTD": START, **row} for row in rows],
        schema={
            "person_id": pl.Int64,
            "IMB_ALD_DTD": pl.Date,
            "IMB_ALD_DTF": pl.Date,
            "IMB_ALD_NUM": pl.Int64,
            "IMB_ETM_NAT": pl.Int64,
            "MED_MTF_COD": pl.String,
        },
    )


def test_a_person_has_what_the_snds_knows_and_no_more() -> None:
    found = beneficiaries.persons(RESOLVED)
    told = found.select("person_id", "gender_concept_id", "year_of_birth", "month_of_birth")
    assert told.rows() == [(1, 8507, 1980, None), (2, 0, 2001, 12), (3, 8532, 1950, 4)]
    assert found["race_concept_id"].to_list() == [0, 0, 0]
    assert "person_source_value" not in found.columns


def test_a_person_without_a_year_of_birth_is_told_apart() -> None:
    assert beneficiaries.without_birth(RESOLVED)["person_id"].to_list() == [4]


def test_places_are_told_once_by_a_number_that_never_changes() -> None:
    places = beneficiaries.locations(RESOLVED)
    assert places.select("county", "location_source_value").sort("county").rows() == [
        ("02A", "02A"),
        ("075", "075056"),
    ]
    assert dict(places.select("location_source_value", "location_id").iter_rows()) == {
        "02A": int("02A", 36),
        "075056": int("075056", 36),
    }
    lived = beneficiaries.persons(RESOLVED)["location_id"].drop_nulls()
    assert set(lived) == set(places["location_id"])


def test_a_long_term_disease_is_a_condition_by_an_administrative_record_and_a_number() -> None:
    made = beneficiaries.diseases(
        diseases(
            {"MED_MTF_COD": "E11.9", "IMB_ALD_NUM": 8, "IMB_ETM_NAT": 41, "IMB_ALD_DTF": END},
            {"MED_MTF_COD": "Z951", "IMB_ALD_DTF": date(2010, 1, 1)},
            {"IMB_ALD_NUM": 0},
            {"person_id": None, "MED_MTF_COD": "I10"},
        ),
        Codebook(),
    )
    rows = made["condition_occurrence"]
    told = rows.select("condition_source_value", "condition_start_date", "condition_end_date")
    assert told.rows() == [("E119", START, END), ("Z951", START, None)]
    assert rows["condition_type_concept_id"].to_list() == [32813, 32813]
    assert rows["condition_status_source_value"].to_list() == ["ALD", "ALD"]
    assert made["observation"].select(
        "observation_source_value", "qualifier_source_value"
    ).rows() == [("8", "IMB_ETM_NAT 41")]
    for name, lines in made.items():
        assert lines.schema == pl.Schema(schema(name))
        assert lines["visit_key"].null_count() == len(lines)


def test_every_row_of_a_disease_has_a_fate() -> None:
    rows = diseases(
        {"IMB_ALD_NUM": 8},
        {"IMB_ALD_DTD": None, "IMB_ALD_NUM": 8},
        {"IMB_ALD_NUM": 0, "MED_MTF_COD": " "},
        {"person_id": None},
    )
    assert beneficiaries.fates(rows).rows() == [
        ("kept", None),
        ("quarantined", beneficiaries.UNDATED),
        ("dropped", beneficiaries.UNCODED),
        ("apart", beneficiaries.NOBODY),
    ]


def test_what_is_read_is_in_the_catalogue() -> None:
    for family, columns in beneficiaries.NEEDS.items():
        known = {column.name for column in catalogue().tables[family].columns}
        assert set(columns) <= known
