"""What works on tasks: threads of this process, others of this machine (``processes``), or Spark.

The same functions run on each. A task is a picklable value with ``__call__``; it holds no row, and
no key where it leaves the machine.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Maps a task over items."""

    @property
    def shares_memory(self) -> bool:
        """Whether tasks run in this process and may be handed what it holds."""

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        """Yield what the task makes of each item, as each is done, in no particular order.

        Closing it leaves undone what is not begun.

        Raises:
            LaennecError: the first failure of a task; items not begun are not begun.
        """


class LocalExecutor:
    """A pool of threads."""

    shares_memory = True

    def __init__(self, workers: int) -> None:
        """Take how many items are worked on at once, at least 1; memory grows with it."""
        self._workers = workers

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        """Yield results as they come; see ``Executor.map``."""
        pool = ThreadPoolExecutor(max_workers=self._workers, thread_name_prefix="laennec-task")
        try:
            waiting: list[Future[Result]] = [pool.submit(task, one) for one in items]
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
