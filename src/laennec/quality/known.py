"""What is known of a table's columns before, or without, reading them.

The footer of a sealed file authenticates on its own and says of each column how many rows have no
value, and the smallest and the largest value. Where that settles a count, the column is not read:
when none is below a limit, there is nothing to count. A source that says less has more read, and
the answers are the same. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from laennec.vault.summaries import End, Footer, Summary


@dataclass(frozen=True)
class Known:
    """The columns of a table that have a value, or may have one.

    Attributes:
        rows: Rows of the table.
        columns: What is known of each of these columns.
    """

    rows: int
    columns: Mapping[str, Summary]

    @classmethod
    def of(cls, footer: Footer) -> "Known":
        """Return what a footer says."""
        filled = {name: one for name, one in footer.columns.items() if one.missing != footer.rows}
        return cls(footer.rows, filled)

    def kind(self, field: str) -> pl.DataType | None:
        """Return the type of a column, None of one without a value."""
        return self.columns[field].kind if field in self.columns else None

    def untold(self) -> list[str]:
        """Return the columns of which it is not known how many rows have no value."""
        return [name for name, one in self.columns.items() if one.missing is None]

    def constant(self, field: str) -> tuple[int, int] | None:
        """Return the one whole number that a column has, and in how many rows; None if unknown."""
        one = self.columns[field]
        if one.missing is None or type(one.least) is not int or one.least != one.most:
            return None
        return one.least, self.rows - one.missing

    def span(self, field: str) -> tuple[int, int] | None:
        """Return the smallest and the largest whole number of a column; None if unknown."""
        one = self.columns[field]
        if type(one.least) is not int or type(one.most) is not int:
            return None
        return one.least, one.most

    def none_below(self, field: str, limit: End) -> bool:
        """Whether it is known that no value lies below a limit; NaN lies below none."""
        least = self.columns[field].least if field in self.columns else None
        return least is not None and _lies_in_order(limit, least)

    def none_above(self, field: str, limit: End) -> bool:
        """Whether it is known that no value lies above a limit; NaN lies above any."""
        most = self.columns[field].most if field in self.columns else None
        return most is not None and type(most) is not float and _lies_in_order(most, limit)


def _lies_in_order(first: End, second: End) -> bool:
    """Whether two numbers, or the days of two days or moments, do not descend."""
    (one, at), (other, then) = _place(first), _place(second)
    return one == other and at <= then


def _place(end: End) -> tuple[bool, float]:
    return (True, end.toordinal()) if isinstance(end, date) else (False, end)
