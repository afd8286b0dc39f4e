"""Who is who in a delivery: beneficiaries read, resolved with all earlier ones, and numbered.

Everything that the hub knows of identifiers is sealed in it, ``snds_identifier``: a later delivery
is resolved together with it, so that a person keeps his number, and two who turn out to be one are
merged. That table never leaves the hub and is no table of OMOP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from laennec.core.errors import SourceError
from laennec.intake.csv_records import LINE
from laennec.intake.snds.fates import Fates
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.intake.snds.unit_rows import UnitRows, wanted_columns
from laennec.snds.catalogue import catalogue
from laennec.snds.person_ids import Assigned, assign_person_ids
from laennec.snds.persons import NEEDS, resolve
from laennec.vault.manifest import Manifest
from laennec.vault.service import Vault

TABLE, PERSONS, NOBODY = "snds_identifier", "snds_person", "snds_nobody"
"""Sealed tables beside OMOP: identifiers, what is known of persons, identifiers of nobody."""

_FAMILY = "$family"


@dataclass(frozen=True)
class Identity:
    """Who is who after a load.

    Attributes:
        identifiers: Columns ``person_ids.IDENTIFIERS``.
        persons: One row a person, as ``person_ids.Assigned`` has it.
        nobody: ``psa``, ``rng`` and ``reason`` of identifiers that are nobody's.
        merged: ``old`` and ``new`` numbers of persons found to be one.
        counts: Of the resolution; empty if no beneficiaries were delivered.
        refusals: Merges refused, by reason.
        fresh: Whether beneficiaries were delivered.
    """

    identifiers: pl.DataFrame
    persons: pl.DataFrame
    nobody: pl.DataFrame
    merged: pl.DataFrame
    counts: Mapping[str, int]
    refusals: Mapping[str, int]
    fresh: bool

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables to seal beside OMOP; none if nothing was delivered."""
        if not self.fresh:
            return {}
        return {TABLE: self.identifiers, PERSONS: self.persons, NOBODY: self.nobody}


def identify(
    files: Sequence[DeliveredFile],
    *,
    vault: Vault,
    base: Manifest,
    key: bytes,
    variant: Variant,
    encoding: str,
    fates: Fates,
) -> Identity:
    """Resolve the beneficiaries of a delivery together with those of earlier loads.

    Args:
        files: Beneficiaries; none to go on with the earlier ones.
        vault: Where earlier ones are.
        base: The snapshot that the load stands on.
        key: Secret of the numbers of persons; the same at every load.
        variant: How the delivery names persons.
        encoding: Codec of CSV files.
        fates: Takes the rows of nobody.

    Raises:
        SourceError: there are no beneficiaries, neither here nor there; a file is damaged.
    """
    if not files:
        return _known(vault, base)
    rows = _read(files, variant, encoding, fates)
    earlier = vault.read(base.table(TABLE)) if base.table(TABLE) else None
    assigned = assign_person_ids(resolve(rows), earlier, key=key)
    # What is of nobody by itself may be of somebody by what earlier loads know.
    apart = assigned.resolution.apart
    for (family,), some in apart.group_by(_FAMILY):
        fates.set_apart(str(family), some)
    for family, number in rows[_FAMILY].value_counts().iter_rows():
        fates.of(family).kept += number
    for family, number in apart[_FAMILY].value_counts().iter_rows():
        fates.of(family).kept -= number
    return _assigned(assigned)


def _known(vault: Vault, base: Manifest) -> Identity:
    if not base.table(TABLE):
        raise SourceError(
            "There are no beneficiaries: neither the delivery nor the hub has IR_BEN_R.",
            remedy="Put IR_BEN_R beside the other files; nothing was loaded.",
        )
    nobody = base.table(NOBODY)
    return Identity(
        vault.read(base.table(TABLE)),
        vault.read(base.table(PERSONS)),
        vault.read(nobody)
        if nobody
        else pl.DataFrame(schema={"psa": pl.String, "rng": pl.Int64, "reason": pl.String}),
        _merged(pl.DataFrame(schema={"old_person_id": pl.Int64, "person_id": pl.Int64})),
        {},
        {},
        fresh=False,
    )


def _assigned(found: Assigned) -> Identity:
    refused = found.resolution.refusals.select("reason", "merges")
    return Identity(
        found.identifiers,
        found.persons,
        found.resolution.nobody,
        _merged(found.merged),
        {**found.resolution.counts, "splits refused": found.split_refused},
        dict(refused.iter_rows()),
        fresh=True,
    )


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(old="old_person_id", new="person_id")


def _read(
    files: Sequence[DeliveredFile], variant: Variant, encoding: str, fates: Fates
) -> pl.DataFrame:
    """Return the rows of all files with ``NEEDS``, ``LINE`` and where they come from."""
    by_family = {file.family: file for file in files}
    columns = {family: _columns(file) for family, file in by_family.items()}
    found = UnitRows(
        by_family, columns=columns, variant=variant, encoding=encoding, fates=fates
    ).whole()
    parts = [
        rows.select(
            *(pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in NEEDS),
            LINE,
            pl.lit(family).alias(_FAMILY),
        )
        for family, rows in found.items()
    ]
    return pl.concat(parts, how="vertical_relaxed")


def _columns(file: DeliveredFile) -> tuple[str, ...]:
    """Return the columns of ``NEEDS`` that the table ever had."""
    ever = {one.name for one in catalogue().tables[file.family].columns}
    return wanted_columns(file.family, file.year, tuple(name for name in NEEDS if name in ever))
