"""Tasks for the tests of further processes, which meet: each needs an item at the same time."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fakes.compute_tasks import SECRET
from laennec.core.errors import IntegrityError


@dataclass(frozen=True)
class Meeting:
    """Waits, in the process that asks, until the other has an item; there, it does something.

    Attributes:
        pipe: A named pipe; whoever opens it waits for the other end.
        asks: Number of the process that asks.
        act: What the other does.
    """

    pipe: Path
    asks: int
    act: str = "answer"

    def __call__(self, item: int) -> int:
        own = os.getpid()
        with self.pipe.open("rb" if own == self.asks else "wb"):
            pass
        if own != self.asks:
            _do(self.act)
        return own


def _do(act: str) -> None:
    match act:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "quote a row":
            os.write(1, SECRET.encode())
            os.write(2, SECRET.encode())
            raise KeyError(SECRET)
        case "refuse":
            raise IntegrityError("A file was altered.", remedy="Verify.")


def doubled(item: int) -> int:
    return 2 * item


def variable(name: str) -> str | None:
    return os.environ.get(name)


def interrupted(_: int) -> NoReturn:
    raise KeyboardInterrupt
