"""What must hold before a commit: every new upload is there, young enough, and openable later.

The rule that keeps sweeps and commits apart: ``sweep`` spares unreferenced objects younger than
``GRACE``, and a commit refuses uploads older than ``UPLOAD_LIFETIME``, half of it. Both ages are
judged on the store's modification times, so the clocks of the two machines may differ by hours.
"""

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from laennec.core.errors import ConflictError
from laennec.vault.keychain import Keychain
from laennec.vault.manifest import Manifest, SealedDocument, SealedFile
from laennec.vault.ports import ObjectStore, StoredObject
from laennec.vault.state import OBJECT_PREFIX, State

_Sealed = TypeVar("_Sealed", SealedFile, SealedDocument)

GRACE = timedelta(hours=48)
"""Age below which an unreferenced object may belong to a commit under way."""

UPLOAD_LIFETIME = GRACE / 2
"""Age above which an upload cannot be committed any more."""


def check_uploaded(store: ObjectStore, state: State, manifest: Manifest, *, now: datetime) -> None:
    """Raise unless every object that ``manifest`` adds is whole and young in the store.

    Raises:
        ConflictError: one is missing, of another size, or too old to be safe from a sweep.
        ValueError: two entries name one object, or one is not an object's name.
    """
    known = {item.object for item in state.record.manifest.objects()}
    names = [item.object for item in manifest.objects()]
    if len(set(names)) != len(names) or not all(name.startswith(OBJECT_PREFIX) for name in names):
        raise ValueError("every object of a manifest is named once, and lies under objects/")
    added = [item for item in manifest.objects() if item.object not in known]
    if added:
        stored = {item.name: item for item in store.list(OBJECT_PREFIX)}
        for item in added:
            _check_upload(item, stored.get(item.object), now)


def rewrap(manifest: Manifest, keychain: Keychain) -> Manifest:
    """Return ``manifest`` with every file key wrapped by the current warehouse key.

    Raises:
        ConflictError: a key was wrapped by a warehouse key that is destroyed.
    """
    return manifest.replace(
        files=_rewrapped(manifest.files, keychain),
        documents=_rewrapped(manifest.documents, keychain),
    )


def _check_upload(
    item: SealedFile | SealedDocument, stored: StoredObject | None, now: datetime
) -> None:
    if stored is None or stored.size != item.size:
        raise ConflictError(
            f"{item.object}, to be committed, is not in the store as it was uploaded.",
            remedy="A sweep or the host removed it; seal the rows again.",
        )
    if now - stored.modified > UPLOAD_LIFETIME:
        raise ConflictError(
            f"{item.object}, to be committed, was uploaded too long ago.",
            remedy=f"Commit within {UPLOAD_LIFETIME} of sealing; seal the rows again.",
        )


def _rewrapped(items: Iterable[_Sealed], keychain: Keychain) -> list[_Sealed]:
    for item in items:
        if not keychain.knows(item.wrapped_key):
            raise ConflictError(
                "A file to be committed was sealed under a warehouse key that is destroyed now.",
                remedy="Seal the rows again.",
            )
    return [
        dataclasses.replace(item, wrapped_key=keychain.rewrap(item.wrapped_key)) for item in items
    ]
