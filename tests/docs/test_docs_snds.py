"""The mapping tables tell of every field of a line, and name only what exists."""

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.catalogue import catalogue
from laennec.snds.lines import FIELDS
from laennec.snds.mapping import mapped_fields, mapping, without_target

OF_KEYS = {
    "visit_key": "visit_occurrence_id",
    "provider_key": "provider_id",
    "care_site_key": "care_site_id",
}
"""What the bucket makes of the keys of a line."""

ROWS = {
    "person": {"person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "location_id"},
    "location": {"location_id", "location_source_value"},
    "provider": {"provider_source_value", "specialty_concept_id"},
    "care_site": {"care_site_source_value"},
    "observation_period": {
        "person_id",
        "observation_period_start_date",
        "observation_period_end_date",
        "period_type_concept_id",
    },
    "concept": {"concept_id"},
    "concept_relationship": {"relationship_id"},
}
"""Tables whose rows are no lines, and fields of theirs that must be told of."""


def told() -> set[tuple[str, str]]:
    return {(one.target_table, one.target_field) for one in mapped_fields()}


def test_every_field_of_a_line_is_told_of() -> None:
    tables = cdm(CURRENT).tables
    wanted = set()
    for name, fields in FIELDS.items():
        for field in fields:
            made = OF_KEYS.get(field, field)
            if name == "cost" and field in ("person_id", "visit_key"):
                made = "cost_event_id"
            if name == "visit_occurrence" and field == "visit_key":
                continue
            if field == "units":
                made = "quantity"
            if made in tables[name].field_names:
                wanted.add((name, made))
    assert wanted - told() == set()


def test_every_field_of_other_rows_is_told_of() -> None:
    wanted = {(name, field) for name, fields in ROWS.items() for field in fields}
    assert wanted - told() == set()


def test_fields_told_of_are_in_the_cdm() -> None:
    tables = cdm(CURRENT).tables
    for table, field in told():
        assert field in tables[table].field_names, (table, field)


def test_columns_told_of_are_in_the_catalogue() -> None:
    tables = catalogue().tables
    for one in mapping():
        columns = set()
        for family in one.source_tables:
            assert family in tables, family
            columns |= {column.name for column in tables[family].columns}
        assert set(one.source_fields) <= columns, one


def test_every_line_has_a_rule_and_a_source() -> None:
    for one in mapping():
        assert one.rule, one
        assert one.source, one
    assert all(one.source_tables and one.lost for one in without_target())
