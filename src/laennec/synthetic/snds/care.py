"""Claim lines of the persons of a block: what they used, on which day, on which document.

Two streams are joined: monthly drugs of lasting illnesses, and care as it comes. Among the latter
are courses of celecoxib and of diclofenac, after which a digestive bleeding is more frequent
(``stays``): a signal made so strong that a base of 20,000 persons shows it.

Pure: the draws come in as generators.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from laennec.synthetic.snds import frequencies
from laennec.synthetic.snds.illness import Illnesses
from laennec.synthetic.snds.order import MAX_DELAY_MONTHS, Order, month_of
from laennec.synthetic.snds.population import People

_MONTH_DAYS, _LARGE_BOX = 30, 60
_ADHERENCE, _CHRONIC_SHARE = 0.9, 0.35
_AGE_FACTORS = np.array([0.7, 0.65, 1.0, 1.7, 2.2])
_LINES_PER_DOCUMENT = {"PHA": 2.2, "BIO": 1.35}
_MOST_LINES = 6
_DELAYS = np.array([0.74, 0.14, 0.05, 0.02, 0.01, 0.01, 0.008, 0.006, 0.005, 0.004, 0.004, 0.003])
_REGULARISED, _CORRECTED = 0.015, 0.5
_SAMPLE = "3223"
_CHILD_USES = ("pain", "antibiotic", "cold", "digestive", "skin")
_ADULT_USES = (*_CHILD_USES, "anxiety", "reflux")
_USE_WEIGHTS = {"pain": 4.0, "antibiotic": 2.0, "cold": 2.0, "digestive": 1.5, "skin": 1.0}
_COURSES = {"celecoxib": (0.016, 1.6), "diclofenac": (0.035, 0.6)}
"""Share of adults who begin a course in a year, and boxes after the first, on average."""

UNKNOWN = -1
"""The item of a line that has no detail."""


@dataclass(frozen=True)
class Lines:
    """Rows of ER_PRS_F, one per place.

    Attributes:
        person: Place of the person in the block.
        day: Day of care.
        nature: Row of the table ``claims`` (PRS_NAT_REF).
        item: Row of the table of the nature's detail (``products``, ``acts`` ...), or ``UNKNOWN``.
        units: Boxes or acts; negative in a regularisation.
        document: Number of the document (DCT_ORD_NUM) within the block, from 1.
        order: Order within the document (PRS_ORD_NUM), from 1.
        flux: Month of flux, as a month number.
    """

    person: np.ndarray
    day: np.ndarray
    nature: np.ndarray
    item: np.ndarray
    units: np.ndarray
    document: np.ndarray
    order: np.ndarray
    flux: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def at(self, places: np.ndarray) -> "Lines":
        """Return the lines at places."""
        return Lines(*(getattr(self, name)[places] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Used:
    """Lines before documents are numbered; ``group`` joins lines of one document."""

    person: np.ndarray
    day: np.ndarray
    nature: np.ndarray
    item: np.ndarray
    group: np.ndarray


def care(
    order: Order, draws: np.random.Generator, persons: People, ill: Illnesses
) -> tuple[Lines, dict[str, np.ndarray]]:
    """Draw all lines of a block, sorted by month of flux.

    Returns:
        The lines, and for each drug of the signal a matrix of two rows: the persons who took it,
        and the day of the first box.
    """
    chronic = _chronic(order, draws, persons, ill)
    courses, starts = _courses(order, draws, persons)
    known = len(chronic.person) + len(courses.person)
    wanted = order.lines_per_year * len(persons) * len(order.years) - known
    acute = _acute(order, draws, persons, lines=max(wanted, 0.0))
    used = _within_life(order, persons, _joined((chronic, courses, acute)))
    return _documents(order, draws, used), starts


@cache
def natures() -> dict[str, int]:
    """Return the row of ``claims`` of each PRS_NAT_REF."""
    return {code: row for row, code in enumerate(frequencies.table("claims")["PRS_NAT_REF"])}


@cache
def details() -> np.ndarray:
    """Return the kind of detail (PHA, BIO ... or empty) of each row of ``claims``."""
    return frequencies.table("claims")["detail"].fill_null("").to_numpy()


def _chronic(order: Order, draws: np.random.Generator, persons: People, ill: Illnesses) -> _Used:
    """Boxes of lasting illnesses: every 30 days, or 90 for large boxes; few days are missed."""
    use = frequencies.table("conditions")["use"].fill_null("").to_numpy()[ill.condition]
    product = np.full(len(ill.person), UNKNOWN)
    for name in np.unique(use[use != ""]):
        some = np.flatnonzero(use == name)
        product[some] = draws.choice(frequencies.products_of(name), len(some))
    treated = product != UNKNOWN
    person, product, onset = ill.person[treated], product[treated], ill.onset[treated]
    size = frequencies.numbers(frequencies.table("products")["PHA_UNT_NBR_DSES"])[product]
    every = np.where(size > _LARGE_BOX, 3, 1) * _MONTH_DAYS
    phase = draws.integers(0, _MONTH_DAYS, len(persons))[person]
    begin = np.maximum(onset, order.first_day) + phase
    until = np.minimum(persons.death[person], order.last_day)
    boxes = np.maximum((until - begin) // every + 1, 0)
    share = order.lines_per_year * len(persons) * len(order.years) * _CHRONIC_SHARE
    boxes = np.where(draws.random(len(boxes)) < share / max(boxes.sum(), 1), boxes, 0)
    nth = np.arange(boxes.sum()) - np.repeat(np.cumsum(boxes) - boxes, boxes)
    person, product = np.repeat(person, boxes), np.repeat(product, boxes)
    day = np.repeat(begin, boxes) + nth * np.repeat(every, boxes) + (person * 7 + nth * 13) % 4
    taken = draws.random(len(day)) < _ADHERENCE
    nature = np.full(len(day), natures()["3313"])
    return _Used(person[taken], day[taken], nature[taken], product[taken], day[taken])


def _courses(
    order: Order, draws: np.random.Generator, persons: People
) -> tuple[_Used, dict[str, np.ndarray]]:
    """Courses of the two drugs of the signal; nobody takes both."""
    parts, starts = [], {}
    adult = persons.ages(order.first_day) >= 18
    for name, (share, more) in _COURSES.items():
        chance = 1 - (1 - share) ** len(order.years)
        person = np.flatnonzero(adult & (draws.random(len(persons)) < chance))
        adult[person] = False
        day = draws.integers(order.first_day, order.last_day + 1, len(person))
        alive = day < persons.death[person]
        person, day = person[alive], day[alive]
        starts[name] = np.vstack([person, day])
        boxes = 1 + draws.poisson(more, len(person))
        nth = np.arange(boxes.sum()) - np.repeat(np.cumsum(boxes) - boxes, boxes)
        product = np.repeat(draws.choice(frequencies.products_of(name), len(person)), boxes)
        days = np.repeat(day, boxes) + nth * _MONTH_DAYS
        nature = np.full(len(days), natures()["3313"])
        parts.append(_Used(np.repeat(person, boxes), days, nature, product, days))
    return _joined(parts), starts


def _acute(order: Order, draws: np.random.Generator, persons: People, *, lines: float) -> _Used:
    """Care as it comes: documents by age, each of one kind, with one line or several."""
    share = frequencies.numbers(frequencies.table("claims")["percent"])
    share = share * np.where(details() == "PHA", 0.75, 1.0)
    per_document = np.array([_LINES_PER_DOCUMENT.get(kind, 1.0) for kind in details()])
    weight = share / per_document
    mean_lines = (weight * per_document).sum() / weight.sum()
    age = persons.ages((order.first_day + order.last_day) // 2)
    factor = _AGE_FACTORS[frequencies.band(np.maximum(age, 0))]
    count = draws.poisson(factor / factor.sum() * lines / mean_lines)
    person = np.repeat(np.arange(len(persons)), count)
    begin = np.maximum(persons.birth[person], order.first_day)
    end = np.minimum(persons.death[person], order.last_day)
    day = begin + (draws.random(len(person)) * (end - begin + 1)).astype(np.int64)
    nature = draws.choice(len(weight), len(person), p=weight / weight.sum())
    pharmacy, laboratory = details()[nature] == "PHA", details()[nature] == "BIO"
    repeats = np.ones(len(person), dtype=np.int64)
    repeats[pharmacy] += np.minimum(draws.poisson(1.2, pharmacy.sum()), _MOST_LINES - 1)
    repeats[laboratory] += draws.random(laboratory.sum()) < 0.35
    source = np.repeat(np.arange(len(person)), repeats)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    nature = nature[source]
    nature[(nth > 0) & (details()[nature] == "BIO")] = natures()[_SAMPLE]
    item = _items(draws, nature, child=(age < 16)[person[source]])
    return _Used(person[source], day[source], nature, item, -1 - source)


def _items(draws: np.random.Generator, nature: np.ndarray, *, child: np.ndarray) -> np.ndarray:
    """Draw what each line is about, within the table of its kind."""
    item = np.full(len(nature), UNKNOWN)
    kind = details()[nature]
    for young, uses in ((True, _CHILD_USES), (False, _ADULT_USES)):
        places = np.flatnonzero((kind == "PHA") & (child == young))
        rows = np.concatenate([frequencies.products_of(use) for use in uses])
        weight = np.concatenate([_even(use) for use in uses])
        item[places] = draws.choice(rows, len(places), p=weight / weight.sum())
    tests = np.flatnonzero(kind == "BIO")
    item[tests] = frequencies.weighted("tests", "weight").draw(draws, len(tests))
    for name, table in (("TIP", "devices"), ("UCD", "products")):
        places = np.flatnonzero(kind == name)
        item[places] = draws.integers(0, frequencies.table(table).height, len(places))
    act_natures = frequencies.table("acts")["PRS_NAT_REF"].to_numpy()
    for code in np.unique(act_natures):
        places = np.flatnonzero(nature == natures()[code])
        item[places] = draws.choice(np.flatnonzero(act_natures == code), len(places))
    return item


def _even(use: str) -> np.ndarray:
    """Return the weight of a use, shared evenly by its products."""
    rows = frequencies.products_of(use)
    return np.full(len(rows), _USE_WEIGHTS.get(use, 0.5) / len(rows))


def _joined(parts: "tuple[_Used, ...] | list[_Used]") -> _Used:
    return _Used(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in _Used.__dataclass_fields__
        )
    )


def _within_life(order: Order, persons: People, used: _Used) -> _Used:
    """Leave out what is after death, before birth or outside the years of care."""
    day = used.day
    inside = (day >= order.first_day) & (day <= order.last_day)
    inside &= (day <= persons.death[used.person]) & (day >= persons.birth[used.person])
    return _Used(*(getattr(used, name)[inside] for name in _Used.__dataclass_fields__))


def _documents(order: Order, draws: np.random.Generator, used: _Used) -> Lines:
    """Number documents and their lines, choose months of flux, and add regularisations."""
    keys = np.lexsort((used.group, used.person))
    person, group = used.person[keys], used.group[keys]
    new = np.ones(len(keys), dtype=bool)
    new[1:] = (person[1:] != person[:-1]) | (group[1:] != group[:-1])
    document = np.cumsum(new)
    first = np.flatnonzero(new)
    nth = np.arange(len(keys)) - first[document - 1] + 1
    delay = 1 + draws.choice(len(_DELAYS), len(first), p=_DELAYS / _DELAYS.sum())
    day = used.day[keys]
    lines = Lines(
        person=person,
        day=day,
        nature=used.nature[keys],
        item=used.item[keys],
        units=np.ones(len(keys), dtype=np.int64),
        document=document,
        order=nth,
        flux=month_of(day) + delay[document - 1],
    )
    regularised = _regularisations(order, draws, lines, documents=len(first))
    return regularised.at(np.argsort(regularised.flux, kind="stable"))


def _regularisations(
    order: Order, draws: np.random.Generator, lines: Lines, *, documents: int
) -> Lines:
    """Take back some drugs, in a later flux: the same line with negative units; some come again."""
    later = month_of(lines.day) + MAX_DELAY_MONTHS
    drug = (details()[lines.nature] == "PHA") & (lines.flux < later)
    chosen = np.flatnonzero(drug & (draws.random(len(lines)) < _REGULARISED))
    again = chosen[draws.random(len(chosen)) < _CORRECTED]
    parts = [lines]
    number = documents
    for places, units in ((chosen, -1), (again, 1)):
        some = lines.at(places)
        parts.append(
            Lines(
                some.person,
                some.day,
                some.nature,
                some.item,
                np.full(len(places), units),
                number + 1 + np.arange(len(places)),
                np.ones(len(places), dtype=np.int64),
                np.minimum(some.flux + 1 + draws.integers(0, 3, len(places)), later[places]),
            )
        )
        number += len(places)
    last = order.flux_months[-1]
    joined = Lines(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in Lines.__dataclass_fields__
        )
    )
    return joined.at(np.flatnonzero(joined.flux <= last))
