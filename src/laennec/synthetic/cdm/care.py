"""What happens to the persons of a block: visits, and events at visits and between them.

Most events belong to a visit and bear its day; maintenance drugs are dispensed in series from the
onset of the condition that they are for, without a visit; a few events are recorded late, some of
them after the end of observation, as in real data. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from laennec.synthetic.cdm.catalogue import Catalogue, Catalogues, Whole, draw, groups
from laennec.synthetic.cdm.people import SLOTS, YEAR, People

OUTPATIENT, EMERGENCY, INPATIENT = 9202, 9203, 9201
VISIT_KINDS = (OUTPATIENT, EMERGENCY, INPATIENT)
_VISIT_SHARES = (0.88, 0.06, 0.06)
_VISITS_PER_YEAR = 3.0
_VISITS_BY_AGE = (0.9, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 1.7, 1.7, 1.6)
"""Visits compared with the mean, by age band."""

PER_VISIT = {
    "Condition": (0.75, 1.1, 2.5),
    "Drug": (0.45, 0.8, 1.5),
    "Measurement": (1.5, 2.5, 8.0),
    "Procedure": (0.45, 0.8, 1.6),
    "Observation": (0.25, 0.3, 0.5),
    "Device": (0.02, 0.05, 0.3),
}
"""Mean events at a visit, by kind of visit."""

_LATE, _MOST_LATE_DAYS = 0.01, 60
"""Share of events that are recorded late, and by how many days at most."""

_FROM_LASTING = 0.5
"""Share of conditions recorded at a visit that are asked of the person's lasting ones."""

SUPPLIES = (28, 30, 90)
_ADHERENCE = 0.85
_COURSE_DAYS = (5, 7, 10, 14)


@dataclass(frozen=True, eq=False)
class Visits:
    """Visits of a block by person and day; ``person`` is a place in ``People``."""

    person: Whole
    start: Whole
    end: Whole
    kind: Whole


@dataclass(frozen=True, eq=False)
class Happened:
    """Events of one domain by person, day and concept; parallel arrays.

    Attributes:
        person: Place in ``People``.
        concept: ``concept_id``.
        start, end: First and last day.
        visit: Place in ``Visits``, or -1.
        supply: For drugs, days of supply; 0 elsewhere.
    """

    person: Whole
    concept: Whole
    start: Whole
    end: Whole
    visit: Whole
    supply: Whole


def visits(people: People, rng: np.random.Generator) -> Visits:
    """Make the visits of a block."""
    everyone = np.arange(people.ids.size)
    middle = (people.first + people.last) // 2
    band = np.minimum(people.age(everyone, middle) // 10, len(_VISITS_BY_AGE) - 1)
    rate = _VISITS_PER_YEAR / YEAR * people.frailty * np.array(_VISITS_BY_AGE)[band]
    person = np.repeat(everyone, rng.poisson(rate * people.observed))
    start = people.day(person, rng.random(person.size))
    kind = rng.choice(len(VISIT_KINDS), person.size, p=_VISIT_SHARES)
    nights = np.where(kind == len(VISIT_KINDS) - 1, rng.geometric(0.2, person.size), 0)
    end = np.minimum(start + nights, people.last[person])
    order = np.lexsort((end, start, person))
    return Visits(person[order], start[order], end[order], kind[order])


def events(
    people: People, seen: Visits, found: Catalogues, rng: np.random.Generator
) -> Mapping[str, Happened]:
    """Return what happened in a block, by domain."""
    happened = {domain: _at_visits(people, seen, found, domain, rng) for domain in PER_VISIT}
    happened["Condition"] = _in_order(happened["Condition"], _onsets(people, found))
    happened["Drug"] = _in_order(happened["Drug"], _series(people, found, rng))
    return happened


def _at_visits(
    people: People, seen: Visits, found: Catalogues, domain: str, rng: np.random.Generator
) -> Happened:
    """Events of one domain at visits, some of them recorded late."""
    catalogue = found.by_domain[domain]
    mean = np.array(PER_VISIT[domain])[seen.kind]
    visit = np.repeat(np.arange(seen.person.size), rng.poisson(mean))
    person = seen.person[visit]
    stay = seen.end[visit] - seen.start[visit] + 1
    start = seen.start[visit] + (rng.random(visit.size) * stay).astype(np.int64)
    late = rng.random(visit.size) < _LATE
    start = start + late * rng.integers(1, _MOST_LATE_DAYS + 1, visit.size)
    start = np.minimum(start, people.died[person])
    group = groups(people.sex[person], people.age(person, start))
    number = catalogue.draw(rng, group, ~catalogue.lasting)
    if domain == "Condition":
        number = _lasting_or(people, person, start, number, rng)
    length = _lengths(domain, catalogue, number, rng)
    supply = length if domain == "Drug" else np.zeros_like(length)
    end = np.minimum(start + np.maximum(length - 1, 0), people.died[person])
    kept = number >= 0
    concept = catalogue.ids[number[kept]] if catalogue.ids.size else number[kept]
    return _in_order(
        Happened(person[kept], concept, start[kept], end[kept], visit[kept], supply[kept])
    )


def _lasting_or(
    people: People, person: Whole, day: Whole, other: Whole, rng: np.random.Generator
) -> Whole:
    """A lasting condition that the person has on that day, if one is asked for and there."""
    slot = (rng.random(person.size) * SLOTS / _FROM_LASTING).astype(np.int64)
    asked = np.minimum(slot, SLOTS - 1)
    lasting = people.lasting[person, asked]
    had = (slot < SLOTS) & (lasting >= 0) & (people.onset[person, asked] <= day)
    return np.where(had, lasting, other)


def _lengths(domain: str, catalogue: Catalogue, number: Whole, rng: np.random.Generator) -> Whole:
    """Days that events last: courses of drugs, spells of conditions, else one day."""
    if domain == "Drug":
        return rng.choice(_COURSE_DAYS, number.size)
    if domain == "Condition":
        short = ~catalogue.lasting[number]
        return np.where(short, rng.geometric(0.08, number.size), 1)
    return np.ones(number.size, np.int64)


def _onsets(people: People, found: Catalogues) -> Happened:
    """The first record of each lasting condition that begins while the person is observed."""
    person, slot = np.nonzero(people.lasting >= 0)
    day = people.onset[person, slot]
    away = (day >= people.away[person]) & (day < people.back[person])
    seen = (day >= people.first[person]) & (day <= people.last[person]) & ~away
    person, slot, day = person[seen], slot[seen], day[seen]
    concept = found.by_domain["Condition"].ids[people.lasting[person, slot]]
    nothing = np.zeros_like(day)
    return Happened(person, concept, day, day, nothing - 1, nothing)


def _series(people: People, found: Catalogues, rng: np.random.Generator) -> Happened:
    """Maintenance drugs: boxes dispensed one after another from the onset until the end."""
    person, slot = np.nonzero(people.lasting >= 0)
    begin = np.maximum(people.onset[person, slot], people.first[person])
    begin = begin + rng.integers(0, 60, person.size)
    drug = _drugs(people.lasting[person, slot], found, rng)
    span = np.maximum(people.last[person] - begin, 0) * (0.3 + 0.7 * rng.random(person.size))
    supply = rng.choice(SUPPLIES, person.size, p=(0.3, 0.4, 0.3))
    boxes = np.where(drug >= 0, (span / (supply / _ADHERENCE)).astype(np.int64), 0)
    row = np.repeat(np.arange(person.size), boxes)
    place = np.arange(row.size) - np.repeat(np.cumsum(boxes) - boxes, boxes)
    delay = rng.integers(0, 12, row.size)
    start = begin[row] + (place * supply[row] / _ADHERENCE).astype(np.int64) + delay
    start = np.minimum(start, people.last[person[row]])
    who = person[row]
    away = (start >= people.away[who]) & (start < people.back[who])
    row, who, start = row[~away], who[~away], start[~away]
    end = np.minimum(start + supply[row] - 1, people.died[who])
    concept = found.by_domain["Drug"].ids[drug[row]]
    return Happened(who, concept, start, end, np.full(who.size, -1), supply[row])


def _drugs(condition: Whole, found: Catalogues, rng: np.random.Generator) -> Whole:
    """A maintenance drug for each condition: one that it is for, else any that is for none."""
    drugs = found.by_domain["Drug"]
    weight = drugs.weight.mean(axis=0) * drugs.lasting
    fits = found.by_domain["Condition"].ids[:, None] == drugs.indication[None, :]
    table = np.where(fits.any(axis=1)[:, None], fits, drugs.indication[None, :] == 0)
    return draw(rng, table * weight, condition)


def _in_order(*parts: Happened) -> Happened:
    """Put events in order of person, day, concept and visit."""
    names = ("person", "concept", "start", "end", "visit", "supply")
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort((whole["visit"], whole["concept"], whole["start"], whole["person"]))
    return Happened(**{name: column[order] for name, column in whole.items()})
