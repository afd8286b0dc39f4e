"""What measurements say: a number with unit and range, or an answer. Pure."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from laennec.synthetic.cdm.catalogue import Number, Whole

POSITIVE, NEGATIVE = 9191, 9189
_POSITIVE_SHARE = 0.12

_ILL = 0.05
"""Share of numbers far outside the range: half of them below, half above."""


@dataclass(frozen=True, eq=False)
class Values:
    """Values of measurements; parallel arrays.

    Attributes:
        number: ``value_as_number``, NaN for an answer.
        unit: ``unit_concept_id``, 0 for an answer.
        low, high: Range of reference, NaN for an answer.
        answer: ``value_as_concept_id``, 0 for a number.
    """

    number: Number
    unit: Whole
    low: Number
    high: Number
    answer: Whole


def values(concept: Whole, rng: np.random.Generator) -> Values:
    """Return the values of measurements of these concepts."""
    ids, table = _known()
    place = np.minimum(np.searchsorted(ids, concept), ids.size - 1)
    known = ids[place] == concept
    unit, mean, deviation, low, high = table[place].T
    number = mean + deviation * rng.standard_normal(concept.size)
    far = rng.random(concept.size)
    below, above = low * (0.1 + 0.85 * rng.random(concept.size)), high * (1.1 + far)
    ill = rng.random(concept.size)
    number = np.where(ill < _ILL / 2, below, np.where(ill < _ILL, above, number))
    number = np.round(np.maximum(number, low * 0.05), 2)
    positive = rng.random(concept.size) < _POSITIVE_SHARE
    return Values(
        number=np.where(known, number, np.nan),
        unit=np.where(known, unit, 0).astype(np.int64),
        low=np.where(known, low, np.nan),
        high=np.where(known, high, np.nan),
        answer=np.where(known, 0, np.where(positive, POSITIVE, NEGATIVE)),
    )


@cache
def _known() -> tuple[Whole, Number]:
    """Concepts with numbers, ascending, and for each its unit, mean, deviation and range."""
    text = files("laennec.synthetic") / "data" / "cdm_values.csv"
    with text.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    rows.sort(key=lambda row: int(row["concept_id"]))
    names = ("unit_concept_id", "mean", "deviation", "low", "high")
    ids = np.array([int(row["concept_id"]) for row in rows], np.int64)
    return ids, np.array([[float(row[name]) for name in names] for row in rows])
