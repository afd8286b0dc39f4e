"""Reading OMOP tables out of the vault, always from one pinned snapshot.

A ``View`` is the warehouse as it was at one commit. It reads bucket by bucket with only the columns
and rows asked for, and is what ``runs`` calls a source. It does not decide who may ask.
"""

import functools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import polars as pl
from polars.io.plugins import register_io_source

from laennec.core.errors import NotFoundError, StudyError, VocabularyError
from laennec.ledger.events import FACTS
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.concepts import ConceptItem, missing, resolve_all
from laennec.omop.vocabulary import vocabulary_version
from laennec.vault.manifest import SealedFile, Snapshot
from laennec.vault.reader import SealedReader
from laennec.vault.service import Vault
from laennec.vault.summaries import Choose, Footer, Summary
from laennec.warehouse.layout import ORDERED, Layout, layout_of, may_have

NO_VOCABULARY, UNSTATED = "none", "unstated"

SHOWN = 20
"""Concept ids that a message names."""


class SealedFiles(Protocol):
    """Reads sealed files: a vault, or the reader that it gives."""

    def read(
        self,
        files: SealedFile | Sequence[SealedFile],
        *,
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Return rows of files; contract of ``Vault.read``."""

    def read_chosen(self, files: Sequence[SealedFile], *, choose: Choose) -> pl.DataFrame:
        """Return columns that footers let choose; contract of ``Vault.read_chosen``."""

    def prefetch(self, files: Sequence[SealedFile]) -> None:
        """Say that these files will be read soon, in this order."""

    def reader(self) -> SealedReader:
        """Return what reads them elsewhere, with its keys."""


class View:
    """OMOP tables as of one snapshot. Thread-safe: reading changes nothing."""

    def __init__(self, vault: SealedFiles, snapshot: Snapshot) -> None:
        self._vault, self.snapshot = vault, snapshot
        self.layout: Layout | None = layout_of(snapshot.manifest)
        self._files: dict[tuple[str, int | None], list[SealedFile]] = {}
        for file in snapshot.manifest.files:
            self._files.setdefault((file.table, file.bucket), []).append(file)

    def rows(self) -> Mapping[str, int]:
        """Return the number of rows of each OMOP table that has any, in the order of the CDM."""
        counted = dict.fromkeys(cdm(CURRENT).tables, 0)
        for file in self.snapshot.manifest.files:
            if file.table in counted:
                counted[file.table] += file.rows
        return {table: rows for table, rows in counted.items() if rows}

    def files(self, table: str) -> tuple[SealedFile, ...]:
        """Return the sealed files of a table."""
        return self.snapshot.manifest.table(table)

    def bucket_files(self, table: str, bucket: int | None) -> Sequence[SealedFile]:
        """Return the sealed files of one bucket of a table, or of one that has no buckets."""
        return self._files.get((table, bucket), ())

    def reader(self) -> SealedReader:
        """Return what reads the files of this snapshot in another process, with its keys."""
        return self._vault.reader()

    def buckets(self) -> Sequence[int]:
        """Return the person buckets that hold persons, ascending."""
        return sorted(
            bucket for table, bucket in self._files if table == "person" and bucket is not None
        )

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        """Return rows of one bucket; contract of ``runs.ports.BucketSource``.

        Raises:
            IntegrityError: a file is not what was sealed.
        """
        return self._read(table, bucket, columns=columns, where=where)

    def ordered(self, table: str, bucket: int) -> bool:
        """Tell whether rows lie in order; contract of ``runs.ports.BucketSource``."""
        files = self.bucket_files(table, bucket)
        return len(files) <= 1 and all(file.statistics.get(ORDERED) == 1 for file in files)

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        """Tell what a column may have; contract of ``runs.ports.BucketSource``."""
        files = self.bucket_files(table, bucket)
        return any(may_have(file.statistics.get(column), concepts) for file in files)

    def prefetch(
        self,
        tables: Sequence[str],
        *,
        buckets: Sequence[int] | None = None,
        but: Container[tuple[str, int]] = (),
    ) -> None:
        """Say that these buckets, or every one, of these tables will be read soon, in order.

        Args:
            tables: In the order in which they are read of a bucket.
            buckets: In the order in which they are read.
            but: Tables and buckets that will not be.
        """
        wanted = self.buckets() if buckets is None else buckets
        places = [(table, bucket) for bucket in wanted for table in tables]
        places = [place for place in places if place not in but]
        self._vault.prefetch([file for place in places for file in self._files.get(place, ())])

    def read_whole(
        self, table: str, *, columns: Sequence[str] | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """Return rows of a table that has no buckets, such as a vocabulary table."""
        return self._read(table, None, columns=columns, where=where)

    def read_chosen(self, table: str, bucket: int | None, *, choose: Choose) -> pl.DataFrame:
        """Return all rows, with columns that the footers of the sealed files let choose.

        Args:
            table: CDM table.
            bucket: Person bucket, or None for a table that has no buckets.
            choose: Names the columns to return, given what is known of all of them.

        Raises:
            IntegrityError: a file is not what was sealed.
        """
        files = self._files.get((table, bucket))
        if files:
            return self._vault.read_chosen(files, choose=choose)
        nothing = {name: Summary(kind, 0) for name, kind in _schema(table).items()}
        return self._read(table, bucket, columns=choose(Footer(0, nothing)), where=None)

    def lazy(self, table: str) -> pl.LazyFrame:
        """Return a whole table as a lazy frame; filters and columns reach the sealed files."""
        schema = cdm(CURRENT).tables[table].polars_schema()

        def source(
            with_columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            batch_size: int | None,  # noqa: ARG001
        ) -> Iterator[pl.DataFrame]:
            rows = self.read_whole(table, columns=with_columns, where=predicate)
            yield rows if n_rows is None else rows.head(n_rows)

        return register_io_source(source, schema=schema, is_pure=True)

    @functools.cached_property
    def vocabulary_version(self) -> str:
        """Version of the vocabulary; ``"none"`` without one, ``"unstated"`` if it does not say.

        It goes into released files and the ledger, and whoever made the vocabulary wrote it: what
        is not of the ledger's form (a formula for a spreadsheet, free text) counts as not said.
        """
        rows = self.read_whole("vocabulary", columns=["vocabulary_id", "vocabulary_version"])
        if rows.is_empty():
            return NO_VOCABULARY
        try:
            version = vocabulary_version(rows)
        except VocabularyError:
            return UNSTATED
        return version if FACTS["vocabulary_version"].accepts(version) else UNSTATED

    def concepts(self, sets: Mapping[str, Sequence[ConceptItem]]) -> Mapping[str, frozenset[int]]:
        """Return the concepts that concept sets mean in this snapshot's vocabulary.

        Each table of the vocabulary is read once, whatever the number of sets.

        Args:
            sets: Items by name of set.

        Raises:
            VocabularyError: there is no vocabulary at all.
        """
        self._check_vocabulary(sets)
        return resolve_all(
            sets,
            ancestors=self.lazy("concept_ancestor"),
            relationships=self.lazy("concept_relationship"),
            concepts=self.lazy("concept"),
        )

    def unknown_sets(self, sets: Mapping[str, Sequence[ConceptItem]]) -> tuple[str, ...]:
        """Return the names, in order, of the sets of which the vocabulary has no concept at all.

        Raises:
            VocabularyError: there is no vocabulary, or it has no concept of any set.
        """
        self._check_vocabulary(sets)
        asked = {name: {item.concept_id for item in items} for name, items in sets.items()}
        ids = set().union(*asked.values())
        absent = missing(ids, self.lazy("concept")) if ids else frozenset()
        if ids and ids == absent:
            raise VocabularyError(
                f"The vocabulary ({self.vocabulary_version}) has no concept of any of the concept "
                f"sets {', '.join(asked)}: {_listed(sorted(ids))}.",
                remedy="Check the concept ids, or load the vocabulary that has them.",
            )
        return tuple(name for name, own in asked.items() if own <= absent)

    def _check_vocabulary(self, sets: Mapping[str, Sequence[ConceptItem]]) -> None:
        if sets and not self._files.get(("concept", None)):
            raise VocabularyError(
                "The warehouse has no vocabulary.",
                remedy="Load one with `laennec vocab load`, or a data set that brings its own.",
            )

    def concept_names(self, concepts: Iterable[int]) -> Mapping[int, str]:
        """Return the names of concepts; one that the vocabulary does not have has none."""
        wanted = pl.lit(pl.Series([sorted(concepts)], dtype=pl.List(pl.Int64)))
        rows = self.read_whole(
            "concept",
            columns=["concept_id", "concept_name"],
            where=pl.col("concept_id").is_in(wanted),
        )
        return dict(rows.drop_nulls().iter_rows())

    def _read(
        self,
        table: str,
        bucket: int | None,
        *,
        columns: Sequence[str] | None,
        where: pl.Expr | None,
    ) -> pl.DataFrame:
        files = self._files.get((table, bucket))
        if files:
            return self._vault.read(files, columns=columns, where=where)
        schema = _schema(table)
        asked = schema if columns is None else columns
        return pl.DataFrame(schema={name: schema[name] for name in asked})


def _schema(table: str) -> Mapping[str, pl.DataType]:
    known = cdm(CURRENT).tables.get(table)
    if known is None:
        raise StudyError(f"There is no table {table}.", remedy="Name a table of CDM 5.4.")
    return known.polars_schema()


def _listed(ids: Sequence[int]) -> str:
    """Some ids, for a message."""
    return ", ".join(map(str, ids[:SHOWN])) + (", ..." if len(ids) > SHOWN else "")


class Warehouse:
    """The OMOP side of a vault: views of its snapshots."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def view(self, number: int | None = None) -> View:
        """Return the warehouse as of a snapshot, the newest by default.

        Raises:
            NotFoundError: there is no such snapshot any more.
        """
        return View(self.vault, self.vault.snapshot(number))

    def loaded_view(self, number: int | None = None) -> View:
        """Return a view that has persons.

        Raises:
            NotFoundError: nothing was loaded yet, or there is no such snapshot.
        """
        view = self.view(number)
        if not view.buckets():
            raise NotFoundError(
                f"Snapshot {view.snapshot.number} has no persons.",
                remedy="Load a data set with `laennec load omop`.",
            )
        return view
