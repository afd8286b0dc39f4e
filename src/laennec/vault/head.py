"""The two sealed records behind a snapshot: the head, and the record that holds its manifest.

A head is small: the warehouse key wrapped by the root key, and, sealed, which record it stands on.
Its SHA-256 is the snapshot's digest: it fixes the record by hash, and the record fixes every
earlier head and every object by hash. Bytes only; nothing here reads or writes a store. Byte tables
are in ``docs/reference/sealed-formats.md``.
"""

import dataclasses
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from laennec.core.errors import FormatError
from laennec.vault.keychain import ID_BYTES, Keychain
from laennec.vault.manifest import (
    Manifest,
    canonical_json,
    manifest_from_json,
    manifest_to_json,
    unknown_form,
)
from laennec.vault.sealed_bytes import open_sealed, seal

HEAD_MAGIC = b"LNHD"
HEAD_VERSION = 1
HEAD_PREFIX = "heads/"
_HEAD_PURPOSE = "laennec/head/1"
_RECORD_PURPOSE = "laennec/manifest/1"
_PUBLIC = struct.Struct(f">4sB{ID_BYTES}s{ID_BYTES}sH")


@dataclass(frozen=True)
class RecordRef:
    """Where a record lies.

    Attributes:
        object: Its name in the store.
        sha256: Of its stored bytes.
        key_id: The warehouse key it is sealed under.
    """

    object: str
    sha256: str
    key_id: str


@dataclass(frozen=True)
class Head:
    """The sealed part of a head.

    Attributes:
        number: Of the snapshot.
        parent: Digest of the head before; None for snapshot 0.
        created_at: RFC 3339 in UTC.
        oldest: Smallest number that is still readable; smaller ones were swept or shredded.
        record: What the snapshot holds.
    """

    number: int
    parent: str | None
    created_at: str
    oldest: int
    record: RecordRef


@dataclass(frozen=True)
class PastHead:
    """What a record remembers of an earlier head.

    Attributes:
        number: Of the snapshot.
        digest: Of its head object, which the store must still serve unchanged.
        created_at: RFC 3339 in UTC.
        record: Where its record lies now (a shred moves it); None once swept or shredded. Kept
            here so that a damaged older head takes nothing with it.
    """

    number: int
    digest: str
    created_at: str
    record: RecordRef | None


@dataclass(frozen=True)
class Record:
    """The sealed manifest with what only the vault needs.

    Attributes:
        manifest: What the snapshot holds.
        history: Every earlier head, from 0.
        former_keys: Former warehouse keys wrapped by the one this record is sealed under, by id.
    """

    manifest: Manifest
    history: tuple[PastHead, ...] = ()
    former_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadEnvelope:
    """The public part of a head, not yet authenticated, and its sealed part."""

    warehouse_id: str
    key_id: str
    wrapped_key: bytes
    sealed: bytes
    public: bytes


def head_name(number: int) -> str:
    """Return the object name of the head of snapshot ``number``."""
    return f"{HEAD_PREFIX}{number:020d}"


def head_number(name: str) -> int | None:
    """Return the snapshot number in a head's object name; None when it is no such name."""
    digits = name.removeprefix(HEAD_PREFIX)
    if digits.isascii() and digits.isdigit() and name == head_name(int(digits)):
        return int(digits)
    return None


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of ``body`` in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def seal_head(head: Head, *, warehouse_id: str, keychain: Keychain, wrapped_key: bytes) -> bytes:
    """Return the bytes of a head object.

    Args:
        head: What it says.
        warehouse_id: In hexadecimal.
        keychain: Its current key seals the head.
        wrapped_key: That key, wrapped by the key holder.
    """
    public = _PUBLIC.pack(
        HEAD_MAGIC,
        HEAD_VERSION,
        bytes.fromhex(warehouse_id),
        bytes.fromhex(keychain.current),
        len(wrapped_key),
    )
    public += wrapped_key
    body = canonical_json(dataclasses.asdict(head))
    place = (_HEAD_PURPOSE, public, str(head.number))
    return public + seal(body, key=keychain.secret(_HEAD_PURPOSE), place=place)


def parse_head(body: bytes, *, name: str) -> HeadEnvelope:
    """Return the parts of a head object; nothing is authenticated yet.

    Raises:
        FormatError: it is no head, or of an unknown version.
    """
    if len(body) < _PUBLIC.size or body[:4] != HEAD_MAGIC or body[4] != HEAD_VERSION:
        raise FormatError(
            f"{name} is not a head that this program knows.",
            remedy="It was replaced or damaged, or a newer Laennec wrote it; run `laennec verify`.",
        )
    _, _, warehouse_id, key_id, length = _PUBLIC.unpack_from(body)
    end = _PUBLIC.size + length
    return HeadEnvelope(
        warehouse_id.hex(), key_id.hex(), body[_PUBLIC.size : end], body[end:], body[:end]
    )


def open_head(envelope: HeadEnvelope, *, number: int, keychain: Keychain) -> Head:
    """Return what a head says, once it authenticates as head ``number`` of its warehouse.

    Raises:
        IntegrityError: it was altered or moved, or is of another warehouse.
    """
    body = open_sealed(
        envelope.sealed,
        key=keychain.secret(_HEAD_PURPOSE, envelope.key_id),
        place=(_HEAD_PURPOSE, envelope.public, str(number)),
        name=head_name(number),
    )
    try:
        value = json.loads(body)
        return Head(**{**value, "record": RecordRef(**value["record"])})
    except (KeyError, TypeError):
        raise unknown_form(head_name(number)) from None


def seal_record(
    record: Record, *, object_name: str, warehouse_id: str, keychain: Keychain
) -> bytes:
    """Return the bytes of a record object, under the current warehouse key."""
    value = {
        "manifest": manifest_to_json(record.manifest),
        "history": [dataclasses.asdict(past) for past in record.history],
        "former_keys": dict(record.former_keys),
    }
    return seal(
        zlib.compress(canonical_json(value)),
        key=keychain.secret(_RECORD_PURPOSE),
        place=(_RECORD_PURPOSE, warehouse_id, object_name),
    )


def open_record(body: bytes, *, ref: RecordRef, warehouse_id: str, keychain: Keychain) -> Record:
    """Return the record that ``ref`` names.

    Raises:
        IntegrityError: it was altered, truncated or moved.
        FormatError: its fields are not known.
    """
    opened = open_sealed(
        body,
        key=keychain.secret(_RECORD_PURPOSE, ref.key_id),
        place=(_RECORD_PURPOSE, warehouse_id, ref.object),
        name=ref.object,
    )
    return _record_from_json(json.loads(zlib.decompress(opened)), ref.object)


def _record_from_json(value: Mapping[str, Any], name: str) -> Record:
    """Build a record, refusing unknown and missing fields."""
    try:
        if value.keys() != {"manifest", "history", "former_keys"}:
            raise unknown_form(name)
        history = tuple(
            PastHead(**{**past, "record": past["record"] and RecordRef(**past["record"])})
            for past in value["history"]
        )
    except (KeyError, TypeError):
        raise unknown_form(name) from None
    return Record(manifest_from_json(value["manifest"]), history, value["former_keys"])
