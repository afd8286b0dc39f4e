"""The SQL scripts: every table and column of the CDM, and two engines' opinion of the text."""

import re

import duckdb
import pytest

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.omop.ddl import SQL_TYPES, create_indices, create_table, scripts

TABLES = list(cdm(CURRENT).tables.values())


@pytest.fixture
def empty() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(scripts()["1-tables.sql"])
    return connection


def test_tables_have_the_columns_of_the_cdm_in_its_order(empty: duckdb.DuckDBPyConnection) -> None:
    made = empty.execute(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "ORDER BY table_name, ordinal_position"
    ).fetchall()
    types = {
        FieldType.INTEGER: "BIGINT",
        FieldType.FLOAT: "DOUBLE",
        FieldType.DATE: "DATE",
        FieldType.DATETIME: "TIMESTAMP",
        FieldType.TEXT: "VARCHAR",
    }
    assert made == [
        (table.name, field.name, types[field.type], "YES")
        for table in sorted(TABLES, key=lambda one: one.name)
        for field in table.fields
    ]


def test_scripts_run_one_after_the_other_on_duckdb(empty: duckdb.DuckDBPyConnection) -> None:
    for name in list(scripts())[1:4]:
        empty.execute(scripts()[name])
    held = empty.execute("SELECT constraint_type FROM duckdb_constraints()").fetchall()
    keys, required = held.count(("PRIMARY KEY",)), held.count(("NOT NULL",))
    assert keys == sum(1 for one in TABLES if one.primary_key)
    assert required >= sum(1 for one in TABLES for field in one.fields if field.required)
    indices = empty.execute("SELECT count(*) FROM duckdb_indexes()").fetchall()[0][0]
    assert indices == sum(len(create_indices(one)) for one in TABLES)


def test_foreign_keys_lead_to_primary_keys_of_the_same_type() -> None:
    found = re.findall(
        r'ALTER TABLE "(\w+)" ADD FOREIGN KEY \("(\w+)"\) REFERENCES "(\w+)" \("(\w+)"\);',
        scripts()["5-foreign-keys.sql"],
    )
    tables = cdm(CURRENT).tables
    assert len(found) == sum(1 for one in TABLES for field in one.fields if field.foreign_table)
    for table, field, target, key in found:
        assert tables[target].primary_key == key
        assert tables[target].field(key).type is tables[table].field(field).type


def test_queries_find_persons_and_concepts_by_index() -> None:
    text = scripts()["4-indices.sql"]
    for column in (
        '"condition_occurrence" ("person_id")',
        '"condition_occurrence" ("condition_concept_id")',
        '"measurement" ("visit_occurrence_id")',
        '"concept" ("concept_code")',
        '"concept_ancestor" ("descendant_concept_id")',
    ):
        assert f"ON {column};" in text
    assert '"person" ("person_id")' not in text


def test_a_word_of_sql_is_a_column_all_the_same() -> None:
    assert '    "offset" text' in create_table(cdm(CURRENT).tables["note_nlp"])


def test_every_type_of_field_has_a_type_of_sql() -> None:
    assert SQL_TYPES.keys() == set(FieldType)
