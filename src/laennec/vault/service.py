"""The vault: sealed frames and documents, and the snapshots that make them visible.

What is sealed is uploaded at once under a random name and means nothing until a commit's manifest
names it. A commit is one conditional create, so readers see whole snapshots and two writers cannot
both win. Everything read is authenticated first: a host that alters, swaps, truncates, replays or
withholds gets an error out of this class, never a wrong row.

Does not decide who may read: whoever holds the key holder's key reads all.
"""

import hashlib
import os
import threading
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, ConflictError, NotFoundError
from laennec.vault import sealed_parquet
from laennec.vault.commit import check_uploaded, rewrap
from laennec.vault.labels import KEY_BYTES
from laennec.vault.manifest import (
    Anchor,
    Manifest,
    SealedDocument,
    SealedFile,
    Snapshot,
    SnapshotHead,
    Statistics,
)
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.sealed_bytes import Place, open_sealed, seal
from laennec.vault.state import (
    State,
    first_state,
    head_numbers,
    load_snapshot,
    load_state,
    missing,
    new_object_name,
    newest_number,
    next_state,
)


class Vault:
    """One warehouse's sealed objects and snapshots; made by ``create`` and ``open``.

    Thread-safe: ``seal_frame``, ``read`` and the rest may be called from a pool. Never serves a
    snapshot older than one it has already served.
    """

    def __init__(self, store: ObjectStore, keys: KeyHolder, *, clock: Clock, state: State) -> None:
        self._store, self._keys, self._clock = store, keys, clock
        self._state = state
        self._lock = threading.RLock()

    @classmethod
    def create(cls, store: ObjectStore, keys: KeyHolder, *, clock: Clock) -> "Vault":
        """Commit snapshot 0 of a new warehouse, with an empty manifest.

        Raises:
            AlreadyExistsError: the store has a warehouse.
            StoreError, KeyHolderError: an adapter failed.
        """
        try:
            if head_numbers(store):
                raise _already_there()
            return cls(store, keys, clock=clock, state=first_state(store, keys, now=clock()))
        except ConflictError:
            raise _already_there() from None

    @classmethod
    def open(
        cls, store: ObjectStore, keys: KeyHolder, *, clock: Clock, anchor: Anchor | None = None
    ) -> "Vault":
        """Open the newest snapshot the store serves.

        Args:
            store: Where the objects are.
            keys: Opens the warehouse key.
            clock: Dates commits, and tells how old an upload is.
            anchor: The newest head seen elsewhere. Without it a host that serves a whole older
                state of this warehouse cannot be told from an honest one.

        Raises:
            NotFoundError: the store holds no warehouse.
            RollbackError: the store is older than ``anchor`` or has another history.
            IntegrityError: the head, its record or a key does not authenticate, or is missing.
        """
        state = load_state(store, keys, newest_number(store))
        if anchor is not None:
            state.check_contains(anchor)
        return cls(store, keys, clock=clock, state=state)

    @property
    def warehouse_id(self) -> str:
        """Random id of the warehouse, in hexadecimal; part of every place."""
        return self._state.warehouse_id

    def snapshot(self, number: int | None = None) -> Snapshot:
        """Return a snapshot, the newest by default.

        Raises:
            NotFoundError: there is none of that number, or it was swept or shredded.
            RollbackError: the store is older than this vault has seen it, or has another history.
            IntegrityError: something does not authenticate, or is missing.
        """
        state = self._refresh()
        return load_snapshot(self._store, state, state.number if number is None else number)

    def history(self) -> tuple[SnapshotHead, ...]:
        """Return every head from 0 to the newest, those no longer readable included."""
        return self._refresh().heads()

    def seal_frame(
        self,
        frame: pl.DataFrame,
        *,
        table: str,
        bucket: int | None,
        statistics: Statistics | None = None,
    ) -> SealedFile:
        """Seal rows under a fresh key and upload them; invisible until a commit names them.

        Args:
            frame: Rows in the order to keep.
            table: Table they belong to.
            bucket: Person bucket, or None for a table that is not cut.
            statistics: Anything to keep beside the file; sealed with the manifest.

        Raises:
            StoreFullError, StoreError: the upload failed.
        """
        state, key = self._state, os.urandom(KEY_BYTES)
        version = state.number + 1
        place = sealed_parquet.file_place(
            warehouse_id=state.warehouse_id, table=table, bucket=bucket, version=version
        )
        body = sealed_parquet.seal_frame(frame, key=key, place=place)
        return SealedFile(
            object=self._upload(body),
            table=table,
            bucket=bucket,
            version=version,
            rows=frame.height,
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            wrapped_key=state.keychain.wrap(key),
            statistics=dict(statistics or {}),
        )

    def seal_document(self, body: bytes, *, kind: str) -> SealedDocument:
        """Seal any bytes under a fresh key and upload them; invisible until a commit names them.

        Raises:
            StoreFullError, StoreError: the upload failed.
        """
        state, key, name = self._state, os.urandom(KEY_BYTES), new_object_name()
        sealed = seal(body, key=key, place=_document_place(state.warehouse_id, kind, name))
        self._store.create(name, sealed)
        digest = hashlib.sha256(sealed).hexdigest()
        return SealedDocument(name, kind, len(sealed), digest, state.keychain.wrap(key))

    def open_document(self, document: SealedDocument) -> bytes:
        """Return the bytes of a document.

        Raises:
            IntegrityError: it does not authenticate, or is missing.
        """
        key = self._file_key(document.wrapped_key)
        try:
            sealed = self._store.get(document.object)
        except NotFoundError:
            raise missing(document.object) from None
        place = _document_place(self.warehouse_id, document.kind, document.object)
        return open_sealed(sealed, key=key, place=place, name=document.object)

    def read(
        self,
        files: SealedFile | Sequence[SealedFile],
        *,
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Return rows of one or several files of one schema, by Polars, files and rows in order.

        Args:
            files: What to read; at least one.
            columns: Columns to return, in this order; all when None.
            where: Keep the rows for which this is true; it may use any column.

        Raises:
            IntegrityError: a file does not authenticate, or is missing; the message names it.
            ValueError: no file was given.
        """
        wanted = [files] if isinstance(files, SealedFile) else list(files)
        if not wanted:
            raise ValueError("reading needs at least one file, to know the columns")
        frames = [
            sealed_parquet.read_frame(
                self._fetch(file),
                key=self._file_key(file.wrapped_key),
                place=self._place(file),
                name=file.object,
                columns=columns,
                where=where,
            )
            for file in wanted
        ]
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def read_arrow(self, file: SealedFile, *, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one file by pyarrow; errors as ``read``."""
        return sealed_parquet.read_arrow(
            self._fetch(file),
            key=self._file_key(file.wrapped_key),
            place=self._place(file),
            name=file.object,
            columns=columns,
        )

    def commit(self, base: Snapshot, manifest: Manifest) -> Snapshot:
        """Make ``manifest`` the snapshot after ``base``.

        Files sealed before a ``rotate`` get their keys wrapped anew. Files uploaded longer ago than
        ``commit.UPLOAD_LIFETIME`` are refused, since a sweep may be about to delete them.

        Raises:
            ConflictError: ``base`` is not the newest snapshot any more, an upload is missing or too
                old, or its key was shredded; nothing of this is visible.
            StoreFullError, StoreError, KeyHolderError: an adapter failed; likewise.
        """
        with self._lock:
            state = self._refresh()
            if state.anchor != Anchor(base.number, base.digest):
                raise ConflictError(
                    f"Snapshot {base.number} is not the newest any more.",
                    remedy="Read the newest snapshot, make the change on it, and commit again.",
                )
            check_uploaded(self._store, state, manifest, now=self._clock())
            renewed = rewrap(manifest, state.keychain)
            self._state = next_state(self._store, self._keys, state, renewed, now=self._clock())
            return self._state.snapshot()

    def _refresh(self) -> State:
        """Return the newest state, at least as new as any returned before."""
        with self._lock:
            seen = self._state
            number = newest_number(self._store)
            if number != seen.number:
                state = load_state(self._store, self._keys, number)
                state.check_contains(seen.anchor)
                self._state = state
            return self._state

    def _file_key(self, wrapped: str) -> bytes:
        """Unwrap a file key, by a warehouse key made elsewhere meanwhile if need be."""
        keychain = self._state.keychain
        if not keychain.knows(wrapped):
            keychain = self._refresh().keychain
        return keychain.unwrap(wrapped)

    def _place(self, file: SealedFile) -> bytes:
        return sealed_parquet.file_place(
            warehouse_id=self.warehouse_id,
            table=file.table,
            bucket=file.bucket,
            version=file.version,
        )

    def _fetch(self, file: SealedFile) -> bytes:
        """Return a private copy of the stored bytes, which the host cannot change any more."""
        try:
            return self._store.fetch(file.object).read_bytes()
        except (NotFoundError, FileNotFoundError):
            raise missing(file.object) from None

    def _upload(self, body: bytes) -> str:
        name = new_object_name()
        self._store.create(name, body)
        return name


def _document_place(warehouse_id: str, kind: str, name: str) -> Place:
    return ("laennec/document/1", warehouse_id, kind, name)


def _already_there() -> AlreadyExistsError:
    return AlreadyExistsError(
        "The store holds a warehouse already.", remedy="Open it, or choose an empty folder."
    )
