"""A run in processes of this machine: what they are given to read with.

Unlike executors of a cluster (``remote``), which open the warehouse by an access of their own, they
are given the keys that this process holds, through a pipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from laennec.runs.skips import Skipped, SkippingSource
from laennec.vault.manifest import Snapshot
from laennec.vault.reader import SealedReader
from laennec.warehouse.service import View


@dataclass(frozen=True)
class ViewInHand:
    """One snapshot for a process of the same user on the same machine: it holds keys.

    Attributes:
        reader: Reads the files.
        snapshot: Says which there are.
    """

    reader: SealedReader = field(repr=False)
    snapshot: Snapshot = field(repr=False)

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> View:  # noqa: ARG002 - nothing is fetched ahead from a folder
        """Return the snapshot, one view for each process."""
        return self._view

    def unwrap(self, wrapped: str) -> bytes:
        """Return the run's key."""
        return self.reader.unwrap_scratch_key(wrapped)

    @cached_property
    def _view(self) -> View:
        return View(self.reader, self.snapshot)


@dataclass(frozen=True)
class SnapshotInHand:
    """Rows of one snapshot for a run's process, but for files that need not be opened.

    Attributes:
        view: The snapshot.
        skipped: What need not be opened.
    """

    view: ViewInHand
    skipped: Skipped = field(repr=False)

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> SkippingSource:
        """Return the rows; contract of ``runs.remote.SourceElsewhere``."""
        return SkippingSource(self.view.source(tables=tables, buckets=buckets), self.skipped)

    def unwrap(self, wrapped: str) -> bytes:
        """Return the run's key."""
        return self.view.unwrap(wrapped)
