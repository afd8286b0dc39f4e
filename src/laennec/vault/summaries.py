"""What the footers of sealed files say of their columns, without a row being read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

End = int | float | date
"""A number, a day or a moment."""


@dataclass(frozen=True)
class Summary:
    """One column, in all rows.

    Attributes:
        kind: Its type.
        missing: Rows without a value; None where no footer says so.
        least, most: The smallest and the largest value, NaN apart; None for texts, without any
            value, and where a footer does not say them.
    """

    kind: pl.DataType
    missing: int | None = None
    least: End | None = None
    most: End | None = None


@dataclass(frozen=True)
class Footer:
    """What is known before rows are read.

    Attributes:
        rows: All of them.
        columns: All columns, in order.
    """

    rows: int
    columns: Mapping[str, Summary]


Choose = Callable[[Footer], Sequence[str]]
"""Names the columns to read."""


def together(footers: Sequence[Footer]) -> Footer:
    """Return what is known of files or row groups of one schema; at least one."""
    if len(footers) == 1:
        return footers[0]
    return Footer(
        sum(one.rows for one in footers),
        {name: _joined(footers, name) for name in footers[0].columns},
    )


def _joined(footers: Sequence[Footer], name: str) -> Summary:
    kind = footers[0].columns[name].kind
    missing, valued = 0, []
    for footer in footers:
        part = footer.columns[name]
        if part.missing is None:
            return Summary(kind)
        missing += part.missing
        if part.missing < footer.rows:
            valued.append(part)
    least, most = [one.least for one in valued], [one.most for one in valued]
    return Summary(kind, missing, _end(min, least), _end(max, most))


def _end(of: Callable[..., End], ends: Sequence[End | None]) -> End | None:
    known = [one for one in ends if one is not None]
    return of(known) if known and len(known) == len(ends) else None
