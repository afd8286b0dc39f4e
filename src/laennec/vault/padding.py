"""Padding: envelopes that hide a Parquet file's size, decoys that hide the number of new objects.

A sealed Parquet file shows its host how long each of its parts is, and its own size tells how many
rows it has. Bytes added behind it would hide nothing: magic and footer length are in clear. So the
whole file goes into sealed bytes (``sealed_bytes``), as documents and records do anyway: all that
is under ``objects/`` then looks alike and has a Padmé size, at most 12 % above its own.

A commit makes as many objects as a load has files, and that number tells which load it was. So
random objects of the same sizes are added until the number is a Padmé number, too. They are in the
manifest, so that whoever verifies misses them when they are gone, and the next commit drops them.

Does not hide what is done with an object later: a decoy is never read, a file is.
"""

import secrets
from collections.abc import Sequence

from laennec.core.errors import EngineError
from laennec.vault.head import digest_of
from laennec.vault.labels import derive_key
from laennec.vault.landing import land
from laennec.vault.manifest import Decoy
from laennec.vault.ports import ObjectStore
from laennec.vault.sealed_bytes import (
    Place,
    indistinct,
    is_stored_size,
    open_sealed,
    padded_size,
    seal,
    stored_size,
)
from laennec.vault.sealed_parquet import broken
from laennec.vault.state import new_object_name

MIN_OBJECTS = 8
"""New objects of a commit at least. Padmé keeps every number below 8 as it is, so that without a
floor the smallest commits (a run's result, a rotation) would be told apart exactly."""

_PURPOSE = "laennec/envelope/1"
_SMALLEST = 1024
"""Size of a decoy's pretended body where there is no object to take a size from."""
_MAX_BYTES = 2**31 - 64
"""What one call of AES-GCM takes, in bytes, less the frame."""


def enclose(file: bytes, *, key: bytes, place: bytes) -> bytes:
    """Return a sealed Parquet file in an envelope.

    Args:
        file: The whole sealed file.
        key: The file's own key; the envelope's is derived from it under a label of its own.
        place: The file's AAD prefix; the envelope opens in that place only.

    Raises:
        EngineError: the file has 2 GiB or more, which one envelope cannot hold.
    """
    if padded_size(len(file)) > _MAX_BYTES:
        raise EngineError(
            f"A file of {len(file)} bytes is too large to be padded.",
            remedy="Cut the warehouse into more buckets with `laennec rebucket`, then load again.",
        )
    return seal(file, key=derive_key(key, _PURPOSE), place=_place(place))


def disclose(stored: bytes, *, size: int, key: bytes, place: bytes, name: str) -> bytes:
    """Return the sealed Parquet file in an envelope; all of it is authenticated.

    Args:
        stored: What ``enclose`` returned.
        size: Of the file, as the manifest has it.
        key: The file's own key.
        place: The file's AAD prefix.
        name: What to call it in an error.

    Raises:
        IntegrityError: the envelope was altered, truncated, moved or replaced.
    """
    file = open_sealed(stored, key=derive_key(key, _PURPOSE), place=_place(place), name=name)
    if len(file) != size:
        raise broken(name)
    return file


def decoys_for(
    store: ObjectStore, sizes: Sequence[int], *, others: int, examples: Sequence[int]
) -> tuple[Decoy, ...]:
    """Upload what brings the new objects of a commit to a Padmé number.

    Args:
        store: Where.
        sizes: Stored bytes of each object that the commit adds.
        others: New objects besides, whose size is not known yet: records.
        examples: Sizes to draw from when the commit adds none.

    Returns:
        The decoys, of sizes drawn evenly from those of the commit; names and order say nothing.

    Raises:
        StoreFullError, StoreError: an upload failed.
    """
    real = len(sizes) + others
    pool = [_as_stored(size) for size in sizes or examples] or [stored_size(_SMALLEST)]
    missing = max(MIN_OBJECTS, padded_size(real)) - real
    return tuple(_upload(store, secrets.choice(pool)) for _ in range(missing))


def _upload(store: ObjectStore, size: int) -> Decoy:
    name, body = new_object_name(), indistinct(size)
    land(store, name, body)
    return Decoy(name, size, digest_of(body))


def _as_stored(size: int) -> int:
    """Return a size that an envelope can have: that of a file stored without one goes up."""
    return size if is_stored_size(size) else stored_size(size)


def _place(place: bytes) -> Place:
    return (_PURPOSE, place)
