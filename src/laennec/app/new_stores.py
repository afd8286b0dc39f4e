"""The stores of a hub that is being made: empty, fit to hold one, and emptied if it fails."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from laennec.app.stores import PARTS, store_of
from laennec.core.errors import AlreadyExistsError, ConflictError, StoreError
from laennec.core.settings import StoreSettings
from laennec.vault.ports import ObjectStore, StoredObject
from laennec.vault.probe import PROBE_PREFIX, probe


class RecordedStore:
    """A store that knows what was created through it, and can take that back.

    Only that: at the same place another may have made a hub meanwhile.
    """

    def __init__(self, inner: ObjectStore) -> None:
        self._inner, self._created = inner, set[str]()

    def create(self, name: str, body: bytes) -> None:
        """Create in the store; what fails without a conflict may be there all the same."""
        self._created.add(name)
        try:
            self._inner.create(name, body)
        except ConflictError:
            self._created.discard(name)
            raise

    def get(self, name: str) -> bytes:
        """Return what the store returns."""
        return self._inner.get(name)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield what the store lists."""
        return self._inner.list(prefix)

    def delete(self, names: Sequence[str]) -> None:
        """Delete from the store."""
        self._inner.delete(names)
        self._created.difference_update(names)

    def prefetch(self, names: Sequence[str]) -> None:
        """Pass the hint on."""
        self._inner.prefetch(names)

    def take_back(self) -> None:
        """Delete what was created.

        Raises:
            StoreError: the store failed; some of it may be left.
        """
        self.delete(sorted(self._created))


@contextmanager
def new_stores(store: StoreSettings) -> Iterator[Mapping[str, ObjectStore]]:
    """Give the stores of a new hub, by part; a failure within the context leaves nothing there.

    Raises:
        AlreadyExistsError: one holds something.
        StoreError: one cannot be reached, or does not honour create-if-absent.
        SettingsError: the address or the credentials are wrong.
    """
    stores = {part: RecordedStore(store_of(store, part, cached=False)) for part in PARTS}
    try:
        for part, one in stores.items():
            _check_empty(one, part)
            probe(one)
        yield stores
    except BaseException:
        for one in stores.values():
            with suppress(StoreError):
                # What failed first is what the user has to hear of.
                one.take_back()
        raise


def _check_empty(store: ObjectStore, part: str) -> None:
    if any(not one.name.startswith(PROBE_PREFIX) for one in store.list()):
        raise AlreadyExistsError(
            f"The place for {part} in the store holds something already.",
            remedy="Choose another prefix for the hub, or empty this one if it is what an "
            "interrupted `laennec init` left.",
        )
