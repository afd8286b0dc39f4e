"""Partials in the hub's vault of results: sealed documents, visible together with one commit.

A document holds whole numbers, concepts, source values and primary keys of one bucket, so it is
sealed like the rows themselves. It never leaves the vault. What is put is uploaded at once and
means nothing until ``commit``; a run that fails leaves objects that a sweep removes.
"""

from collections.abc import Mapping

import polars as pl

from laennec.core.errors import ConflictError
from laennec.quality.keys import Keys
from laennec.quality.shelf import (
    Place,
    Total,
    keys_from_bytes,
    keys_to_bytes,
    measures_from_bytes,
    measures_to_bytes,
    place_name,
    place_of,
    total_from_bytes,
    total_to_bytes,
)
from laennec.vault.manifest import SealedDocument
from laennec.vault.service import Vault

_ATTEMPTS = 20
_MEASURES = "measures"
_WHATS = frozenset({_MEASURES, "keys", "census", "total"})
"""Kinds of documents; those of another program are dropped at the next commit."""


class SealedShelf:
    """A shelf for the checks on one version of the CDM."""

    def __init__(self, vault: Vault, version: str) -> None:
        self._vault, self._prefix = vault, f"quality:{version}:"
        documents = vault.snapshot().manifest.documents
        self._documents = {
            one.kind.removeprefix(self._prefix): one
            for one in documents
            if one.kind.startswith(self._prefix) and one.kind.split(":")[2] in _WHATS
        }
        self._changed = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return self._changed

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""
        names = (kind.partition(":") for kind in self._documents)
        return frozenset(place_of(place) for what, _, place in names if what == _MEASURES)

    def measures(self, place: Place) -> pl.DataFrame | None:
        """Return the measures kept of a place."""
        body = self._opened(_MEASURES, place_name(place))
        return None if body is None else measures_from_bytes(body)

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place, by table."""
        body = self._opened("keys", place_name(place))
        return {} if body is None else keys_from_bytes(body)

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census of each table; None when none is kept."""
        body = self._opened("census", "all")
        return None if body is None else keys_from_bytes(body)

    def total(self) -> Total | None:
        """Return the sum over the places; None when none is kept."""
        body = self._opened("total", "all")
        return None if body is None else total_from_bytes(body)

    def put(self, place: Place, measures: pl.DataFrame, keys: Mapping[str, Keys]) -> None:
        """Seal a place in place of what was kept of it."""
        self._seal(_MEASURES, place_name(place), measures_to_bytes(measures))
        self._seal("keys", place_name(place), keys_to_bytes(keys))

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Seal the census."""
        self._seal("census", "all", keys_to_bytes(census))

    def put_total(self, total: Total) -> None:
        """Seal the sum."""
        self._seal("total", "all", total_to_bytes(total))

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""
        for place in self.places() - places:
            for what in (_MEASURES, "keys"):
                self._documents.pop(f"{what}:{place_name(place)}", None)
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
        self._documents[kind], self._changed = sealed, True

    def _opened(self, what: str, name: str) -> bytes | None:
        document: SealedDocument | None = self._documents.get(f"{what}:{name}")
        return None if document is None else self._vault.open_document(document)
