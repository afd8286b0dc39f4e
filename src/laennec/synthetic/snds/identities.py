"""Identifiers of persons: what the SNDS makes of who is who, with the traps that it is known for.

A ``BEN_NIR_PSA`` comes from the insured person's number and the beneficiary's birth and sex. So a
child of two insured parents has two, a dependant who becomes insured changes it, and twins of one
sex share it. Source: SNDS documentation of the Health Data Hub, identifiers of beneficiaries.

Pure: the draws come in as generators.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.population import NEVER, People
from laennec.synthetic.snds.texts import mixed, pseudonyms

GENERAL, RSI, FICTIVE_SCHEME = 101, 619, 888
"""Schemes (RGM_COD): employees, the self-employed, fictive numbers."""

TRAPS = (
    "",
    "two_parents",
    "dependant_then_insured",
    "number_corrected",
    "rank_0",
    "same_sex_twin",
    "twins_rank_0",
    "fictive",
    "provisional",
    "shared_nir_ano",
    "archived",
)
"""Why an identifier is no plain one; truth/identifiers.csv names it."""

FIRST, SWITCH, BOTH = 0, 1, 2
"""Which identifier a claim carries: the first; the second from a day on; either."""

_OWNER, _FICTIVE_OWNER, _CORRECTED, _ARCHIVE, _NIR = range(5)
_ADULT_DAYS = 18 * 365
_FICTIVE_CODES = np.array(["01", "05", "06", "08", "09", "11", "12", "13", "14", "15"])
_PROVISIONAL_CODES = np.array(["03", "04"])
_SHARES = {
    "rsi": 0.06,
    "rsi_both": 0.3,
    "dependant": 0.3,
    "became_insured": 0.15,
    "two_parents": 0.25,
    "adult": 0.6,
    "corrected": 0.02,
    "fictive": 0.004,
    "provisional": 0.0003,
    "archived": 0.01,
    "shared_nir_ano": 0.0002,
    "unknown_of_several": 0.003,
}
_KNOWN_FROM, _KNOWN_FIRST, _KNOWN_STEP, _KNOWN_MOST = 2011, 0.88, 0.015, 0.985


@dataclass(frozen=True)
class Identities:
    """Identifiers, one per place, and which of them a person's claims carry.

    Attributes:
        person: Place of the person in the block.
        psa: BEN_NIR_PSA.
        rank: BEN_RNG_GEM.
        nir: BEN_NIR_ANO, null where not known.
        insured: ASS_NIR_ANO, the insured person's.
        scheme: RGM_COD.
        certified: BEN_CDI_NIR.
        trap: Place in ``TRAPS``.
        archived: Whether the row is in IR_BEN_R_ARC instead of IR_BEN_R.
        first, second: By person, places of the identifiers; -1 if there is no second.
        mode: By person: FIRST, SWITCH or BOTH.
        switch: By person: the day from which the second is used.
    """

    person: np.ndarray
    psa: pl.Series
    rank: np.ndarray
    nir: pl.Series
    insured: pl.Series
    scheme: np.ndarray
    certified: np.ndarray
    trap: np.ndarray
    archived: np.ndarray
    first: np.ndarray
    second: np.ndarray
    mode: np.ndarray
    switch: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def of(self, persons: np.ndarray, days: np.ndarray, coins: np.ndarray) -> np.ndarray:
        """Return the identifier that each event of a person carries; ``coins`` are Booleans."""
        mode = self.mode[persons]
        later = ((mode == SWITCH) & (days >= self.switch[persons])) | ((mode == BOTH) & coins)
        return np.asarray(np.where(later, self.second[persons], self.first[persons]))


@dataclass(frozen=True)
class _Rows:
    """Identifiers under way: the owner's place, and what the pseudonym is made of."""

    person: np.ndarray
    owner: np.ndarray
    domain: np.ndarray
    rank: np.ndarray
    scheme: np.ndarray
    certified: np.ndarray
    trap: np.ndarray

    def and_more(self, other: "_Rows") -> "_Rows":
        return _Rows(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in self.__dataclass_fields__
            )
        )


def identities(order: Order, draws: np.random.Generator, persons: People) -> Identities:
    """Give every person one identifier or two, by household, age and chance."""
    first = _first_rows(draws, persons)
    second, mode, switch = _second_rows(order, draws, persons, first)
    archived = np.flatnonzero(draws.random(len(persons)) < _SHARES["archived"])
    old = _rows(archived, persons.head[archived], _ARCHIVE, trap="archived")
    rows = first.and_more(second).and_more(old)
    place_of_second = np.full(len(persons), -1)
    place_of_second[second.person] = len(persons) + np.arange(len(second.person))
    several = np.isin(np.arange(len(persons)), rows.person[len(persons) :])
    known = _known(order, draws, persons, rows, several=several)
    return _named(
        order,
        persons,
        rows,
        known=known,
        strangers=draws.random(len(persons)) < _SHARES["shared_nir_ano"],
        first=np.arange(len(persons)),
        second=place_of_second,
        mode=mode,
        switch=switch,
    )


def _rows(
    person: np.ndarray,
    owner: np.ndarray,
    domain: int,
    *,
    rank: int = 1,
    scheme: int = GENERAL,
    certified: str = "00",
    trap: str = "",
) -> _Rows:
    """Return rows alike in all but person and owner."""
    size = len(person)
    return _Rows(
        person,
        owner,
        np.full(size, domain),
        np.full(size, rank),
        np.full(size, scheme),
        np.full(size, certified, dtype="U2"),
        np.full(size, TRAPS.index(trap)),
    )


def _first_rows(draws: np.random.Generator, persons: People) -> _Rows:
    """Return the identifier that everybody begins with."""
    size = len(persons)
    places = np.arange(size)
    dependant = (persons.role == 1) & (draws.random(size) < _SHARES["dependant"])
    owner = np.where((persons.role == 2) | dependant, persons.head, places)
    rsi = (persons.role == 0) & (draws.random(size) < _SHARES["rsi"])
    rows = _rows(places, owner, _OWNER)
    rows.rank[persons.twin == 2] = 2
    rows.trap[_same_sex_twins(persons)] = TRAPS.index("same_sex_twin")
    rows.scheme[rsi] = RSI
    rows.rank[rsi] = 0
    _make_fictive(draws, persons, rows)
    return rows


def _same_sex_twins(persons: People) -> np.ndarray:
    """Return whether a person has a twin of the same sex."""
    younger = np.flatnonzero(persons.twin == 2)
    alike = younger[persons.sex[younger] == persons.sex[younger - 1]]
    found = np.zeros(len(persons), dtype=bool)
    found[alike], found[alike - 1] = True, True
    return found


def _make_fictive(draws: np.random.Generator, persons: People, rows: _Rows) -> None:
    """Give some single adults a fictive number, and others a provisional one."""
    chance = draws.random(len(persons))
    adult = (persons.role == 0) & (rows.scheme == GENERAL)
    fictive = adult & (chance < _SHARES["fictive"])
    provisional = adult & ~fictive & (chance < _SHARES["fictive"] + _SHARES["provisional"])
    for which, trap, codes in (
        (fictive, "fictive", _FICTIVE_CODES),
        (provisional, "provisional", _PROVISIONAL_CODES),
    ):
        rows.trap[which] = TRAPS.index(trap)
        rows.domain[which] = _FICTIVE_OWNER
        rows.scheme[which] = FICTIVE_SCHEME
        rows.certified[which] = draws.choice(codes, int(which.sum()))


@dataclass(frozen=True)
class _Second:
    """One reason for a second identifier: for whom, and what it is made of."""

    trap: str
    which: np.ndarray
    mode: int
    owner: np.ndarray
    rank: int = 1
    scheme: int = GENERAL
    domain: int = _OWNER


def _second_rows(
    order: Order, draws: np.random.Generator, persons: People, first: _Rows
) -> tuple[_Rows, np.ndarray, np.ndarray]:
    """Return second identifiers, how persons use them, and from which day."""
    size = len(persons)
    chance = draws.random(size)
    period = order.last_day - order.first_day
    switch = order.first_day + (draws.random(size) * period).astype(np.int64)
    adult_day = persons.birth + _ADULT_DAYS
    turns = (persons.role == 2) & (adult_day > order.first_day) & (adult_day < order.last_day)
    places = np.arange(size)
    mode = np.full(size, FIRST)
    rows = _rows(places[:0], places[:0], _OWNER)
    for one in _reasons(persons, first, chance, turns):
        some = np.flatnonzero(one.which)
        mode[some] = one.mode
        rows = rows.and_more(
            _rows(
                some,
                one.owner[some],
                one.domain,
                rank=one.rank,
                scheme=one.scheme,
                trap=one.trap,
            )
        )
    return rows, mode, np.where(turns, adult_day, switch)


def _reasons(
    persons: People, first: _Rows, chance: np.ndarray, turns: np.ndarray
) -> tuple[_Second, ...]:
    """Return the reasons for second identifiers; no person has two."""
    places = np.arange(len(persons))
    own, rsi = first.owner == places, first.scheme == RSI
    plain = (first.trap == 0) & (persons.twin == 0)
    twin = first.trap == TRAPS.index("same_sex_twin")
    adult, partner, child = (plain & (persons.role == role) for role in range(3))
    both = child & ~turns & (persons.partner >= 0) & own[persons.partner]
    return (
        _Second("twins_rank_0", twin & rsi[persons.head], BOTH, persons.head, 0, RSI),
        _Second("rank_0", rsi & (chance < _SHARES["rsi_both"]), SWITCH, places),
        _Second("provisional", first.trap == TRAPS.index("provisional"), SWITCH, places),
        _Second(
            "dependant_then_insured", child & turns & (chance < _SHARES["adult"]), SWITCH, places
        ),
        _Second(
            "dependant_then_insured",
            partner & ~own & (chance < _SHARES["became_insured"]),
            SWITCH,
            places,
        ),
        _Second("two_parents", both & (chance < _SHARES["two_parents"]), BOTH, persons.partner),
        _Second(
            "number_corrected",
            adult & ~rsi & (chance < _SHARES["corrected"]),
            SWITCH,
            places,
            domain=_CORRECTED,
        ),
    )


def _known(
    order: Order, draws: np.random.Generator, persons: People, rows: _Rows, *, several: np.ndarray
) -> np.ndarray:
    """Return whether each identifier's own NIR is known: by person, then not for fictive ones.

    The share grows with the year of last use, from 88.0 % (2011) to 98.5 % (2018): SNDS
    documentation. Those of several identifiers are nearly all known.
    """
    last = np.where(persons.death == NEVER, order.last_day, persons.death)
    year = 1970 + last // 365.25
    share = np.clip(_KNOWN_FIRST + _KNOWN_STEP * (year - _KNOWN_FROM), _KNOWN_FIRST, _KNOWN_MOST)
    share = np.where(several, 1 - _SHARES["unknown_of_several"], share)
    known = (draws.random(len(persons)) < share)[rows.person]
    return np.asarray(known & (rows.certified == "00"))


def _named(
    order: Order,
    persons: People,
    rows: _Rows,
    *,
    known: np.ndarray,
    strangers: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    mode: np.ndarray,
    switch: np.ndarray,
) -> Identities:
    """Make the pseudonyms: of insured, birth and sex; and of the person alone."""
    owner = persons.number[rows.owner]
    birth, sex = persons.birth[rows.person], persons.sex[rows.person]
    own = mixed(order.seed, _NIR, persons.number)
    wrong = np.flatnonzero(strangers[:-1]) + 1
    own[wrong] = own[wrong - 1]
    nir = pseudonyms(own)
    trap = rows.trap.copy()
    sharing = np.zeros(len(persons), dtype=bool)
    sharing[wrong], sharing[wrong - 1] = True, True
    trap[sharing[rows.person] & (trap == 0)] = TRAPS.index("shared_nir_ano")
    return Identities(
        person=rows.person,
        psa=pseudonyms(mixed(order.seed, rows.domain + 16, owner, birth, sex)),
        rank=rows.rank,
        nir=pl.select(
            pl.when(pl.Series(known)).then(nir.gather(rows.person)).otherwise(None)
        ).to_series(),
        insured=nir.gather(rows.owner),
        scheme=rows.scheme,
        certified=rows.certified,
        trap=trap,
        archived=rows.trap == TRAPS.index("archived"),
        first=first,
        second=second,
        mode=mode,
        switch=switch,
    )
