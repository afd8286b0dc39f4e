"""Who is in a block: sex, birth, periods of observation, death, lasting conditions.

Pure. Days are numbers of days since 1970-01-01; ``NEVER`` stands for a day that does not come.
"""

from dataclasses import dataclass

import numpy as np

from laennec.synthetic.cdm.catalogue import FEMALE, MALE, Catalogue, Number, Whole, groups
from laennec.synthetic.cdm.order import Order

NEVER = 2**31
YEAR = 365.25

SLOTS = 4
"""Lasting conditions that a person has at most."""

_AGE_WEIGHTS = (12, 12, 12, 13, 13, 13, 13, 12, 9, 5, 1.5)
"""Persons by age at the first day, in bands of ten years from -10 (born meanwhile) to 100."""

_AGEING, _HAZARD = 0.09, 3.5e-5
"""Gompertz: deaths per year at age 0, and how fast they grow with age."""

_LASTING_AT_80 = 2.6
"""Mean lasting conditions at the age of 80."""

_LATE, _EARLY, _GAP = 0.3, 0.2, 0.06
"""Who comes later than the first day, leaves before the last, and is away for a time."""


@dataclass(frozen=True, eq=False)
class People:
    """Persons of a block; parallel arrays.

    Attributes:
        ids: ``person_id``, ascending.
        sex: ``gender_concept_id``.
        born: Day of birth.
        first, last: First and last day of observation.
        away, back: Days from which and until which nobody observes them; equal for none.
        died: Day of death, or ``NEVER``.
        frailty: How often they see a doctor, compared with others of their age; 1 on average.
        lasting: By person and slot, the number of a condition in its catalogue, or -1.
        onset: Its first day.
    """

    ids: Whole
    sex: Whole
    born: Whole
    first: Whole
    last: Whole
    away: Whole
    back: Whole
    died: Whole
    frailty: Number
    lasting: Whole
    onset: Whole

    @property
    def observed(self) -> Whole:
        """Return the days of observation of each."""
        return self.last - self.first + 1 - (self.back - self.away)

    def age(self, person: Whole, day: Whole) -> Whole:
        """Return the age in whole years of persons, given by their place, on a day."""
        return np.maximum(((day - self.born[person]) / YEAR).astype(np.int64), 0)

    def day(self, person: Whole, chance: Number) -> Whole:
        """Return a day of observation of each person, by chance from 0 to 1."""
        day = self.first[person] + (chance * self.observed[person]).astype(np.int64)
        away = self.back[person] - self.away[person]
        return np.where(day >= self.away[person], day + away, day)


def people(order: Order, block: int, rng: np.random.Generator, conditions: Catalogue) -> People:
    """Make the persons of a block.

    Args:
        order: What to make.
        block: Number of the block.
        rng: Source of chance of the block.
        conditions: What they can have.
    """
    count = order.size(block)
    ids = np.arange(count, dtype=np.int64) + block * order.size(0) + 1
    sex = np.where(rng.random(count) < 0.51, FEMALE, MALE).astype(np.int64)
    born = _births(order, rng, count)
    came = np.where(rng.random(count) < _LATE, rng.random(count), 0.0)
    first = np.maximum(
        order.first_day + (came * (order.last_day - order.first_day)).astype(np.int64), born
    )
    died = _deaths(rng, born, first)
    left = np.where(rng.random(count) < _EARLY, rng.random(count), 1.0)
    last = first + (left * (order.last_day - first)).astype(np.int64)
    last = np.maximum(np.minimum(last, died), first)
    died = np.where(died <= last, died, NEVER)
    away, back = _absences(rng, first, last)
    lasting, onset = _lasting(rng, conditions, sex, born, last)
    frailty = rng.gamma(2.0, 0.5, count)
    return People(ids, sex, born, first, last, away, back, died, frailty, lasting, onset)


def _births(order: Order, rng: np.random.Generator, count: int) -> Whole:
    """Days of birth, none after the last day of observation."""
    chance = np.array(_AGE_WEIGHTS) / sum(_AGE_WEIGHTS)
    band = rng.choice(len(_AGE_WEIGHTS), count, p=chance)
    age = (band - 1 + rng.random(count)) * 10
    born: Whole = order.first_day - (age * YEAR).astype(np.int64)
    later = order.first_day + (rng.random(count) * (order.last_day - order.first_day)).astype(
        np.int64
    )
    within: Whole = np.where(born > order.first_day, later, born)
    return within


def _deaths(rng: np.random.Generator, born: Whole, first: Whole) -> Whole:
    """Days of death of who is alive on the first day, by Gompertz's law."""
    age = np.maximum(first - born, 0) / YEAR
    wait = -np.log1p(-rng.random(born.size)) * _AGEING / _HAZARD * np.exp(-_AGEING * age)
    fallen: Whole = first + (np.log1p(wait) / _AGEING * YEAR).astype(np.int64)
    return fallen


def _absences(rng: np.random.Generator, first: Whole, last: Whole) -> tuple[Whole, Whole]:
    """Days from and until which some are away, well inside the observation."""
    length = last - first
    gone = (rng.random(first.size) < _GAP) & (length > 2 * YEAR)
    away = first + (length * (0.2 + 0.3 * rng.random(first.size))).astype(np.int64)
    spell = (length * (0.1 + 0.2 * rng.random(first.size))).astype(np.int64)
    return away, np.where(gone, away + spell, away)


def _lasting(
    rng: np.random.Generator, conditions: Catalogue, sex: Whole, born: Whole, last: Whole
) -> tuple[Whole, Whole]:
    """Lasting conditions by person and slot, none twice, and when they began."""
    age = np.maximum((last - born) / YEAR, 0)
    mean = 0.15 + _LASTING_AT_80 * (np.minimum(age, 90) / 80) ** 1.5
    has = np.arange(SLOTS) < rng.poisson(mean)[:, None]
    who = np.repeat(np.arange(sex.size), SLOTS)
    share = rng.random(who.size) ** 0.5
    onset = born[who] + (share * (last - born)[who]).astype(np.int64)
    at = np.maximum(((onset - born[who]) / YEAR).astype(np.int64), 0)
    found = conditions.draw(rng, groups(sex[who], at), conditions.lasting)
    found = np.where(has.ravel(), found, -1).reshape(-1, SLOTS)
    for slot in range(1, SLOTS):
        again = (found[:, :slot] == found[:, slot, None]).any(axis=1)
        found[again, slot] = -1
    return found, onset.reshape(-1, SLOTS)
