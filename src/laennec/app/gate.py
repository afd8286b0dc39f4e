"""The gate that a move closes for a moment: changes of the store pass it together, a move alone.

Every change (a commit, a sweep, a rotation) holds the gate shared, and looks inside it whether the
hub's store is still the one it opened: after a move it is not, and what would be written to the
former store would be lost. The mover holds the gate alone while it copies the last difference and
replaces the settings. Studies read without it.

The gate is two locks on files in the hub's folder, which the kernel releases when their holder
dies, however it dies. It does not reach across machines: a hub's folder is used by one host.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from laennec.core.errors import ConflictError, StoreError
from laennec.core.settings import StoreSettings, read_settings

_GATE, _QUEUE = ".store.gate", ".store.queue"


def place_of(store: StoreSettings) -> tuple[str, ...]:
    """Return what tells one store from another; credentials and limits do not."""
    if store.url is None:
        return ("folder", str(store.folder))
    return (store.url.rstrip("/"), store.endpoint or "", store.account or "", store.region or "")


class StoreGate:
    """The gate of one hub, as seen by a command that opened its store."""

    def __init__(self, folder: Path, store: StoreSettings) -> None:
        self._folder, self._place = folder, place_of(store)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the gate together with other changes; waits while a move takes over.

        Raises:
            ConflictError: the store has moved since the command began.
            StoreError: the lock files cannot be used.
        """
        with ExitStack() as held:
            # Who waits to hold the gate alone holds the queue: later changes wait behind it.
            with self._lock(_QUEUE, fcntl.LOCK_EX):
                held.enter_context(self._lock(_GATE, fcntl.LOCK_SH))
            if place_of(read_settings(self._folder).store) != self._place:
                raise ConflictError(
                    "The store has moved while this command worked; nothing of it is visible.",
                    remedy="Run it again: it will work on the store where it is now.",
                )
            yield

    @contextmanager
    def alone(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the gate alone; waits for the changes under way, and lets no later one begin.

        Args:
            waiting: Called once if there is something to wait for.

        Raises:
            StoreError: the lock files cannot be used.
        """
        with self._lock(_QUEUE, fcntl.LOCK_EX), ExitStack() as held:
            try:
                held.enter_context(self._lock(_GATE, fcntl.LOCK_EX | fcntl.LOCK_NB))
            except ConflictError:
                waiting()
                held.enter_context(self._lock(_GATE, fcntl.LOCK_EX))
            yield

    def _lock(self, name: str, kind: int) -> AbstractContextManager[None]:
        return locked(self._folder / name, kind)


@contextmanager
def locked(file: Path, kind: int) -> Iterator[None]:
    """Hold ``flock`` on a file, which is made when it is missing.

    Args:
        file: The file; it stays.
        kind: ``LOCK_SH`` or ``LOCK_EX``, with ``LOCK_NB`` not to wait.

    Raises:
        ConflictError: it is held, and ``LOCK_NB`` was asked for.
        StoreError: it cannot be used.
    """
    try:
        guard = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None
    try:
        try:
            fcntl.flock(guard, kind)
        except BlockingIOError:
            raise ConflictError(
                "Another command is moving this hub.", remedy="Wait until it has ended."
            ) from None
        except OSError as error:
            raise _unusable(file, error) from None
        yield
    finally:
        os.close(guard)


def _unusable(file: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{file} cannot be locked: {error.strerror}.",
        remedy="Check the rights of the hub's folder.",
    )
