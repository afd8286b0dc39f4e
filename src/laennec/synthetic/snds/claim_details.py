"""Columns of the detail tables of ER_PRS_F: what each line is about.

Each function takes lines of a month and the rank of a detail row within its line, and returns the
columns beside the nine keys.

Pure.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.care import Lines
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.texts import euros, gather, padded


@cache
def column(table: str, name: str) -> pl.Series:
    """Return a column of the data folder, missing values as empty text."""
    return frequencies.table(table)[name].fill_null("")


def _drugs(lines: Lines, nth: np.ndarray) -> Cells:
    boxes = padded(np.abs(lines.units), 1, 99)
    code = gather(column("products", "PHA_CIP_C13"), lines.item)
    return {
        "PHA_PRS_C13": code,
        "PHA_PRS_IDE": code.str.slice(5, 7),
        "PHA_ACT_QSN": gather(pl.Series(["-", ""]), (lines.units > 0).astype(np.int64)) + boxes,
        "PHA_ACT_PRU": euros(500 + lines.item * 7),
        "PHA_ORD_NUM": padded(nth + 1, 1, 9),
        "PHA_SEQ_RNV": "0",
        "PHA_DEC_TOP": "",
    }


def _tests(lines: Lines, nth: np.ndarray) -> Cells:
    size = frequencies.table("tests").height
    return {
        "BIO_PRS_IDE": gather(column("tests", "BIO_PRS_IDE"), (lines.item + nth * 3) % size),
        "BIO_ACT_QSN": "1",
        "BIO_ORD_NUM": padded(nth + 1, 1, 9),
    }


def _acts(lines: Lines, nth: np.ndarray) -> Cells:
    known = np.maximum(lines.item, 0)
    return {
        "CAM_PRS_IDE": gather(column("acts", "CAM_PRS_IDE"), known),
        "CAM_ACT_COD": "1",
        "CAM_TRT_PHA": "0",
        "CAM_ORD_NUM": padded(nth + 1, 1, 9),
        "CAM_ASS_COD": "",
    }


def _devices(lines: Lines, nth: np.ndarray) -> Cells:
    return {
        "TIP_PRS_IDE": gather(column("devices", "TIP_PRS_IDE"), lines.item),
        "TIP_ACT_QSN": padded(np.abs(lines.units), 1, 99),
        "TIP_ACL_DTD": texts.days(lines.day),
        "TIP_ACL_DTF": texts.days(lines.day + 28),
        "TIP_ORD_NUM": padded(nth + 1, 1, 9),
    }


def _hospital_drugs(lines: Lines, nth: np.ndarray) -> Cells:
    code = gather(column("products", "PHA_CIP_UCD"), lines.item)
    return {
        "UCD_UCD_COD": code.str.zfill(13),
        "UCD_DLV_NBR": padded(np.abs(lines.units), 1, 99),
        "UCD_FRC_COE": "1",
        "UCD_TOP_UCD": "0",
        "UCD_ORD_NUM": padded(nth + 1, 1, 9),
    }


def _hospitals(lines: Lines, nth: np.ndarray) -> Cells:
    return {
        "ETB_EXE_FIN": padded(10_000 + lines.person % 400, 8, 20_000),
        "ETE_CAT_COD": "355",
        "ETE_STJ_COD": "1",
        "ETE_TYP_COD": "1",
        "ETE_GHS_NUM": padded(nth, 1, 9),
        "MDT_COD": "3",
    }


def charged(lines: Lines) -> np.ndarray:
    """Return what each line charges, in cents, with the sign of its units."""
    cents = frequencies.numbers(column("claims", "cents")).astype(np.int64)[lines.nature]
    return np.asarray((cents * (80 + lines.document % 41) // 100) * lines.units)


def _other_funds(lines: Lines, nth: np.ndarray) -> Cells:
    """What the scheme's complementary cover pays: all that its base rate leaves to the person."""
    charge = charged(lines)
    rate = frequencies.numbers(column("claims", "rate")).astype(np.int64)[lines.nature]
    return {
        "ARO_ORD_NUM": padded(nth + 1, 1, 9),
        "ARO_PRS_NAT": gather(column("claims", "PRS_NAT_REF"), lines.nature),
        "ARO_REM_MNT": euros(charge - charge * rate // 100),
        "ARO_REM_SGN": gather(pl.Series(["2", "1"]), (lines.units > 0).astype(np.int64)),
        "ARO_REM_TYP": "1",
    }


DETAILS: Mapping[str, Callable[[Lines, np.ndarray], Cells]] = {
    "ER_PHA_F": _drugs,
    "ER_BIO_F": _tests,
    "ER_CAM_F": _acts,
    "ER_TIP_F": _devices,
    "ER_UCD_F": _hospital_drugs,
    "ER_ETE_F": _hospitals,
    "ER_ARO_F": _other_funds,
}
"""By detail table."""
