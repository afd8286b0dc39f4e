"""Partials in the hub's vault of results: sealed documents, visible together with one commit.

A document holds whole numbers, concepts, source values and primary keys of one bucket, so it is
sealed like the rows themselves. It never leaves the vault. What is put is uploaded at once and
means nothing until ``commit``; a run that fails leaves objects that a sweep removes.
"""

from collections.abc import Mapping
from threading import Lock

from laennec.core.errors import ConflictError
from laennec.quality.keys import Keys
from laennec.quality.shelf import (
    Kept,
    Place,
    kept_from_bytes,
    kept_to_bytes,
    keys_from_bytes,
    keys_to_bytes,
)
from laennec.vault.manifest import SealedDocument
from laennec.vault.service import Vault

_ATTEMPTS = 20
_WHOLE = "whole"


class SealedShelf:
    """A shelf for the checks on one version of the CDM. Thread-safe for different places."""

    def __init__(self, vault: Vault, version: str) -> None:
        self._vault, self._prefix = vault, f"quality:{version}:"
        documents = vault.snapshot().manifest.documents
        self._documents = {
            one.kind.removeprefix(self._prefix): one
            for one in documents
            if one.kind.startswith(self._prefix)
        }
        self._changed, self._lock = False, Lock()

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return self._changed

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""
        names = (kind.partition(":") for kind in self._documents)
        return frozenset(
            None if place == _WHOLE else int(place) for what, _, place in names if what == "counts"
        )

    def kept(self, place: Place) -> Kept | None:
        """Return the measures kept of a place."""
        body = self._opened("counts", _name(place))
        return None if body is None else kept_from_bytes(body)

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place, by table."""
        body = self._opened("keys", _name(place))
        return {} if body is None else keys_from_bytes(body)

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census of each table; None when none is kept."""
        body = self._opened("census", "all")
        return None if body is None else keys_from_bytes(body)

    def put(self, place: Place, kept: Kept, keys: Mapping[str, Keys]) -> None:
        """Seal a place in place of what was kept of it."""
        self._seal("counts", _name(place), kept_to_bytes(kept))
        self._seal("keys", _name(place), keys_to_bytes(keys))

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Seal the census."""
        self._seal("census", "all", keys_to_bytes(census))

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""
        for place in self.places() - places:
            for what in ("counts", "keys"):
                self._documents.pop(f"{what}:{_name(place)}", None)
            self._changed = True

    def commit(self) -> None:
        """Make all that was put visible, in place of all that was kept for this version.

        Raises:
            ConflictError: other writers committed again and again.
        """
        for attempt in range(_ATTEMPTS):
            base = self._vault.snapshot()
            others = [
                one for one in base.manifest.documents if not one.kind.startswith(self._prefix)
            ]
            manifest = base.manifest.replace(documents=[*others, *self._documents.values()])
            try:
                self._vault.commit(base, manifest)
                break
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise

    def _seal(self, what: str, name: str, body: bytes) -> None:
        kind = f"{what}:{name}"
        sealed = self._vault.seal_document(body, kind=self._prefix + kind)
        with self._lock:
            self._documents[kind], self._changed = sealed, True

    def _opened(self, what: str, name: str) -> bytes | None:
        document: SealedDocument | None = self._documents.get(f"{what}:{name}")
        return None if document is None else self._vault.open_document(document)


def _name(place: Place) -> str:
    return _WHOLE if place is None else str(place)
