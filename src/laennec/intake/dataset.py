"""One load under way: its files in order, persons first, and the sealed files they lead to.

Reads and seals; what it made is visible only when ``service`` commits it.
"""

from collections.abc import Sequence

import polars as pl

from laennec.intake.model import Loaded, Means
from laennec.intake.persons import KnownPersons
from laennec.intake.readers import TableFile, header_of
from laennec.intake.rules import lenient
from laennec.intake.site_hierarchy import with_site_hierarchy
from laennec.intake.table_load import TableLoad
from laennec.omop.cdm import Table, cdm
from laennec.omop.versions import Version
from laennec.snds.vocabulary import told_of_site
from laennec.vault.manifest import SealedFile, Snapshot
from laennec.warehouse.layout import Layout, layout_of, new_layout


class DataSetLoad:
    """One load under way: its files in order, and the sealed files they lead to."""

    def __init__(
        self,
        means: Means,
        base: Snapshot,
        version: Version,
        files: Sequence[TableFile],
        *,
        add_vocabulary: bool,
    ) -> None:
        """Check every header.

        Args:
            means: What to work with.
            base: The snapshot to add to.
            version: Version of the CDM the files are in.
            files: One for each table.
            add_vocabulary: Add to vocabulary tables instead of replacing them. The site concepts
                of the SNDS stay either way: rows of the warehouse point at them.

        Raises:
            SourceError: a file lacks a column, or has one of a type its table cannot take.
        """
        self._means, self._base, self._version = means, base, version
        self._inputs = sorted(files, key=lambda one: one.source.table != "person")
        for one in self._inputs:
            header_of(one, self._table(one))
        vocabulary = {one.source.table for one in files if self._table(one).is_vocabulary}
        self.replaced: frozenset[str] = frozenset() if add_vocabulary else frozenset(vocabulary)
        self.layout = self._layout()
        self._tables: dict[str, tuple[SealedFile, ...]] = {}

    def run(self) -> list[Loaded]:
        """Load every file; nothing is visible before the caller commits ``files``.

        Raises:
            SourceError: a file is damaged.
            VocabularyError: the hierarchy of site concepts has a cycle.
            StoreError: store or scratch folder failed or are full.
        """
        persons: KnownPersons | None = None
        done = []
        for file in self._inputs:
            table = self._table(file)
            if table.name != "person" and table.person_field is not None and persons is None:
                persons = self._persons()
            load = TableLoad(
                self._means,
                file,
                table,
                layout=self.layout,
                persons=persons,
                existing=self._existing(table.name),
            )
            done.append(load.run())
            self._tables[table.name] = done[-1].files
        if self._tables.keys() & {"concept_relationship", "concept_ancestor"}:
            self._tables["concept_ancestor"] = with_site_hierarchy(
                self._means.vault,
                relationships=self._files_of("concept_relationship"),
                ancestors=self._files_of("concept_ancestor"),
            )
        return done

    def files(self) -> list[SealedFile]:
        """Return the files of the next snapshot."""
        stay = [one for one in self._base.manifest.files if one.table not in self._tables]
        new = [one for files in self._tables.values() for one in files]
        return [*stay, *new, *self._means.quarantine.finish()]

    def _existing(self, table: str) -> tuple[SealedFile, ...]:
        """Return the files to add to; of a vocabulary that is replaced, what the SNDS needs."""
        files = self._base.manifest.table(table)
        if table not in self.replaced:
            return files
        site = told_of_site(table)
        if site is None or not files:
            return ()
        vault = self._means.vault
        kept = vault.read(files, where=site)
        return (vault.seal_frame(kept, table=table, bucket=None),) if len(kept) else ()

    def _files_of(self, table: str) -> tuple[SealedFile, ...]:
        return self._tables.get(table, self._base.manifest.table(table))

    def _table(self, file: TableFile) -> Table:
        return lenient(cdm(self._version).tables[file.source.table])

    def _layout(self) -> Layout:
        """Return the layout of the persons there are, or one that suits those to come."""
        present = layout_of(self._base.manifest)
        if present is not None and self._base.manifest.table("person"):
            return present
        return new_layout(sum(one.rows for one in self._inputs if one.source.table == "person"))

    def _persons(self) -> KnownPersons:
        files = self._files_of("person")
        if not files:
            return KnownPersons(pl.Series([], dtype=pl.Int64))
        return KnownPersons(self._means.vault.read(files, columns=["person_id"]).to_series())
