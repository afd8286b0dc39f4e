"""Persons, visits and events of a block as rows of CDM tables.

Every column of the CDM is there; required ones that the generator has nothing to say about hold
concept 0, the others nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.synthetic.cdm.care import VISIT_KINDS, Happened, Visits, events, visits
from laennec.synthetic.cdm.catalogue import Catalogues, Whole
from laennec.synthetic.cdm.eras import eras
from laennec.synthetic.cdm.order import STRIDE, Order
from laennec.synthetic.cdm.people import NEVER, People, people
from laennec.synthetic.cdm.values import values

RECORD_TYPE, PERIOD_TYPE = 32817, 32828
"""Types of record: of an electronic health record, and of its episodes."""

LOCATIONS, CARE_SITES, PROVIDERS = 100, 200, 1_000

TABLES = {
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
    "Procedure": "procedure_occurrence",
    "Measurement": "measurement",
    "Observation": "observation",
    "Device": "device_exposure",
}
"""Table of the events of each domain."""

_ENDS = ("Condition", "Drug", "Procedure", "Device")
"""Domains whose events have a last day."""

Column = pl.Series | Whole | int | float | list[str] | list[date]
Columns = Mapping[str, Column]


def rows(order: Order, block: int, found: Catalogues) -> Iterator[tuple[str, pl.DataFrame]]:
    """Make a block, table by table.

    Args:
        order: What to make.
        block: Number of the block; the rows depend on it and on nothing that was made before.
        found: The concepts of the vocabulary.

    Yields:
        Table and rows, by person and day.
    """
    rng = np.random.default_rng([order.seed, block])
    base = block * STRIDE + 1
    who = people(order, block, rng, found.by_domain["Condition"])
    seen = visits(who, rng)
    happened = events(who, seen, found, rng)
    yield "person", _person(who)
    yield "observation_period", _periods(who, base)
    yield "visit_occurrence", _visits(who, seen, base)
    for domain, table in TABLES.items():
        yield table, _events(domain, who, happened[domain], base, rng)
    yield "death", _death(who)
    yield "condition_era", _condition_era(who, happened["Condition"], base)
    yield "drug_era", _drug_era(who, happened["Drug"], found.ingredients, base)


def places() -> Iterator[tuple[str, pl.DataFrame]]:
    """Make the tables that no block has: locations, care sites, providers."""
    location = np.arange(1, LOCATIONS + 1)
    yield "location", frame("location", {"location_id": location})
    site = np.arange(1, CARE_SITES + 1)
    yield (
        "care_site",
        frame("care_site", {"care_site_id": site, "location_id": site % LOCATIONS + 1}),
    )
    provider = np.arange(1, PROVIDERS + 1)
    at = provider % CARE_SITES + 1
    yield "provider", frame("provider", {"provider_id": provider, "care_site_id": at})


def frame(table: str, columns: Columns) -> pl.DataFrame:
    """Return a table of the CDM with these columns, and the others as the module says."""
    given = pl.DataFrame(columns)
    fields = cdm(CURRENT).tables[table].fields
    missing = {
        one.name: pl.lit(0 if one.required else None, one.polars_type)
        for one in fields
        if one.name not in given.columns
    }
    typed = [pl.col(one.name).cast(one.polars_type) for one in fields]
    return given.with_columns(**missing).select(typed)


def _person(who: People) -> pl.DataFrame:
    born = _date(who.born)
    columns: dict[str, Column] = {
        "person_id": who.ids,
        "gender_concept_id": who.sex,
        "year_of_birth": born.dt.year(),
        "month_of_birth": born.dt.month(),
        "day_of_birth": born.dt.day(),
        "location_id": who.ids % LOCATIONS + 1,
        "provider_id": who.ids % PROVIDERS + 1,
        "care_site_id": who.ids % CARE_SITES + 1,
    }
    return frame("person", columns)


def _periods(who: People, base: int) -> pl.DataFrame:
    """One period for each person, two for those who were away."""
    gone = np.flatnonzero(who.back > who.away)
    everyone = np.arange(who.ids.size)
    end = np.where(who.back > who.away, who.away - 1, who.last)
    person = np.concatenate([everyone, gone])
    first = np.concatenate([who.first, who.back[gone]])
    last = np.concatenate([end, who.last[gone]])
    order = np.lexsort((first, person))
    columns: dict[str, Column] = {
        "observation_period_id": _numbers(base, person.size),
        "person_id": who.ids[person[order]],
        "observation_period_start_date": _date(first[order]),
        "observation_period_end_date": _date(last[order]),
        "period_type_concept_id": PERIOD_TYPE,
    }
    return frame("observation_period", columns)


def _visits(who: People, seen: Visits, base: int) -> pl.DataFrame:
    columns: dict[str, Column] = {
        "visit_occurrence_id": _numbers(base, seen.person.size),
        "person_id": who.ids[seen.person],
        "visit_concept_id": np.array(VISIT_KINDS)[seen.kind],
        "visit_start_date": _date(seen.start),
        "visit_end_date": _date(seen.end),
        "visit_type_concept_id": RECORD_TYPE,
        "provider_id": (who.ids[seen.person] + seen.kind) % PROVIDERS + 1,
        "care_site_id": (who.ids[seen.person] + seen.kind) % CARE_SITES + 1,
    }
    return frame("visit_occurrence", columns)


def _events(
    domain: str, who: People, found: Happened, base: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Rows of the events of a domain."""
    table, stem = TABLES[domain], domain.lower()
    day = stem if domain in ("Condition", "Procedure", "Measurement", "Observation") else table
    start = f"{day}_start_date" if domain in ("Condition", "Drug", "Device") else f"{day}_date"
    end = f"{stem}_end_date" if domain in ("Condition", "Procedure") else f"{table}_end_date"
    visit = pl.Series(found.visit)
    columns: dict[str, Column] = {
        f"{table}_id": _numbers(base, found.person.size),
        "person_id": who.ids[found.person],
        f"{stem}_concept_id": found.concept,
        start: _date(found.start),
        f"{stem}_type_concept_id": RECORD_TYPE,
        "provider_id": who.ids[found.person] % PROVIDERS + 1,
        "visit_occurrence_id": (visit + base).set(visit < 0, None),
    }
    if domain in _ENDS:
        columns[end] = _date(found.end)
    if domain == "Drug":
        columns |= {"days_supply": found.supply, "quantity": found.supply, "refills": 0}
    if domain == "Measurement":
        columns |= _values(found.concept, rng)
    return frame(table, columns)


def _values(concept: Whole, rng: np.random.Generator) -> dict[str, pl.Series]:
    said = values(concept, rng)
    return {
        "value_as_number": pl.Series(said.number).fill_nan(None),
        "value_as_concept_id": pl.Series(said.answer).replace(0, None),
        "unit_concept_id": pl.Series(said.unit).replace(0, None),
        "range_low": pl.Series(said.low).fill_nan(None),
        "range_high": pl.Series(said.high).fill_nan(None),
    }


def _death(who: People) -> pl.DataFrame:
    dead = np.flatnonzero(who.died < NEVER)
    columns: dict[str, Column] = {
        "person_id": who.ids[dead],
        "death_date": _date(who.died[dead]),
        "death_type_concept_id": RECORD_TYPE,
    }
    return frame("death", columns)


def _condition_era(who: People, found: Happened, base: int) -> pl.DataFrame:
    spans = _spans(who, found).rename({"concept_id": "concept"})
    return _eras("condition", eras(spans), base)


def _drug_era(who: People, found: Happened, ingredients: pl.DataFrame, base: int) -> pl.DataFrame:
    """Eras of ingredients: an exposure counts for each ingredient of its drug."""
    spans = _spans(who, found).join(ingredients, left_on="concept_id", right_on="drug_concept_id")
    spans = spans.select("person_id", "start", "end", concept="ingredient_concept_id")
    return _eras("drug", eras(spans), base)


def _spans(who: People, found: Happened) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person_id": who.ids[found.person],
            "concept_id": found.concept,
            "start": found.start,
            "end": found.end,
        }
    )


def _eras(stem: str, found: pl.DataFrame, base: int) -> pl.DataFrame:
    count = f"{stem}_occurrence_count" if stem == "condition" else f"{stem}_exposure_count"
    columns: dict[str, Column] = {
        f"{stem}_era_id": _numbers(base, found.height),
        "person_id": found["person_id"],
        f"{stem}_concept_id": found["concept"],
        f"{stem}_era_start_date": _date(found["start"].to_numpy()),
        f"{stem}_era_end_date": _date(found["end"].to_numpy()),
        count: found["count"],
    }
    if stem == "drug":
        columns["gap_days"] = 0
    return frame(f"{stem}_era", columns)


def _numbers(base: int, count: int) -> Whole:
    """Identifiers of the rows of a block."""
    return np.arange(base, base + count, dtype=np.int64)


def _date(days: Whole) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)
