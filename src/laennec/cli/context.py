"""What every command gets: the hub's folder, the language, and where to write."""

import getpass
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from laennec.app.hub import Custody, Hub, open_custody, open_hub
from laennec.cli.language import Words
from laennec.cli.visible import visible
from laennec.core.clock import Clock
from laennec.core.errors import StoreError
from laennec.core.progress import Reporter, Task, reporter

_UNBOUNDED = 100_000


def console(out: TextIO) -> Console:
    """Return a console that fits a terminal and never wraps or cuts what is piped."""
    return Console(file=out) if out.isatty() else Console(file=out, width=_UNBOUNDED)


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
        with open_hub(self.folder, clock=self.clock, reporter=self.reporter, ask=self.ask) as hub:
            yield hub

    @contextmanager
    def custody(self) -> Iterator[Custody]:
        """Open what the hub holds itself, without a look at its store."""
        with open_custody(
            self.folder, clock=self.clock, reporter=self.reporter, ask=self.ask
        ) as custody:
            yield custody

    @property
    def reporter(self) -> Reporter:
        """Shows progress on the error stream, so that answers can be piped."""
        return _Translated(reporter(sys.stderr, quiet=self.quiet), self.words)

    def ask(self, text: str) -> str:
        """Ask for a passphrase on the terminal, without echo.

        Raises:
            EOFError: there is no terminal; nothing is read that would be echoed.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(self.words(text))
            except getpass.GetPassWarning:
                raise EOFError from None

    def say(self, text: str, **values: object) -> None:
        """Write a sentence of the answer, in the user's language."""
        safe = {name: visible(one) if isinstance(one, str) else one for name, one in values.items()}
        self.show(self.words(text, **safe))

    def remark(self, text: str, **values: object) -> None:
        """Write a sentence that a script does without: not when quiet."""
        if not self.quiet:
            self.say(text, **values)

    def show(self, text: str) -> None:
        """Write a text, control characters made visible."""
        shown = visible(text, lines=True)
        with _told():
            self.out.print(shown, highlight=False, markup=False, soft_wrap=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table; numbers are right-aligned and grouped by thousands."""
        drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(heads))
        for position, head in enumerate(heads):
            numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
            drawn.add_column(
                self.words(head), justify="right" if numeric else "left", overflow="fold"
            )
        for row in rows:
            # Text, since a name with brackets would be taken for markup.
            drawn.add_row(*(Text(visible(self.words.written(cell))) for cell in row))
        with _told():
            with self.out.capture() as captured:
                self.out.print(drawn)
            self.out.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
            self.out.file.flush()


@contextmanager
def _told() -> Iterator[None]:
    """Say it plainly when an answer cannot be written; a closed pipe is click's to end on."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(
            f"The answer cannot be written: {error.strerror}.",
            remedy="Make room where it goes; what the command did stands.",
        ) from None


class _Translated:
    """Says what is being worked on in the user's language: ``reading {name}``."""

    def __init__(self, below: Reporter, words: Words) -> None:
        self._below, self._words = below, words

    def task(
        self, label: str, *, total: int | None = None, in_bytes: bool = False
    ) -> AbstractContextManager[Task]:
        """Begin a task; the last word of its label is a name unless the whole label is known."""
        doing, _, name = label.rpartition(" ")
        whole = self._words(label)
        said = whole if whole != label else self._words(doing + " {name}", name=name)
        return self._below.task(said if doing else whole, total=total, in_bytes=in_bytes)


pass_shell = click.make_pass_decorator(Shell)
