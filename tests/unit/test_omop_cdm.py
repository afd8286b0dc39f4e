"""The CDM as data: complete, typed, and equal to its source."""

import csv
from pathlib import Path

import polars as pl
import pytest

from laennec.core.errors import SettingsError
from laennec.omop.cdm import VERSIONS, FieldType, cdm
from laennec.omop.events import EVENT_TABLES

SOURCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop-cdm"


def source(version: str) -> list[dict[str, str]]:
    file = SOURCE / f"OMOP_CDMv{version}_Field_Level.csv"
    if not file.exists():
        pytest.skip(f"{file.name} is absent")
    with file.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["cdmTableName"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_packaged_fields_are_those_of_the_source(version: str) -> None:
    expected = [
        (
            row["cdmTableName"],
            row["cdmFieldName"].strip('"'),
            row["isRequired"] == "Yes",
            row["isPrimaryKey"] == "Yes",
            None if row["fkTableName"] == "NA" else row["fkTableName"].lower(),
            None if row["fkDomain"] == "NA" else row["fkDomain"],
        )
        for row in source(version)
    ]
    packaged = [
        (
            table.name,
            field.name,
            field.required,
            field.primary_key,
            field.foreign_table,
            field.foreign_domain,
        )
        for table in cdm(version).tables.values()
        for field in table.fields
    ]
    assert packaged == expected


@pytest.mark.parametrize(("version", "tables", "fields"), [("5.3", 37, 396), ("5.4", 39, 432)])
def test_counts(version: str, tables: int, fields: int) -> None:
    found = cdm(version).tables
    assert len(found) == tables
    assert sum(len(table.fields) for table in found.values()) == fields


def test_unknown_version_is_refused() -> None:
    with pytest.raises(SettingsError, match="6"):
        cdm("6.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_foreign_keys_point_to_fields_that_exist(version: str) -> None:
    tables = cdm(version).tables
    for table in tables.values():
        for field in table.fields:
            assert (field.foreign_table is None) == (field.foreign_field is None)
            if field.foreign_table is not None and field.foreign_field is not None:
                target = tables[field.foreign_table].field(field.foreign_field)
                assert target.type is field.type


@pytest.mark.parametrize("version", VERSIONS)
def test_at_most_one_primary_key_and_it_is_required(version: str) -> None:
    for table in cdm(version).tables.values():
        keys = [field for field in table.fields if field.primary_key]
        assert len(keys) <= 1
        assert all(key.required for key in keys)


def test_person_and_start_fields_of_5_4() -> None:
    found = {
        name: (table.person_field, table.start_field)
        for name, table in cdm("5.4").tables.items()
        if table.person_field
    }
    assert found == {
        "person": ("person_id", None),
        "observation_period": ("person_id", "observation_period_start_date"),
        "visit_occurrence": ("person_id", "visit_start_date"),
        "visit_detail": ("person_id", "visit_detail_start_date"),
        "condition_occurrence": ("person_id", "condition_start_date"),
        "drug_exposure": ("person_id", "drug_exposure_start_date"),
        "procedure_occurrence": ("person_id", "procedure_date"),
        "device_exposure": ("person_id", "device_exposure_start_date"),
        "measurement": ("person_id", "measurement_date"),
        "observation": ("person_id", "observation_date"),
        "death": ("person_id", "death_date"),
        "note": ("person_id", "note_date"),
        "specimen": ("person_id", "specimen_date"),
        "payer_plan_period": ("person_id", "payer_plan_period_start_date"),
        "drug_era": ("person_id", "drug_era_start_date"),
        "dose_era": ("person_id", "dose_era_start_date"),
        "condition_era": ("person_id", "condition_era_start_date"),
        "episode": ("person_id", "episode_start_date"),
        "cohort": ("subject_id", "cohort_start_date"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_ten_vocabulary_tables(version: str) -> None:
    assert {name for name, table in cdm(version).tables.items() if table.is_vocabulary} == {
        "concept",
        "vocabulary",
        "domain",
        "concept_class",
        "concept_relationship",
        "relationship",
        "concept_synonym",
        "concept_ancestor",
        "source_to_concept_map",
        "drug_strength",
    }


def test_types() -> None:
    person = cdm("5.4").tables["person"]
    assert person.primary_key == "person_id"
    assert person.polars_schema()["person_id"] == pl.Int64
    assert person.polars_schema()["birth_datetime"] == pl.Datetime("us")
    assert person.field("person_source_value").max_chars == 50
    note = cdm("5.4").tables["note"].field("note_text")
    assert (note.type, note.max_chars) == (FieldType.TEXT, None)
    assert "offset" in cdm("5.4").tables["note_nlp"].field_names
    assert cdm("5.4").tables["death"].primary_key is None
    with pytest.raises(KeyError):
        person.field("PERSON_ID")


def test_every_event_column_is_in_the_cdm() -> None:
    for version in VERSIONS:
        for name, event in EVENT_TABLES.items():
            table = cdm(version).tables[name]
            assert name == event.name
            assert table.start_field == event.start
            assert table.field(event.start).type is FieldType.DATE
            assert table.field(event.concept).foreign_table == "concept"
            if event.end:
                assert table.field(event.end).type is FieldType.DATE
            if event.source_concept:
                assert table.field(event.source_concept).foreign_table == "concept"
