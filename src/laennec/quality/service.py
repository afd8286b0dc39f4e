"""Data quality of a hub's warehouse: assess a snapshot, keep the partials sealed, log that it was.

What comes back is for whoever holds the hub's keys: it counts single rows and persons and has been
through no disclosure control. It does not leave from here; ``app.quality_files`` writes it down
when asked, and the ledger says so.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from laennec import __version__
from laennec.core.clock import Clock
from laennec.core.log import Message, say
from laennec.core.progress import Reporter
from laennec.ledger.service import Ledger
from laennec.quality.engines import Engine, LocalEngine
from laennec.quality.ports import ViewSource
from laennec.quality.run import Assessment, assess
from laennec.quality.sealed_shelf import SealedShelf
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse

QUALITY_FINISHED = "quality:run:finish"
"""Event of a run whose partials are kept."""


@dataclass(frozen=True)
class QualityReport:
    """The data quality of one snapshot.

    Attributes:
        hub: Name of the hub.
        version: Of the CDM whose checks were asked.
        snapshot, snapshot_sha256: What was assessed.
        vocabulary_version: Of its vocabulary.
        made_at: When.
        took: How long.
        persons: Rows of ``person``.
        rows: Rows of all tables.
        source: The first row of ``cdm_source``, by field; empty when it has none.
        assessment: The results.
    """

    hub: str
    version: str
    snapshot: int
    snapshot_sha256: str
    vocabulary_version: str
    made_at: datetime
    took: timedelta
    persons: int
    rows: int
    source: Mapping[str, str]
    assessment: Assessment


class Quality:
    """Assesses the warehouse of a hub."""

    def __init__(
        self,
        warehouse: Warehouse,
        results: Vault,
        ledger: Ledger,
        *,
        hub: str,
        workers: int,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._warehouse, self._results, self._ledger = warehouse, results, ledger
        self._hub, self._workers = hub, workers
        self._clock, self._reporter = clock, reporter

    def assess(
        self,
        version: str,
        *,
        snapshot: int | None = None,
        everything: bool = False,
        engine: Callable[[View], Engine] | None = None,
    ) -> QualityReport:
        """Answer every check, reading only buckets that changed since they were last counted.

        Args:
            version: Of the CDM whose checks are asked, ``"5.3"`` or ``"5.4"``.
            snapshot: Which; the newest when None.
            everything: Read all buckets, whatever is kept.
            engine: Returns what counts the rows of a view; threads of this process by default.

        Raises:
            NotFoundError: the warehouse has no persons, or no such snapshot.
            SettingsError: there are no checks for this version.
            EngineError: the computation failed.
            IntegrityError: the warehouse or what was kept is not what was sealed.
        """
        view = self._warehouse.loaded_view(snapshot)
        shelf = SealedShelf(self._results, version)
        now, began = self._clock(), time.monotonic()
        with self._reporter.task("assessing data quality", total=len(view.buckets()) + 1) as task:
            found = assess(
                version,
                ViewSource(view, version),
                shelf,
                today=now.date(),
                engine=LocalEngine(self._workers) if engine is None else engine(view),
                progress=task,
                everything=everything,
            )
        if shelf.changed:
            shelf.commit()
            self._log(view, len(found.results))
        say(Message.ASSESSED, snapshot=view.snapshot.number, buckets=len(view.buckets()))
        took = timedelta(seconds=time.monotonic() - began)
        return self._report(version, view, found, now, took)

    def _log(self, view: View, results: int) -> None:
        self._ledger.append(
            QUALITY_FINISHED,
            public={
                "buckets": len(view.buckets()),
                "program_version": __version__,
                "rows": results,
                "snapshot": view.snapshot.number,
            },
            private={},
        )

    def _report(
        self, version: str, view: View, found: Assessment, now: datetime, took: timedelta
    ) -> QualityReport:
        counted = view.rows()
        sources = view.read_whole("cdm_source").head(1).rows(named=True)
        return QualityReport(
            hub=self._hub,
            version=version,
            snapshot=view.snapshot.number,
            snapshot_sha256=view.snapshot.digest,
            vocabulary_version=view.vocabulary_version,
            made_at=now,
            took=took,
            persons=counted.get("person", 0),
            rows=sum(counted.values()),
            source={
                name: str(value)
                for row in sources
                for name, value in row.items()
                if value is not None
            },
            assessment=found,
        )
