"""One load of the SNDS under way: identity, units, buckets, and the manifest they lead to."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from laennec.compute.executor import Executor
from laennec.core.progress import Reporter
from laennec.intake.snds.bench import Place, VaultSource, place_of
from laennec.intake.snds.bucket import BucketOutcome, BucketShared, BucketTask, first_ids
from laennec.intake.snds.drugs import TABLE as DRUG_TABLE
from laennec.intake.snds.drugs import known_codes, read_drugs, sealed_drugs
from laennec.intake.snds.fates import Fates
from laennec.intake.snds.identity import Identity, identify
from laennec.intake.snds.line_store import BUCKET, LineStore, LineWriter, StoredLines
from laennec.intake.snds.load_folder import Done, LoadFolder
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.intake.snds.novelty import BENEFICIARIES, DRUGS, News, digests
from laennec.intake.snds.report import SndsReport
from laennec.intake.snds.state import PROPERTY, LoadedUnit, SndsState
from laennec.intake.snds.unit import WHOLE, UnitItem, UnitOutcome, UnitShared, UnitTask
from laennec.intake.snds.units import Unit, months, span
from laennec.intake.snds.whole_tables import (
    as_rows,
    gathered,
    keyed,
    numbered,
    sealed_whole,
    vocabulary,
)
from laennec.snds import beneficiaries, deaths
from laennec.snds.codes import Codes
from laennec.snds.finish import LineCount, Surroundings
from laennec.snds.periods import Base
from laennec.snds.person_index import PersonIndex
from laennec.snds.rules import rules
from laennec.vault.labels import derive_key, encode_parts
from laennec.vault.manifest import JsonValue, Manifest, SealedFile, Snapshot
from laennec.vault.service import Vault
from laennec.warehouse.buckets import bucket_count, bucket_of
from laennec.warehouse.layout import PROPERTY as LAYOUT
from laennec.warehouse.layout import Layout, layout_of

REPORT = "load-report"
_PERSONS = "persons"
_APPENDED = ("quarantine", "snds_apart")


@dataclass(frozen=True)
class Means:
    """What a load works with.

    Attributes:
        vault: Where rows are sealed.
        source: Opens the same vault in another process.
        executor: Where units and buckets are worked on.
        reporter: Shows progress.
        folder: Of the load.
        scratch: Folder of sealed spools.
        memory_bytes: Memory for the rows of one unit.
        variant: How the delivery names persons.
        encoding: Codec of CSV files.
    """

    vault: Vault
    source: VaultSource
    executor: Executor
    reporter: Reporter
    folder: LoadFolder
    scratch: Path
    memory_bytes: int
    variant: Variant
    encoding: str


class Load:
    """One load; ``run`` once, and nothing is visible before the caller commits."""

    def __init__(
        self,
        means: Means,
        base: Snapshot,
        state: SndsState | None,
        fresh: News,
        stamps: Mapping[DeliveredFile, tuple[int, int, int]],
    ) -> None:
        """Take what is new on top of a snapshot, and what its files look like."""
        self._means, self._base, self._fresh, self._stamps = means, base.manifest, fresh, stamps
        self._number = base.number + 1
        secret = derive_key(means.folder.key, "laennec/snds-person-key/1").hex()
        self._state = SndsState({}, {}, secret) if state is None else state
        self._fates = Fates({file.family: file.name for file in fresh.common})
        self._resumed = 0
        self.digests: dict[str, str] = {}

    def run(
        self, *, unread: tuple[str, ...], ignored: tuple[str, ...]
    ) -> tuple[SndsReport, Manifest]:
        """Load, and return the report and the manifest of the next snapshot.

        Raises:
            SourceError: a file is damaged, or is not what its name says.
            StoreError: store or folder failed or are full.
            EngineError: rows do not reconcile; a bug.
        """
        drugs = self._drugs()
        codes = known_codes(self._means.vault, self._base, drugs)
        who = self._identity()
        layout = self._layout(len(who.persons))
        outcomes = self._units(who, codes, drugs, layout)
        stored = (self._persons(who, layout), *(done.lines for done in outcomes))
        told = [UnitOutcome.from_json(done.outcome) for done in outcomes]
        units = self._known_units(told)
        whole, around, next_ids = self._whole(who, codes, drugs, stored[1:])
        buckets, next_ids = self._buckets(
            who, layout, stored, around, span(units), next_ids=next_ids
        )
        there, missing = months(units)
        report = SndsReport(
            snapshot=self._number,
            files=(*self._fates.files(), *(one for outcome in told for one in outcome.files)),
            touched=_touched(told),
            persons=who.counts,
            refusals=who.refusals,
            lines=_line_counts(buckets),
            months=tuple(there),
            missing_months=tuple(missing),
            already_loaded=self._fresh.again,
            unread=unread,
            ignored=ignored,
            resumed=self._resumed,
        )
        report.check()
        state = SndsState(units, next_ids, self._state.person_key)
        return report, self._manifest(report, layout, state, whole, buckets, stored[1:])

    def _drugs(self) -> pl.DataFrame | None:
        file = self._fresh.drugs
        if file is None:
            return sealed_drugs(self._means.vault, self._base)
        with self._means.reporter.task("reading drugs"):
            return read_drugs(
                file,
                variant=self._means.variant,
                encoding=self._means.encoding,
                fates=self._fates,
            )

    def _identity(self) -> Identity:
        with self._means.reporter.task("resolving persons"):
            return identify(
                self._fresh.beneficiaries,
                vault=self._means.vault,
                base=self._base,
                key=bytes.fromhex(self._state.person_key),
                variant=self._means.variant,
                encoding=self._means.encoding,
                fates=self._fates,
            )

    def _layout(self, persons: int) -> Layout:
        """Return the hub's buckets, or as many as suit; the same when a load goes on."""
        present = layout_of(self._base)
        if present is not None:
            return present
        salt = derive_key(self._means.folder.key, "laennec/snds-salt/1")[:8]
        return Layout(bucket_count(persons), int.from_bytes(salt, "big"))

    def _units(
        self, who: Identity, codes: Codes, drugs: pl.DataFrame | None, layout: Layout
    ) -> list[Done]:
        """Work on the units that are not finished; return all, in the order of the plan."""
        means = self._means
        items = [UnitItem(unit, self._fingerprint(unit)) for unit in self._fresh.units]
        left = [one for one in items if one.fingerprint not in means.folder.done]
        self._resumed = len(items) - len(left)
        shared = UnitShared(
            layout,
            PersonIndex(who.identifiers, who.nobody),
            who.identifiers.select("psa", "rng", "nir_ano", "person_id"),
            codes,
            drugs,
            means.variant,
            means.encoding,
            means.scratch,
            means.memory_bytes,
        )
        with means.reporter.task("converting months", total=len(left)) as task:
            for done in means.executor.map(UnitTask(self._place("units", shared)), left):
                means.folder.record(done)
                task.advance(1)
        return [means.folder.done[one.fingerprint] for one in items]

    def _fingerprint(self, unit: Unit) -> str:
        parts = [part for file in unit.files for part in (file.name, str(self._stamps[file]))]
        whole = encode_parts(self._means.folder.context, unit.name, *parts)
        return hashlib.sha256(whole).hexdigest()

    def _place(self, name: str, shared: UnitShared | BucketShared) -> Place:
        means = self._means
        return place_of(
            means.source,
            means.vault,
            means.folder,
            name=name,
            shared=shared,
            near=means.executor.shares_memory,
        )

    def _persons(self, who: Identity, layout: Layout) -> StoredLines:
        """Store the rows of persons, and the deaths that the insurers know, by bucket."""
        folder = self._means.folder
        writer = LineWriter(folder.path, key=folder.key, unit=_PERSONS)
        # Deaths each time: one that was after the last day known may be within the base now.
        told = {"death": deaths.of_persons(who.persons)}
        if who.fresh:
            told["person"] = beneficiaries.persons(who.persons)
        for table, rows in told.items():
            bucket = bucket_of(rows["person_id"], buckets=layout.buckets, salt=layout.salt)
            writer.add(table, rows.with_columns(bucket.alias(BUCKET)))
        return writer.finish()

    def _known_units(self, told: Sequence[UnitOutcome]) -> dict[str, LoadedUnit]:
        """Return every unit that the hub has after this load."""
        new = {one.unit: one.digests for one in told}
        if self._fresh.beneficiaries:
            new[BENEFICIARIES] = digests(self._fresh.beneficiaries)
        if self._fresh.drugs is not None:
            new[DRUGS] = digests([self._fresh.drugs])
        self.digests = {name: one for files in new.values() for name, one in files.items()}
        loaded = {name: LoadedUnit(files, self._number) for name, files in new.items()}
        return {**self._state.units, **loaded}

    def _whole(
        self,
        who: Identity,
        codes: Codes,
        drugs: pl.DataFrame | None,
        stored: Sequence[StoredLines],
    ) -> tuple[dict[str, pl.DataFrame], Surroundings, dict[str, int]]:
        """Return the tables that belong to no person, and what buckets need of them."""
        vault, folder = self._means.vault, self._means.folder
        made: dict[str, pl.DataFrame] = {}
        next_ids = dict(self._state.next_ids)
        for table, spoken in (("provider", "$providers"), ("care_site", "$care_sites")):
            stores = (LineStore(folder.path, key=folder.key, files=[one]) for one in stored)
            earlier = vault.read(self._base.table(table)) if self._base.table(table) else None
            first = next_ids.get(table, 1)
            said = gathered(spoken, f"{table}_key", stores)
            made[table] = numbered(table, said, earlier, first=first)
            next_ids[table] = max(first, 1 + int(made[table][f"{table}_id"].max() or 0))  # type: ignore[arg-type]
        if who.fresh:
            made["location"] = as_rows("location", beneficiaries.locations(who.persons))
        if self._fresh.drugs is not None or not self._state.units:
            made |= vocabulary(vault, self._base, codes)
        made |= who.tables()
        if drugs is not None and self._fresh.drugs is not None:
            made[DRUG_TABLE] = drugs
        around = Surroundings(*(keyed(made[name], name) for name in ("provider", "care_site")))
        return made, around, next_ids

    def _buckets(
        self,
        who: Identity,
        layout: Layout,
        stored: Sequence[StoredLines],
        around: Surroundings,
        days: Base,
        *,
        next_ids: Mapping[str, int],
    ) -> tuple[list[BucketOutcome], dict[str, int]]:
        means = self._means
        counts = LineStore(means.folder.path, key=means.folder.key, files=stored).counts()
        firsts, after = first_ids(counts, self._base.files, next_ids, buckets=layout.buckets)
        shared = BucketShared(
            layout, tuple(stored), self._base.files, around, days, firsts, who.merged
        )
        task = BucketTask(self._place("buckets", shared))
        done = []
        with means.reporter.task("sealing buckets", total=layout.buckets) as progress:
            for outcome in means.executor.map(task, range(layout.buckets)):
                done.append(outcome)
                progress.advance(1)
        return sorted(done, key=lambda one: one.bucket), after

    def _manifest(
        self,
        report: SndsReport,
        layout: Layout,
        state: SndsState,
        whole: Mapping[str, pl.DataFrame],
        buckets: Sequence[BucketOutcome],
        stored: Sequence[StoredLines],
    ) -> Manifest:
        vault = self._means.vault
        gone = {(table, one.bucket) for one in buckets for table in one.replaced}
        stay = [
            one
            for one in self._base.files
            if one.table not in whole and (one.table, one.bucket) not in gone
        ]
        new = [file for files in sealed_whole(vault, whole).values() for file in files]
        new += [file for one in buckets for file in one.files]
        new += self._set_aside(stored)
        properties: dict[str, JsonValue] = {
            **self._base.properties,
            LAYOUT: layout.as_property(),
            PROPERTY: state.as_property(),
        }
        document = vault.seal_document(report.to_json(), kind=REPORT)
        return self._base.replace(
            files=[*stay, *new],
            documents=(*self._base.documents, document),
            properties=properties,
        )

    def _set_aside(self, stored: Sequence[StoredLines]) -> Iterator[SealedFile]:
        """Seal what went to quarantine and what is nobody's, unit by unit."""
        folder, vault = self._means.folder, self._means.vault
        for table, rows in self._fates.taken():
            yield vault.seal_frame(rows, table=table, bucket=None)
        for one in stored:
            store = LineStore(folder.path, key=folder.key, files=[one])
            for table in _APPENDED:
                found = store.read(table, WHOLE)
                if found is not None:
                    yield vault.seal_frame(found, table=table, bucket=None)


def _touched(told: Sequence[UnitOutcome]) -> dict[str, int]:
    """Return the rows that each rule names; rules that named none too."""
    total = {rule.id: 0 for rule in rules()}
    for one in told:
        for rule, rows in one.touched.items():
            total[rule] += rows
    return total


def _line_counts(buckets: Sequence[BucketOutcome]) -> dict[str, LineCount]:
    total: dict[str, LineCount] = {}
    for one in buckets:
        for table, count in one.counts.items():
            total[table] = total.get(table, LineCount()) + count
    return dict(sorted(total.items()))
