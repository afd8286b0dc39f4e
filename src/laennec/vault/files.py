"""Sealed frames and documents in the store: upload under a fresh key, read back authenticated.

Functions over a store and the keys in force; ``service.Vault`` says which. Reading takes a private
copy of the stored bytes first, so a host cannot change them between check and use.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from laennec.core.errors import EngineError, IntegrityError
from laennec.vault import padding, sealed_parquet
from laennec.vault.head import digest_of
from laennec.vault.labels import KEY_BYTES
from laennec.vault.landing import land
from laennec.vault.manifest import SealedDocument, SealedFile, Statistics
from laennec.vault.ports import ObjectStore
from laennec.vault.sealed_bytes import Place, open_sealed, seal
from laennec.vault.state import State, get_expected, new_object_name
from laennec.vault.summaries import Choose, Footer, together


@dataclass(frozen=True)
class Access:
    """What opens one sealed object: the warehouse it belongs to, and its own key."""

    warehouse_id: str
    key: bytes = field(repr=False)


def upload_frame(
    store: ObjectStore,
    state: State,
    frame: pl.DataFrame,
    *,
    table: str,
    bucket: int | None,
    statistics: Statistics | None,
    padded: bool,
) -> SealedFile:
    """Seal ``frame`` for the snapshot after ``state`` and store it under a random name.

    With ``padded``, it is stored in an envelope (``padding``).
    """
    key, name, version = os.urandom(KEY_BYTES), new_object_name(), state.number + 1
    place = sealed_parquet.file_place(
        warehouse_id=state.warehouse_id, table=table, bucket=bucket, version=version
    )
    body = parquet = sealed_parquet.seal_frame(frame, key=key, place=place)
    if padded:
        body = padding.enclose(parquet, key=key, place=place)
    land(store, name, body)
    return SealedFile(
        object=name,
        table=table,
        bucket=bucket,
        version=version,
        rows=frame.height,
        size=len(body),
        sha256=digest_of(body),
        wrapped_key=state.keychain.wrap(key),
        statistics=dict(statistics or {}),
        inner_size=len(parquet) if padded else None,
    )


def upload_document(store: ObjectStore, state: State, body: bytes, *, kind: str) -> SealedDocument:
    """Seal ``body`` and store it under a random name."""
    key, name = os.urandom(KEY_BYTES), new_object_name()
    sealed = seal(body, key=key, place=_document_place(state.warehouse_id, kind, name))
    land(store, name, sealed)
    return SealedDocument(name, kind, len(sealed), digest_of(sealed), state.keychain.wrap(key))


def read_document(store: ObjectStore, document: SealedDocument, access: Access) -> bytes:
    """Return the bytes of a document.

    Raises:
        IntegrityError: it does not authenticate, or is missing.
    """
    sealed = get_expected(store, document.object)
    place = _document_place(access.warehouse_id, document.kind, document.object)
    return open_sealed(sealed, key=access.key, place=place, name=document.object)


def read_file(
    store: ObjectStore,
    file: SealedFile,
    access: Access,
    *,
    columns: Sequence[str] | None,
    where: pl.Expr | None,
) -> pl.DataFrame:
    """Return rows of one file by Polars; see ``sealed_parquet.read_frame``.

    Raises:
        IntegrityError: the file does not authenticate, or is missing.
        EngineError: the file is intact, so the failure is the filter's.
    """
    body = _parquet(store, file, access)
    try:
        return sealed_parquet.read_frame(
            body,
            key=access.key,
            place=_file_place(access.warehouse_id, file),
            name=file.object,
            columns=columns,
            where=where,
        )
    except IntegrityError:
        if where is None or not (file.inner_size or digest_of(body) == file.sha256):
            raise
    # The engine's own message is dropped: it may quote a value from a row.
    raise EngineError(
        f"The filter cannot be computed on {file.object}, a file of {file.table}.",
        remedy="Check the filter's columns, types and patterns.",
    )


def read_files(
    store: ObjectStore,
    files: SealedFile | Sequence[SealedFile],
    access: Callable[[SealedFile], Access],
    *,
    columns: Sequence[str] | None,
    where: pl.Expr | None,
) -> pl.DataFrame:
    """Return rows of one or several files of one schema, files and rows in order.

    Raises:
        IntegrityError, EngineError: as ``read_file``.
        ValueError: no file was given.
    """
    wanted = _listed(files)
    frames = [read_file(store, one, access(one), columns=columns, where=where) for one in wanted]
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def read_chosen(
    store: ObjectStore,
    files: Sequence[SealedFile],
    access: Callable[[SealedFile], Access],
    *,
    choose: Choose,
) -> pl.DataFrame:
    """Return the columns of files of one schema that ``choose`` names, given their footers.

    Raises:
        IntegrityError: a file does not authenticate, or is missing.
        ValueError: no file was given.
    """
    opened = []
    for one in _listed(files):
        given = access(one)
        place = _file_place(given.warehouse_id, one)
        opened.append(_Opened(_parquet(store, one, given), given.key, place, one.object))
    columns = choose(together([one.footer() for one in opened]))
    frames = [one.rows(columns) for one in opened]
    return frames[0] if len(frames) == 1 else pl.concat(frames)


@dataclass(frozen=True)
class _Opened:
    """A file in memory, and what opens it."""

    body: bytes = field(repr=False)
    key: bytes = field(repr=False)
    place: bytes
    name: str

    def footer(self) -> Footer:
        """Return what its footer says."""
        return sealed_parquet.read_footer(self.body, key=self.key, place=self.place, name=self.name)

    def rows(self, columns: Sequence[str]) -> pl.DataFrame:
        """Return all its rows."""
        return sealed_parquet.read_frame(
            self.body, key=self.key, place=self.place, name=self.name, columns=columns
        )


def _listed(files: SealedFile | Sequence[SealedFile]) -> list[SealedFile]:
    wanted = [files] if isinstance(files, SealedFile) else list(files)
    if not wanted:
        raise ValueError("reading needs at least one file, to know the columns")
    return wanted


def read_arrow_file(
    store: ObjectStore,
    file: SealedFile,
    access: Access,
    *,
    columns: Sequence[str] | None,
) -> pa.Table:
    """Return one file by pyarrow; see ``sealed_parquet.read_arrow``."""
    return sealed_parquet.read_arrow(
        _parquet(store, file, access),
        key=access.key,
        place=_file_place(access.warehouse_id, file),
        name=file.object,
        columns=columns,
    )


def _parquet(store: ObjectStore, file: SealedFile, access: Access) -> bytes:
    """Return the sealed Parquet file, out of its envelope if it has one."""
    body = _private_copy(store, file)
    if file.inner_size is None:
        return body
    return padding.disclose(
        body,
        size=file.inner_size,
        key=access.key,
        place=_file_place(access.warehouse_id, file),
        name=file.object,
    )


def _private_copy(store: ObjectStore, file: SealedFile) -> bytes:
    """Return all stored bytes, in memory that the host cannot reach."""
    body = get_expected(store, file.object)
    if len(body) != file.size:
        # Readers of Parquet look for a footer at the end: bytes in between would go unnoticed.
        raise sealed_parquet.broken(file.object)
    return body


def _file_place(warehouse_id: str, file: SealedFile) -> bytes:
    return sealed_parquet.file_place(
        warehouse_id=warehouse_id, table=file.table, bucket=file.bucket, version=file.version
    )


def _document_place(warehouse_id: str, kind: str, name: str) -> Place:
    return ("laennec/document/1", warehouse_id, kind, name)
