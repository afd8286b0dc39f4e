"""Stays as files: the PMSI of medicine, surgery and obstetrics, and the other fields after it.

Pure but for the files that it appends to.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.chaining import chaining, exits, illnesses_of, patient, repeated
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.other_fields import write_other_fields
from laennec.synthetic.snds.outpatients import write_outpatients
from laennec.synthetic.snds.stays import Stays, stays
from laennec.synthetic.snds.texts import gather, padded, where
from laennec.synthetic.snds.writer import Files, Target

_LETTER, _ERROR_GROUP, _SERVICES, _BAD_SEX, _BAD_CODE = 0.005, 0.002, 0.01, 0.001, 0.001
_DOUBLED = 0.3
_ASSOCIATED, _UNITS_OF_DRUG, _IMPLANTS = 0.6, 0.08, ("M169", "M179", "S720")
_BLOCK_NUMBERS = 1_000_000
_GROUP_ERROR, _SERVICE, _OUTSIDE_SEX, _OUTSIDE_CODE = "90Z00Z", "B", "7", "Z9999"
_PUBLIC = "0780"
_ADULT_DAYS = 18 * 365


@dataclass(frozen=True)
class _Year:
    """The stays of one year, named, with the trap of each."""

    block: Block
    year: int
    stays: Stays
    names: Cells
    traps: np.ndarray
    draws: np.random.Generator

    def target(self, suffix: str) -> Target:
        return Target(f"T_MCO{self.year % 100:02d}{suffix}", f"T_MCOaa{suffix}", self.year)


def write_stays(block: Block, files: Files) -> pl.DataFrame:
    """Append the stays of a block, of all fields.

    Returns:
        The truth: file, ETA_NUM, RSA_NUM, person, trap; the number of the field's own column.
    """
    made = stays(block)
    truth = []
    for year in block.order.years:
        draws = block.draws(f"stays {year}")
        mco = _named(block, made.ending_in(year), draws, year)
        truth.append(_write_year(mco, files))
        truth.extend(write_other_fields(block, made, files, year))
        truth.append(write_outpatients(block, files, year))
    return pl.concat(truth)


def _named(block: Block, some: Stays, draws: np.random.Generator, year: int) -> _Year:
    """Number the stays of a year; some are sent twice, under another hospital number."""
    hospital = _hospitals(some)
    doubles = frequencies.table("doubles").filter(pl.col("last_year").cast(pl.Int64) >= year)
    twice = doubles.unique("juridical", keep="first", maintain_order=True)
    geographic = dict(zip(twice["juridical"], twice["geographic"], strict=True))
    sent = hospital.is_in(list(geographic)).to_numpy() & (draws.random(len(some)) < _DOUBLED)
    again = np.flatnonzero(sent)
    places = np.concatenate([np.arange(len(some)), again])
    numbers = pl.concat([hospital, gather(hospital, again).replace_strict(geographic, default="")])
    number = block.number * _BLOCK_NUMBERS + np.arange(len(places)) + 1
    letter = draws.random(len(places)) < _LETTER
    digits = padded(number % _BLOCK_NUMBERS, 6, _BLOCK_NUMBERS - 1)
    name = gather(pl.Series(["0", "A"]), letter.astype(np.int64)) + f"{block.number:03d}" + digits
    traps = np.where(letter, "letter", "").astype("U32")
    traps[len(some) :] = "double"
    return _Year(block, year, some.at(places), {"ETA_NUM": numbers, "RSA_NUM": name}, traps, draws)


def _hospitals(some: Stays) -> pl.Series:
    """Return the number of each stay's hospital; one in a department may be a double's."""
    table = frequencies.table("places")["BEN_RES_DPT"]
    department = gather(table, some.place)
    ordinary = department.str.slice(1) + _PUBLIC + padded(some.hospital + 1, 3, 9)
    doubles = frequencies.table("doubles").unique("juridical", keep="first")
    juridical = dict(zip(doubles["BEN_RES_DPT"], doubles["juridical"], strict=True))
    large = pl.Series(some.hospital == 0) & department.is_in(list(juridical))
    return pl.select(
        pl.when(large).then(department.replace_strict(juridical, default="")).otherwise(ordinary)
    ).to_series()


def _write_year(mco: _Year, files: Files) -> pl.DataFrame:
    """Append all tables of a year and return the truth of its stays."""
    chained, errors = chaining(mco.block, mco.stays, mco.draws, field="MCO", year=mco.year)
    size = len(mco.stays)
    files.append(mco.target("C"), mco.names | chained, size)
    associated, codes = illnesses_of(mco.block, mco.stays, mco.draws, share=_ASSOCIATED)
    acts, act_codes = _acts(mco)
    counts = np.bincount(associated, minlength=size), np.bincount(acts, minlength=size)
    cells, faults, traps = _stay_cells(mco, counts)
    files.append(mco.target("B"), cells, size, faults)
    number = np.arange(len(associated)) - np.searchsorted(associated, associated)
    files.append(
        mco.target("D"),
        repeated(mco.names, associated)
        | {"ASS_DGN": codes, "RSS_NUM": "001", "DGN_ASS_NUM": padded(number + 1, 1, 99)},
        len(associated),
    )
    _write_acts(mco, files, acts, act_codes)
    _write_units(mco, files, counts, cells)
    _write_supplies(mco, files)
    _write_hospitals(mco, files)
    traps = np.where((traps == "") | ((traps == "letter") & (errors != "")), errors, traps)
    return _truth("B", mco, traps)


def _truth(suffix: str, mco: _Year, traps: np.ndarray) -> pl.DataFrame:
    """Return who each stay is of."""
    return pl.DataFrame(
        {
            "file": [mco.target(suffix).name] * len(mco.stays),
            "ETA_NUM": mco.names["ETA_NUM"],
            "RSA_NUM": mco.names["RSA_NUM"],
            "person": mco.block.people.number[mco.stays.person],
            "trap": traps,
        },
        schema_overrides={"file": pl.String, "trap": pl.String},
    )


def _stay_cells(
    mco: _Year, counts: tuple[np.ndarray, np.ndarray]
) -> tuple[Cells, dict[str, np.ndarray], np.ndarray]:
    """Return the B table of a year: its columns, its faults, and the trap of each stay."""
    some, draws, size = mco.stays, mco.draws, len(mco.stays)
    died = mco.block.people.death[some.person] == some.exit
    table = frequencies.table("stays")
    faults = {
        "grouping_error": draws.random(size) < _ERROR_GROUP,
        "services_between_hospitals": draws.random(size) < _SERVICES,
        "sex_outside_nomenclature": draws.random(size) < _BAD_SEX,
        "code_outside_nomenclature": draws.random(size) < _BAD_CODE,
    }
    traps = mco.traps.copy()
    for name, which in faults.items():
        traps[which & (traps == "")] = name
    child = some.entry - mco.block.people.birth[some.person] < _ADULT_DAYS
    groups = pl.concat([table["GRG_GHM"], table["child_ghm"]])
    group = gather(groups, some.cause + child * table.height)
    person = patient(mco.block, some)
    sex = padded(mco.block.people.sex[some.person].astype(np.int64), 1, 2)
    cells = mco.names | person | exits(some)
    cells |= {
        "RSS_NUM": "001",
        "DGN_PAL": where(
            faults["code_outside_nomenclature"], _OUTSIDE_CODE, gather(table["DGN_PAL"], some.cause)
        ),
        "GRG_GHM": where(faults["grouping_error"], _GROUP_ERROR, group),
        "GRC_GHM": group,
        "COD_SEX": where(faults["sex_outside_nomenclature"], _OUTSIDE_SEX, sex),
        "ENT_MOD": "8",
        "SOR_MOD": gather(pl.Series(["8", "9"]), died.astype(np.int64)),
        "SEJ_NBJ": padded(some.days, 1, 999),
        "SEJ_TYP": where(faults["services_between_hospitals"], _SERVICE, pl.Series([""])),
        "NBR_RUM": "1",
        "NBR_DGN": padded(counts[0], 1, 99),
        "NBR_ACT": padded(counts[1], 1, 99),
        "NBR_SEA": "0",
        "TYP_GEN_RSA": "0",
    }
    return cells, {name: np.flatnonzero(which) for name, which in faults.items()}, traps


def _acts(mco: _Year) -> tuple[np.ndarray, pl.Series]:
    """Return the acts of the stays' causes: the place of the stay and the code."""
    codes = frequencies.table("stays")["CDC_ACT"].fill_null("")
    given = gather(codes, mco.stays.cause)
    places = np.flatnonzero((given != "").to_numpy())
    return places, gather(given, places)


def _write_acts(mco: _Year, files: Files, places: np.ndarray, codes: pl.Series) -> None:
    after = np.minimum(mco.stays.days[places], places % 3)
    cells = repeated(mco.names, places) | {
        "CDC_ACT": codes,
        "RSS_NUM": "001",
        "ACV_ACT": "1",
        "PHA_ACT": "0",
        "NBR_EXE_ACT": "1",
        "ENT_DAT_DEL": padded(after, 1, 9),
    }
    files.append(mco.target("A"), cells, len(places))


def _write_units(
    mco: _Year, files: Files, counts: tuple[np.ndarray, np.ndarray], stay: Cells
) -> None:
    """Append one medical unit per stay."""
    cells = mco.names | {
        "RSS_NUM": "001",
        "UM_ORD_NUM": "1",
        "DGN_PAL": stay["DGN_PAL"],
        "PAR_DUR_SEJ": stay["SEJ_NBJ"],
        "DGN_ASS_NBR": padded(counts[0], 1, 99),
        "ACT_RUM_NBR": padded(counts[1], 1, 99),
    }
    files.append(mco.target("UM"), cells, len(mco.stays))


def _write_supplies(mco: _Year, files: Files) -> None:
    """Append costly drugs (MED) and implants (DMIP) of some stays."""
    draws = mco.draws
    products = frequencies.table("products").filter(pl.col("PHA_CIP_UCD").is_not_null())
    drugs = np.flatnonzero(draws.random(len(mco.stays)) < _UNITS_OF_DRUG)
    code = gather(products["PHA_CIP_UCD"], draws.integers(0, products.height, len(drugs)))
    files.append(
        mco.target("MED"),
        repeated(mco.names, drugs)
        | {
            "UCD_UCD_COD": code.str.zfill(13),
            "UCD_COD": code,
            "ADM_NBR": padded(1 + drugs % 5, 1, 9),
            "DELAI": "0",
            "NBR_SEJ": "1",
            **_supplied(mco, drugs),
        },
        len(drugs),
    )
    main = gather(frequencies.table("stays")["DGN_PAL"], mco.stays.cause)
    fitted = np.flatnonzero(main.is_in(_IMPLANTS).to_numpy())
    devices = frequencies.table("devices")["TIP_PRS_IDE"]
    device = gather(devices, draws.integers(0, len(devices), len(fitted)))
    files.append(
        mco.target("DMIP"),
        repeated(mco.names, fitted)
        | {
            "TIP_PRS_IDE": device,
            "LPP_COD": device,
            "NBR_POS": "1",
            "DELAI": "0",
            **_supplied(mco, fitted),
        },
        len(fitted),
    )


def _supplied(mco: _Year, places: np.ndarray) -> Cells:
    """Return the month in which something was given or fitted."""
    entry = mco.stays.entry[places]
    return {
        "ANN": str(mco.year),
        "MOI": texts.days(mco.stays.exit[places], "%m", ""),
        "ADM_MOIS": texts.days(entry, "%m", ""),
        "DAT_ADM_ANN": texts.days(entry, "%Y", ""),
        "MOI_POS": texts.days(entry, "%m", ""),
        "DAT_POS_ANN": texts.days(entry, "%Y", ""),
    }


def _write_hospitals(mco: _Year, files: Files) -> None:
    """Append every hospital once: those that no earlier block had."""
    departments = frequencies.table("places")["BEN_RES_DPT"].unique().sort()
    if mco.block.number:
        return
    ordinary = [
        department[1:] + _PUBLIC + f"{rank:03d}"
        for department in departments
        for rank in range(1, 5)
    ]
    doubles = frequencies.table("doubles")
    numbers = pl.Series([*ordinary, *doubles["juridical"].unique().sort(), *doubles["geographic"]])
    cells: Cells = {
        "ETA_NUM": numbers,
        "SOC_RAI": "HOPITAL " + numbers,
        "STA_ETA": "PUB",
        "ANN_TRT": str(mco.year),
        "ETB_EXE_FIN": numbers.str.slice(0, 8),
    }
    files.append(mco.target("E"), cells, len(numbers))
