"""How a warehouse's rows lie in sealed files: sorted within their bucket, one file per bucket.

A table with a person is cut by ``buckets.bucket_of`` and sorted by person, then by its start date,
then by its primary key. A table without a person is *whole*: one or more files without bucket,
sorted by its first columns. The layout is a property of the snapshot.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from laennec.core.errors import FormatError
from laennec.omop.cdm import Table
from laennec.omop.events import EVENT_TABLES
from laennec.vault.manifest import JsonValue, Manifest, Statistics
from laennec.warehouse.buckets import MOST, bucket_count

PROPERTY = "layout"
_SALT_BITS = 64


@dataclass(frozen=True)
class Layout:
    """Number of person buckets and the salt that spreads persons over them."""

    buckets: int
    salt: int

    def as_property(self) -> Mapping[str, JsonValue]:
        """Return the JSON form, kept in the sealed manifest."""
        return {"buckets": self.buckets, "salt": f"{self.salt:016x}"}


def new_layout(persons: int) -> Layout:
    """Choose a layout for about this many persons, with a fresh salt."""
    return Layout(bucket_count(persons), secrets.randbits(_SALT_BITS))


def layout_of(manifest: Manifest) -> Layout | None:
    """Return the layout of a snapshot, or None before the first load.

    Raises:
        FormatError: the property is not a layout that this program knows.
    """
    value = manifest.properties.get(PROPERTY)
    if value is None:
        return None
    try:
        layout = Layout(int(value["buckets"]), int(value["salt"], 16))  # type: ignore[index,call-overload,arg-type]
    except (TypeError, KeyError, ValueError):
        layout = Layout(0, 0)
    if not 1 <= layout.buckets <= MOST:
        raise FormatError(
            "The snapshot's bucket layout is not known.", remedy="Use a newer Laennec."
        )
    return layout


def sort_keys(table: Table) -> list[str]:
    """Return the columns by which the rows of a file are sorted."""
    if table.person_field is None:
        return [table.primary_key or table.fields[0].name]
    keys = [table.person_field, table.start_field, table.primary_key]
    return list(dict.fromkeys(key for key in keys if key is not None))


ORDERED = "ordered"
"""In a file's statistics: 1 where its rows were found to lie in the order of ``sort_keys``."""

LISTED = 32
"""Concepts of a column that are listed one by one; of more, the lowest and the highest are kept."""


def statistics(rows: pl.DataFrame, table: Table) -> Statistics:
    """Return what the sealed manifest says of a file: persons, days, order, concepts of events."""
    found: dict[str, str | int | None] = {}
    if table.person_field is not None:
        found["persons"] = rows[table.person_field].n_unique()
        if _lies_in_order(rows.select(sort_keys(table))):
            found[ORDERED] = 1
    if table.start_field is not None:
        for name, day in (
            ("first", rows[table.start_field].min()),
            ("last", rows[table.start_field].max()),
        ):
            found[name] = None if day is None else str(day)
    event = EVENT_TABLES.get(table.name)
    for column in () if event is None else (event.concept, event.source_concept):
        if column is not None:
            found[column] = _summary(rows[column])
    return found


def _lies_in_order(keys: pl.DataFrame) -> bool:
    """Whether rows lie by their first column, then by the next; nulls are last."""
    equal = np.ones(max(len(keys) - 1, 0), np.bool_)
    for key in keys:
        values = key.to_physical().cast(pl.Int64).fill_null(np.iinfo(np.int64).max).to_numpy()
        if (equal & (values[1:] < values[:-1])).any():
            return False
        equal &= values[1:] == values[:-1]
    return True


def may_have(summary: str | int | None, concepts: Iterable[int]) -> bool:
    """Tell whether a column may hold one of these concepts.

    Args:
        summary: What ``statistics`` says of the column; None where it says nothing, as files of
            earlier programs do.
        concepts: What is looked for.

    Returns:
        False only where no row of the file has any.
    """
    if not isinstance(summary, str):
        return True
    lowest, dots, highest = summary.partition("..")
    if dots:
        return any(int(lowest) <= one <= int(highest) for one in concepts)
    return not set(concepts).isdisjoint(map(int, summary.split()))


def _summary(concepts: pl.Series) -> str:
    """The concepts of a column, ``"1 5 9"``, or of many the lowest and highest, ``"1..900"``."""
    there = concepts.drop_nulls().unique().sort()
    if there.len() > LISTED:
        return f"{there[0]}..{there[-1]}"
    return " ".join(map(str, there))
