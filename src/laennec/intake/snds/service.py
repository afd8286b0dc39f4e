"""Loading the SNDS: units to sealed lines, buckets to sealed tables, one commit.

1. The delivery is looked at: which months and years it has, which of them are there already.
2. Beneficiaries are resolved to persons, together with all earlier ones.
3. Units, several at once: rows become lines, sealed in the load's folder. What is finished stays
   finished: a load that is killed goes on where it was when the same command is given again.
4. Buckets, several at once: lines and the rows so far become the new rows, sealed in the store.
5. One conditional write makes all of it visible, or nothing; then the folder is removed.

Where units and buckets are worked on is the executor's matter: the same functions run here and on
Spark. Nothing in the folder or the store is readable without the hub's keys.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from laennec import __version__
from laennec.compute.executor import Executor
from laennec.core.errors import SourceError
from laennec.core.progress import Reporter
from laennec.intake.snds import units as planning
from laennec.intake.snds.bench import VaultSource
from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.load import Load, Means
from laennec.intake.snds.load_folder import LoadFolder
from laennec.intake.snds.model import DeliveredFile, Delivery, Variant
from laennec.intake.snds.novelty import News, news
from laennec.intake.snds.report import SndsReport
from laennec.intake.snds.state import SndsState, state_of
from laennec.ledger.service import Ledger
from laennec.snds import rules
from laennec.snds.catalogue import catalogue
from laennec.vault.labels import encode_parts
from laennec.vault.manifest import Manifest, Snapshot
from laennec.vault.service import Vault
from laennec.warehouse.anchor import log_commit

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class SndsOptions:
    """How to load.

    Attributes:
        scratch: Folder of the load's folder and of sealed spools; executors share it.
        memory_bytes: Memory for rows in hand, over all workers.
        workers: Units or buckets worked on at once in this process.
        variant: How the delivery names persons.
        encoding: Codec of CSV files.
    """

    scratch: Path
    memory_bytes: int
    workers: int
    variant: Variant = Variant.STANDARD
    encoding: str = "utf-8"


class SndsIntake:
    """Loads deliveries of the SNDS into a vault, and writes each load in the ledger."""

    def __init__(
        self,
        vault: Vault,
        ledger: Ledger,
        *,
        source: VaultSource,
        executor: Executor,
        reporter: Reporter,
        options: SndsOptions,
    ) -> None:
        """Take what to work with; ``source`` opens the same vault in another process."""
        self._vault, self._ledger, self._source = vault, ledger, source
        self._executor, self._reporter, self._options = executor, reporter, options

    def load(self, path: Path) -> SndsReport:
        """Load what is new in a folder, a zip or one file, and commit it.

        Raises:
            SourceError: a file is not what its name says; a month was loaded before from other
                bytes; there are no beneficiaries; the hub holds persons of another source.
            ConflictError: somebody else committed meanwhile, or another process is loading.
            StoreError: store or scratch folder failed or are full.
        """
        base = self._vault.snapshot()
        state = state_of(base.manifest)
        _check_alone(base.manifest, state)
        delivery = find_delivery(path)
        plan = planning.plan(delivery)
        stamps = {file: file.source.stamp() for file in delivery.files}
        fresh = news(plan, state)
        unread = tuple(file.name for file in plan.unread)
        if fresh.nothing:
            return _nothing(state, fresh, unread, delivery)
        context = self._context(base, fresh, stamps)
        with LoadFolder.open(self._options.scratch, self._vault, context=context) as folder:
            load = Load(self._means(folder), base, state, fresh, stamps)
            report, manifest = load.run(unread=unread, ignored=delivery.ignored)
            _check_unchanged(stamps)
            snapshot = self._vault.commit(base, manifest)
            folder.remove()
        self._log(snapshot, report, load.digests)
        return report

    def _means(self, folder: LoadFolder) -> Means:
        return Means(
            vault=self._vault,
            source=self._source,
            executor=self._executor,
            reporter=self._reporter,
            folder=folder,
            scratch=self._options.scratch,
            memory_bytes=self._options.memory_bytes // max(1, self._options.workers),
            variant=self._options.variant,
            encoding=self._options.encoding,
        )

    def _context(self, base: Snapshot, fresh: News, stamps: Mapping[DeliveredFile, Stamp]) -> str:
        """Return what the lines of this load hold for; units have their own files besides."""
        parts = [
            __version__,
            catalogue().version,
            rules.version(),
            base.digest,
            self._options.variant.value,
            self._options.encoding,
            *(part for file in fresh.common for part in (file.name, str(stamps[file]))),
        ]
        return hashlib.sha256(encode_parts("laennec/snds-load/1", *parts)).hexdigest()

    def _log(self, snapshot: Snapshot, report: SndsReport, digests: Mapping[str, str]) -> None:
        log_commit(self._ledger, snapshot)
        self._ledger.append(
            "intake:snds:load",
            public={
                "rows_read": report.read,
                "rows_kept": report.kept,
                "rows_quarantined": report.quarantined,
                "rows_dropped": report.dropped,
                "rows_apart": report.apart,
                "snapshot": snapshot.number,
                "files": len(digests),
            },
            private={
                "source": "\n".join(sorted(digests.values())).encode(),
                "report": report.to_json(),
            },
        )


def _nothing(
    state: SndsState | None, fresh: News, unread: tuple[str, ...], delivery: Delivery
) -> SndsReport:
    there, missing = planning.months(state.units if state is not None else ())
    return SndsReport(
        snapshot=None,
        files=(),
        touched={},
        persons={},
        refusals={},
        lines={},
        months=tuple(there),
        missing_months=tuple(missing),
        already_loaded=fresh.again,
        unread=unread,
        ignored=delivery.ignored,
        resumed=0,
    )


def _check_alone(manifest: Manifest, state: SndsState | None) -> None:
    """Refuse to mix persons of the SNDS with others: their numbers could be the same."""
    if state is None and manifest.table("person"):
        raise SourceError(
            "This hub holds persons who were not loaded from the SNDS.",
            remedy="Make another hub for the SNDS with `laennec init`; nothing was loaded.",
        )


def _check_unchanged(stamps: Mapping[DeliveredFile, Stamp]) -> None:
    """Refuse to commit rows of a file that was written to after it was looked at."""
    for file, stamp in stamps.items():
        if file.source.stamp() != stamp:
            raise SourceError(
                f"{file.name} changed while it was being loaded.",
                remedy="Wait until the export has ended, then load again; nothing was loaded.",
            )
