"""Lasting illnesses of the persons of a block: who has which, and since when.

Pure: the draws come in as generators.
"""

from dataclasses import dataclass

import numpy as np

from laennec.synthetic.snds import frequencies
from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.population import People

_BEFORE = 0.8
_LONGEST_DAYS = 20 * 365
_CONTRACEPTION = "contraception"


@dataclass(frozen=True)
class Illnesses:
    """One place per person and illness.

    Attributes:
        person: Place of the person in the block.
        condition: Row of the table ``conditions``.
        onset: Day of the first diagnosis; often before the first year.
    """

    person: np.ndarray
    condition: np.ndarray
    onset: np.ndarray


def illnesses(order: Order, draws: np.random.Generator, persons: People) -> Illnesses:
    """Draw lasting illnesses by the age band of a person in the middle of the period."""
    middle = (order.first_day + order.last_day) // 2
    shares = frequencies.by_band("conditions", "p")[:, frequencies.band(persons.ages(middle))]
    names = frequencies.table("conditions")["name"].to_list()
    shares[names.index(_CONTRACEPTION), persons.sex == 1] = 0
    condition, person = np.nonzero(draws.random(shares.shape) < shares)
    size = len(person)
    earlier = order.first_day - (draws.random(size) * _LONGEST_DAYS).astype(np.int64)
    within = order.first_day + (draws.random(size) * (order.last_day - order.first_day)).astype(
        np.int64
    )
    onset = np.where(draws.random(size) < _BEFORE, earlier, within)
    return Illnesses(person, condition, np.maximum(onset, persons.birth[person]))
