"""Tables of the CDM as SQL, made from the field lists: for whoever takes the data elsewhere.

Standard SQL as PostgreSQL and DuckDB read it, in five scripts to be run in order. The first makes
bare tables, which take every row a warehouse can hold; what the CDM demands besides comes in
scripts of its own, since real data breaks it: keys repeat, required values are missing, concepts
are not in the vocabulary. Integers are ``bigint``, for identifiers have 64 bits, and texts have no
limit, for real ones are longer than the CDM says. Names are quoted: ``offset`` is a word of SQL.

Pure; what a warehouse breaks is said by ``reversibility.export_manifest``.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from laennec.omop.cdm import CURRENT, Field, FieldType, Table, cdm
from laennec.omop.events import EVENT_TABLES

SQL_TYPES: Mapping[FieldType, str] = MappingProxyType(
    {
        FieldType.INTEGER: "bigint",
        FieldType.FLOAT: "double precision",
        FieldType.DATE: "date",
        FieldType.DATETIME: "timestamp",
        FieldType.TEXT: "text",
    }
)
"""SQL type of each kind of field."""

_VISIT = "visit_occurrence_id"
_CODE = "concept_code"


def create_table(table: Table) -> str:
    """Return the statement that makes a table, without any constraint, columns in CDM order."""
    columns = ",\n".join(f"    {_quoted(one.name)} {SQL_TYPES[one.type]}" for one in table.fields)
    return f"CREATE TABLE {_quoted(table.name)} (\n{columns}\n);"


def require_values(table: Table) -> list[str]:
    """Return the statements that forbid missing values where the CDM does."""
    return [
        f"ALTER TABLE {_quoted(table.name)} ALTER COLUMN {_quoted(one.name)} SET NOT NULL;"
        for one in table.fields
        if one.required
    ]


def add_primary_key(table: Table) -> list[str]:
    """Return the statement that adds the primary key; none for tables that have none."""
    if table.primary_key is None:
        return []
    return [f"ALTER TABLE {_quoted(table.name)} ADD PRIMARY KEY ({_quoted(table.primary_key)});"]


def create_indices(table: Table) -> list[str]:
    """Return indices on what queries look for: person, visit, the event's concept.

    A table of the vocabulary gets one for its code and for each column that points elsewhere.
    """
    return [
        f"CREATE INDEX {_quoted(f'ix_{table.name}_{one.name}')} "
        f"ON {_quoted(table.name)} ({_quoted(one.name)});"
        for one in table.fields
        if not one.primary_key and _is_looked_for(table, one)
    ]


def add_foreign_keys(table: Table) -> list[str]:
    """Return the statements that add foreign keys; DuckDB cannot add one to a table that exists."""
    return [
        f"ALTER TABLE {_quoted(table.name)} ADD FOREIGN KEY ({_quoted(one.name)}) "
        f"REFERENCES {_quoted(one.foreign_table)} ({_quoted(str(one.foreign_field))});"
        for one in table.fields
        if one.foreign_table is not None
    ]


_SCRIPTS: Mapping[str, tuple[str, Callable[[Table], Iterable[str]]]] = MappingProxyType(
    {
        "1-tables.sql": ("Bare tables.", lambda table: [create_table(table)]),
        "2-required.sql": ("No missing value where the CDM wants one.", require_values),
        "3-primary-keys.sql": ("Primary keys.", add_primary_key),
        "4-indices.sql": ("Indices.", create_indices),
        "5-foreign-keys.sql": ("Foreign keys, for the whole vocabulary only.", add_foreign_keys),
    }
)


def scripts() -> dict[str, str]:
    """Return every script by file name, in the order in which they are run, for all tables."""
    found = {}
    for name, (says, statements) in _SCRIPTS.items():
        lines = [one for table in cdm(CURRENT).tables.values() for one in statements(table)]
        found[name] = "\n".join([f"-- OMOP CDM {CURRENT}: {says}", *lines, ""])
    return found


def _is_looked_for(table: Table, field: Field) -> bool:
    """Whether queries look for rows by this field."""
    if table.is_vocabulary:
        return field.foreign_table is not None or field.name == _CODE
    event = EVENT_TABLES.get(table.name)
    return field.name in {table.person_field, _VISIT, event.concept if event else None}


def _quoted(name: str) -> str:
    """Quote a name of our own field lists, which have letters, digits and ``_`` only."""
    return f'"{name}"'
