"""Landing: whether a write that failed took place all the same.

A store may carry out a write and lose its answer: a 503 from a proxy, a cut connection, a retry
that finds the first attempt's object. Bodies here are sealed under fresh randomness, so equal
bytes under a name are this writer's own, and one look settles most failures.

Cannot settle a write that is still on its way when the look finds nothing; it may land later. For a
head that means a commit that was reported as failed and stands: the next command sees it, and
whoever repeats the change is refused by its number, never doubled. Nor can it tell whether what
landed would outlive a power cut: a store that failed promised nothing.
"""

from laennec.core.errors import ConflictError, NotFoundError, StoreError
from laennec.vault.ports import ObjectStore


def land(store: ObjectStore, name: str, body: bytes) -> None:
    """Create an object; a failure that came after the write is none.

    Args:
        store: Where.
        name: Its name.
        body: Sealed bytes, which nobody else can have made.

    Raises:
        ConflictError: somebody else's object has the name.
        StoreFullError, StoreError: the store failed and has no such object.
        StoreError: the store failed and cannot tell; the message says so.
    """
    try:
        store.create(name, body)
    except StoreError as error:
        _settle(store, name, body, error)


def _settle(store: ObjectStore, name: str, body: bytes, error: StoreError) -> None:
    """Return if ``body`` is there; raise what its absence means."""
    try:
        found = store.get(name)
    except NotFoundError:
        raise error from None
    except StoreError:
        raise StoreError(
            f"The store failed while {name} was written, and does not say whether it has it.",
            remedy="Try again when the store answers: `laennec status` then shows whether the "
            "change was made.",
        ) from None
    if found == body:
        return
    if isinstance(error, ConflictError):
        raise error
    raise ConflictError(
        f"{name} was written by another writer first.",
        remedy="Read the newest snapshot, make the change on it, and try again.",
    ) from None
