"""Rows in the layout of their table and year: every column of the catalogue, in its order.

A row is given as columns of text and as constants. Runs of constant columns are joined to one text
before writing, so that a table of 129 columns costs no more than those that vary.

Pure.
"""

from functools import cache
from typing import TypeAlias

import polars as pl

from laennec.snds.catalogue import Kind, catalogue

SEPARATOR = ";"

Cells: TypeAlias = dict[str, pl.Series | str]
"""Columns by name: text by row, or one text for all rows. Columns not given are empty."""

_ALIKE = {"IR_BEN_R_ARC": "IR_BEN_R"}
"""Archives have the columns of what they archive; the catalogue does not list them apart."""

_DATE_FORMAT = "%d/%m/%Y"


@cache
def columns(family: str, year: int | None) -> tuple[str, ...]:
    """Return the columns of a table's year.

    Raises:
        KeyError: the catalogue has no such family.
    """
    return tuple(catalogue().tables[_ALIKE.get(family, family)].in_year(year))


def header(family: str, year: int | None) -> str:
    """Return the first line of the table's file."""
    return SEPARATOR.join(columns(family, year)) + "\n"


def as_text(family: str, year: int | None, cells: Cells, height: int) -> pl.DataFrame:
    """Return rows as a frame to be written with ``SEPARATOR`` and no quotes.

    Columns that the table lacks in that year are left out: what a hospital records and what a
    year's table takes are two things.
    """
    written: list[pl.Series] = []
    run: list[str] = []
    for name in columns(family, year):
        cell = cells.get(name, "")
        if isinstance(cell, str):
            run.append(cell)
            continue
        if run:
            written.append(_constant(SEPARATOR.join(run), height))
            run = []
        written.append(cell)
    if run:
        written.append(_constant(SEPARATOR.join(run), height))
    return pl.DataFrame([one.alias(str(place)) for place, one in enumerate(written)])


def _constant(text: str, height: int) -> pl.Series:
    return pl.Series([text]).new_from_index(0, height)


def as_typed(family: str, year: int | None, cells: Cells, height: int) -> pl.DataFrame:
    """Return rows as a typed frame, for Parquet: kinds of the catalogue, empty text as null."""
    kinds = catalogue().tables[_ALIKE.get(family, family)].in_year(year)
    given = {
        name: cell if isinstance(cell, pl.Series) else _constant(cell, height)
        for name, cell in ((name, cells.get(name, "")) for name in kinds)
    }
    return pl.DataFrame(given).select(_typed(name, one.kind) for name, one in kinds.items())


def _typed(name: str, kind: Kind) -> pl.Expr:
    text = pl.when(pl.col(name) != "").then(pl.col(name))
    if kind is Kind.DATE:
        return pl.coalesce(
            text.str.to_date(_DATE_FORMAT, strict=False), text.str.to_date("%d%m%Y", strict=False)
        ).alias(name)
    return {
        Kind.TEXT: text,
        Kind.INTEGER: text.cast(pl.Int64),
        Kind.DECIMAL: text.cast(pl.Float64),
    }[kind].alias(name)
