"""Reading sealed files with keys in hand, apart from a vault: what a process is given to read with.

A reader can be pickled *with* its keys. It is for a pipe between processes of one user on one
machine, which read what the first of them has opened; it is never to be written or sent anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from laennec.vault.files import Access, read_chosen, read_files
from laennec.vault.keychain import Keychain
from laennec.vault.manifest import SealedFile
from laennec.vault.ports import ObjectStore
from laennec.vault.summaries import Choose


@dataclass(frozen=True)
class SealedReader:
    """Reads files of the snapshots that its keys open. Thread-safe.

    Attributes:
        store: Where they are; it can be pickled if the reader is to be.
        warehouse_id: Part of every place.
        keychain: Unwraps the files' keys.
    """

    store: ObjectStore
    warehouse_id: str
    keychain: Keychain = field(repr=False)

    def read(
        self,
        files: SealedFile | Sequence[SealedFile],
        *,
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Return rows of one or several files; contract of ``Vault.read``."""
        return read_files(self.store, files, self._access, columns=columns, where=where)

    def read_chosen(self, files: Sequence[SealedFile], *, choose: Choose) -> pl.DataFrame:
        """Return columns that the footers let choose; contract of ``Vault.read_chosen``."""
        return read_chosen(self.store, files, self._access, choose=choose)

    def prefetch(self, files: Sequence[SealedFile]) -> None:
        """Say that these files will be read soon, in this order; returns at once."""
        self.store.prefetch([file.object for file in files])

    def reader(self) -> "SealedReader":
        """Return itself."""
        return self

    def wrap_scratch_key(self, key: bytes) -> str:
        """Return a key wrapped by the warehouse key, as ``Vault.wrap_scratch_key`` does."""
        return self.keychain.wrap_scratch(key)

    def unwrap_scratch_key(self, wrapped: str) -> bytes:
        """Return the key in ``wrapped``.

        Raises:
            IntegrityError: it does not authenticate.
        """
        return self.keychain.unwrap_scratch(wrapped)

    def _access(self, file: SealedFile) -> Access:
        return Access(self.warehouse_id, self.keychain.unwrap(file.wrapped_key))
