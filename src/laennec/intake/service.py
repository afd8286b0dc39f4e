"""Loading a data set: every file of it in one commit, or nothing.

All files are looked at before the first is read, so that a wrong separator or a missing column is
known at once. Persons come first, for every other row needs one. The commit is one conditional
write at the end: a crash at any point before leaves the previous snapshot and some unreferenced
sealed objects. Files whose very bytes were loaded before are recognised by their SHA-256.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import SourceError
from laennec.core.progress import Reporter
from laennec.intake.persons import KnownPersons
from laennec.intake.quarantine import Quarantine
from laennec.intake.readers import TableFile, header_of, inspect
from laennec.intake.report import LoadReport
from laennec.intake.rules import Rule, TableCount
from laennec.intake.site_hierarchy import with_site_hierarchy
from laennec.intake.sources import SourceFile, find_sources
from laennec.intake.table_load import Loaded, Means, TableLoad
from laennec.ledger.service import Ledger
from laennec.omop.cdm import CURRENT, Table, cdm
from laennec.omop.names import normal
from laennec.omop.versions import DROPPED_TABLES, Version, detect_version
from laennec.vault.manifest import JsonValue, Manifest, SealedFile, Snapshot
from laennec.vault.service import Vault
from laennec.warehouse.anchor import log_commit
from laennec.warehouse.layout import PROPERTY, Layout, layout_of, new_layout
from laennec.warehouse.service import View

SOURCES = "sources"
REPORT = "load-report"


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
        base = self._vault.snapshot()
        known = _known_sources(base.manifest)
        digests = self._digests(sources)
        again = {one.name: known[digests[one]] for one in sources if digests[one] in known}
        fresh = [one for one in sources if digests[one] not in known]
        files = [inspect(one, encoding=self._options.encoding) for one in fresh]
        version = _version(files)
        dropped = _not_in_cdm(files, version)
        files = [one for one in files if one.source.table not in {n.table for n in dropped}]
        if not files:
            return LoadReport(None, version, dropped, {}, again), None, []
        work = _Work(self._vault, self._reporter, self._options, base, version, files)
        loaded = work.run(add_vocabulary=add_vocabulary)
        report = LoadReport(
            base.number + 1,
            version,
            (*(one.count for one in loaded), *dropped),
            {one.count.file: one.unknown for one in loaded if one.unknown},
            again,
        )
        taken = [digests[one.source] for one in files]
        return report, self._commit(base, work, report, taken), taken

    def _digests(self, sources: Sequence[SourceFile]) -> Mapping[SourceFile, str]:
        with self._reporter.task("recognising files", total=len(sources)) as task:
            digests = {}
            for one in sources:
                digests[one] = one.digest()
                task.advance(1)
        return digests

    def _commit(
        self, base: Snapshot, work: "_Work", report: LoadReport, digests: Sequence[str]
    ) -> Snapshot:
        document = self._vault.seal_document(report.to_json(), kind=REPORT)
        number = base.number + 1
        properties: dict[str, JsonValue] = {
            **base.manifest.properties,
            PROPERTY: work.layout.as_property(),
            SOURCES: {**_known_sources(base.manifest), **dict.fromkeys(digests, number)},
        }
        manifest = base.manifest.replace(
            files=work.files(),
            documents=(*base.manifest.documents, document),
            properties=properties,
        )
        return self._vault.commit(base, manifest)


class _Work:
    """One load under way: its files in order, and the sealed files they lead to."""

    def __init__(
        self,
        vault: Vault,
        reporter: Reporter,
        options: Options,
        base: Snapshot,
        version: Version,
        files: Sequence[TableFile],
    ) -> None:
        self._vault, self._base, self._version = vault, base, version
        self._inputs = sorted(files, key=lambda one: one.source.table != "person")
        for one in self._inputs:
            header_of(one, self._table(one))
        self._quarantine = Quarantine(vault)
        self._means = Means(
            vault=vault,
            quarantine=self._quarantine,
            scratch=options.scratch,
            memory_bytes=options.memory_bytes,
            workers=options.workers,
            reporter=reporter,
            encoding=options.encoding,
            keep_repeated=options.keep_repeated,
        )
        self.layout: Layout = layout_of(base.manifest) or new_layout(self._expected_persons())
        self._tables: dict[str, tuple[SealedFile, ...]] = {}

    def run(self, *, add_vocabulary: bool) -> list[Loaded]:
        """Load every file; nothing is visible before the caller commits ``files``."""
        persons: KnownPersons | None = None
        done = []
        for file in self._inputs:
            table = self._table(file)
            if table.name != "person" and table.person_field is not None and persons is None:
                persons = self._persons()
            replaced = table.is_vocabulary and not add_vocabulary
            load = TableLoad(
                self._means,
                file,
                table,
                layout=self.layout,
                persons=persons,
                existing=() if replaced else self._base.manifest.table(table.name),
            )
            done.append(load.run())
            self._tables[table.name] = done[-1].files
        if self._tables.keys() & {"concept_relationship", "concept_ancestor"}:
            self._tables["concept_ancestor"] = with_site_hierarchy(
                self._vault,
                relationships=self._files_of("concept_relationship"),
                ancestors=self._files_of("concept_ancestor"),
            )
        return done

    def files(self) -> list[SealedFile]:
        """Return the files of the next snapshot."""
        stay = [one for one in self._base.manifest.files if one.table not in self._tables]
        new = [one for files in self._tables.values() for one in files]
        return [*stay, *new, *self._quarantine.finish()]

    def _files_of(self, table: str) -> tuple[SealedFile, ...]:
        return self._tables.get(table, self._base.manifest.table(table))

    def _table(self, file: TableFile) -> Table:
        return cdm(self._version).tables[file.source.table]

    def _expected_persons(self) -> int:
        return sum(one.rows for one in self._inputs if one.source.table == "person")

    def _persons(self) -> KnownPersons:
        files = self._files_of("person")
        if not files:
            raise SourceError(
                "There are no persons: neither the data set nor the warehouse has a table person.",
                remedy="Load a data set with person.csv (or .parquet) first.",
            )
        return KnownPersons(self._vault.read(files, columns=["person_id"]).to_series())


def _known_sources(manifest: Manifest) -> dict[str, int]:
    known = manifest.properties.get(SOURCES)
    return (
        {str(digest): int(number) for digest, number in known.items()}
        if isinstance(known, dict)
        else {}
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
