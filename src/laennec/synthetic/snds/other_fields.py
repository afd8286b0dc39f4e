"""Rehabilitation (SSR), home hospitalisation (HAD) and psychiatry (RIM-P).

Each is chained as stays are, has the layout of its own tables, and the traps of its cleaning rules:
groups of error, records made by a machine, trial discharges. Hospitals number their stays with few
digits, so that each block of persons has hospitals of its own.

Pure but for the files that it appends to.
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.chaining import chaining, illnesses_of, patient, repeated
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.order import day_number, year_of
from laennec.synthetic.snds.stays import Stays, causes
from laennec.synthetic.snds.texts import gather, padded, where
from laennec.synthetic.snds.writer import Files, Target

_REHABILITATED, _AT_HOME, _IN_PSYCHIATRY, _AMBULATORY = 0.5, 0.012, 0.1, 2.0
_WRONG = 0.005
_WEEK = 7
_LONGEST_WEEKS = 6
_PSYCHIATRIC = ("psychosis", "depression")
_PALLIATIVE, _HOME_DAYS, _PSYCHIATRY_DAYS = "04", 25, 20
_TRIAL_UNTIL, _GENERATED_FROM = 2016, 2015


def write_other_fields(block: Block, mco: Stays, files: Files, year: int) -> list[pl.DataFrame]:
    """Append the stays of a year in three fields, and return their truth.

    Args:
        block: The persons.
        mco: All stays of the block, some of which go on in rehabilitation.
        files: Appended to.
        year: Of exit.
    """
    writers: Sequence[Callable[[Block, Stays, Files, int], pl.DataFrame]]
    writers = (_write_rehabilitation, _write_home, _write_psychiatry)
    return [write(block, mco, files, year) for write in writers]


def _hospital(block: Block, some: Stays, kind: int) -> pl.Series:
    department = gather(frequencies.table("places")["BEN_RES_DPT"], some.place)
    return department.str.slice(1) + f"{kind:02d}{block.number:04d}" + padded(some.hospital, 1, 9)


def _numbers(size: int, width: int) -> pl.Series:
    return padded(np.arange(size) + 1, width, max(size, 1))


def _target(field: str, year: int, suffix: str) -> Target:
    return Target(f"T_{field}{year % 100:02d}{suffix}", f"T_{field}aa{suffix}", year)


def _truth(
    block: Block, some: Stays, target: Target, names: tuple[pl.Series, pl.Series], trap: np.ndarray
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "file": [target.name] * len(some),
            "ETA_NUM": names[0],
            "RSA_NUM": names[1],
            "person": block.people.number[some.person],
            "trap": trap,
        },
        schema_overrides={"file": pl.String, "trap": pl.String},
    )


def _within(block: Block, some: Stays) -> Stays:
    """Leave out the stays that would end after death or after the last day."""
    last = np.minimum(block.people.death[some.person], block.order.last_day)
    born = some.entry >= block.people.birth[some.person]
    return some.at(np.flatnonzero((some.exit <= last) & born))


def _spread(
    block: Block, draws: np.random.Generator, person: np.ndarray, year: int, days: int
) -> Stays:
    """Return stays that end in a year, of ``days`` days on average."""
    size = len(person)
    length = 1 + draws.poisson(days - 1, size)
    exit_day = day_number(year, 1, 1) + draws.integers(0, 365, size)
    return _within(
        block,
        Stays(
            person=person,
            entry=exit_day - length,
            days=length,
            cause=np.zeros(size, dtype=np.int64),
            place=block.people.place[person],
            hospital=person % 3,
        ),
    )


def _write_rehabilitation(block: Block, mco: Stays, files: Files, year: int) -> pl.DataFrame:
    """Append weeks of rehabilitation after strokes, hip fractures and joint replacements."""
    draws = block.draws(f"rehabilitation {year}")
    plans = frequencies.table("rehabilitation")
    rows = {causes().index(code): row for row, code in enumerate(plans["DGN_PAL"])}
    after = mco.at(np.flatnonzero(np.isin(mco.cause, list(rows))))
    going = texts.mixed(block.order.seed, after.person, after.entry) % np.uint64(100)
    after = after.at(np.flatnonzero(going < np.uint64(100 * _REHABILITATED)))
    weeks = 1 + (after.person + after.entry) % _LONGEST_WEEKS
    some = _within(
        block,
        Stays(after.person, after.exit, weeks * _WEEK, after.cause, after.place, after.hospital),
    ).ending_in(year)
    # A table of a year without any week of it would hold no record of the stay.
    some = some.at(np.flatnonzero(year_of(some.exit - _WEEK) == year))
    plan = np.array([rows[cause] for cause in some.cause.tolist()], dtype=np.int64)
    hospital, number = _hospital(block, some, 7), _numbers(len(some), 7)
    names: Cells = {"ETA_NUM": hospital, "RHA_NUM": number}
    chained, errors = chaining(block, some, draws, field="SSR", year=year)
    files.append(_target("SSR", year, "C"), names | chained, len(some))
    traps = _write_weeks(block, some, files, names, plan, draws, year)
    return _truth(
        block,
        some,
        _target("SSR", year, "B"),
        (hospital, number),
        np.where(traps == "", errors, traps),
    )


def _write_weeks(
    block: Block,
    some: Stays,
    files: Files,
    names: Cells,
    plan: np.ndarray,
    draws: np.random.Generator,
    year: int,
) -> np.ndarray:
    """Append the weekly records, their diagnoses and acts; return the trap of each stay."""
    plans = frequencies.table("rehabilitation")
    weeks = some.days // _WEEK
    stay = np.repeat(np.arange(len(some)), weeks)
    nth = np.arange(len(stay)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    ungrouped = draws.random(len(some)) < _WRONG
    generated = (draws.random(len(some)) < _WRONG) & (year >= _GENERATED_FROM)
    week = repeated(names, stay) | {"RHS_NUM": padded(nth + 1, 3, 99)}
    begin = some.entry[stay] + nth * _WEEK
    # A stay that began the year before repeats its weeks of then: they are not of this table.
    early = np.flatnonzero(year_of(begin) != year)
    files.append(
        _target("SSR", year, "B"),
        week
        | repeated(patient(block, some), stay)
        | {
            "MOI_ANN": texts.days(begin, "%m%Y", ""),
            "MOI_ANN_SOR_SEJ": texts.days(some.exit[stay], "%m%Y", ""),
            "FP_PEC": "Z501",
            "MOR_PRP": gather(plans["MOR_PRP"], plan[stay]),
            "ETL_AFF": gather(plans["DGN_PAL"], plan[stay]),
            "GRG_GME": where(ungrouped[stay], "90Z99Z", gather(plans["GRG_GME"], plan[stay])),
            "TYP_GEN_RHA": where(generated[stay], "1", pl.Series(["0"])),
            "RHS_ANT_SEJ_ENT": padded(nth, 1, 99),
            "HOS_TYP_UM": "1",
            "ENT_MOD": "7",
            "SOR_MOD": "8",
            "JP_HWE": "11111",
            "JP_WE": "11",
            "SEJ_ANT": "0",
            "NBR_CSARR": "1",
        },
        len(stay),
        {"week_of_another_year": early},
    )
    files.append(
        _target("SSR", year, "CSARR"),
        week
        | {
            "CSARR_COD": gather(plans["CSARR_COD"], plan[stay]),
            "NBR_CSARR": "3",
            "ENT_DAT_DEL_UM": padded(nth * _WEEK, 1, 99),
            "NBR_INTERV": "1",
        },
        len(stay),
    )
    once = np.flatnonzero(nth == 0)
    files.append(
        _target("SSR", year, "CCAM"),
        repeated(week, once)
        | {
            "CCAM_ACT": gather(plans["CCAM_ACT"], plan),
            "CCAM_COD_ACT": "1",
            "CCAM_PHA_ACT": "0",
            "CCAM_NBR_REA": "1",
            "CCAM_DEL_ENT_UM": "1",
        },
        len(once),
    )
    place, codes = illnesses_of(block, some, draws, share=0.5)
    files.append(
        _target("SSR", year, "D"),
        repeated(names, place) | {"RHS_NUM": "001", "DGN_COD": codes},
        len(place),
    )
    return np.where(ungrouped, "grouping_error", np.where(generated, "generated", ""))


def _write_home(block: Block, _: Stays, files: Files, year: int) -> pl.DataFrame:
    """Append hospitalisations at home of the old, half of them palliative."""
    draws = block.draws(f"home {year}")
    old = np.flatnonzero(block.people.ages(day_number(year, 1, 1)) >= 65)
    some = _spread(block, draws, old[draws.random(len(old)) < _AT_HOME], year, _HOME_DAYS)
    hospital, number = _hospital(block, some, 8), _numbers(len(some), 5)
    names: Cells = {"ETA_NUM_EPMSI": hospital, "RHAD_NUM": number}
    chained, errors = chaining(block, some, draws, field="HAD", year=year)
    size = len(some)
    files.append(_target("HAD", year, "C"), names | chained, size)
    sequence: Cells = {"SEQ_NUM": "0001", "SSEQ_NUM": "0001"}
    cells = names | sequence | patient(block, some)
    cells |= {
        "DGN_PAL": "Z515",
        "PEC_PAL": _PALLIATIVE,
        "ENT_MOD": "8",
        "SOR_MOD": "8",
        "SOR_ANN": texts.days(some.exit, "%Y", ""),
        "SOR_MOI": texts.days(some.exit, "%m", ""),
        "SEJ_NBJ": padded(some.days, 1, 999),
        "SSEQ_NBJ": padded(some.days, 1, 999),
        "SEQ_NBJ": padded(some.days, 1, 999),
        "SEQ_DER": "1",
    }
    files.append(_target("HAD", year, "B"), cells, size)
    ungrouped = draws.random(size) < _WRONG
    group: Cells = {"GHT_NUM": where(ungrouped, "99", pl.Series(["11"]))}
    group |= {"GHT_NBJ": padded(some.days, 1, 999)}
    files.append(_target("HAD", year, "GRP"), names | sequence | group, size)
    place, codes = illnesses_of(block, some, draws, share=0.7)
    rows = repeated(names, place) | sequence
    files.append(_target("HAD", year, "D"), rows | {"DGN_ASS": codes}, len(place))
    acted = np.flatnonzero(some.person % 4 == 0)
    act: Cells = {"CCAM_COD": "DEQP003", "ACT_COD": "1", "PHA_COD": "0", "REAL_NBR": "1"}
    act |= {"DEL_DEB_SSEQ": "1"}
    files.append(_target("HAD", year, "A"), repeated(names, acted) | sequence | act, len(acted))
    traps = np.where(ungrouped, "grouping_error", errors)
    return _truth(block, some, _target("HAD", year, "B"), (hospital, number), traps)


def _write_psychiatry(block: Block, _: Stays, files: Files, year: int) -> pl.DataFrame:
    """Append full-time psychiatry, and ambulatory acts under the hospital's own number."""
    draws = block.draws(f"psychiatry {year}")
    names_of = frequencies.table("conditions")["name"].to_list()
    wanted = [names_of.index(name) for name in _PSYCHIATRIC]
    ill = np.flatnonzero(np.isin(block.ill.condition, wanted))
    patients = np.unique(block.ill.person[ill])
    staying = patients[draws.random(len(patients)) < _IN_PSYCHIATRY]
    some = _spread(block, draws, staying, year, _PSYCHIATRY_DAYS)
    size = len(some)
    hospital, number = _hospital(block, some, 9), _numbers(size, 6)
    names: Cells = {"ETA_NUM_EPMSI": hospital, "RIP_NUM": number}
    chained, errors = chaining(block, some, draws, field="RIP", year=year)
    files.append(_target("RIP", year, "C"), names | chained, size)
    trial = (draws.random(size) < _WRONG) & (year <= _TRIAL_UNTIL)
    generated = (draws.random(size) < _WRONG) & (year >= _GENERATED_FROM)
    local: Cells = {"IPP_IRR_CRY": _local(block, some.person), "SEJ_IDT": number.str.slice(1)}
    cells = names | local | patient(block, some)
    cells |= {
        "SEQ_SEQ_NUM": "001",
        "FOR_ACT": "01",
        "ENT_MOD": "8",
        "SOR_MOD": "8",
        "SEQ_IND": where(trial, "E", pl.Series([""])),
        "TYP_GEN_RSA": where(generated, "1", pl.Series(["0"])),
        "SEQ_COU_NBJ": padded(some.days, 1, 999),
        "PRE_JOU_NBJ": padded(some.days, 1, 999),
        "SEQ_FIN_ANN": texts.days(some.exit, "%Y", ""),
        "SEQ_FIN_MOI": texts.days(some.exit, "%m", ""),
        "DEL_DAT": "0",
        "DGN_PAL": gather(pl.Series(["F322", "F200"]), some.person % 2),
    }
    files.append(_target("RIP", year, "RSA"), cells, size)
    place, codes = illnesses_of(block, some, draws, share=0.5)
    rows = repeated(names | local, place) | {"SEQ_SEQ_NUM": "001", "ASS_DGN": codes}
    files.append(_target("RIP", year, "RSAD"), rows, len(place))
    _write_ambulatory(block, files, draws, patients, year)
    traps = np.where(trial, "trial_discharge", np.where(generated, "generated", errors))
    return _truth(block, some, _target("RIP", year, "RSA"), (hospital, number), traps)


def _write_ambulatory(
    block: Block, files: Files, draws: np.random.Generator, patients: np.ndarray, year: int
) -> None:
    """Append ambulatory acts: nothing in them but the hospital's number names the person."""
    person = np.repeat(patients, draws.poisson(_AMBULATORY, len(patients)))
    some = _spread(block, draws, person, year, 1)
    cells = patient(block, some) | {
        "ETA_NUM_EPMSI": _hospital(block, some, 9),
        "IPP_IRR_CRY": _local(block, some.person),
        "FOR_ACT": "30",
        "SEJ_IDT": padded(some.person % 100_000, 5, 99_999),
        "ORD_NUM": _numbers(len(some), 8),
        "RAL_ACT_ANN": texts.days(some.exit, "%Y", ""),
        "RAL_ACT_MOI": texts.days(some.exit, "%m", ""),
        "ACT_NAT": "E",
        "ACT_LIEU": "L01",
        "DGN_PAL": gather(pl.Series(["F322", "F200"]), some.person % 2),
    }
    files.append(_target("RIP", year, "R3A"), cells, len(some))


def _local(block: Block, persons: np.ndarray) -> pl.Series:
    """Return the hospital's own number of a patient, which no other table has."""
    return texts.pseudonyms(texts.mixed(block.order.seed, 99, block.people.number[persons]), 16)
