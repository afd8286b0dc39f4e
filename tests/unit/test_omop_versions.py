"""5.3 to 5.4: every difference between the two versions is accounted for."""

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from laennec.core.errors import SourceError
from laennec.omop.cdm import Cdm, Field, cdm
from laennec.omop.versions import (
    DROPPED_TABLES,
    RENAMED,
    added_columns,
    detect_version,
    to_current,
)

OLD, NEW = cdm("5.3"), cdm("5.4")

ADDED = {
    "procedure_occurrence": ("procedure_end_date", "procedure_end_datetime"),
    "device_exposure": (
        "production_id",
        "unit_concept_id",
        "unit_source_value",
        "unit_source_concept_id",
    ),
    "measurement": (
        "unit_source_concept_id",
        "measurement_event_id",
        "meas_event_field_concept_id",
    ),
    "observation": ("value_source_value", "observation_event_id", "obs_event_field_concept_id"),
    "note": ("note_event_id", "note_event_field_concept_id"),
    "location": ("country_concept_id", "country_source_value", "latitude", "longitude"),
    "metadata": ("metadata_id", "value_as_number"),
    "cdm_source": ("cdm_version_concept_id",),
}
NEW_TABLES = {"episode", "episode_event", "cohort"}
REQUIRED_SINCE_5_4 = {
    ("cdm_source", "cdm_source_abbreviation"),
    ("cdm_source", "cdm_holder"),
    ("cdm_source", "source_release_date"),
    ("cdm_source", "cdm_release_date"),
    ("cdm_source", "vocabulary_version"),
}


def columns(version: Cdm, *tables: str) -> dict[str, tuple[str, ...]]:
    return {name: version.tables[name].field_names for name in tables}


def test_tables() -> None:
    assert set(OLD.tables) - set(NEW.tables) == DROPPED_TABLES
    assert set(NEW.tables) - set(OLD.tables) == NEW_TABLES


def test_no_column_is_unaccounted_for() -> None:
    for name in set(OLD.tables) & set(NEW.tables):
        renamed = {RENAMED.get(name, {}).get(old, old) for old in OLD.tables[name].field_names}
        assert added_columns(name) == ADDED.get(name, ())
        assert renamed | set(ADDED.get(name, ())) == set(NEW.tables[name].field_names)


def test_no_property_of_a_field_differs_but_those_named() -> None:
    differing: dict[tuple[str, str], tuple[Field, Field]] = {}
    for name in set(OLD.tables) & set(NEW.tables):
        for old in OLD.tables[name].fields:
            new = NEW.tables[name].field(RENAMED.get(name, {}).get(old.name, old.name))
            if replace(old, name=new.name) != new:
                differing[name, old.name] = (old, new)
    for key in REQUIRED_SINCE_5_4:
        old, new = differing.pop(key)
        assert replace(old, required=True) == new
    old, new = differing.pop(("vocabulary", "vocabulary_reference"))
    assert replace(old, required=False) == new
    old, new = differing.pop(("device_exposure", "unique_device_id"))
    assert (old.max_chars, new.max_chars) == (50, 255)
    assert differing == {}


@pytest.mark.parametrize("name", sorted(set(OLD.tables) & set(NEW.tables)))
def test_to_current_gives_the_columns_of_5_4(name: str) -> None:
    frame = pl.DataFrame(schema=OLD.tables[name].polars_schema())
    after = to_current(name, frame)
    assert dict(after.schema) == NEW.tables[name].polars_schema()
    assert_frame_equal(to_current(name, after), after)
    assert_frame_equal(to_current(name, frame.lazy()).collect(), after)


def test_to_current_keeps_values_under_their_new_name() -> None:
    old = pl.DataFrame(
        {
            "visit_occurrence_id": [-7, 2**40],
            "discharge_to_concept_id": [8536, None],
            "admitting_source_value": ["a", "b"],
        }
    )
    new = to_current("visit_occurrence", old)
    assert new["visit_occurrence_id"].to_list() == [-7, 2**40]
    assert new["discharged_to_concept_id"].to_list() == [8536, None]
    assert new["admitted_from_source_value"].to_list() == ["a", "b"]
    assert new["provider_id"].to_list() == [None, None]


def test_metadata_gets_its_new_key() -> None:
    new = to_current("metadata", pl.DataFrame({"name": ["a", "b", "c"]}))
    assert new["metadata_id"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    "names",
    [
        ("person_id", "favourite_colour"),
        ("admitting_source_concept_id", "admitted_from_concept_id"),
    ],
)
def test_to_current_refuses_unknown_and_doubled_columns(names: tuple[str, ...]) -> None:
    with pytest.raises(SourceError, match="visit_occurrence"):
        to_current("visit_occurrence", pl.DataFrame({name: [1] for name in names}))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (columns(OLD, *OLD.tables), "5.3"),
        (columns(NEW, *NEW.tables), "5.4"),
        ({**columns(OLD, *OLD.tables), **columns(NEW, "cohort", "cohort_definition")}, "5.3"),
        (columns(OLD, "person", "visit_occurrence"), "5.3"),
        (columns(NEW, "person", "visit_occurrence"), "5.4"),
        (columns(OLD, "person", "measurement"), "5.3"),
        (columns(NEW, "person", "measurement"), "5.4"),
        (columns(NEW, "person", "episode"), "5.4"),
        (columns(OLD, "person", "attribute_definition"), "5.3"),
        (columns(OLD, "person"), "5.4"),
        ({}, "5.4"),
        ({"not_of_the_cdm": ("a",)}, "5.4"),
    ],
)
def test_detect_version(found: dict[str, tuple[str, ...]], expected: str) -> None:
    assert detect_version(found) == expected


def test_mixed_versions_are_refused_by_name() -> None:
    mixed = {**columns(OLD, "visit_occurrence"), **columns(NEW, "measurement")}
    with pytest.raises(SourceError, match=r"visit_occurrence\.admitting_source_concept_id"):
        detect_version(mixed)
