"""What joins the rows of the SNDS: nine columns for claims, establishment and stay for the PMSI.

A key is hashed to 64 bits so that a join compares one number instead of nine columns. Hashes live
for one load only and are never stored: their function may change with the library. Two claims are
taken as one only if hash, ``DCT_ORD_NUM`` and ``PRS_ORD_NUM`` all agree; with 500 million claims in
a month, one such pair is expected in some thousands of months, and repeated keys are counted.

Pure.
"""

import polars as pl

NINE_KEYS = (
    "FLX_DIS_DTD",
    "FLX_TRT_DTD",
    "FLX_EMT_TYP",
    "FLX_EMT_NUM",
    "FLX_EMT_ORD",
    "ORG_CLE_NUM",
    "DCT_ORD_NUM",
    "PRS_ORD_NUM",
    "REM_TYP_AFF",
)
"""The joining columns of ER_PRS_F and its detail tables. Source: SNDS documentation, DCIR."""

CLAIM_KEY = "$claim"
"""Column of the hash of the nine keys; joined together with ``CLAIM_JOIN``."""

CLAIM_JOIN = (CLAIM_KEY, "DCT_ORD_NUM", "PRS_ORD_NUM")

STAY_KEY = "$stay"
"""Column of the hash of a PMSI stay."""

_STAY_COLUMNS = {
    "MCO": ("ETA_NUM", "RSA_NUM"),
    "SSR": ("ETA_NUM", "RHA_NUM"),
    "HAD": ("ETA_NUM_EPMSI", "RHAD_NUM"),
    "RIP": ("ETA_NUM_EPMSI", "RIP_NUM"),
    "MCO_EXTERNAL": ("ETA_NUM", "SEQ_NUM"),
    "SSR_EXTERNAL": ("ETA_NUM", "SEQ_NUM"),
}
_SEED = 0x1A23


def claim_key() -> pl.Expr:
    """Return the hash of the nine keys as UInt64, typed alike in every table of the DCIR."""
    return pl.struct(NINE_KEYS).hash(_SEED).alias(CLAIM_KEY)


def stay_columns(field: str) -> tuple[str, str]:
    """Return the columns that name a stay within a year of a field: MCO, SSR, HAD or RIP.

    MCO_EXTERNAL and SSR_EXTERNAL are consultations and acts without a stay.

    Raises:
        KeyError: there is no such field.
    """
    return _STAY_COLUMNS[field]


def stay_key(field: str, year: int) -> pl.Expr:
    """Return the hash of a stay, of its field and its year, as UInt64.

    ``RSA_NUM`` may begin with a letter: the columns are text.
    """
    parts = (pl.lit(f"{field}{year}"), *(pl.col(name) for name in stay_columns(field)))
    return (
        pl.struct(*(part.alias(str(place)) for place, part in enumerate(parts)))
        .hash(_SEED)
        .alias(STAY_KEY)
    )
