"""Hospital stays of the persons of a block: why, when, how long and where.

After a first box of celecoxib or diclofenac, digestive bleeding is more frequent: the signal that
the studies of the documentation look for, far stronger than any real one.

Pure: the draws come in as generators.
"""

from dataclasses import dataclass

import numpy as np

from laennec.synthetic.snds import frequencies
from laennec.synthetic.snds.block import Block
from laennec.synthetic.snds.order import day_number, year_of

_BLEEDING = {"celecoxib": 0.035, "diclofenac": 0.075}
"""Share of new users who bleed within 90 days."""

_BLEEDS, _WITHIN_DAYS = ("K922", "K922", "K922", "K254"), 90
_NEWBORN = "Z380"
_NEAR, _HOSPITALS = 0.9, 4
_PER_THOUSAND = 1000.0


@dataclass(frozen=True)
class Stays:
    """Stays of one field, by entry.

    Attributes:
        person: Place of the person in the block.
        entry: Day of entry.
        days: Nights; 0 for a stay of one day.
        cause: Row of the table ``stays``.
        place: Row of the table of places: where the hospital is.
        hospital: Which hospital of that place's department, from 0.
    """

    person: np.ndarray
    entry: np.ndarray
    days: np.ndarray
    cause: np.ndarray
    place: np.ndarray
    hospital: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def exit(self) -> np.ndarray:
        """Return the day of exit."""
        return np.asarray(self.entry + self.days)

    def at(self, places: np.ndarray) -> "Stays":
        """Return the stays at places."""
        return Stays(*(getattr(self, name)[places] for name in self.__dataclass_fields__))

    def ending_in(self, year: int) -> "Stays":
        """Return the stays whose exit is in a year: the PMSI files a stay by its end."""
        return self.at(np.flatnonzero(year_of(self.exit) == year))


def stays(block: Block) -> Stays:
    """Draw the stays of a block in medicine, surgery and obstetrics, by day of entry."""
    draws = block.draws("stays")
    parts = [*_by_cause(block, draws), _newborns(block), *_bleedings(block, draws)]
    person, entry, cause = (np.concatenate([one[place] for one in parts]) for place in range(3))
    mean = frequencies.numbers(frequencies.table("stays")["days"])[cause]
    days = draws.poisson(mean)
    death = block.people.death[person]
    days = np.minimum(days, death - entry)
    kept = (entry <= death) & (entry >= block.people.birth[person])
    kept &= (entry >= block.order.first_day) & (entry + days <= block.order.last_day)
    person, entry, days, cause = person[kept], entry[kept], days[kept], cause[kept]
    home = block.people.place[person]
    away = draws.integers(0, frequencies.table("places").height, len(person))
    made = Stays(
        person=person,
        entry=entry,
        days=days,
        cause=cause,
        place=np.where(draws.random(len(person)) < _NEAR, home, away),
        hospital=draws.integers(0, _HOSPITALS, len(person)),
    )
    return made.at(np.lexsort((person, entry)))


def causes() -> list[str]:
    """Return the main diagnosis of each row of the table ``stays``."""
    return frequencies.table("stays")["DGN_PAL"].to_list()


def _by_cause(
    block: Block, draws: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw stays by cause, age band and sex, year after year."""
    rates = frequencies.by_band("stays", "rate") / _PER_THOUSAND
    only = frequencies.numbers(frequencies.table("stays")["sex"])[:, None]
    parts = []
    for year in block.order.years:
        first = day_number(year, 1, 1)
        age = block.people.ages(first + 182)
        expected = np.where(age >= 0, rates[:, frequencies.band(np.maximum(age, 0))], 0.0)
        expected = np.where((only != 0) & (only != block.people.sex), 0.0, expected)
        cause, person = np.nonzero(draws.poisson(expected))
        parts.append((person, first + draws.integers(0, 365, len(person)), cause))
    return parts


def _newborns(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the stay in which each child of the period was born."""
    born = np.flatnonzero(block.people.birth >= block.order.first_day)
    return born, block.people.birth[born], np.full(len(born), causes().index(_NEWBORN))


def _bleedings(
    block: Block, draws: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw the bleedings that follow the first box of the two drugs of the signal."""
    rows = np.array([causes().index(code) for code in _BLEEDS])
    parts = []
    for drug, share in _BLEEDING.items():
        person, day = block.starts[drug]
        bled = np.flatnonzero(draws.random(len(person)) < share)
        after = 1 + draws.integers(0, _WITHIN_DAYS, len(bled))
        parts.append((person[bled], day[bled] + after, draws.choice(rows, len(bled))))
    return parts
