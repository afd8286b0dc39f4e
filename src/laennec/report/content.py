"""What stands on the page, before it is HTML: sections, tables, cells, figures.

A cell holds references to estimates, not copies of their text, so that the page can prove that each
estimate stands in exactly one place: ``Section.indexes`` says which.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

HIDDEN = "-"
"""How a hidden estimate is written in a ``SummarisedResult``."""


@dataclass(frozen=True)
class Value:
    """One estimate of the result.

    Attributes:
        index: Which row of the result it is, from 0.
        raw: Its text there.
        as_percent: Show a proportion multiplied by 100; ``raw`` stays as it is.
    """

    index: int
    raw: str
    as_percent: bool = False

    @property
    def hidden(self) -> bool:
        """Whether disclosure control hid it."""
        return self.raw == HIDDEN

    @property
    def figure(self) -> float | None:
        """The estimate as a finite number, or None when it is hidden or no number."""
        try:
            found = float(self.raw)
        except ValueError:
            return None
        return found if abs(found) < float("inf") else None


@dataclass(frozen=True)
class Cell:
    """Estimates and the text between them, such as ``61 [52–70]``.

    Attributes:
        parts: In reading order; no part shows an absent estimate.
        share: Length of the bar under the text, 0 to 1; None for no bar.
    """

    parts: tuple[Value | str, ...] = ()
    share: float | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """The estimates in the cell."""
        return tuple(part for part in self.parts if isinstance(part, Value))

    @property
    def hidden(self) -> bool:
        """Whether it has estimates and all are hidden: then one word stands for them."""
        return bool(self.values) and all(value.hidden for value in self.values)


@dataclass(frozen=True)
class Row:
    """A line of a table: its header and one cell for each column."""

    head: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class RowGroup:
    """Lines under one title; an empty title is not shown."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table with a header for each line and each column.

    Attributes:
        caption: What it shows.
        corner: Header of the column of line headers.
        heads: Headers of the other columns.
        folded: Show it only when the reader opens it; on paper it is always open.
        narrow: Let two of them stand side by side where there is room.
    """

    caption: str
    corner: str
    heads: tuple[str, ...]
    groups: tuple[RowGroup, ...]
    folded: bool = False
    narrow: bool = False

    def values(self) -> Iterator[Value]:
        """Yield every estimate in the table."""
        for group in self.groups:
            for row in group.rows:
                for cell in row.cells:
                    yield from cell.values


@dataclass(frozen=True)
class Picture:
    """A drawing; it is drawn when it is needed.

    Attributes:
        spec: What it is drawn from, in Vega-Lite; its colours are those of the page's style.
        title: What a screen reader says of it.
        drawn: Draws it as an element of the page, made of known elements only.
    """

    spec: dict[str, Any]
    title: str
    drawn: Callable[[], Markup]

    @property
    def svg(self) -> Markup:
        """The picture as an element of the page.

        Raises:
            RuntimeError: the drawing library returned something the page does not allow.
        """
        return self.drawn()


@dataclass(frozen=True)
class Figure:
    """A picture with its caption.

    Attributes:
        wide: On the page, it takes the whole width.
        apart: It is a file only, since a table of the page draws the same.
    """

    picture: Picture
    caption: str
    wide: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        notes: Sentences before the figures.
        figures: Wide ones come first, then open tables, small figures, and folded tables.
        settings: Names and values of what was asked, as in the result.
        implied: Rows of the result that are not in a table because a note says what they are.
        divisions: The same of each stratum, under the name of the stratum.
    """

    title: str
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    implied: frozenset[int] = frozenset()
    divisions: tuple["Section", ...] = ()

    def indexes(self) -> frozenset[int]:
        """Return which rows of the result this section accounts for."""
        shown = {value.index for table in self.tables for value in table.values()}
        return self.implied.union(shown, *(one.indexes() for one in self.divisions))
