"""Who is who: the identifiers of the beneficiaries of the SNDS, brought to persons.

An identifier is a pseudonym and a rank (BEN_NIR_PSA, BEN_RNG_GEM). A person may have several, and
two people may share a pseudonym; ``docs/explanation/who-is-who.md`` has the rules and their limits.
What always holds: an identifier is of one person or of nobody; no merge joins two sexes, births
more than a month apart or more identifiers than the limit; the order of rows changes nothing.

Not done: nobody is joined by birth, sex and place alone.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from laennec.snds.person_evidence import (
    FACTS,
    IDENTIFIER,
    NEEDS,
    Evidence,
    cleaned,
    evidence,
    last_known,
)
from laennec.snds.person_graph import components
from laennec.snds.person_merge import Merged, merge
from laennec.snds.person_rules import PersonRules, person_rules

__all__ = ["NEEDS", "Resolution", "described", "partitions", "resolve"]

PERSON = (
    "person",
    "sex",
    "birth_year",
    "birth_month",
    "death_date",
    "death_evidence",
    "department",
    "commune",
    "identifiers",
    "confidence",
)
"""Columns of ``Resolution.persons``."""


@dataclass(frozen=True)
class Resolution:
    """Identifiers and persons, before persons have identifiers of their own.

    Attributes:
        identifiers: One row for each identifier of a person, sorted by it: ``person`` (Int64,
            0 to n - 1), ``person_evidence.FACTS``, ``evidence`` and ``confidence``.
        persons: One row for each person, columns ``PERSON``: sex 1, 2 or null; ``death_evidence``
            ("day", "month" or null: by month, the date is its last day); ``department`` and
            ``commune`` as IR_BEN_R spells them; ``identifiers`` (how many); ``confidence`` of the
            least sure identifier.
        apart: Rows of nobody: ``reason``, and the columns that resolution did not read (``LINE``).
        nobody: psa, rng, reason: identifiers that are nobody's, sorted.
        refusals: Merges refused: ``reason``, ``merges``, ``identifiers`` they would have joined.
        counts: ``rows``, ``rows apart``, ``rows repeated``, ``identifiers``, ``persons``,
            ``identifiers of nobody``, and ``confidence: ...``, ``evidence: ...`` by identifiers.
        found: What was read, so that a later step may resolve it with earlier loads.
    """

    identifiers: pl.DataFrame
    persons: pl.DataFrame
    apart: pl.DataFrame
    nobody: pl.DataFrame
    refusals: pl.DataFrame
    counts: Mapping[str, int]
    found: Evidence


def resolve(beneficiaries: pl.DataFrame, *, rules: PersonRules | None = None) -> Resolution:
    """Bring the rows of IR_BEN_R and IR_BEN_R_ARC to persons.

    Args:
        beneficiaries: Columns ``NEEDS``, null where a delivery lacks one, typed as the catalogue
            has it; other columns are carried with the rows of nobody.
        rules: Facts and limits; those of the package unless given.

    Returns:
        Identifiers, persons, and what was set apart or refused.
    """
    rules = rules or person_rules()
    found = evidence(beneficiaries, rules)
    return described(merge(found.facts, found.former, rules), found, rules=rules)


def partitions(
    beneficiaries: pl.DataFrame, parts: int, *, rules: PersonRules | None = None
) -> pl.Series:
    """Cut rows so that no merge crosses parts: each part may be resolved by itself.

    Args:
        beneficiaries: As for ``resolve``; only pseudonyms and numbers are looked at.
        parts: How many parts, at least 1.
        rules: Facts and limits; those of the package unless given.

    Returns:
        The part of each row, 0 to ``parts - 1``. Rows that a chain of equal pseudonyms and numbers
        joins are in one part, whatever their order.
    """
    rows = cleaned(beneficiaries, rules or person_rules()).select(
        pl.col("psa").hash(),
        pl.col("nir_ano").hash(),
        psa_known=pl.col("psa").is_not_null(),
        known=pl.col("nir_ano").is_not_null(),
        row=pl.int_range(pl.len(), dtype=pl.Int64),
    )
    first_of = {
        name: rows.select(
            pl.when(there).then(pl.col("row").first().over(name)).otherwise("row")
        ).to_series()
        for name, there in (("psa", "psa_known"), ("nir_ano", "known"))
    }
    row = rows["row"].to_numpy()
    left = np.concatenate([row, row])
    right = np.concatenate([first.to_numpy() for first in first_of.values()])
    chain = pl.Series("chain", components(rows.height, left, right))
    return rows.with_columns(chain).select(
        (pl.col("psa").min().over("chain") % parts).cast(pl.UInt32).alias("part")
    )["part"]


def described(merged: Merged, found: Evidence, *, rules: PersonRules) -> Resolution:
    """Say of every group who it is and how sure that is, and set apart what is of nobody."""
    nodes = merged.nodes.with_columns(
        _confidence(), birth=pl.col("birth_year").max().over("group")
    ).with_columns(
        reason=pl.when("unplaced")
        .then(pl.lit("ambiguous twin"))
        .when(pl.col("birth").is_null())
        .then(pl.lit("no birth year"))
    )
    persons_only = nodes.filter(pl.col("reason").is_null())
    identifiers = persons_only.select(
        _ordinals(persons_only["group"]),
        *FACTS,
        "evidence",
        "confidence",
    )
    unusable = nodes.filter(pl.col("reason").is_not_null()).select(*IDENTIFIER, "reason")
    late = found.lines.join(unusable, on=IDENTIFIER, maintain_order="left").drop(*IDENTIFIER)
    apart = pl.concat([found.apart, late.select(found.apart.columns)])
    nobody = pl.concat([found.nobody, unusable]).sort(IDENTIFIER)
    persons = _persons(identifiers, rules)
    return Resolution(
        identifiers=identifiers,
        persons=persons,
        apart=apart,
        nobody=nobody,
        refusals=_refusals(merged.refused),
        counts={
            "rows": found.lines.height + found.apart.height,
            "rows apart": apart.height,
            "rows repeated": found.lines.height - found.lines.n_unique(IDENTIFIER),
            "identifiers": identifiers.height,
            "persons": persons.height,
            "identifiers of nobody": nobody.height,
            **_shares(identifiers, "confidence", rules.confidence),
            **_shares(identifiers, "evidence", rules.evidence),
        },
        found=found,
    )


def _ordinals(groups: pl.Series) -> pl.Series:
    """Number groups from 0 in the order in which they appear."""
    labels = groups.to_numpy()
    first = groups.is_first_distinct().to_numpy()
    number = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
    number[labels[first]] = np.arange(first.sum())
    return pl.Series("person", number[labels])


def _confidence() -> pl.Expr:
    """How sure it is whose an identifier is; the classes of ``persons.toml``."""
    evidence_is = pl.col("evidence").eq
    return (
        pl.when(pl.col("ambiguous") | pl.col("doubtful") | evidence_is("earlier load"))
        .then(pl.lit("ambiguous"))
        .when(evidence_is("number"))
        .then(pl.lit("certified"))
        .when(evidence_is("former number") | evidence_is("rank without meaning"))
        .then(pl.lit("probable"))
        .when(pl.col("quality") == "provisional")
        .then(pl.lit("provisional"))
        .otherwise(pl.lit("pseudonym only"))
        .alias("confidence")
    )


def _persons(identifiers: pl.DataFrame, rules: PersonRules) -> pl.DataFrame:
    """One row for each person; of several identifiers the one updated last speaks first."""
    several = pl.col("person").is_duplicated()
    ordered = identifiers.filter(several).sort("person", "updated", *IDENTIFIER, nulls_last=False)
    many = last_known(ordered, ["person"]).with_columns(
        _least_sure(ordered, rules), pl.col("$rows").cast(pl.UInt32).alias("identifiers")
    )
    alone = identifiers.filter(~several).with_columns(identifiers=pl.lit(1, pl.UInt32))
    precision = pl.when("death_day_known").then(pl.lit("day")).otherwise(pl.lit("month"))
    known = pl.col("death_day_known").is_not_null()
    return (
        pl.concat([alone, many.select(alone.columns)])
        .with_columns(death_evidence=pl.when(known).then(precision))
        .select(*PERSON)
        .sort("person")
    )


def _least_sure(ordered: pl.DataFrame, rules: PersonRules) -> pl.Series:
    """The least sure class of each person's identifiers, in the order of persons."""
    names = list(rules.confidence)
    ranks = {name: rank for rank, name in enumerate(names)}
    sureness = pl.col("confidence").replace_strict(ranks, return_dtype=pl.Int8)
    worst = ordered.group_by("person", maintain_order=True).agg(sureness.max())
    return worst["confidence"].replace_strict(range(len(names)), names, return_dtype=pl.String)


def _refusals(refused: pl.DataFrame) -> pl.DataFrame:
    return (
        refused.group_by("reason")
        .agg(pl.len().alias("merges"), pl.col("identifiers").sum())
        .sort("reason")
    )


def _shares(rows: pl.DataFrame, column: str, names: Mapping[str, str]) -> dict[str, int]:
    """How many rows have each of the names, all of them listed."""
    found = dict(rows[column].value_counts().iter_rows())
    return {f"{column}: {name}": found.get(name, 0) for name in names}
