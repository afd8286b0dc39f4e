"""The task of one unit: its files become sealed lines by bucket, and counts.

What a unit makes beside lines goes into the same sealed file: rows in quarantine, rows of nobody,
providers and care sites, each as a table of its own in bucket 0.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from laennec.intake.snds.bench import Bench, Place
from laennec.intake.snds.fates import Fates, FileFates
from laennec.intake.snds.line_store import BUCKET, LineWriter
from laennec.intake.snds.load_folder import Done
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.intake.snds.unit_claims import ClaimsWork
from laennec.intake.snds.unit_claims import columns as claims_columns
from laennec.intake.snds.unit_others import OthersWork
from laennec.intake.snds.unit_others import columns as others_columns
from laennec.intake.snds.unit_rows import UnitRows
from laennec.intake.snds.unit_stays import StaysWork
from laennec.intake.snds.unit_stays import columns as stays_columns
from laennec.intake.snds.units import Kind, Unit
from laennec.snds.claims_codes import Codebook
from laennec.snds.keys import CLAIM_KEY, STAY_KEY
from laennec.snds.person_index import PersonIndex
from laennec.warehouse.buckets import bucket_of
from laennec.warehouse.layout import Layout

WHOLE = 0
"""The bucket of what belongs to no person."""


@dataclass(frozen=True)
class UnitShared:
    """What the units of a load share; picklable.

    Attributes:
        layout: Person buckets.
        index: Whose each identifier is.
        identifiers: As ``persons.assign_person_ids`` gives them, for deaths.
        codes: The vocabularies.
        drugs: The drug reference, or None.
        variant: How the delivery names persons.
        encoding: Codec of CSV files.
        scratch: Folder of sealed scratch files.
        memory_bytes: Memory for the rows of one unit.
    """

    layout: Layout
    index: PersonIndex
    identifiers: pl.DataFrame
    codes: Codebook
    drugs: pl.DataFrame | None
    variant: Variant
    encoding: str
    scratch: Path
    memory_bytes: int


@dataclass(frozen=True)
class UnitOutcome:
    """What a finished unit says of itself.

    Attributes:
        unit: Its name.
        files: The fates of the rows of its files.
        digests: SHA-256 of each file's bytes, by name, in hexadecimal.
        touched: Rows that each cleaning rule names, by rule.
        lines: Lines made, by table.
    """

    unit: str
    files: tuple[FileFates, ...]
    digests: Mapping[str, str]
    touched: Mapping[str, int]
    lines: Mapping[str, int]

    def to_json(self) -> str:
        """Return the JSON form, kept in the journal."""
        form: dict[str, Any] = {**vars(self), "files": [one.to_json() for one in self.files]}
        return json.dumps(form, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "UnitOutcome":
        """Return the outcome whose JSON form is ``text``."""
        form = json.loads(text)
        files = tuple(FileFates.from_json(one) for one in form.pop("files"))
        return cls(files=files, **form)


@dataclass(frozen=True)
class UnitItem:
    """A unit with its fingerprint."""

    unit: Unit
    fingerprint: str


@dataclass(frozen=True)
class UnitTask:
    """Works on units; picklable as far as its place is."""

    place: Place

    def __call__(self, item: UnitItem) -> Done:
        """Convert a unit.

        Raises:
            SourceError: a file is not what its name says.
            StoreError: the folder of the load or of the spool failed or is full.
        """
        bench = self.place.bench()
        writer = LineWriter(bench.folder, key=bench.key, unit=item.fingerprint)
        try:
            outcome = _converted(item.unit, bench, writer)
        except BaseException:
            writer.abandon()
            raise
        return Done(item.fingerprint, writer.finish(), outcome.to_json())


def _converted(unit: Unit, bench: Bench, writer: LineWriter) -> UnitOutcome:
    shared: UnitShared = bench.shared
    files = {file.family: file for file in unit.files}
    fates = Fates({family: file.name for family, file in files.items()})
    touched: dict[str, int] = {}
    work, key, columns = _work(unit, files, shared, fates, touched)
    rows = UnitRows(
        files, columns=columns, variant=shared.variant, encoding=shared.encoding, fates=fates
    )
    digests = {file.name: file.source.digest() for file in unit.files}
    shards = rows.shards(
        work.prepare,
        key=key,
        shard_bytes=shared.memory_bytes // 4,
        scratch=shared.scratch,
        memory_bytes=shared.memory_bytes // 4,
    )
    made: dict[str, int] = {}
    for frames in shards:
        for table, lines in work.lines(frames).items():
            made[table] = made.get(table, 0) + len(lines)
            writer.add(table, _bucketed(lines, shared.layout))
        for table, taken in fates.taken():
            writer.add(table, _bucketed(taken, shared.layout))
    for table, taken in fates.taken():
        writer.add(table, _bucketed(taken, shared.layout))
    lines_made = {table: rows for table, rows in made.items() if rows and table[0] != "$"}
    return UnitOutcome(unit.name, fates.files(), digests, touched, lines_made)


def _bucketed(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    if "person_id" not in rows.columns:
        return rows.with_columns(pl.lit(WHOLE, pl.UInt32).alias(BUCKET))
    bucket = bucket_of(rows["person_id"], buckets=layout.buckets, salt=layout.salt)
    return rows.with_columns(bucket.alias(BUCKET))


def _work(
    unit: Unit,
    files: Mapping[str, DeliveredFile],
    shared: UnitShared,
    fates: Fates,
    touched: dict[str, int],
) -> tuple[ClaimsWork | StaysWork | OthersWork, str, Mapping[str, tuple[str, ...]]]:
    """Return what converts a unit, the key that keeps its rows together, and what to read."""
    if unit.kind is Kind.CLAIMS:
        work = ClaimsWork(
            unit.year, unit.last_day, shared.index, shared.codes, shared.drugs, fates, touched
        )
        return work, CLAIM_KEY, {family: claims_columns(family, unit.year) for family in files}
    if unit.kind is Kind.STAYS and unit.field is not None and unit.year is not None:
        field, year = unit.field, unit.year
        of_stays = StaysWork(field, year, shared.index, shared.codes, fates, touched)
        columns = {family: stays_columns(family, field, year) for family in files}
        return of_stays, STAY_KEY, columns
    others = OthersWork(unit.kind, shared.index, shared.identifiers, shared.codes, fates)
    return others, CLAIM_KEY, {family: others_columns(family, unit.year) for family in files}
