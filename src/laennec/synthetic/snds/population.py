"""Persons of one block: households, births, deaths and places.

A block is a range of persons that is made at once; households do not cross blocks, and each block
draws from its own streams, so that a base does not depend on how many blocks are made together.

Pure: the draws come in as generators.
"""

from dataclasses import dataclass

import numpy as np

from laennec.synthetic.snds import frequencies
from laennec.synthetic.snds.order import Order

NEVER = 1_000_000
"""The day of death of whoever lives."""

_YEAR = 365.25
_PARTNER, _CHILDREN = 0.52, 1.05
_YOUNGEST_PARENT, _OLDEST_CHILD = 20, 20
_TWINS, _SAME_SEX, _SIBLINGS = 0.03, 0.65, 32
_HAZARD_AT_BIRTH, _HAZARD_GROWTH, _MALE_HAZARD = 1.3e-5, 0.099, 1.6


@dataclass(frozen=True)
class People:
    """True persons, one per place.

    Attributes:
        number: The person, from 1 in the whole base.
        sex: 1 male, 2 female.
        birth: Day of birth; in the period of the base for those born in it.
        death: Day of death, ``NEVER`` if not within the period.
        place: Row of the table of places.
        head: Place of the household's first adult in these arrays.
        role: 0 first adult, 1 partner, 2 child.
        partner: Place of the partner of the household, -1 if there is none.
        twin: 0, or the rank of birth of a twin (1, 2).
    """

    number: np.ndarray
    sex: np.ndarray
    birth: np.ndarray
    death: np.ndarray
    place: np.ndarray
    head: np.ndarray
    role: np.ndarray
    partner: np.ndarray
    twin: np.ndarray

    def __len__(self) -> int:
        return len(self.number)

    def ages(self, day: int) -> np.ndarray:
        """Return ages in whole years on a day; negative before birth."""
        return np.floor((day - self.birth) / _YEAR).astype(np.int64)


def people(order: Order, draws: np.random.Generator, *, first: int, size: int) -> People:
    """Make the persons ``first`` to ``first + size - 1``."""
    adults = draws.choice(frequencies.table("ages").height, size, p=_age_shares())
    from_age = frequencies.numbers(frequencies.table("ages")["from_age"])[adults]
    to_age = frequencies.numbers(frequencies.table("ages")["to_age"])[adults]
    head_age = from_age + draws.random(size) * (to_age + 1 - from_age)
    has_partner = draws.random(size) < _PARTNER
    raising = (head_age > _YOUNGEST_PARENT + 2) & (head_age < _YOUNGEST_PARENT + 42)
    children = np.where(raising, draws.poisson(_CHILDREN, size), 0)
    members = 1 + has_partner + children
    home = np.repeat(np.arange(size), members)[:size]
    starts = np.cumsum(members) - members
    position = np.arange(size) - starts[home]
    role = np.where(position == 0, 0, np.where(has_partner[home] & (position == 1), 1, 2))
    sex, birth, twin = _births(order, draws, head_age[home], role, position)
    return People(
        number=np.arange(first, first + size, dtype=np.int64),
        sex=sex,
        birth=birth,
        death=_deaths(order, draws, sex, birth),
        place=frequencies.weighted("places", "weight").draw(draws, size)[home],
        head=starts[home],
        role=role,
        partner=_partners(role, starts[home]),
        twin=twin,
    )


def _age_shares() -> np.ndarray:
    weights = frequencies.numbers(frequencies.table("ages")["weight"])
    return np.asarray(weights / weights.sum())


def _births(
    order: Order,
    draws: np.random.Generator,
    head_age: np.ndarray,
    role: np.ndarray,
    position: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sex, day of birth and rank of twin; children are born to parents of an age to be."""
    size = len(role)
    head = np.arange(size) - position
    sex = 1 + (draws.random(size) < 0.515).astype(np.int8)
    sex = np.where(role == 1, 3 - sex[head], sex)
    span = (order.last_day - order.first_day) / _YEAR
    oldest = np.minimum(_OLDEST_CHILD, head_age - _YOUNGEST_PARENT)
    child_age = -span + draws.random(size) * np.maximum(oldest + span, 0.5)
    partner_age = np.clip(head_age + draws.normal(-1.5, 3.0, size), 19.0, 99.0)
    age = np.choose(role, (head_age, partner_age, child_age))
    birth = np.floor(order.first_day - age * _YEAR).astype(np.int64)
    # Two children of a household have one birthday only as twins: a pseudonym is made of it.
    birth = np.where(role == 2, birth - birth % _SIBLINGS - _SIBLINGS + position, birth)
    second = np.zeros(size, dtype=bool)
    second[1:] = (role[1:] == 2) & (role[:-1] == 2) & (head[1:] == head[:-1])
    second &= draws.random(size) < _TWINS
    second[1:] &= ~second[:-1]
    places = np.flatnonzero(second)
    birth[places] = birth[places - 1]
    alike = draws.random(len(places)) < _SAME_SEX
    sex[places[alike]] = sex[places[alike] - 1]
    twin = np.zeros(size, dtype=np.int8)
    twin[places], twin[places - 1] = 2, 1
    return sex.astype(np.int8), birth, twin


def _deaths(
    order: Order, draws: np.random.Generator, sex: np.ndarray, birth: np.ndarray
) -> np.ndarray:
    """Draw deaths by a Gompertz law from the first day, or from birth."""
    begin = np.maximum(birth, order.first_day)
    hazard = np.where(sex == 1, _MALE_HAZARD, 1.0) * _HAZARD_AT_BIRTH
    hazard = hazard * np.exp(_HAZARD_GROWTH * (begin - birth) / _YEAR)
    left = np.log1p(draws.exponential(size=len(sex)) * _HAZARD_GROWTH / hazard) / _HAZARD_GROWTH
    day = begin + np.floor(left * _YEAR).astype(np.int64)
    return np.where(day <= order.last_day, day, NEVER)


def _partners(role: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Return the partner of each person's household, -1 where there is none."""
    after = np.minimum(head + 1, len(role) - 1)
    return np.where((role[after] == 1) & (head[after] == head), after, -1)
