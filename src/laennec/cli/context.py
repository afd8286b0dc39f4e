"""What every command gets: the hub's folder, the language, and where to write."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from laennec.app.hub import Hub, open_hub
from laennec.cli.language import Words
from laennec.core.clock import Clock
from laennec.core.progress import Reporter, reporter


@dataclass(frozen=True)
class Shell:
    """The surroundings of one command.

    Attributes:
        folder: The hub's folder.
        words: Texts in the user's language.
        quiet: Whether progress and remarks are left out.
        out: Where answers go.
        clock: Tells the time.
    """

    folder: Path
    words: Words
    quiet: bool
    out: Console
    clock: Clock

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        """Open the hub for the time of the command."""
        with open_hub(self.folder, clock=self.clock, reporter=self.reporter) as hub:
            yield hub

    @property
    def reporter(self) -> Reporter:
        """Shows progress on the error stream, so that answers can be piped."""
        return reporter(sys.stderr, quiet=self.quiet)

    def say(self, text: str, **values: object) -> None:
        """Write a sentence in the user's language."""
        self.out.print(self.words(text, **values), highlight=False, markup=False, soft_wrap=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table; numbers are right-aligned and grouped by thousands."""
        drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for position, head in enumerate(heads):
            numeric = bool(rows) and all(isinstance(row[position], int) for row in rows)
            drawn.add_column(self.words(head), justify="right" if numeric else "left")
        for row in rows:
            drawn.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
        self.out.print(drawn, highlight=False, markup=False)


pass_shell = click.make_pass_decorator(Shell)
