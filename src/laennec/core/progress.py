"""Progress of work that takes longer than a second.

A terminal gets live bars, a pipe or a log gets plain lines at intervals, a quiet command gets
nothing. Work that ends within a second says nothing at all. Labels are constants of the program and
names of tables; they never carry a value from a row.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Protocol, TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

PATIENCE_S = 1.0
"""Seconds of silence before anything is shown."""

PLAIN_EVERY_S = 5.0
"""Seconds between two plain lines of one task."""

_SHORT_S = 1e-3
"""Least time that a rate is taken over, so that none is infinite."""


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int) -> None:
        """Say that ``amount`` more units are done. May be called from any thread."""


class Reporter(Protocol):
    """Shows tasks to whoever waits."""

    def task(
        self, label: str, *, total: int | None = None, in_bytes: bool = False
    ) -> AbstractContextManager[Task]:
        """Begin a task of ``total`` units, or of unknown size; it ends with the context.

        Units are bytes if ``in_bytes``, shown with their rate and the time that is left.
        """


class _Nothing:
    def advance(self, amount: int) -> None:
        """Say nothing."""


class Quiet:
    """Shows nothing."""

    @contextmanager
    def task(
        self,
        label: str,  # noqa: ARG002
        *,
        total: int | None = None,  # noqa: ARG002
        in_bytes: bool = False,  # noqa: ARG002
    ) -> Iterator[Task]:
        """Begin a task that nobody watches."""
        yield _Nothing()


class _PlainTask:
    """Counts, and writes a line now and then."""

    def __init__(self, label: str, total: int | None, out: TextIO, now: Callable[[], float]):
        self._label, self._total, self._out, self._now = label, total, out, now
        self._done, self._began = 0, now()
        self._next = self._began + PATIENCE_S

    def advance(self, amount: int) -> None:
        self._done += amount
        if self._now() >= self._next:
            self._next = self._now() + PLAIN_EVERY_S
            self._say()

    def end(self) -> None:
        if self._now() - self._began >= PATIENCE_S:
            self._say(f" in {self._now() - self._began:.1f} s")

    def _say(self, tail: str = "") -> None:
        print(f"{self._label}: {self._state()}{tail}", file=self._out, flush=True)

    def _state(self) -> str:
        share = f" of {self._total:,}" if self._total else ""
        return f"{self._done:,}{share}"


class _PlainBytes(_PlainTask):
    """The same in bytes: how many, how fast, and how long to go."""

    def _state(self) -> str:
        rate = self._done / max(self._now() - self._began, _SHORT_S)
        text = decimal(self._done)
        if self._total:
            text += f" of {decimal(self._total)}"
        text += f", {decimal(round(rate))}/s"
        if self._total and rate and self._done < self._total:
            text += f", {timedelta(seconds=round((self._total - self._done) / rate))} left"
        return text


class Plain:
    """Writes a line a few seconds apart, for logs and pipes."""

    def __init__(self, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._out, self._now = out, now

    @contextmanager
    def task(
        self, label: str, *, total: int | None = None, in_bytes: bool = False
    ) -> Iterator[Task]:
        """Begin a task; nothing is written before a second has passed."""
        kind = _PlainBytes if in_bytes else _PlainTask
        task = kind(label, total, self._out, self._now)
        yield task
        task.end()


class _LiveTask:
    """A bar that begins to be drawn at the first advance after a second."""

    def __init__(self, bars: Progress, label: str, total: int | None, now: Callable[[], float]):
        self._bars, self._now, self._show_at = bars, now, now() + PATIENCE_S
        self._identity = bars.add_task(label, total=total)
        self._lock = threading.Lock()

    def advance(self, amount: int) -> None:
        self._bars.update(self._identity, advance=amount)
        with self._lock:
            if self._now() >= self._show_at and not self._bars.live.is_started:
                self._bars.start()


class Live:
    """Draws bars on a terminal, and clears each when its task ends."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._now = console, now

    @contextmanager
    def task(
        self, label: str, *, total: int | None = None, in_bytes: bool = False
    ) -> Iterator[Task]:
        """Begin a task; its bar appears after a second."""
        counted: tuple[ProgressColumn, ...] = (TaskProgressColumn(show_speed=True),)
        if in_bytes:
            counted = (DownloadColumn(), TransferSpeedColumn())
        bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            *counted,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        try:
            yield _LiveTask(bars, label, total, self._now)
        finally:
            if bars.live.is_started:
                bars.stop()


def reporter(out: TextIO, *, quiet: bool) -> Reporter:
    """Choose how to report: nothing when quiet, bars on a terminal, plain lines otherwise."""
    if quiet:
        return Quiet()
    return Live(Console(file=out)) if out.isatty() else Plain(out)
