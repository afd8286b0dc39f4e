"""Small files of the SNDS, and what reading one gives."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.model import OpenedFile, Variant
from laennec.intake.snds.read import open_file, read
from laennec.snds.keys import NINE_KEYS

_KEYS = ("01/02/2019", "20/01/2019", "1", "3", "2", "01C123", "17", "1", "1")
CLAIM = {
    **dict(zip(NINE_KEYS, _KEYS, strict=True)),
    "BEN_NIR_PSA": "A0000000000000017",
    "BEN_RNG_GEM": "1",
    "BEN_SEX_COD": "2",
    "EXE_SOI_DTD": "15/01/2019",
    "PRS_ACT_QTE": "1",
    "PRS_PAI_MNT": "25.50",
    "PFS_EXE_NUM": "012345678",
}
"""One good row of ER_PRS_F of February 2019."""

STAY = {
    "ETA_NUM": "010000123",
    "RSA_NUM": "A000000001",
    "COD_SEX": "1",
    "AGE_ANN": "54",
    "SOR_ANN": "2019",
    "DGN_PAL": "C670",
}
"""One good row of T_MCO19B, of an added transmission: its RSA_NUM begins with a letter."""


@dataclass(frozen=True)
class Got:
    """All that a file holds: the header's findings, the good rows, and refused lines."""

    opened: OpenedFile
    rows: pl.DataFrame
    refused: list[tuple[int, str, str | None]]


def csv_text(*rows: dict[str, str], end: str = "\n", separator: str = ";") -> str:
    """Return rows, all with the columns of the first, as the text of a file."""
    lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
    return end.join([*lines, ""])


def read_all(
    path: Path,
    columns: Collection[str] | None = None,
    *,
    variant: Variant = Variant.STANDARD,
    encoding: str = "utf-8",
) -> Got:
    """Read the one file of a delivery; without ``columns``, those of ``CLAIM`` or ``STAY``."""
    (file,) = find_delivery(path).files
    wanted = columns or (STAY if file.family == "T_MCOaaB" else CLAIM)
    opened = open_file(file, columns=list(wanted), variant=variant, encoding=encoding)
    chunks = list(read(opened))
    refused = [
        (line, one.rule, one.column)
        for chunk in chunks
        for one in chunk.refused
        for line in one.rows["$line"]
    ]
    rows = [chunk.rows for chunk in chunks]
    return Got(opened, pl.concat(rows) if rows else pl.DataFrame(), sorted(refused))
