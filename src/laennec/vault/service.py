"""The vault: sealed frames and documents, and the snapshots that make them visible.

What is sealed is uploaded at once under a random name and means nothing until a commit's manifest
names it. A commit is one conditional create, so readers see whole snapshots and two writers cannot
both win. Everything read is authenticated first: a host that alters, swaps, truncates, replays or
withholds gets an error out of this class, never a wrong row.

Does not decide who may read: whoever holds the key holder's key reads all.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import timedelta
from functools import partial

import polars as pl
import pyarrow as pa

from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, ConflictError
from laennec.core.progress import Reporter
from laennec.core.spill import forbid_spill
from laennec.vault import files as sealed_files
from laennec.vault import rotation
from laennec.vault.commit import GRACE, commit_on, first_state
from laennec.vault.files import Access
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
from laennec.vault.reader import SealedReader
from laennec.vault.state import (
    State,
    check_head,
    head_numbers,
    load_snapshot,
    load_state,
    newest_number,
)
from laennec.vault.summaries import Choose
from laennec.vault.sweep import SweepReport, forget_snapshots, named_objects, sweep_objects
from laennec.vault.verify import VerifyReport, verify_store

Gate = Callable[[], AbstractContextManager[object]]
"""Entered around every change of the store; may wait, and may refuse with a ``ConflictError``."""


class Vault:
    """One warehouse's sealed objects and snapshots; made by ``create`` and ``open``.

    Thread-safe: ``seal_frame``, ``read`` and the rest may be called from a pool. Never serves a
    snapshot older than one it has already served.
    """

    def __init__(
        self,
        store: ObjectStore,
        keys: KeyHolder,
        *,
        clock: Clock,
        state: State,
        gate: Gate = nullcontext,
        padded: bool = False,
    ) -> None:
        # Whoever has a vault handles rows: from here on the engine may not write them in clear.
        forbid_spill()
        self._store, self._keys, self._clock = store, keys, clock
        self._state = state
        self._gate, self._padded = gate, padded
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls, store: ObjectStore, keys: KeyHolder, *, clock: Clock, padded: bool = False
    ) -> "Vault":
        """Commit snapshot 0 of a new warehouse, with an empty manifest; arguments as ``open``.

        Raises:
            AlreadyExistsError: the store has a warehouse.
            StoreError, KeyHolderError: an adapter failed.
        """
        with suppress(ConflictError):
            if not head_numbers(store):
                state = first_state(store, keys, now=clock())
                return cls(store, keys, clock=clock, state=state, padded=padded)
        raise AlreadyExistsError(
            "The store holds a warehouse already.", remedy="Open it, or choose an empty folder."
        )

    @classmethod
    def open(
        cls,
        store: ObjectStore,
        keys: KeyHolder,
        *,
        clock: Clock,
        anchor: Anchor | None = None,
        gate: Gate = nullcontext,
        padded: bool = False,
    ) -> "Vault":
        """Open the newest snapshot the store serves.

        Args:
            store: Where the objects are.
            keys: Opens the warehouse key.
            clock: Dates commits, and tells how old an upload is.
            anchor: The newest head seen elsewhere. Without it a host that serves a whole older
                state of this warehouse cannot be told from an honest one.
            gate: Entered around each change, so that a move to another host can take over.
            padded: Hide the sizes of what is sealed from now on, and the number of objects that a
                commit makes (``padding``). May change at any time; all is read either way.

        Raises:
            NotFoundError: the store holds no warehouse.
            RollbackError: the store is older than ``anchor`` or has another history.
            IntegrityError: the head, its record or a key does not authenticate, or is missing.
        """
        state = load_state(store, keys, newest_number(store))
        if anchor is not None:
            state.check_contains(anchor)
        return cls(store, keys, clock=clock, state=state, gate=gate, padded=padded)

    @property
    def warehouse_id(self) -> str:
        """Random id of the warehouse, in hexadecimal; part of every place."""
        return self._state.warehouse_id

    @property
    def seen(self) -> Anchor:
        """The newest head that this vault has served or made; asks the store nothing."""
        return self._state.anchor

    def check_contains(self, anchor: Anchor) -> None:
        """Raise unless a head seen elsewhere is ``seen`` or behind it; asks the store nothing.

        Raises:
            RollbackError: the store is older than ``anchor`` or has another history.
        """
        self._state.check_contains(anchor)

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
            EngineError: the file is too large to be padded.
        """
        return sealed_files.upload_frame(
            self._store,
            self._state,
            frame,
            table=table,
            bucket=bucket,
            statistics=statistics,
            padded=self._padded,
        )

    def seal_document(self, body: bytes, *, kind: str) -> SealedDocument:
        """Seal any bytes under a fresh key and upload them; invisible until a commit names them.

        Raises:
            StoreFullError, StoreError: the upload failed.
        """
        return sealed_files.upload_document(self._store, self._state, body, kind=kind)

    def open_document(self, document: SealedDocument) -> bytes:
        """Return the bytes of a document.

        Raises:
            IntegrityError: it does not authenticate, or is missing.
        """
        return sealed_files.read_document(self._store, document, self._access(document))

    def wrap_scratch_key(self, key: bytes) -> str:
        """Return the key of scratch files that outlive a process, wrapped by the warehouse key."""
        return self._state.keychain.wrap_scratch(key)

    def unwrap_scratch_key(self, wrapped: str) -> bytes:
        """Return the key in ``wrapped``, whichever warehouse key that is not destroyed wrapped it.

        Raises:
            IntegrityError: it does not authenticate, or its warehouse key was destroyed.
        """
        if not self._state.keychain.knows(wrapped):
            self._refresh()
        return self._state.keychain.unwrap_scratch(wrapped)

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
            EngineError: the files are intact, but ``where`` cannot be computed on them.
            ValueError: no file was given.
        """
        return sealed_files.read_files(
            self._store, files, self._access, columns=columns, where=where
        )

    def read_chosen(self, files: Sequence[SealedFile], *, choose: Choose) -> pl.DataFrame:
        """Return all rows of files of one schema, with columns that their footers let choose.

        Args:
            files: What to read; at least one.
            choose: Names the columns to return, given what the footers say of all of them.

        Raises:
            IntegrityError: a file does not authenticate, or is missing; the message names it.
            ValueError: no file was given.
        """
        return sealed_files.read_chosen(self._store, files, self._access, choose=choose)

    def reader(self) -> SealedReader:
        """Return what reads the files of this vault's snapshots with the keys in hand now."""
        state = self._state
        return SealedReader(self._store, state.warehouse_id, state.keychain)

    def read_arrow(self, file: SealedFile, *, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one file by pyarrow; errors as ``read``."""
        return sealed_files.read_arrow_file(self._store, file, self._access(file), columns=columns)

    def prefetch(self, files: Sequence[SealedFile]) -> None:
        """Say that these files will be read soon, in this order; returns at once."""
        self._store.prefetch([file.object for file in files])

    def commit(self, base: Snapshot, manifest: Manifest) -> Snapshot:
        """Make ``manifest`` the snapshot after ``base``.

        Files sealed before a ``rotate`` get their keys wrapped anew. Files uploaded longer ago than
        ``commit.UPLOAD_LIFETIME`` are refused, since a sweep may be about to delete them.

        Raises:
            ConflictError: ``base`` is not the newest snapshot any more, an upload is missing or too
                old, or its key was shredded; nothing of this is visible.
            StoreFullError, StoreError, KeyHolderError: an adapter failed; likewise, unless the
                message says that the store cannot tell.
            RollbackError: the store serves another head in ``base``'s place.
        """
        seen = Anchor(base.number, base.digest)
        return self._change(partial(commit_on, seen=seen, manifest=manifest))

    def verify(
        self, progress: Reporter | None = None, *, anchor: Anchor | None = None
    ) -> VerifyReport:
        """Read every object and name whatever is not what was sealed; see ``verify_store``.

        Judged from the newest snapshot this vault has seen, so a store that went back is caught.
        ``verify.verify_store`` does the same for a store whose newest head no longer opens.
        """
        return verify_store(
            self._store, self._keys, state=self._state, anchor=anchor, progress=progress
        )

    def sweep(self, *, keep: int | None = None, grace: timedelta = GRACE) -> SweepReport:
        """Delete objects that no snapshot names; with ``keep``, forget all but the newest so many.

        Args:
            keep: Snapshots that stay readable, the one that records the sweep included; all when
                None. Forgetting commits a snapshot with the same content first.
            grace: Age below which an unreferenced object is spared. Below the default, only when
                no other process writes: its uploads could go, and its commit would then fail.

        Raises:
            IntegrityError: a readable snapshot does not authenticate; nothing is deleted.
            ConflictError: another writer committed meanwhile; nothing is deleted.
            ValueError: ``keep`` is below 1.
        """
        with self._lock, self._gate():
            before, released, now = self._base(), set[str](), self._clock()
            if keep is not None:
                released = named_objects(self._store, before)
                self._state = forget_snapshots(
                    self._store, self._keys, before, keep=keep, now=now, padded=self._padded
                )
            listed = tuple(self._store.list())
            after = self._refresh()
            deleted, spared = sweep_objects(
                self._store, after, listed=listed, released=released, now=now, grace=grace
            )
            return SweepReport(deleted, spared, tuple(range(before.head.oldest, after.head.oldest)))

    def rotate(self) -> Snapshot:
        """Commit the same content under a new root key and a new warehouse key.

        Older snapshots stay readable; no data file is rewritten.

        Raises:
            ConflictError: another writer committed meanwhile; try again.
        """
        return self._change(rotation.rotate)

    def shred(self, *, before: int) -> Snapshot:
        """Make the snapshots numbered below ``before`` unreadable for ever; see ``rotation.shred``.

        Raises:
            NotFoundError: ``before`` is not from 1 to the newest number plus 1.
            IntegrityError: a snapshot that is to stay does not authenticate; nothing is destroyed.
            ConflictError: another writer committed meanwhile; nothing is destroyed.
        """
        return self._change(partial(rotation.shred, before=before))

    def _change(self, make: Callable[..., State]) -> Snapshot:
        """Make the next state out of the newest, alone in this process and inside the gate."""
        with self._lock, self._gate():
            state, now = self._base(), self._clock()
            self._state = make(self._store, self._keys, state, now=now, padded=self._padded)
            return self._state.snapshot()

    def _base(self) -> State:
        """Return the newest state, to build on: the store still serves its very head.

        A store without a working conditional create tells two writers of one head that both won.
        """
        state = self._refresh()
        check_head(self._store, state)
        return state

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

    def _access(self, item: SealedFile | SealedDocument) -> Access:
        """Unwrap an object's key, by a warehouse key made elsewhere meanwhile if need be."""
        state = self._state
        if not state.keychain.knows(item.wrapped_key):
            state = self._refresh()
        return Access(state.warehouse_id, state.keychain.unwrap(item.wrapped_key))
