"""The catalogue for others to use: as CSV, as Table Schema and as a Data Package.

Table Schema and Data Package are those of Frictionless (version 1). A file of a delivery has one
year, so that a schema has one as well; without a year it has every column that ever was.

Pure.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from laennec.snds.catalogue import Catalogue, Column, Kind, Table

HEADER = (
    "table",
    "product",
    "column",
    "first_year",
    "last_year",
    "kind",
    "length",
    "decimals",
    "key",
    "required",
    "nomenclature",
    "quasi_identifier",
    "sources_say",
    "corrections",
    "label",
)
"""Columns of the CSV; an open year is empty, and so is whatever no source says."""

_TYPE: Mapping[Kind, str] = MappingProxyType(
    {Kind.TEXT: "string", Kind.INTEGER: "integer", Kind.DECIMAL: "number", Kind.DATE: "date"}
)


def name_in(table: Table, year: int | None) -> str:
    """Return the name of a table in a year: ``T_MCO19B``; without a year, its family."""
    if year is None:
        return table.family
    if "aa" in table.family:
        return table.family.replace("aa", f"{year % 100:02}", 1)
    return table.family.replace("AAAA", str(year), 1)


def as_csv(tables: Iterable[Table], year: int | None) -> str:
    """Return tables as CSV with ``,``: a row for each column and run of years.

    Args:
        tables: In the order wanted.
        year: Of columns that are there; None for all years.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for table in tables:
        for column in table.columns:
            if year is None or column.exists_in(year):
                writer.writerow(_cells(table, column))
    return out.getvalue()


def _cells(table: Table, column: Column) -> Iterator[object]:
    yield from (table.family, table.product, column.name)
    yield from (column.first_year, column.last_year, column.kind.value)
    yield from (column.length, column.decimals)
    yield from ("yes" if column.key else "", "yes" if column.required else "")
    yield from (column.nomenclature, "yes" if column.quasi_identifier else "")
    yield from (column.says, " ".join(column.corrections), column.label)


def table_schema(catalogue: Catalogue, family: str, year: int | None) -> dict[str, Any]:
    """Return a table as a Table Schema.

    Keys that rows may share are no ``primaryKey``. A reference is given where the other table has
    the columns in that year, under the name it has then.

    Raises:
        KeyError: there is no such family.
    """
    table = catalogue.tables[family]
    columns = table.in_year(year)
    schema: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/1.0/tableschema.json",
        "fields": [_field(one) for one in columns.values()],
        "missingValues": [""],
    }
    key = [name for name, one in columns.items() if one.key]
    if key and table.one_row_for_a_key:
        schema["primaryKey"] = key
    references = list(_references(catalogue, table, year))
    if references:
        schema["foreignKeys"] = references
    return schema


def as_json(described: Mapping[str, Any]) -> str:
    """Return a schema or package as JSON text, ending with a line end."""
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def data_package(catalogue: Catalogue, year: int | None) -> dict[str, Any]:
    """Return every table of a year as a Data Package; ``path`` is the name a delivery gives it."""
    tables = [one for one in catalogue.tables.values() if one.in_year(year)]
    return {
        "$schema": "https://datapackage.org/profiles/1.0/datapackage.json",
        "name": "snds" if year is None else f"snds-{year}",
        "version": catalogue.version,
        "resources": [_resource(catalogue, table, year) for table in tables],
    }


def _resource(catalogue: Catalogue, table: Table, year: int | None) -> dict[str, Any]:
    name = name_in(table, year)
    return {
        "name": name.lower(),
        "path": f"{name}.csv",
        "title": table.label or name,
        "profile": "tabular-data-resource",
        "dialect": {"delimiter": ";"},
        "schema": table_schema(catalogue, table.family, year),
    }


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _TYPE[column.kind]}
    if column.kind is Kind.DATE:
        field["format"] = "any"
    if column.label:
        field["title"] = column.label
    limits: dict[str, Any] = {}
    if column.kind is Kind.TEXT and column.length:
        limits["maxLength"] = column.length
    if column.key:
        limits["required"] = True
    if limits:
        field["constraints"] = limits
    if column.nomenclature:
        field["nomenclature"] = column.nomenclature
    if column.quasi_identifier:
        field["quasiIdentifier"] = True
    return field


def _references(catalogue: Catalogue, table: Table, year: int | None) -> Iterator[dict[str, Any]]:
    ours = table.in_year(year)
    for reference in table.references:
        other = catalogue.tables[reference.of_family]
        theirs = other.in_year(year)
        if set(reference.columns) <= set(ours) and set(reference.of_columns) <= set(theirs):
            yield {
                "fields": list(reference.columns),
                "reference": {
                    "resource": name_in(other, year).lower(),
                    "fields": list(reference.of_columns),
                },
            }
