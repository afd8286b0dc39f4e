"""Claims as files: ER_PRS_F and its detail tables, one file per month of flux.

Pure but for the files that it appends to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.care import UNKNOWN, Lines, details
from laennec.synthetic.snds.claim_details import DETAILS, charged, column
from laennec.synthetic.snds.identities import FICTIVE_SCHEME, RSI
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.texts import euros, gather, padded
from laennec.synthetic.snds.writer import Files, Target

Faults: TypeAlias = dict[str, np.ndarray]

_TABLES = {"PHA": "ER_PHA_F", "BIO": "ER_BIO_F", "CAM": "ER_CAM_F", "TIP": "ER_TIP_F"} | {
    "UCD": "ER_UCD_F",
    "ETE": "ER_ETE_F",
}
_INFORMATION, _DIRECT = 0.004, 0.3
_ORPHANS, _OUTSIDE, _OTHER_FUND, _BAD_SEX = 0.0005, 0.0005, 0.12, 0.00005
_MOST_TESTS = 6
_MONTH_END = 28
_MOST = 9_999_999
_OUTSIDE_CODES = {
    "PHA_PRS_C13": "3400999999981",
    "BIO_PRS_IDE": "9998",
    "CAM_PRS_IDE": "ZZZZ999",
    "TIP_PRS_IDE": "9999999",
}
_PHARMACY, _LABORATORY = 50, 30
_PLACE = {"PHA": _PHARMACY, "BIO": _LABORATORY}


@dataclass(frozen=True)
class _Month:
    """The lines of one month of flux, and what tells each apart."""

    block: Block
    flux: int
    lines: Lines
    carried: np.ndarray
    draws: np.random.Generator

    @property
    def year(self) -> int:
        return self.flux // 12 + 1970

    def target(self, family: str) -> Target:
        return Target(f"{family}_{self.year}{self.flux % 12 + 1:02d}", family, self.year)


def write_claims(block: Block, files: Files) -> None:
    """Append the claims of a block to the files of every month of flux."""
    for month in _months(block):
        cells, faults = _claims(month)
        files.append(month.target("ER_PRS_F"), cells, len(month.lines), faults)
        kinds = details()[month.lines.nature]
        for kind, family in _TABLES.items():
            places = np.flatnonzero(kinds == kind)
            if kind == "BIO":
                places = places[month.lines.item[places] != UNKNOWN]
            _write_details(month, files, family, places)
        some = np.flatnonzero(month.draws.random(len(month.lines)) < _OTHER_FUND)
        _write_details(month, files, "ER_ARO_F", some)


def _months(block: Block) -> Iterator[_Month]:
    """Cut the lines, which are sorted by month of flux."""
    fluxes = block.lines.flux
    for flux in block.order.flux_months:
        places = np.arange(*np.searchsorted(fluxes, (flux, flux + 1)))
        draws = block.draws(f"claims {flux}")
        yield _Month(block, flux, block.lines.at(places), block.carried[places], draws)


def _keys(lines: Lines, block: Block, flux: int) -> Cells:
    """Return the nine keys; documents are numbered within a block, which is an emitter's order."""
    first = (np.datetime64("1970-01") + flux).astype("datetime64[D]").astype(np.int64)
    before = (np.datetime64("1970-01") + flux - 1).astype("datetime64[D]").astype(np.int64)
    scheme = block.people.place[lines.person]
    return {
        "FLX_DIS_DTD": _day(first),
        "FLX_TRT_DTD": texts.days(np.maximum(before + lines.document % _MONTH_END, lines.day)),
        "FLX_EMT_TYP": "1",
        "FLX_EMT_NUM": padded(1 + lines.document % 9, 1, 9),
        "FLX_EMT_ORD": str(block.number + 1),
        "ORG_CLE_NUM": gather(_funds(), scheme),
        "ORG_CLE_NEW": gather(_funds(), scheme),
        "DCT_ORD_NUM": padded(lines.document, 1, _MOST),
        "PRS_ORD_NUM": padded(lines.order, 1, 99),
        "REM_TYP_AFF": "0",
    }


def _day(day: np.ndarray | int) -> str:
    return str(texts.days(np.atleast_1d(np.asarray(day)))[0])


@cache
def _funds() -> pl.Series:
    """Return the fund of each place: 01C, department, 0000 filled to nine characters."""
    return "01C" + frequencies.table("places")["BEN_RES_DPT"] + "000"


def _claims(month: _Month) -> tuple[Cells, Faults]:
    """Return the rows of ER_PRS_F of a month, and the faults among them."""
    lines, draws = month.lines, month.draws
    size = len(lines)
    information = np.flatnonzero(draws.random(size) < _INFORMATION)
    bad_sex = np.flatnonzero(draws.random(size) < _BAD_SEX)
    cells = (
        _keys(lines, month.block, month.flux)
        | _beneficiary(month, bad_sex)
        | _act(month)
        | _money(lines)
    )
    informed = np.zeros(size, dtype=np.int64)
    informed[information] = 1
    cells["DPN_QLF"] = gather(pl.Series(["0", "71"]), informed)
    cells["PRS_DPN_QLP"] = gather(pl.Series(["0", "71"]), informed)
    negative = np.flatnonzero(lines.units < 0)
    return cells, {
        "public_hospital_information": information,
        "sex_outside_nomenclature": bad_sex,
        "regularisation": negative,
    }


def _beneficiary(month: _Month, bad_sex: np.ndarray) -> Cells:
    block, lines = month.block, month.lines
    persons, named = block.people, block.identities
    sex = persons.sex[lines.person].astype(np.int64)
    sex[bad_sex] = 7
    scheme = named.scheme[month.carried]
    birth = persons.birth[lines.person].astype("datetime64[D]").astype("datetime64[Y]")
    year = np.where(scheme == FICTIVE_SCHEME, 1955, birth.astype(np.int64) + 1970)
    place = persons.place[lines.person]
    general = np.where(scheme == RSI, 3, 1)
    return {
        "BEN_NIR_PSA": gather(named.psa, month.carried),
        "BEN_RNG_GEM": padded(named.rank[month.carried], 1, 9),
        "BEN_SEX_COD": padded(sex, 1, 9),
        "BEN_NAI_ANN": padded(year, 4, 2100),
        "BEN_AMA_COD": padded(
            np.maximum((lines.day - persons.birth[lines.person]) // 366, 0), 1, 130
        ),
        "BEN_CDI_NIR": gather(pl.Series(named.certified), month.carried),
        "BEN_RES_DPT": gather(column("places", "BEN_RES_DPT"), place),
        "BEN_RES_COM": gather(column("places", "BEN_RES_COM"), place),
        "BEN_DCD_AME": "160001",
        "BEN_DCD_DTE": texts.NO_DATE,
        "BEN_CMU_TOP": gather(pl.Series(["0", "1"]), (lines.person % 13 == 0).astype(np.int64)),
        "BEN_ACS_TOP": "0",
        "RGM_COD": padded(scheme, 1, 999),
        "RGM_GRG_COD": padded(general, 1, 9),
        "ORG_AFF_BEN": gather(_funds(), place),
        "EXO_MTF": "0",
    }


def _act(month: _Month) -> Cells:
    lines = month.lines
    care_day = texts.days(lines.day)
    units = padded(np.abs(lines.units), 1, 99)
    signed = gather(pl.Series(["-", ""]), (lines.units > 0).astype(np.int64)) + units
    speciality = frequencies.numbers(column("claims", "speciality")).astype(np.int64)[lines.nature]
    month_text = texts.days(lines.day, "%Y%m", "160001")
    return {
        "PRS_NAT_REF": gather(column("claims", "PRS_NAT_REF"), lines.nature),
        "BSE_PRS_NAT": gather(column("claims", "PRS_NAT_REF"), lines.nature),
        "EXE_SOI_DTD": care_day,
        "EXE_SOI_DTF": care_day,
        "EXE_SOI_AMD": month_text,
        "EXE_SOI_AMF": month_text,
        "PRE_PRE_DTD": texts.days(lines.day - lines.document % 8),
        "PRS_HOS_DTD": texts.NO_DATE,
        "PRS_GRS_DTD": texts.NO_DATE,
        "PRS_ACT_NBR": "1",
        "PRS_ACT_QTE": signed,
        "PRS_ACT_COG": signed,
        "CPL_MAJ_TOP": "0",
        "CPL_AFF_COD": "0",
        "EXE_LIE_COD": "1",
        "PFS_EXE_NUM": _provider(month, lines.nature),
        "PFS_PRE_NUM": _provider(month, np.full(len(lines), 1), salt=3),
        "PSE_SPE_COD": padded(speciality, 1, 99),
        "PSE_ACT_NAT": padded(_activity(lines.nature), 1, 99),
        "PSE_STJ_COD": "1",
        "PSP_SPE_COD": "1",
        "PSP_ACT_NAT": "0",
        "PSP_STJ_COD": "1",
        "PRS_PPF_COD": "",
        "PRS_REJ_TOP": "0",
        "RGO_ASU_NAT": "10",
    }


def _activity(nature: np.ndarray) -> np.ndarray:
    """Return the nature of activity: 50 pharmacies, 30 laboratories, else 0 (a doctor or nurse)."""
    by_row = np.array([_PLACE.get(kind, 0) for kind in details()])
    return np.asarray(by_row[nature])


def _provider(month: _Month, nature: np.ndarray, *, salt: int = 0) -> pl.Series:
    """Return the number of a professional near the person: department, kind, rank."""
    place = month.block.people.place[month.lines.person]
    rank = texts.mixed(month.lines.person + 1, nature, salt).astype(np.int64) & 7
    department = gather(column("places", "BEN_RES_DPT"), place).str.slice(1)
    return department + padded(nature * 8 + rank + salt * 1000, 6, 9999)


def _money(lines: Lines) -> Cells:
    rate = frequencies.numbers(column("claims", "rate")).astype(np.int64)[lines.nature]
    charge = charged(lines)
    base = charge * rate // 100
    signs = gather(pl.Series(["2", "1"]), (lines.units > 0).astype(np.int64))
    rates = padded(rate, 1, 100)
    return {
        "PRS_PAI_MNT": euros(charge),
        "PRS_DEP_MNT": "0.00",
        "BSE_REM_BSE": euros(charge),
        "BSE_REM_MNT": euros(base),
        "BSE_REM_PRU": euros(np.abs(charge)),
        "BSE_REM_SGN": signs,
        "CPL_REM_MNT": "0.00",
        "CPL_REM_SGN": signs,
        "RGO_REM_TAU": rates,
        "RGO_THE_TAU": rates,
        "RGO_MOD_MNT": "0.00",
    }


def _write_details(month: _Month, files: Files, family: str, places: np.ndarray) -> None:
    """Append the detail rows of some lines; a few lose their claim or have an unheard-of code."""
    if family == "ER_BIO_F":
        more = 1 + month.lines.document[places] % _MOST_TESTS
        nth = np.arange(more.sum()) - np.repeat(np.cumsum(more) - more, more)
        places = np.repeat(places, more)
    else:
        nth = np.zeros(len(places), dtype=np.int64)
    lines = month.lines.at(places)
    cells = _keys(lines, month.block, month.flux) | DETAILS[family](lines, nth)
    faults = _orphans(month, cells, lines)
    for name, code in _OUTSIDE_CODES.items():
        if name in cells:
            faults |= _outside(month, cells, name, code, len(lines))
    if family == "ER_ETE_F":
        faults |= _direct_billing(month, cells, len(lines))
    files.append(month.target(family), cells, len(lines), faults)


def _orphans(month: _Month, cells: Cells, lines: Lines) -> Faults:
    """Give some rows a document that does not exist."""
    lost = month.draws.random(len(lines)) < _ORPHANS
    cells["DCT_ORD_NUM"] = padded(np.where(lost, _MOST - lines.document, lines.document), 1, _MOST)
    return {"orphan_detail": np.flatnonzero(lost)}


def _outside(month: _Month, cells: Cells, name: str, code: str, size: int) -> Faults:
    """Give some rows a code of no nomenclature."""
    wrong = month.draws.random(size) < _OUTSIDE
    given = cells[name]
    kept = given if isinstance(given, pl.Series) else pl.Series([given] * size)
    cells[name] = pl.select(
        pl.when(pl.Series(wrong, dtype=pl.Boolean)).then(pl.lit(code)).otherwise(kept)
    ).to_series()
    return {"code_outside_nomenclature": np.flatnonzero(wrong)}


def _direct_billing(month: _Month, cells: Cells, size: int) -> Faults:
    """Mark public hospitals on direct billing, whose activity the PMSI has too."""
    direct = month.draws.random(size) < _DIRECT
    cells["ETE_IND_TAA"] = gather(pl.Series(["", "1"]), direct.astype(np.int64))
    return {"public_hospital_billing": np.flatnonzero(direct)}
