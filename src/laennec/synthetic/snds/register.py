"""Who is known: IR_BEN_R and its archive, long-term diseases (IR_IMB_R), and causes of death.

Pure but for the files that it appends to.
"""

import numpy as np
import polars as pl

from laennec.synthetic.snds import frequencies, texts
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.identities import FICTIVE_SCHEME, TRAPS
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.order import month_of, year_of
from laennec.synthetic.snds.population import NEVER
from laennec.synthetic.snds.texts import gather, padded, pseudonyms
from laennec.synthetic.snds.writer import Files, Target

_ONE_DEATH, _NO_BIRTH = 0.5, 0.0005
_DAYS_KNOWN = 6000
_FICTIVE_BIRTH = "1955"
_CAUSES = pl.Series(["I219", "C349", "I639", "J189", "F03", "I500", "R99", "X599"])
_MORTAL = frozenset({"C349", "C509", "C189", "C61", "I251", "I500", "I639", "J449", "F03", "G20"})
_SEVERAL_CAUSES = 3
DEATH_ON_ONE, NO_BIRTH = "death_on_one", "birth_1600"


def write_register(block: Block, files: Files) -> pl.DataFrame:
    """Append the beneficiaries of a block, their long-term diseases and their deaths.

    Returns:
        The truth of the identifiers: BEN_NIR_PSA, BEN_RNG_GEM, person, trap. An identifier that two
        twins share comes twice.
    """
    draws = block.draws("register")
    named, persons = block.identities, block.people
    death = persons.death[named.person]
    several = persons.death[named.person] != NEVER
    several &= named.second[named.person] >= 0
    place = np.arange(len(named))
    hides = draws.random(len(persons)) < _ONE_DEATH
    hidden = several & hides[named.person] & (place == named.first[named.person])
    death = np.where(hidden, NEVER, death)
    traps = np.array(TRAPS)[named.trap]
    traps[several & hides[named.person] & (traps == "")] = DEATH_ON_ONE
    unborn = (draws.random(len(named)) < _NO_BIRTH) & (traps == "")
    traps = np.where(unborn, NO_BIRTH, traps)
    cells = _beneficiaries(block, draws, death, unborn)
    once = _first_of_each(named.psa, named.rank)
    for family, archived in (("IR_BEN_R", False), ("IR_BEN_R_ARC", True)):
        some = np.flatnonzero(once & (named.archived == archived))
        files.append(Target(family, family, None), _at(cells, some), len(some))
    _write_diseases(block, files, draws)
    _write_deaths(block, files, draws)
    return pl.DataFrame(
        {
            "BEN_NIR_PSA": named.psa,
            "BEN_RNG_GEM": named.rank,
            "person": persons.number[named.person],
            "trap": traps,
        }
    )


def _at(cells: Cells, places: np.ndarray) -> Cells:
    return {
        name: cell if isinstance(cell, str) else gather(cell, places)
        for name, cell in cells.items()
    }


def _first_of_each(psa: pl.Series, rank: np.ndarray) -> np.ndarray:
    """Return whether a row is the first of its identifier: a table has one row for each."""
    keys = pl.DataFrame({"psa": psa, "rank": rank})
    return keys.select(pl.struct("psa", "rank").is_first_distinct()).to_series().to_numpy()


def _beneficiaries(
    block: Block, draws: np.random.Generator, death: np.ndarray, unborn: np.ndarray
) -> Cells:
    named, persons, order = block.identities, block.people, block.order
    size = len(named)
    birth = persons.birth[named.person]
    fictive = named.scheme == FICTIVE_SCHEME
    years = pl.Series(year_of(birth)).cast(pl.String)
    place = persons.place[named.person]
    known = named.nir.is_not_null()
    other = named.psa + padded(named.rank, 1, 9)
    inserted = np.maximum(birth, order.first_day - draws.integers(0, _DAYS_KNOWN, size))
    last = np.minimum(persons.death[named.person], order.last_day)
    last = np.where(named.archived, order.first_day - 400, last)
    years = pl.select(
        pl.when(pl.Series(unborn))
        .then(pl.lit("1600"))
        .when(pl.Series(fictive))
        .then(pl.lit(_FICTIVE_BIRTH))
        .otherwise(years)
    ).to_series()
    months = padded(np.where(unborn | fictive, 1, 1 + month_of(birth) % 12), 2, 12)
    return {
        "BEN_NIR_PSA": named.psa,
        "BEN_RNG_GEM": padded(named.rank, 1, 9),
        "BEN_NIR_ANO": named.nir.fill_null(""),
        "BEN_IDT_ANO": pl.select(pl.when(known).then(named.nir).otherwise(other)).to_series(),
        "BEN_IDT_TOP": gather(pl.Series(["0", "1"]), known.to_numpy().astype(np.int64)),
        "ASS_NIR_ANO": named.insured,
        "BEN_CDI_NIR": pl.Series(named.certified),
        "BEN_NAI_ANN": years,
        "BEN_NAI_MOI": months,
        "BEN_SEX_COD": padded(persons.sex[named.person].astype(np.int64), 1, 2),
        "BEN_DCD_DTE": texts.days(death),
        "BEN_DCD_AME": texts.days(death, "%Y%m", "160001"),
        "BEN_RES_DPT": gather(_place("BEN_RES_DPT"), place),
        "BEN_RES_COM": gather(_place("BEN_RES_COM"), place),
        "BEN_TOP_CNS": "1",
        "MAX_TRT_DTD": texts.days(last + 30),
        "BEN_DTE_INS": texts.days(inserted),
        "BEN_DTE_MAJ": texts.days(last + 40),
        "BEN_IDT_MAJ": texts.days(last + 40),
        "ORG_AFF_BEN": "01C" + gather(_place("BEN_RES_DPT"), place) + "000",
    }


def _place(column: str) -> pl.Series:
    return frequencies.table("places")[column]


def _write_diseases(block: Block, files: Files, draws: np.random.Generator) -> None:
    """Append exemptions for long-term diseases, by the list of the table ``conditions``."""
    numbers = frequencies.table("conditions")["IMB_ALD_NUM"].fill_null("")
    listed = np.flatnonzero((numbers != "").to_numpy()[block.ill.condition])
    listed = listed[block.ill.onset[listed] <= block.people.death[block.ill.person[listed]]]
    person, condition = block.ill.person[listed], block.ill.condition[listed]
    begin = block.ill.onset[listed] + draws.integers(0, 60, len(listed))
    identity = block.identities.of(person, begin, np.zeros(len(person), dtype=bool))
    cells: Cells = {
        "BEN_NIR_PSA": gather(block.identities.psa, identity),
        "BEN_RNG_GEM": padded(block.identities.rank[identity], 1, 9),
        "IMB_ALD_NUM": gather(numbers, condition),
        "IMB_ETM_NAT": "41",
        "IMB_ALD_DTD": texts.days(begin),
        "IMB_ALD_DTF": texts.days(begin + 5 * 365),
        "MED_MTF_COD": gather(
            frequencies.table("conditions")["MED_MTF_COD"].fill_null(""), condition
        ),
        "MED_NCL_IDT": "CIM10",
        "INS_DTE": texts.days(begin + 20),
        "UPD_DTE": texts.days(begin + 20),
    }
    files.append(Target("IR_IMB_R", "IR_IMB_R", None), cells, len(listed))


def _write_deaths(block: Block, files: Files, draws: np.random.Generator) -> None:
    """Append deaths with their causes: one row each in KI_CCI_R, one to three in KI_ECD_R."""
    persons, named = block.people, block.identities
    chance = draws.random(len(persons))
    causes = _causes(block, draws)
    for year in block.order.years:
        died = np.flatnonzero(persons.death != NEVER)
        died = died[(year_of(persons.death[died]) == year) & (chance[died] < _matched(year))]
        identity = named.of(died, persons.death[died], np.zeros(len(died), dtype=bool))
        cells = _death(block, died, identity) | {
            "DCD_CIM_COD": gather(causes, died),
            "DCD_CIM_VER": "10",
            "FLX_PER_ANN": str(year),
            "BEN_SEX_COD": padded(persons.sex[died].astype(np.int64), 1, 2),
            "BEN_NAI_ANN": padded(year_of(persons.birth[died]), 4, 2100),
            "BEN_NAI_MOI": padded(1 + month_of(persons.birth[died]) % 12, 2, 12),
            "BEN_RES_DPT": gather(_place("BEN_RES_DPT"), persons.place[died]),
            "BEN_RES_COM": gather(_place("BEN_RES_COM"), persons.place[died]),
        }
        files.append(Target(f"KI_CCI_R_{year}", "KI_CCI_R", year), cells, len(died))
        more = 1 + draws.integers(0, _SEVERAL_CAUSES, len(died))
        row = np.repeat(np.arange(len(died)), more)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(more) - more, more)
        others = gather(_CAUSES, (died[row] + nth * 3) % len(_CAUSES))
        initial = gather(causes, died[row])
        cells = _death(block, died[row], identity[row]) | {
            "ECD_CIM_COD": initial.zip_with(pl.Series(nth == 0, dtype=pl.Boolean), others),
            "CER_LIG_NUM": padded(nth + 1, 1, 9),
        }
        files.append(Target(f"KI_ECD_R_{year}", "KI_ECD_R", year), cells, len(row))


def _matched(year: int) -> float:
    """Return the share of deaths of a year that could be matched with a beneficiary."""
    rates = frequencies.table("cause_matching_rates").filter(
        pl.col("death_year").cast(pl.Int64) <= year
    )
    return float(rates["percent_matched_to_snds"][-1]) / 100


def _causes(block: Block, draws: np.random.Generator) -> pl.Series:
    """Return an initial cause for each person: an own mortal illness, or a common one."""
    codes = frequencies.table("conditions")["MED_MTF_COD"].fill_null("")
    common = gather(_CAUSES, draws.integers(0, len(_CAUSES), len(block.people)))
    mortal = np.flatnonzero(codes.is_in(list(_MORTAL)).to_numpy()[block.ill.condition])
    own = np.full(len(block.people), -1)
    own[block.ill.person[mortal]] = block.ill.condition[mortal]
    ill = gather(codes, np.maximum(own, 0))
    return ill.zip_with(pl.Series(own >= 0, dtype=pl.Boolean), common)


def _death(block: Block, died: np.ndarray, identity: np.ndarray) -> Cells:
    """Return what names a death in both tables."""
    named, persons = block.identities, block.people
    known = gather(named.nir, identity)
    other = gather(named.psa, identity) + padded(named.rank[identity], 1, 9)
    number = texts.mixed(block.order.seed, 77, persons.number[died])
    return {
        "DCD_IDT_ENC": pseudonyms(number),
        "DCD_IDT_TOP": "1",
        "BEN_NIR_ANO": known.fill_null(""),
        "BEN_IDT_ANO": known.fill_null(other),
        "BEN_IDT_TOP": gather(
            pl.Series(["0", "1"]), known.is_not_null().to_numpy().astype(np.int64)
        ),
        "BEN_DCD_DTE": texts.days(persons.death[died]),
        "BEN_DCD_AME": texts.days(persons.death[died], "%Y%m", "160001"),
    }
