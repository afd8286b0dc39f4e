"""Processes of this machine that work on tasks, beside one thread of this process.

Python lets one thread of a process compute at a time; the engine's own threads are free of that,
but between two of its calls a bucket's work waits for another's. So each further worker is a
process. Its task comes through a pipe, and may hold keys: it is in the memory of one user's
processes only, never on disk, in arguments or in the environment.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

from laennec.compute.executor import Item, Result
from laennec.compute.failures import Failure, Guarded
from laennec.compute.process import READY
from laennec.core.errors import EngineError

_PROGRAM = "laennec.compute.process"


class ProcessExecutor:
    """Maps one task over items, in this process and in others that end with it.

    As a context it starts its processes at once, so that they load while others prepare the task;
    the first ``map`` takes them.

    Args:
        workers: Items worked on at once, at least 1: one of them here.
        modules: What the processes load before they have a task.
    """

    shares_memory = False

    def __init__(self, workers: int, *, modules: Sequence[str] = ()) -> None:
        self._workers, self._modules = workers, tuple(modules)
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        """Start the processes; with fewer if the machine has no room for all."""
        with suppress(OSError):
            for _ in range(self._workers - 1):
                self._children.append(_Child(self._modules))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """End the processes, whatever they do."""
        for child in self._children:
            child.end()

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        """Yield results as they come; see ``Executor.map``.

        A process that does not start is replaced by a thread.
        """
        work = _Work(Guarded(task), items)
        threads = [Thread(target=work.here, name="laennec-task")]
        threads += [Thread(target=work.there, args=(child,)) for child in self._children]
        try:
            for one in threads:
                one.start()
            for _ in items:
                answer = work.answers.get()
                if isinstance(answer, KeyboardInterrupt):
                    raise answer
                if isinstance(answer, Failure):
                    raise answer.error()
                yield answer
        finally:
            work.left.clear()
            for child in self._children:
                child.end()
            for one in threads:
                one.join()


class _Work:
    """Items that are left, and answers that came."""

    def __init__(self, task: Guarded[Any, Any], items: Sequence[Any]) -> None:
        self._task, self._carried = task, pickle.dumps(task)
        self.left = deque(items)
        self.answers: SimpleQueue[Any] = SimpleQueue()

    def here(self) -> None:
        # Polars raises an interrupt in the thread that collects; the main thread may sleep on.
        try:
            for item in self._each():
                self.answers.put(self._task(item))
        except KeyboardInterrupt as interrupt:
            self.answers.put(interrupt)

    def there(self, child: "_Child") -> None:
        # Guarded: if this thread ended before its item had an answer, the run would wait for ever.
        if Guarded(child.takes)(self._carried) is not True:
            self.here()
        answer = Guarded(child.answer)
        for item in self._each():
            self.answers.put(answer(item))

    def _each(self) -> Iterator[Any]:
        with suppress(IndexError):
            while True:
                yield self.left.popleft()


class _Child:
    """Another process, and the pipe to it."""

    def __init__(self, modules: Sequence[str]) -> None:
        # Its engine has one thread: there are as many processes as items to work on at once.
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", _PROGRAM, *modules],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=os.environ | {"POLARS_MAX_THREADS": "1"},
                # The terminal does not interrupt it, not even while it loads; this process ends it.
                process_group=0,
            )

    def takes(self, task: bytes) -> bool:
        """Give it its task; return whether it is ready for items."""
        with suppress(EOFError, OSError):
            self._pipe.send_bytes(task)
            return self._pipe.recv_bytes() == READY
        return False

    def answer(self, item: Any) -> Any:
        """Return what the task makes of an item there."""
        with suppress(EOFError, OSError):
            self._pipe.send(item)
            return self._pipe.recv()
        return Failure(
            EngineError,
            "A process of this run ended before it had an answer.",
            "Run with fewer workers if memory is short; the system's log may say what ended it.",
        )

    def end(self) -> None:
        """End it, and wait until it has."""
        self._process.kill()
        self._process.wait()
