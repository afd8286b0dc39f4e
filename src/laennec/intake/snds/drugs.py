"""The drug reference of a delivery (IR_PHA_R), and the codes that a load knows with it.

The reference stays sealed in the warehouse, ``snds_drugs``, for deliveries that bring none.
"""

import polars as pl

from laennec.intake.csv_records import LINE
from laennec.intake.snds.fates import Fates
from laennec.intake.snds.model import DeliveredFile, Variant
from laennec.intake.snds.unit_rows import UnitRows, wanted_columns
from laennec.snds.codes import HUB_VOCABULARIES, Codes
from laennec.vault.manifest import Manifest
from laennec.vault.service import Vault

TABLE = "snds_drugs"
_COLUMNS = (
    "PHA_CIP_C13",
    "PHA_PRS_IDE",
    "PHA_CIP_UCD",
    "PHA_ATC_C07",
    "PHA_MED_NOM",
    "PHA_NOM_COURT",
    "PHA_NOM_PA",
    "PHA_UNT_NBR_DSES",
    "PHA_DOS_PRA_DSES",
    "PHA_DOS_UNT_DSES",
    "PHA_CND_TOP",
)


def read_drugs(
    file: DeliveredFile, *, variant: Variant, encoding: str, fates: Fates
) -> pl.DataFrame:
    """Return the products of a drug reference, all text, in the order of the file.

    Raises:
        SourceError: the file is damaged, or is not what its name says.
    """
    columns = {file.family: wanted_columns(file.family, file.year, _COLUMNS)}
    rows = UnitRows(
        {file.family: file}, columns=columns, variant=variant, encoding=encoding, fates=fates
    ).whole()[file.family]
    fates.of(file.family).kept += len(rows)
    return rows.drop(LINE).select(pl.all().cast(pl.String))


def sealed_drugs(vault: Vault, base: Manifest) -> pl.DataFrame | None:
    """Return the reference of an earlier load, or None."""
    files = base.table(TABLE)
    return vault.read(files) if files else None


def known_codes(vault: Vault, base: Manifest, drugs: pl.DataFrame | None) -> Codes:
    """Return what is known of codes: from the hub's own vocabulary if it has one, else shipped."""
    codes = Codes.site()
    if _has_own_vocabulary(vault, base):
        maps = base.table("source_to_concept_map")
        codes = codes.with_vocabulary(
            vault.read(base.table("concept")),
            vault.read(base.table("concept_relationship")),
            vault.read(maps) if maps else None,
        )
    return codes if drugs is None else codes.with_drugs(drugs)


def _has_own_vocabulary(vault: Vault, base: Manifest) -> bool:
    """Whether the hub has one of the vocabularies that French codes are mapped by."""
    tables = ("vocabulary", "concept", "concept_relationship")
    if not all(base.table(one) for one in tables):
        return False
    wanted = {name for names in HUB_VOCABULARIES.values() for name in names}
    there = vault.read(base.table("vocabulary"), columns=["vocabulary_id"]).to_series()
    return not wanted.isdisjoint(there)
