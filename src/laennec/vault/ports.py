"""What the vault needs from outside: a place for objects and a holder of root keys.

Both ports are small so that an adapter is one file, and every adapter (and every fake) runs the
same contract tests. Neither port is trusted with plaintext: a store sees sealed bytes under random
names, a key holder sees warehouse keys and never a file key, a row or a name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """One object as the store lists it.

    Attributes:
        name: Where it lies, with ``/`` between parts.
        size: In bytes.
        modified: When the store last wrote it, by the store's clock. The host can lie about it, so
            it decides only how long ``sweep`` waits, never what is trusted.
    """

    name: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Objects that are written once, whole, and never changed.

    The store may be hostile. It is relied on for availability, and for one promise among honest
    writers: of two ``create`` calls for one name, one fails.
    """

    def create(self, name: str, body: bytes) -> None:
        """Store ``body`` under ``name``, durably, if nothing is there.

        A reader sees the whole object or none, whenever the writer is killed. Of writers at the
        same time one wins if the body is at most 8 MiB; a larger one needs a name that nobody else
        would choose.

        Raises:
            ConflictError: ``name`` exists; it is unchanged.
            StoreFullError: no space is left; nothing is visible under ``name``.
            StoreError: the store failed otherwise.
        """

    def get(self, name: str) -> bytes:
        """Return all bytes of ``name``.

        Raises:
            NotFoundError: there is no such object.
            StoreError: the store failed otherwise.
        """

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every object whose name starts with ``prefix``, in order of name.

        Leftovers of interrupted ``create`` calls are listed as well, so that they can be swept.

        Raises:
            StoreError: the store failed.
        """

    def delete(self, names: Sequence[str]) -> None:
        """Delete these objects; absent names are fine.

        Raises:
            StoreError: the store failed; some of the objects may be gone.
        """

    def prefetch(self, names: Sequence[str]) -> None:
        """Take a hint that these objects will be read soon, in this order.

        Returns at once and raises nothing; a store that cannot make use of it does nothing.
        """


class KeyHolder(Protocol):
    """Holder of root keys, which never leave it; safe among threads.

    ``purpose`` names what the key is for; wrapped for one, a key does not unwrap for another. Root
    keys are numbered from 1, in the order in which they were made. What another instance of the
    same holder does, in another process or on another machine, is seen without opening anew.
    """

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root key.

        Raises:
            KeyDestroyedError: there is no root key any more; none is made.
            KeyHolderError: the holder does not answer.
        """

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``, whichever root key that is not forgotten wrapped it.

        Raises:
            IntegrityError: it does not authenticate, has another purpose, or its root is forgotten.
            KeyDestroyedError: there is no root key any more.
            KeyHolderError: the holder does not answer.
        """

    def rotate(self) -> None:
        """Make a new root key, which wraps from now on; older ones still unwrap.

        Raises:
            KeyDestroyedError: there is no root key any more; none is made.
            KeyHolderError: the holder does not answer.
        """

    def forget(self) -> None:
        """Destroy every root key but the newest; what only they wrapped is lost for ever.

        Raises:
            KeyDestroyedError: there is no root key any more.
            KeyHolderError: the holder does not answer, or still has an older one afterwards.
        """

    def destroy(self) -> None:
        """Destroy every root key, the newest too; what they wrapped is lost for ever.

        Done again, it does nothing. A holder of the same name is made anew by its ``create`` only,
        where that is possible at all, and opens nothing that this one wrapped.

        Raises:
            KeyHolderError: the holder does not answer, or still has a root key afterwards.
        """

    def versions(self) -> tuple[int, ...]:
        """Return the numbers of the root keys it has, ascending, asked afresh; none if destroyed.

        Raises:
            KeyHolderError: the holder does not answer.
        """
