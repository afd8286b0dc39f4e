"""What the checks ask of the vocabulary, looked up once for a whole run and never per bucket.

Partials hold how often each concept occurs, so a new vocabulary needs no new scan.
"""

from collections.abc import Callable, Mapping

import polars as pl

from laennec.quality.checks import Check
from laennec.quality.ports import QualitySource

_FIELDS = ("concept_id", "domain_id", "concept_class_id", "standard_concept", "invalid_reason")


def _not_standard(_: Check) -> pl.Expr:
    other = (pl.col("standard_concept") != "S").fill_null(value=False)
    return other | pl.col("invalid_reason").is_not_null()


_BREAKS: Mapping[str, Callable[[Check], pl.Expr]] = {
    "fkDomain": lambda check: pl.col("domain_id") != check.value,
    "fkClass": lambda check: pl.col("concept_class_id") != check.value,
    "isStandardValidConcept": _not_standard,
}
"""What a concept must not be; an attribute that is missing breaks nothing."""


class Lookups:
    """The concepts, their descendants, and the keys of tables without person."""

    def __init__(self, source: QualitySource, counted: pl.Series) -> None:
        """Look up in a source.

        Args:
            source: The data set.
            counted: Every number that will be looked up: a vocabulary has millions of concepts, of
                which a data set has some thousands.
        """
        self._source, self._counted = source, counted
        self._bad: dict[tuple[str, str], pl.DataFrame] = {}
        self._kept: dict[tuple[str, str], pl.Series] = {}
        self._concepts: pl.DataFrame | None = None

    def values(self, table: str, field: str) -> pl.Series:
        """Return values of a key of a table without person, those of ``counted`` if numbers."""
        place = (table, field)
        if place not in self._kept:
            values = self._source.read(table, None, [field])[field].drop_nulls()
            if values.dtype.is_integer():
                values = values.filter(values.is_in(self._counted.implode()))
            self._kept[place] = values.unique()
        return self._kept[place]

    def wrong(self, check: Check, tally: pl.DataFrame) -> int:
        """Return the rows whose concept is known, is not 0 and breaks a rule of the vocabulary.

        A concept that the vocabulary has twice counts as often as it breaks the rule, as in a join.

        Args:
            check: Of type ``fkDomain``, ``fkClass`` or ``isStandardValidConcept``.
            tally: Concepts in ``number``, with ``rows``.
        """
        kind = (check.name, check.value)
        if kind not in self._bad:
            self._bad[kind] = self._known().filter(_BREAKS[check.name](check)).select("concept_id")
        if self._bad[kind].is_empty() or tally.is_empty():
            return 0
        found = tally.join(self._bad[kind], left_on="number", right_on="concept_id")
        return int(found.filter(pl.col("number") != 0)["rows"].sum())

    def below(self, check: Check) -> pl.DataFrame:
        """Return the descendants of a check's concepts, once for each ancestor, as ``number``."""
        rows = self._source.read(
            "concept_ancestor", None, ["ancestor_concept_id", "descendant_concept_id"]
        )
        under = rows.filter(pl.col("ancestor_concept_id").is_in(check.concepts))
        return under.select(pl.col("descendant_concept_id").cast(pl.Int64).alias("number"))

    def _known(self) -> pl.DataFrame:
        if self._concepts is None:
            there = self._source.columns("concept") or ()
            rows = self._source.read("concept", None, [name for name in _FIELDS if name in there])
            known = rows.with_columns(pl.col("concept_id").cast(pl.Int64))
            self._concepts = known.filter(pl.col("concept_id").is_in(self._counted.implode()))
        return self._concepts
