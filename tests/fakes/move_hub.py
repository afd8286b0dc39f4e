"""Hubs to move, what a store holds, and a process that moves one and dies on the way.

Run as ``python -m fakes.move_hub HUB TARGET WHEN`` with ``tests`` on the path: moves the hub and
kills itself, as the kernel would, at WHEN: a phase, or a number of bytes copied.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from laennec.app import moves
from laennec.app.hub import Hub, open_hub
from laennec.app.move_files import PastMove
from laennec.app.stores import PARTS, store_of
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet, Task
from laennec.core.settings import StoreSettings, read_settings
from laennec.reversibility.move_model import Phase, Watch, unwatched

TESTS = Path(__file__).resolve().parents[1]


def opened(folder: Path) -> AbstractContextManager[Hub]:
    """Open a hub without a word."""
    return open_hub(folder, clock=system_clock, reporter=Quiet())


def move_to(hub: Path, target: StoreSettings, *, watch: Watch = unwatched) -> PastMove:
    """Move a hub without a word."""
    return moves.move(
        hub, moves.Destination(target), clock=system_clock, reporter=Quiet(), watch=watch
    )


def contents(store: StoreSettings) -> dict[str, bytes]:
    """Return every object of both parts of a store."""
    return {
        f"{part}/{one.name}": one_store.get(one.name)
        for part in PARTS
        for one_store in [store_of(store, part, cached=False)]
        for one in one_store.list()
    }


def store_settings(hub: Path) -> StoreSettings:
    """Return where a hub's store is."""
    return read_settings(hub).store


def move_and_die(hub: Path, target: Path, when: Phase | int) -> subprocess.CompletedProcess[str]:
    """Move a hub in a process of its own, which is killed."""
    return subprocess.run(
        [sys.executable, "-m", "fakes.move_hub", str(hub), str(target), str(when)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Deadly:
    """Kills the process once so many bytes were copied; counts over all tasks."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    def advance(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            _die()

    @contextmanager
    def task(
        self, label: str, *, total: int | None = None, in_bytes: bool = False
    ) -> Iterator[Task]:
        yield self


def main(hub: str, target: str, when: str) -> int:
    """Move, and die."""

    def watch(phase: Phase) -> None:
        if phase.value == when:
            _die()

    moves.move(
        Path(hub),
        moves.Destination(StoreSettings(folder=Path(target))),
        clock=system_clock,
        reporter=_Deadly(int(when)) if when.isdigit() else Quiet(),
        watch=watch,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
