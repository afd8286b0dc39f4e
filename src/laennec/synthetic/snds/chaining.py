"""Chaining of stays to persons: the C table of each field, with its errors by field and year.

Each return code is wrong at the published rate of its field and year; half of the rows whose NIR
was refused carry a filler instead of a pseudonym. Source: ``return_code_error_rates.csv``.

Pure.
"""

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.stays import Stays
from laennec.synthetic.snds.texts import gather, padded, where

FILLERS = (
    "xxxxxxxxxxxxxxxxx",
    "XXXXXXXXXXXXXXXXD",
    "XXXXXXXXXXXXXXXXS",
    "BXXXXXXXXXXXXXXXX",
)
"""Values of NIR_ANO_17 that name nobody. Source: HDH documentation, chaining of the PMSI."""

_CODES = ("NIR_RET", "NAI_RET", "SEX_RET", "SEJ_RET", "FHO_RET", "PMS_RET", "DAT_RET")
_WRONG = pl.Series(["0", "1", "2", "3", "4", "9"])
_FILLED = 0.5
_FIELD_RATES = {"RIP": "RIMP"}
_LATER_CODES, _INCOHERENT = ("COH_NAI_RET", "COH_SEX_RET"), 0.0005
"""Checks that came in 2013, whose rates are not published: ours is a guess."""

PLAIN, FILLER, RETURN_CODE = "", "filler", "return_code"


def identity(block: Block, stays: Stays) -> np.ndarray:
    """Return the place of the identifier that each stay carries."""
    coins = texts.mixed(stays.person, stays.entry).astype(np.int64) % 2 == 0
    return block.identities.of(stays.person, stays.entry, coins)


def chaining(
    block: Block, stays: Stays, draws: np.random.Generator, *, field: str, year: int
) -> tuple[Cells, np.ndarray]:
    """Return the columns of a C table that chain stays, and the trap of each stay."""
    named, size = block.identities, len(stays)
    carried = identity(block, stays)
    psa = gather(named.psa, carried)
    cells: Cells = {}
    wrong = np.zeros(size, dtype=bool)
    for code in (*_CODES, *_LATER_CODES):
        known = code not in _LATER_CODES
        bad = draws.random(size) < (_rate(field, code, year) if known else _INCOHERENT)
        value = np.where(bad, draws.integers(1, len(_WRONG), size), 0)
        cells[code] = gather(_WRONG, value)
        wrong |= bad
        if code == "NIR_RET":
            filled = bad & (draws.random(size) < _FILLED)
    fillers = gather(pl.Series(FILLERS), draws.integers(0, len(FILLERS), size))
    cells["NIR_ANO_17"] = pl.select(
        pl.when(pl.Series(filled, dtype=pl.Boolean)).then(fillers).otherwise(psa)
    ).to_series()
    cells |= _dates(stays)
    cells |= {
        "RNG_BEN": padded(named.rank[carried], 1, 9),
        "RNG_NAI": padded(1 + stays.person % 2, 1, 2),
        "SEJ_NUM": padded(stays.entry % 100_000, 5, 99_999),
        "FOR_NUM": "020",
        "ETA_NUM_RET": "0",
    }
    return cells, np.where(filled, FILLER, np.where(wrong, RETURN_CODE, PLAIN))


def _rate(field: str, code: str, year: int) -> float:
    return frequencies.error_rate(_FIELD_RATES.get(field, field), code, year)


def _dates(stays: Stays) -> Cells:
    """Return the dates of a C table: days as ddmmyyyy, and again as dates of care."""
    return {
        "ENT_DAT": texts.days(stays.entry, "%d%m%Y", ""),
        "SOR_DAT": texts.days(stays.exit, "%d%m%Y", ""),
        "EXE_SOI_DTD": texts.days(stays.entry),
        "EXE_SOI_DTF": texts.days(stays.exit),
        "EXE_SOI_AMD": texts.days(stays.entry, "%Y%m", ""),
        "EXE_SOI_AMF": texts.days(stays.exit, "%Y%m", ""),
        "ENT_ANN": texts.days(stays.entry, "%Y", ""),
        "ENT_MOI": texts.days(stays.entry, "%m", ""),
        "ANN_LUN_1S": texts.days(stays.entry, "%Y", ""),
        "MOI_LUN_1S": texts.days(stays.entry, "%m", ""),
        **exits(stays),
    }


def exits(stays: Stays) -> Cells:
    """Return year and month of exit."""
    return {
        "SOR_ANN": texts.days(stays.exit, "%Y", ""),
        "SOR_MOI": texts.days(stays.exit, "%m", ""),
    }


def patient(block: Block, stays: Stays) -> Cells:
    """Return the age, sex and place of the patient, as the B tables have them."""
    persons = block.people
    lived = stays.entry - persons.birth[stays.person]
    years = np.maximum(lived // 365.25, 0).astype(np.int64)
    infant = years == 0
    department = gather(frequencies.table("places")["BEN_RES_DPT"], persons.place[stays.person])
    commune = gather(frequencies.table("places")["BEN_RES_COM"], persons.place[stays.person])
    return {
        "AGE_ANN": where(infant, "", padded(years, 1, 130)),
        "AGE_JOU": where(~infant, "", padded(np.where(infant, lived, 0), 1, 400)),
        "COD_SEX": padded(persons.sex[stays.person].astype(np.int64), 1, 2),
        "BDI_DEP": department.str.slice(1),
        "BDI_COD": department.str.slice(1) + commune,
    }


def repeated(cells: Cells, places: np.ndarray) -> Cells:
    """Return columns at places; constants stay."""
    return {
        name: cell if isinstance(cell, str) else gather(cell, places)
        for name, cell in cells.items()
    }


def illnesses_of(
    block: Block, stays: Stays, draws: np.random.Generator, *, share: float
) -> tuple[np.ndarray, pl.Series]:
    """Return the secondary diagnoses: the place of the stay, and the code, of lasting illnesses."""
    codes = frequencies.table("conditions")["MED_MTF_COD"].fill_null("")
    ill = block.ill
    coded = np.flatnonzero((codes != "").to_numpy()[ill.condition])
    rows = pl.DataFrame({"person": ill.person[coded], "condition": ill.condition[coded]}).join(
        pl.DataFrame({"person": stays.person, "place": np.arange(len(stays))}),
        on="person",
        how="inner",
    )
    rows = rows.sort("place", "condition")
    some = rows.filter(pl.Series(draws.random(rows.height) < share, dtype=pl.Boolean))
    return some["place"].to_numpy(), gather(codes, some["condition"].to_numpy())
