"""How right a resolution is, by pairs of identifiers: the usual measure of record linkage.

Pure.
"""

from dataclasses import dataclass

import polars as pl

_IDENTIFIER = ("psa", "rng")


@dataclass(frozen=True)
class PairCounts:
    """Pairs of identifiers, each counted once.

    Attributes:
        right: Of one person, and joined.
        wrong: Of different persons, and joined.
        missed: Of one person, and not joined.
        missed_with_numbers: Of these, pairs of which both were delivered with a BEN_NIR_ANO; for
            the others nothing in the data may say that they are one.
        right_with_numbers: Of the right ones, pairs of which both were.
        shared: Identifiers that several persons have in truth: no pair is right of them, and they
            are in no count.
        unresolved: Identifiers of the truth that resolution gave to nobody; their pairs are missed.
    """

    right: int
    wrong: int
    missed: int
    missed_with_numbers: int
    right_with_numbers: int
    shared: int
    unresolved: int

    @property
    def precision(self) -> float:
        """Share of joined pairs that are of one person; 1 where none is joined."""
        joined = self.right + self.wrong
        return self.right / joined if joined else 1.0

    @property
    def recall(self) -> float:
        """Share of pairs of one person that are joined; 1 where there is none."""
        true = self.right + self.missed
        return self.right / true if true else 1.0

    @property
    def recall_with_numbers(self) -> float:
        """Share of pairs of one person, both with a BEN_NIR_ANO, that are joined; 1 for none."""
        true = self.right_with_numbers + self.missed_with_numbers
        return self.right_with_numbers / true if true else 1.0


def compare(identifiers: pl.DataFrame, truth: pl.DataFrame) -> PairCounts:
    """Count right, wrong and missed pairs.

    Args:
        identifiers: ``psa``, ``rng``, ``nir_ano``, and ``person_id`` or ``person``, one row for
            each.
        truth: ``BEN_NIR_PSA``, ``BEN_RNG_GEM``, ``person``, as the generator of a synthetic SNDS
            writes them; rows that say the same twice count once.

    Returns:
        The counts. Identifiers that the truth does not know are left out.
    """
    found = "person_id" if "person_id" in identifiers.columns else "person"
    told = truth.select(
        pl.col("BEN_NIR_PSA").cast(pl.String).alias("psa"),
        pl.col("BEN_RNG_GEM").cast(pl.Int64).alias("rng"),
        pl.col("person").alias("true"),
    ).unique()
    several = pl.struct(_IDENTIFIER).is_duplicated()
    shared = told.filter(several).n_unique(_IDENTIFIER)
    rows = told.filter(~several).join(
        identifiers.select(*_IDENTIFIER, "nir_ano", found=found),
        on=_IDENTIFIER,
        how="left",
    )
    resolved = rows.filter(pl.col("found").is_not_null())
    right = _pairs(resolved, "true", "found")
    numbered = resolved.filter(pl.col("nir_ano").is_not_null())
    right_numbered = _pairs(numbered, "true", "found")
    return PairCounts(
        right=right,
        wrong=_pairs(resolved, "found") - right,
        missed=_pairs(rows, "true") - right,
        missed_with_numbers=_pairs(numbered, "true") - right_numbered,
        right_with_numbers=right_numbered,
        shared=shared,
        unresolved=rows.height - resolved.height,
    )


def _pairs(rows: pl.DataFrame, *by: str) -> int:
    """Pairs of rows that agree in the columns."""
    size = pl.col("len").cast(pl.Int64)
    counted = rows.group_by(by).len().select((size * (size - 1) // 2).sum())
    return int(counted.item() or 0)
