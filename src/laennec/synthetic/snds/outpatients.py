"""Consultations in public hospitals: T_MCOaaCSTC with what was done (FCSTC) and coded (FMSTC).

Pure but for the files that it appends to.
"""

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.chaining import FILLER, FILLERS, PLAIN, RETURN_CODE
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.order import day_number
from laennec.synthetic.snds.texts import gather, padded, where
from laennec.synthetic.snds.writer import Files, Target

_VISITS, _CODED, _CHAIN_ERROR, _DATE_ERROR, _FILLED = 0.12, 0.3, 0.015, 0.001, 0.5
_FINE = pl.Series(["0"])
_CODES = ("NIR_RET", "NAI_RET", "SEX_RET", "IAS_RET", "ENT_DAT_RET")
_CONSULTATIONS = pl.Series(["C", "CS", "CNP", "ATU"])


def write_outpatients(block: Block, files: Files, year: int) -> pl.DataFrame:
    """Append the consultations of a year and return their truth, as of stays."""
    draws = block.draws(f"outpatients {year}")
    persons = block.people
    count = draws.poisson(_VISITS, len(persons))
    person = np.repeat(np.arange(len(persons)), count)
    day = day_number(year, 1, 1) + draws.integers(0, 365, len(person))
    alive = (day >= persons.birth[person]) & (day <= persons.death[person])
    person, day = person[alive], day[alive]
    size = len(person)
    department = gather(frequencies.table("places")["BEN_RES_DPT"], persons.place[person])
    names: Cells = {
        # A hospital numbers its consultations with 8 digits: each block has hospitals of its own.
        "ETA_NUM": department.str.slice(1) + f"06{block.number:04d}1",
        "SEQ_NUM": padded(np.arange(size) + 1, 8, max(size, 1)),
    }
    chained, traps = _chained(block, draws, person, day)
    stem = f"T_MCO{year % 100:02d}"
    files.append(Target(f"{stem}CSTC", "T_MCOaaCSTC", year), names | chained, size)
    month: Cells = {
        "SOR_ANN": str(year),
        "SOR_MOI": texts.days(day, "%m", ""),
        "DEL_DAT_ENT": "0",
        "RSF_TYP": "C",
    }
    act = gather(_CONSULTATIONS, draws.integers(0, len(_CONSULTATIONS), size))
    billed: Cells = {"ACT_COD": act, "ACT_NBR": "1", "PRI_UNI": "23.00", "HON_MNT": "23.00"}
    billed |= {"ACT_DNB": "1", "REM_BAS": "23.00", "AMO_MNR": "16.10"}
    files.append(Target(f"{stem}FCSTC", "T_MCOaaFCSTC", year), names | month | billed, size)
    coded = np.flatnonzero(draws.random(size) < _CODED)
    acts = frequencies.table("acts")["CAM_PRS_IDE"]
    cells: Cells = {name: gather(cell, coded) for name, cell in names.items()}  # type: ignore[arg-type]
    cells |= month | {
        "SOR_MOI": texts.days(day[coded], "%m", ""),
        "CCAM_COD": gather(acts, draws.integers(0, len(acts), len(coded))),
        "ACV_ACT": "1",
        "PHA_ACT": "0",
        "RSF_TYP": "M",
    }
    files.append(Target(f"{stem}FMSTC", "T_MCOaaFMSTC", year), cells, len(coded))
    return pl.DataFrame(
        {
            "file": [f"{stem}CSTC"] * size,
            "ETA_NUM": names["ETA_NUM"],
            "RSA_NUM": names["SEQ_NUM"],
            "person": persons.number[person],
            "trap": traps,
        },
        schema_overrides={"file": pl.String, "trap": pl.String},
    )


def _chained(
    block: Block, draws: np.random.Generator, person: np.ndarray, day: np.ndarray
) -> tuple[Cells, np.ndarray]:
    """Return what chains consultations, and the trap of each."""
    named, size = block.identities, len(person)
    carried = named.of(person, day, person % 2 == 0)
    bad = draws.random(size) < _CHAIN_ERROR
    filled = bad & (draws.random(size) < _FILLED)
    psa = gather(named.psa, carried)
    fillers = gather(pl.Series(FILLERS), draws.integers(0, len(FILLERS), size))
    cells: Cells = dict.fromkeys(_CODES, "0")
    late = draws.random(size) < _DATE_ERROR
    cells |= {
        "NIR_RET": where(bad, "1", _FINE),
        "ENT_DAT_RET": where(late, "1", _FINE),
        "NIR_ANO_17": pl.select(
            pl.when(pl.Series(filled, dtype=pl.Boolean)).then(fillers).otherwise(psa)
        ).to_series(),
        "RNG_BEN": padded(named.rank[carried], 1, 9),
        "ENT_DAT": texts.days(day, "%d%m%Y", ""),
        "SOR_DAT": texts.days(day, "%d%m%Y", ""),
        "EXE_SOI_DTD": texts.days(day),
        "EXE_SOI_DTF": texts.days(day),
        "EXE_SOI_AMD": texts.days(day, "%Y%m", ""),
        "EXE_SOI_AMF": texts.days(day, "%Y%m", ""),
        "SEJ_NUM": padded(day % 100_000, 5, 99_999),
    }
    return cells, np.where(filled, FILLER, np.where(bad | late, RETURN_CODE, PLAIN))
