"""A month of claims made by hand, and a codebook that knows some codes."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from laennec.snds.claims import NEEDS
from laennec.snds.keys import CLAIM_JOIN, CLAIM_KEY

DAY = date(2019, 3, 4)

_DECIMAL = (
    "PRS_PAI_MNT",
    "BSE_REM_MNT",
    "CPL_REM_MNT",
    "ARO_REM_MNT",
    "UCD_FRC_COE",
    "PRS_ACT_QTE",
)
_DATE = ("EXE_SOI_DTD", "EXE_SOI_DTF", "TIP_ACL_DTD", "TIP_ACL_DTF")
_INTEGER = (
    "PRS_NAT_REF",
    "CPL_MAJ_TOP",
    "RGM_GRG_COD",
    "PSE_SPE_COD",
    "PSE_ACT_NAT",
    "BSE_REM_SGN",
    "CPL_REM_SGN",
    "ARO_REM_SGN",
    "PHA_ACT_QSN",
    "PHA_DEC_QSU",
    "UCD_DLV_NBR",
    "CAM_TRT_PHA",
    "BIO_ACT_QSN",
    "TIP_ACT_QSN",
)
CLAIM = {
    "person_id": 1,
    "EXE_SOI_DTD": DAY,
    "EXE_SOI_DTF": DAY,
    "PRS_NAT_REF": 1111,
    "PRS_ACT_QTE": 1.0,
    "PRS_PAI_MNT": 25.0,
    "CPL_MAJ_TOP": 0,
    "PFS_EXE_NUM": "01234567",
    "RGM_GRG_COD": 1,
    "BEN_CMU_TOP": "0",
    "BSE_REM_MNT": 16.5,
    "BSE_REM_SGN": 1,
    "PSE_SPE_COD": 1,
}
"""A consultation of a general practitioner."""


class Codebook:
    """Gives a code a concept by its length and vocabulary, and 2,000,000,000 more as source."""

    def attach(self, rows: pl.DataFrame, column: str, vocabulary: str, prefix: str) -> pl.DataFrame:
        concept = pl.col(column).str.len_chars().cast(pl.Int64).fill_null(0) + len(vocabulary)
        return rows.with_columns(
            concept.alias(f"{prefix}_concept_id"),
            (concept + 2_000_000_000).alias(f"{prefix}_source_concept_id"),
            pl.lit("any").alias(f"{prefix}_domain"),
        )


def table(family: str, *rows: Mapping[str, object]) -> pl.DataFrame:
    """Return rows of a table; ``claim`` names the claim they belong to, else their place does."""
    schema = {name: _kind(name) for name in NEEDS[family]}
    if family == "ER_PRS_F":
        schema |= {"person_id": pl.Int64()}
    given = [{**(CLAIM if family == "ER_PRS_F" else {}), **row} for row in rows]
    numbers = [int(str(row.get("claim", place))) for place, row in enumerate(given)]
    frame = pl.DataFrame(
        [{name: row.get(name) for name in schema} for row in given], schema=schema, orient="row"
    )
    keys = pl.DataFrame(
        {
            CLAIM_KEY: pl.Series([1000 + number for number in numbers], dtype=pl.UInt64),
            CLAIM_JOIN[1]: pl.Series(numbers, dtype=pl.Int64),
            CLAIM_JOIN[2]: pl.Series([1] * len(numbers), dtype=pl.Int64),
        }
    )
    return pl.concat([frame, keys], how="horizontal").with_row_index("LINE", 2)


def _kind(name: str) -> pl.DataType:
    if name in _DECIMAL:
        return pl.Float64()
    if name in _DATE:
        return pl.Date()
    return pl.Int64() if name in _INTEGER else pl.String()
