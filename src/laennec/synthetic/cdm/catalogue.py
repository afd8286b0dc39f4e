"""How often each concept of a vocabulary is drawn, by sex and age.

``data/cdm_concepts.csv`` gives rates to concepts it knows. Every other standard concept of the same
domain gets a long tail: its rank comes from its identifier, its weight from its rank (Zipf), its
favoured age from its identifier too. Rates are choices of this project and say nothing about any
population.

Pure, save ``catalogues``, which reads the files of a vocabulary.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from laennec.core.errors import NotFoundError

Whole = NDArray[np.int64]
Number = NDArray[np.float64]

MALE, FEMALE = 8507, 8532
SEXES = (MALE, FEMALE)
BAND_YEARS, BANDS = 10, 11
"""Ages are drawn in bands of ten years, the last without end."""

DOMAINS = ("Condition", "Drug", "Procedure", "Measurement", "Observation", "Device")

LARGEST = 1_000
"""Concepts of a domain that are used: the most frequent ones of a large vocabulary."""

_TAIL, _EXPONENT = 30.0, 1.1
"""Weight of the first rank of the tail, and how fast weights fall with the rank."""

_LASTING_SHARE = 5
"""One in so many concepts without a rate is lasting."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Concepts of a domain that can be drawn.

    Attributes:
        ids: ``concept_id``, ascending; a concept's place here is its number.
        lasting: Whether it stays with the person (a chronic disease, a maintenance drug).
        indication: For a drug, the condition it is taken for; 0 for none in particular.
        weight: By group (sex, then age band) and concept; groups as ``groups`` numbers them.
    """

    ids: Whole
    lasting: NDArray[np.bool_]
    indication: Whole
    weight: Number

    def draw(
        self, rng: np.random.Generator, group: Whole, allowed: NDArray[np.bool_] | None = None
    ) -> Whole:
        """Return the number of a concept for each group, -1 where a group has none.

        Args:
            rng: Source of chance; one number per draw is taken.
            group: Groups, from 0.
            allowed: Concepts that may be drawn; None for all.
        """
        weight = self.weight if allowed is None else self.weight * allowed
        return draw(rng, weight, group)


def draw(rng: np.random.Generator, weight: Number, row: Whole) -> Whole:
    """Return, for each asked row of a table of weights, a column by its weight; -1 without any."""
    chance = rng.random(row.size)
    total = weight.sum(axis=1, keepdims=True)
    if not weight.size:
        return np.full(row.size, -1)
    share = np.cumsum(weight, axis=1) / np.where(total > 0, total, 1)
    share[:, -1] = 1.0
    ladder = (share + np.arange(len(weight))[:, None]).ravel()
    place = np.searchsorted(ladder, row + chance, side="right") - row * weight.shape[1]
    place = np.minimum(place, weight.shape[1] - 1)
    return np.where(total[row, 0] > 0, place, -1)


def groups(sex: Whole, age: Whole) -> Whole:
    """Return the group of each person of that sex and age in years."""
    band = np.clip(age // BAND_YEARS, 0, BANDS - 1)
    return np.where(sex == FEMALE, BANDS, 0) + band


@dataclass(frozen=True, eq=False)
class Catalogues:
    """All that the generator takes from a vocabulary.

    Attributes:
        by_domain: A catalogue for each of ``DOMAINS``, empty where the vocabulary has none.
        ingredients: ``drug_concept_id`` and ``ingredient_concept_id``, for drugs that are drawn.
    """

    by_domain: Mapping[str, Catalogue]
    ingredients: pl.DataFrame


def catalogues(vocabulary: Path) -> Catalogues:
    """Read the concepts of a vocabulary.

    Args:
        vocabulary: Folder with ``concept.parquet`` and ``concept_ancestor.parquet``.

    Raises:
        NotFoundError: one of them is not there, or no standard condition or drug is in it.
    """
    concept = _read(vocabulary, "concept").filter(
        (pl.col("standard_concept") == "S") & pl.col("invalid_reason").is_null()
    )
    found = {domain: catalogue(_ids(concept, domain), domain) for domain in DOMAINS}
    if not (found["Condition"].ids.size and found["Drug"].ids.size):
        raise NotFoundError(
            "The vocabulary has no standard conditions or no standard drugs.",
            remedy="Name the folder of a whole vocabulary.",
        )
    ingredient = concept.filter(pl.col("concept_class_id") == "Ingredient")["concept_id"]
    above = _read(vocabulary, "concept_ancestor").select(
        drug_concept_id=pl.col("descendant_concept_id").cast(pl.Int64),
        ingredient_concept_id=pl.col("ancestor_concept_id").cast(pl.Int64),
    )
    kept = above.filter(
        pl.col("ingredient_concept_id").is_in(ingredient.cast(pl.Int64).implode()),
        pl.col("drug_concept_id").is_in(pl.Series(found["Drug"].ids).implode()),
    )
    pairs = kept.unique().sort("drug_concept_id", "ingredient_concept_id")
    return Catalogues(found, pairs)


def catalogue(ids: Sequence[int], domain: str) -> Catalogue:
    """Give every concept of a domain its weights.

    Args:
        ids: Concepts, each once.
        domain: One of ``DOMAINS``.
    """
    known = _known(domain)
    ordered = np.array(sorted(ids, key=lambda one: (one not in known, _hash(one))), np.int64)
    ordered = np.sort(ordered[:LARGEST])
    tail = sorted((one for one in ordered.tolist() if one not in known), key=_hash)
    rank = {one: place for place, one in enumerate(tail)}
    weight = np.zeros((len(SEXES) * BANDS, ordered.size))
    for place, one in enumerate(ordered.tolist()):
        weight[:, place] = _weights(known[one]) if one in known else _tail(one, rank[one])
    rows = [known.get(one) for one in ordered.tolist()]
    return Catalogue(
        ids=ordered,
        lasting=np.array(
            [_is_lasting(one, row) for one, row in zip(ordered.tolist(), rows, strict=True)], bool
        ),
        indication=np.array([int(row["indication"] or 0) if row else 0 for row in rows], np.int64),
        weight=weight,
    )


def _is_lasting(concept: int, row: Mapping[str, str] | None) -> bool:
    if row is not None:
        return row["course"] == "lasting"
    return _hash(concept) % _LASTING_SHARE == 0


def _weights(row: Mapping[str, str]) -> Number:
    """Weights of a concept with a rate: full within its ages and sex, nothing outside."""
    band = np.arange(BANDS) * BAND_YEARS
    aged = (band >= int(row["from_age"])) & (band <= int(row["to_age"]))
    sexed = np.array([row["sex"] in ("", str(sex)) for sex in SEXES])
    return (sexed[:, None] * aged[None, :] * float(row["rate"])).ravel()


def _tail(concept: int, rank: int) -> Number:
    """Weights of a concept without a rate: by its rank, about an age that it favours."""
    favoured = _hash(concept + 1) % (BANDS - 1)
    near = np.exp(-(((np.arange(BANDS) - favoured) / 4.0) ** 2))
    return np.tile(near * _TAIL / (rank + 1) ** _EXPONENT, len(SEXES))


def _hash(concept: int) -> int:
    """A number that looks like chance and is always the same (Knuth's multiplier)."""
    return (concept * 2_654_435_761 % 2**32) >> 7


def _ids(concept: pl.DataFrame, domain: str) -> list[int]:
    ids: list[int] = concept.filter(pl.col("domain_id") == domain)["concept_id"].to_list()
    return ids


def _read(vocabulary: Path, table: str) -> pl.DataFrame:
    path = vocabulary / f"{table}.parquet"
    if not path.is_file():
        raise NotFoundError(
            f"{path} does not exist.",
            remedy="Name a folder with the tables of a vocabulary as Parquet files.",
        )
    return pl.read_parquet(path, glob=False)


@cache
def _known(domain: str) -> Mapping[int, Mapping[str, str]]:
    text = files("laennec.synthetic") / "data" / "cdm_concepts.csv"
    with text.open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter=";")
        return {int(row["concept_id"]): row for row in rows if row["domain"] == domain}
