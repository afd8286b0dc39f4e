"""From CDM 5.3 to 5.4, as data, and telling the two apart.

5.4 renames nine columns, adds others and two tables, and drops one table; every difference between
the packaged versions is named here or follows from them, and a test counts that none is left over.
No value is changed. Whether a field is required is a matter of the version the rows came in:
validate first, then convert.

Source: OHDSI/CommonDataModel f853f6e, both field lists compared.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, TypeVar

import polars as pl

from laennec.core.errors import SourceError
from laennec.omop.cdm import CURRENT, cdm

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
Version = Literal["5.3", "5.4"]

RENAMED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "visit_occurrence": MappingProxyType(
            {
                "admitting_source_concept_id": "admitted_from_concept_id",
                "admitting_source_value": "admitted_from_source_value",
                "discharge_to_concept_id": "discharged_to_concept_id",
                "discharge_to_source_value": "discharged_to_source_value",
            }
        ),
        "visit_detail": MappingProxyType(
            {
                "admitting_source_concept_id": "admitted_from_concept_id",
                "admitting_source_value": "admitted_from_source_value",
                "discharge_to_concept_id": "discharged_to_concept_id",
                "discharge_to_source_value": "discharged_to_source_value",
                "visit_detail_parent_id": "parent_visit_detail_id",
            }
        ),
    }
)
"""Per table of both versions: the 5.3 name of a column and its 5.4 name."""

DROPPED_TABLES = frozenset({"attribute_definition"})
"""Tables of 5.3 that 5.4 does not have; a load counts their rows as dropped."""

NUMBERED = MappingProxyType({"metadata": "metadata_id"})
"""New primary keys, numbered from 1 in the order of the rows. Other new columns are null."""


def added_columns(table: str) -> tuple[str, ...]:
    """Return what 5.4 adds to a table of 5.3, in the order of 5.4; everything for a new table."""
    old = cdm("5.3").tables.get(table)
    had = set(old.field_names) if old else set[str]()
    had |= set(RENAMED.get(table, {}).values())
    return tuple(name for name in cdm(CURRENT).tables[table].field_names if name not in had)


def to_current(table: str, frame: Frame) -> Frame:
    """Return rows of a 5.3 table under the columns of 5.4, in the order of 5.4.

    Columns that ``frame`` lacks are null, of the type of the CDM; the others keep their type. Rows
    keep their order. A frame that is in 5.4 already comes back the same.

    Args:
        table: A table of 5.4, lower case.
        frame: Its columns are named as in 5.3 (``omop.names``).

    Raises:
        SourceError: a column belongs to neither version, or is there under both its names.
        KeyError: 5.4 has no such table; ask ``DROPPED_TABLES`` first.
    """
    target = cdm(CURRENT).tables[table]
    columns = frame.collect_schema().names()
    renaming = {old: new for old, new in RENAMED.get(table, {}).items() if old in columns}
    present = [renaming.get(name, name) for name in columns]
    if len(set(present)) < len(present) or not set(present) <= set(target.field_names):
        raise SourceError(
            f"Table {table} has a column that neither CDM 5.3 nor 5.4 knows, or one twice.",
            remedy="Drop the columns that are not of the CDM before converting.",
        )
    number = NUMBERED.get(table)
    missing = [
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(one.name)
        if one.name == number
        else pl.lit(None, dtype=one.polars_type).alias(one.name)
        for one in target.fields
        if one.name not in present
    ]
    return frame.rename(renaming).with_columns(missing).select(target.field_names)


def detect_version(columns: Mapping[str, Collection[str]]) -> Version:
    """Tell the version of a data set from its tables and their columns, all lower case.

    Columns that only one version has decide, then the tables only one has. Without either, a table
    that lacks all that 5.4 adds to it speaks for 5.3. What could be both is read as 5.4.

    Raises:
        SourceError: some columns are only of 5.3 and some only of 5.4; the message names them.
    """
    old, new = _only("5.3", columns), _only("5.4", columns)
    if old and new:
        raise SourceError(
            f"The tables mix CDM 5.3 ({', '.join(old)}) and CDM 5.4 ({', '.join(new)}).",
            remedy="Say which version it is, or export all tables from one CDM.",
        )
    if old or new:
        return "5.3" if old else "5.4"
    if "episode" in columns or "episode_event" in columns:
        return "5.4"
    if DROPPED_TABLES & set(columns):
        return "5.3"
    return "5.3" if any(_lacks_additions(*one) for one in columns.items()) else "5.4"


def _lacks_additions(table: str, columns: Collection[str]) -> bool:
    """Whether 5.4 adds columns to this table of both versions and none of them is there."""
    if table not in cdm("5.3").tables or table not in cdm("5.4").tables:
        return False
    added = added_columns(table)
    return bool(added) and not set(added) & set(columns)


def _only(version: Version, columns: Mapping[str, Collection[str]]) -> list[str]:
    """Return ``table.column`` for columns that the other version of the same table lacks."""
    mine = cdm(version).tables
    other = cdm("5.3" if version == "5.4" else "5.4").tables
    return [
        f"{table}.{name}"
        for table, names in columns.items()
        if table in mine and table in other
        for name in mine[table].field_names
        if name in names and name not in other[table].field_names
    ]
