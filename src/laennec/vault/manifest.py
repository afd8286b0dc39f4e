"""What a snapshot holds: sealed files, sealed documents, properties; frozen values and their JSON.

The JSON form is written with sorted keys, so equal manifests give equal bytes, and read strictly:
an unknown or missing field is a ``FormatError``, never skipped. Pure: no I/O.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from laennec.core.errors import FormatError

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
Statistics: TypeAlias = Mapping[str, str | int | None]


@dataclass(frozen=True)
class SealedFile:
    """A sealed Parquet file in the store.

    Attributes:
        object: Its random name in the store.
        table: The table its rows belong to.
        bucket: The person bucket, or None for a table that is not cut.
        version: Number of the snapshot it was sealed for; part of its place.
        rows: How many rows it has.
        size: Stored bytes.
        sha256: Of the stored bytes, in hexadecimal.
        wrapped_key: Its file key, wrapped by a warehouse key (``keychain``).
        statistics: Whatever the caller wants to know without opening it; sealed with the manifest.
        inner_size: Bytes of the Parquet file inside its envelope (``padding``); None when it is
            stored as it is.
    """

    object: str
    table: str
    bucket: int | None
    version: int
    rows: int
    size: int
    sha256: str
    wrapped_key: str
    statistics: Statistics = field(default_factory=dict)
    inner_size: int | None = None


@dataclass(frozen=True)
class SealedDocument:
    """Sealed bytes in the store, such as a load report; fields as in ``SealedFile``.

    Attributes:
        kind: What it is; part of its place.
    """

    object: str
    kind: str
    size: int
    sha256: str
    wrapped_key: str


@dataclass(frozen=True)
class Decoy:
    """Random bytes in the store that hide how many objects a commit made; fields as above."""

    object: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything a snapshot holds.

    Attributes:
        files: Sealed files, in the order given by whoever commits.
        documents: Sealed documents, likewise.
        properties: Any JSON values of the caller, by name.
        decoys: Set by the commit, whatever the caller gives.
    """

    files: tuple[SealedFile, ...] = ()
    documents: tuple[SealedDocument, ...] = ()
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    decoys: tuple[Decoy, ...] = ()

    def table(self, name: str) -> tuple[SealedFile, ...]:
        """Return the files of one table, in order; none when there is no such table."""
        return tuple(file for file in self.files if file.table == name)

    def replace(
        self,
        *,
        files: Sequence[SealedFile] | None = None,
        documents: Sequence[SealedDocument] | None = None,
        properties: Mapping[str, JsonValue] | None = None,
    ) -> "Manifest":
        """Return this manifest with the given parts in place of its own."""
        return Manifest(
            self.files if files is None else tuple(files),
            self.documents if documents is None else tuple(documents),
            self.properties if properties is None else dict(properties),
            self.decoys,
        )

    def objects(self) -> tuple[SealedFile | SealedDocument | Decoy, ...]:
        """Return files, then documents, then decoys."""
        return (*self.files, *self.documents, *self.decoys)


@dataclass(frozen=True)
class SnapshotHead:
    """One entry of the history.

    Attributes:
        number: 0 for the first, without gaps.
        digest: SHA-256 of the head object, in hexadecimal; it fixes everything under it.
        parent: Digest of the head before; None for snapshot 0.
        created_at: RFC 3339, UTC, to the second.
        readable: False once it was swept or shredded.
    """

    number: int
    digest: str
    parent: str | None
    created_at: str
    readable: bool


@dataclass(frozen=True)
class Snapshot:
    """A committed state; attributes as in ``SnapshotHead``, and what it holds."""

    number: int
    digest: str
    parent: str | None
    created_at: str
    manifest: Manifest


@dataclass(frozen=True)
class Anchor:
    """The newest head seen elsewhere (a ledger, a note), to catch a store that goes back."""

    number: int
    digest: str


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    """Return the JSON form of ``manifest``; what padding adds is absent where there is none."""
    form = {
        "files": [_file_to_json(file) for file in manifest.files],
        "documents": [dataclasses.asdict(document) for document in manifest.documents],
        "properties": dict(manifest.properties),
    }
    if manifest.decoys:
        form["decoys"] = [dataclasses.asdict(decoy) for decoy in manifest.decoys]
    return form


def _file_to_json(file: SealedFile) -> dict[str, Any]:
    form = dataclasses.asdict(file)
    if file.inner_size is None:
        del form["inner_size"]
    return form


def manifest_from_json(value: Mapping[str, Any]) -> Manifest:
    """Return the manifest whose JSON form is ``value``.

    Raises:
        FormatError: a field is missing or unknown.
    """
    try:
        parts = dict(value)
        manifest = Manifest(
            tuple(SealedFile(**file) for file in parts.pop("files")),
            tuple(SealedDocument(**document) for document in parts.pop("documents")),
            parts.pop("properties"),
            tuple(Decoy(**decoy) for decoy in parts.pop("decoys", ())),
        )
    except (KeyError, TypeError):
        raise unknown_form("A manifest") from None
    if parts:
        raise unknown_form("A manifest")
    return manifest


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return ``value`` as JSON with sorted keys and no spaces.

    Raises:
        ValueError: it holds something JSON has not, such as NaN.
        TypeError: likewise.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def unknown_form(what: str) -> FormatError:
    """Return the error for sealed JSON whose fields this program does not know."""
    return FormatError(
        f"{what} has fields that this program does not know.",
        remedy="Use the version of Laennec that wrote it.",
    )
