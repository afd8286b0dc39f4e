"""How much may be under way to and from a remote store at once: requests, and bytes in memory.

First come, first served, so that a large object is not passed over for ever by small ones. One that
is larger than the whole allowance goes alone. Bytes are asked for before a request, never the other
way round, so nobody holds a place that another needs to go on.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Transfers:
    """An allowance shared by threads.

    Args:
        parallel: Requests under way at once, at least 1.
        max_bytes: Bytes of objects under way, at least 1.
    """

    def __init__(self, *, parallel: int, max_bytes: int) -> None:
        if parallel < 1 or max_bytes < 1:
            raise ValueError("something has to be allowed")
        self.parallel, self.max_bytes = parallel, max_bytes
        self._requests = threading.BoundedSemaphore(parallel)
        self._bytes, self._turns = 0, deque[object]()
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until ``size`` bytes may be in memory, and hold them for the time of the context."""
        turn = object()
        with self._changed:
            self._turns.append(turn)
            try:
                self._changed.wait_for(lambda: self._turns[0] is turn and self._fits(size))
                self._bytes += size
            finally:
                self._turns.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._bytes -= size
                self._changed.notify_all()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait until one more request may be under way; it ends with the context."""
        with self._requests:
            yield

    def _fits(self, size: int) -> bool:
        return not self._bytes or self._bytes + size <= self.max_bytes
