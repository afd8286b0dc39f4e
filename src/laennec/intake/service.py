"""Loading a data set: every file of it in one commit, or nothing.

All files are looked at before the first is read, so that a wrong separator or a missing column is
known at once. Persons come first, for every other row needs one. The commit is one conditional
write at the end: a crash at any point before leaves the previous snapshot and some unreferenced
sealed objects. Files whose very bytes were loaded before are recognised by their SHA-256.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import SourceError
from laennec.core.progress import Reporter
from laennec.intake import loaded_files
from laennec.intake.dataset import DataSetLoad
from laennec.intake.loaded_files import LoadedFile
from laennec.intake.model import Means
from laennec.intake.quarantine import Quarantine
from laennec.intake.readers import TableFile, inspect
from laennec.intake.report import LoadReport
from laennec.intake.rules import Rule, TableCount
from laennec.intake.sources import SourceFile, find_sources
from laennec.ledger.service import Ledger
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.names import normal
from laennec.omop.versions import DROPPED_TABLES, Version, detect_version
from laennec.vault.manifest import JsonValue, Manifest, Snapshot
from laennec.vault.service import Vault
from laennec.warehouse.anchor import log_commit
from laennec.warehouse.layout import PROPERTY
from laennec.warehouse.service import View

REPORT = "load-report"

_NAMED = 5
"""Files that a message names; a delivery of something else has hundreds."""


Digests = Mapping[SourceFile, Future[str]]
"""SHA-256 of each file, worked out while the load is under way."""

Stamps = Mapping[SourceFile, tuple[int, int, int]]
"""What each file looked like before its digest was begun; see ``SourceFile.stamp``."""


@dataclass(frozen=True)
class Options:
    """How to load.

    Attributes:
        scratch: Folder for sealed scratch files.
        memory_bytes: Memory for rows in hand.
        workers: Buckets finished at once.
        encoding: Codec of CSV files.
        keep_repeated: Keep different rows that share a primary key, instead of quarantining them.
    """

    scratch: Path
    memory_bytes: int
    workers: int
    encoding: str = "utf-8"
    keep_repeated: bool = False


class Intake:
    """Loads OMOP data sets and vocabularies into a vault, and writes each load in the ledger."""

    def __init__(
        self, vault: Vault, ledger: Ledger, *, reporter: Reporter, options: Options
    ) -> None:
        self._vault, self._ledger = vault, ledger
        self._reporter, self._options = reporter, options

    def load_omop(self, path: Path) -> LoadReport:
        """Load the tables in a folder, a zip or one file, in CDM 5.3 or 5.4.

        Rows are added to those of earlier loads; vocabulary tables are replaced.

        Raises:
            SourceError: a file is not what its name says; file, line and column are named.
            ConflictError: somebody else committed meanwhile.
            StoreError: store or scratch folder failed or are full.
        """
        report, snapshot, digests = self._load(find_sources(path), add_vocabulary=False)
        if snapshot is not None:
            log_commit(self._ledger, snapshot)
            self._ledger.append(
                "intake:load:finish",
                public={
                    "rows_read": report.read,
                    "rows_kept": report.kept,
                    "rows_quarantined": report.quarantined,
                    "rows_dropped": report.dropped,
                    "snapshot": snapshot.number,
                    "files": len(digests),
                },
                private={"source": "\n".join(digests).encode(), "report": report.to_json()},
            )
        return report

    def load_vocabulary(self, path: Path, *, add: bool = False) -> LoadReport:
        """Load the vocabulary tables in a folder, a zip or one file.

        Args:
            path: An Athena download, or files named after the tables.
            add: Add to the vocabulary that is there (a site's own concepts) instead of replacing
                each table that the source has.

        Raises:
            SourceError: there is no vocabulary table, or as ``load_omop``.
            VocabularyError: the hierarchy of site concepts has a cycle.
        """
        tables = cdm(CURRENT).tables
        sources = [one for one in find_sources(path) if one.table in tables]
        sources = [one for one in sources if tables[one.table].is_vocabulary]
        if not sources:
            raise SourceError(
                f"{path.name} holds no vocabulary table.",
                remedy="Name the folder or zip that has CONCEPT.csv, as Athena delivers it.",
            )
        report, snapshot, digests = self._load(sources, add_vocabulary=add)
        if snapshot is not None:
            log_commit(self._ledger, snapshot)
            version = View(self._vault, snapshot).vocabulary_version
            self._ledger.append(
                "intake:vocabulary:load",
                public={
                    "snapshot": snapshot.number,
                    "files": len(digests),
                    "tables": len(report.counts),
                    "vocabulary_version": version,
                },
                private={"source": "\n".join(digests).encode()},
            )
        return report

    def _load(
        self, sources: Sequence[SourceFile], *, add_vocabulary: bool
    ) -> tuple[LoadReport, Snapshot | None, list[str]]:
        stamps = {one: one.stamp() for one in sources}
        with ThreadPoolExecutor(max_workers=1) as pool:
            digests = {one: pool.submit(one.digest) for one in sources}
            return self._load_digested(stamps, digests, add_vocabulary=add_vocabulary)

    def _load_digested(
        self, stamps: Stamps, digests: Digests, *, add_vocabulary: bool
    ) -> tuple[LoadReport, Snapshot | None, list[str]]:
        base, sources = self._vault.snapshot(), tuple(stamps)
        again = self._loaded_before(digests, base.manifest)
        fresh = [one for one in sources if one.name not in again]
        files = [inspect(one, encoding=self._options.encoding) for one in fresh]
        version = _version(files)
        dropped = _not_in_cdm(files, version)
        _check_some_table(files, sources)
        _check_persons(sources, base.manifest)
        files = [one for one in files if one.source.table not in {n.table for n in dropped}]
        if not files:
            return LoadReport(None, version, dropped, {}, again), None, []
        means = self._means()
        work = DataSetLoad(means, base, version, files, add_vocabulary=add_vocabulary)
        loaded = work.run()
        report = LoadReport(
            base.number + 1,
            version,
            (*(one.count for one in loaded), *dropped),
            {one.count.file: one.unknown for one in loaded if one.unknown},
            again,
        )
        taken = {digests[one.source].result(): one.source.table for one in files}
        _check_unchanged(stamps)
        return report, self._commit(base, work, report, taken), list(taken)

    def _means(self) -> Means:
        options = self._options
        return Means(
            vault=self._vault,
            quarantine=Quarantine(self._vault),
            scratch=options.scratch,
            memory_bytes=options.memory_bytes,
            workers=options.workers,
            reporter=self._reporter,
            encoding=options.encoding,
            keep_repeated=options.keep_repeated,
        )

    def _loaded_before(self, digests: Digests, manifest: Manifest) -> dict[str, int]:
        """Return the snapshot of each file whose very bytes were loaded into its table before."""
        known = loaded_files.of(manifest)
        again = {}
        if not known:  # nothing to recognise: the digests are needed at the end only
            return {}
        with self._reporter.task("recognising files", total=len(digests)) as task:
            for one, digest in digests.items():
                found = known.get(digest.result())
                if found is not None and found.table == one.table:
                    again[one.name] = found.snapshot
                task.advance(1)
        return again

    def _commit(
        self, base: Snapshot, work: DataSetLoad, report: LoadReport, digests: Mapping[str, str]
    ) -> Snapshot:
        document = self._vault.seal_document(report.to_json(), kind=REPORT)
        known = {
            digest: one
            for digest, one in loaded_files.of(base.manifest).items()
            if one.table not in work.replaced
        }
        taken = {digest: LoadedFile(table, base.number + 1) for digest, table in digests.items()}
        properties: dict[str, JsonValue] = {
            **base.manifest.properties,
            PROPERTY: work.layout.as_property(),
            loaded_files.PROPERTY: loaded_files.as_property(known | taken),
        }
        manifest = base.manifest.replace(
            files=work.files(),
            documents=(*base.manifest.documents, document),
            properties=properties,
        )
        return self._vault.commit(base, manifest)


def _check_unchanged(stamps: Mapping[SourceFile, tuple[int, int, int]]) -> None:
    """Refuse to commit rows of a file that was written to after it was hashed."""
    for one, stamp in stamps.items():
        if one.stamp() != stamp:
            raise SourceError(
                f"{one.name} changed while it was being loaded.",
                remedy="Wait until the export has ended, then load again; nothing was loaded.",
            )


def _check_some_table(files: Sequence[TableFile], sources: Sequence[SourceFile]) -> None:
    """Refuse a data set in which no file is named after a table."""
    known = cdm("5.3").tables.keys() | cdm(CURRENT).tables.keys()
    if files and not any(one.table in known for one in sources):
        shown = ", ".join(one.name for one in sources[:_NAMED])
        if len(sources) > _NAMED:
            shown += f" and {len(sources) - _NAMED} more"
        raise SourceError(
            f"No file is named after a table of the CDM: {shown}.",
            remedy="Name files after their table, such as person.csv; a delivery of the SNDS is "
            "loaded by `laennec load snds`. Nothing was loaded.",
        )


def _check_persons(sources: Sequence[SourceFile], manifest: Manifest) -> None:
    """Refuse rows of persons when there is no table of persons, neither here nor there."""
    tables = cdm(CURRENT).tables
    named = {one.table for one in sources}
    of_persons = sorted(name for name in named & tables.keys() if tables[name].person_field)
    if of_persons and "person" not in named and not manifest.table("person"):
        raise SourceError(
            f"There are no persons for {', '.join(of_persons)}: neither the data set nor the "
            "warehouse has a table person.",
            remedy="Load a data set with person.csv (or .parquet) first; nothing was loaded.",
        )


def _version(files: Sequence[TableFile]) -> Version:
    columns = {one.source.table: [normal(name) for name in one.columns] for one in files}
    return detect_version(columns)


def _not_in_cdm(files: Sequence[TableFile], version: Version) -> tuple[TableCount, ...]:
    """Count the rows of tables that cannot be kept."""
    known = cdm(version).tables.keys() - DROPPED_TABLES
    dropped = []
    for one in files:
        if one.source.table not in known:
            count = TableCount(one.source.table, one.source.name, read=one.rows)
            count.refuse(Rule.TABLE_NOT_IN_CDM_54, one.rows)
            dropped.append(count)
    return tuple(dropped)
