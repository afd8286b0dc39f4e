"""From French codes to concepts: standard where evidence allows, else the site concept, else 0.

A code has at most one standard concept here. Where the source concept equals or is narrower than
one standard concept, it ``Maps to`` it, as OHDSI does. Where it is narrower than several (an ulcer
*with* haemorrhage), no single one tells all: rows keep the site concept, which ``Is a`` each of
them, so that concept sets with descendants find the rows.

What a code maps to comes from, the first that knows it:

1. the hub's own vocabulary, if it has one (Athena): its ``source_to_concept_map``, then ``Maps to``
   of the concept with the same code in ``HUB_VOCABULARIES``;
2. ``data/maps.csv``: few rows, each with its source and how it was verified. A row of a CIM-10 code
   holds for the codes under it as well, unless a longer code has its own;
3. a drug (CIP, UCD) by its ATC code, where that is one ingredient.

A target counts only if the hub has it as a valid standard concept. Combined drugs are not mapped to
one of their ingredients. No map for NABM is shipped: LOINC tells units apart, NABM does not.

Pure functions: no I/O but packaged files, no clock, no randomness. Values can be pickled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import MappingProxyType

import polars as pl

from laennec.omop.concepts import MAPS_TO, STANDARD, is_valid
from laennec.snds import code_lists as lists
from laennec.snds.code_lists import ATC, CCAM, CIM10, CIP13, UCD, vocabularies

HUB_VOCABULARIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {CIM10: ("CIM10", "ICD10"), CCAM: ("CCAM",), CIP13: ("BDPM",), ATC: ("ATC",)}
)
"""For each of our vocabularies: those of OHDSI with the same codes, the better one first."""

IS_A = "Is a"
INGREDIENT = "Ingredient"
DRUGS = (CIP13, UCD)
LINK_SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "source_concept_id": pl.Int64(),
        "concept_id": pl.Int64(),
        "domain": pl.String(),
        "relationship_id": pl.String(),
    }
)
"""Columns of what links a site concept to standard ones."""

_PREFIXES = (7, 5, 4, 3, 1)
"""Lengths of ATC codes, from the substance to the anatomical group."""


@dataclass(frozen=True, eq=False)
class Codes:
    """Finds the concepts of codes.

    Attributes:
        listed: All codes, columns of ``code_lists.CODE_SCHEMA``.
        standard: The standard concepts that may be targets: ``concept_id`` and ``domain``.
        links: What is mapped, by columns of ``LINK_SCHEMA``; drugs by their ATC not yet.
    """

    listed: pl.DataFrame
    standard: pl.DataFrame
    links: pl.DataFrame

    @staticmethod
    def site() -> "Codes":
        """Return the codes of a hub without vocabulary of its own, from packaged data."""
        return _site()

    def with_vocabulary(
        self,
        concept: pl.DataFrame,
        concept_relationship: pl.DataFrame,
        source_to_concept_map: pl.DataFrame | None = None,
    ) -> "Codes":
        """Return the codes with the maps of a hub's vocabulary in place of the shipped ones.

        Args:
            concept: Table ``concept``.
            concept_relationship: Table ``concept_relationship``.
            source_to_concept_map: The site's own maps (from Usagi); ``source_vocabulary_id`` is one
                of ``codes_index.csv``, ``source_code`` in any spelling of its vocabulary.
        """
        valid = concept.filter((pl.col("standard_concept") == STANDARD) & is_valid())
        standard = valid.select(
            pl.col("concept_id").cast(pl.Int64), pl.col("domain_id").alias("domain")
        )
        found = [
            _by_map(self.listed, source_to_concept_map),
            *_by_equal_code(self.listed, concept, concept_relationship),
            _packaged_links(self.listed, standard),
        ]
        return replace(self, standard=standard, links=_first_known(found, standard))

    def with_drugs(self, drugs: pl.DataFrame) -> "Codes":
        """Return the codes with those of a drug reference, which win over the shipped ones.

        New CIP and UCD codes get the concept id that their seven digits are, whatever the order of
        loads. Rows without a code of seven digits are left out.

        Args:
            drugs: IR_PHA_R as delivered, all text: ``PHA_CIP_C13`` or ``PHA_PRS_IDE``, and what
                there is of ``PHA_CIP_UCD``, ``PHA_ATC_C07``, ``PHA_ATC_CLA``, ``PHA_MED_NOM``,
                ``PHA_NOM_COURT``, ``PHA_NOM_PA``.
        """
        delivered = pl.concat(
            [_delivered(self.listed, drugs, CIP13), _delivered(self.listed, drugs, UCD)]
        )
        both = pl.concat([delivered, self.listed])
        merged = both.group_by("name", "code", maintain_order=True).agg(
            pl.col("source_concept_id", "domain").first(),
            pl.col("label", "parent").drop_nulls().first(),
        )
        return replace(self, listed=merged.select(list(lists.CODE_SCHEMA)))

    def attach(self, rows: pl.DataFrame, column: str, vocabulary: str, prefix: str) -> pl.DataFrame:
        """Add the concepts of a column of codes.

        Args:
            rows: Any rows; they stay as many, in order.
            column: Text or integers, in any spelling that ``code_lists.normal_code`` knows.
            vocabulary: Name of a vocabulary of ``codes_index.csv``.
            prefix: Of the new columns.

        Returns:
            The rows with ``{prefix}_concept_id``, the standard concept, else the site concept, else
            0; ``{prefix}_source_concept_id``, the site concept, else 0; and ``{prefix}_domain``,
            the domain of the first, of the vocabulary if it is 0. None is null.

        Raises:
            KeyError: there is no such vocabulary; the caller is wrong.
        """
        usual = vocabularies()[vocabulary].domain_id
        given = rows.select(pl.col(column).alias("$given")).unique()
        found = given.with_columns(
            lists.normal_code(vocabulary, pl.col("$given")).alias("code")
        ).join(self.table(vocabulary), on="code", how="left")
        named = found.select(
            "$given",
            pl.col("concept_id").fill_null(0).alias(f"{prefix}_concept_id"),
            pl.col("source_concept_id").fill_null(0).alias(f"{prefix}_source_concept_id"),
            pl.col("domain").fill_null(usual).alias(f"{prefix}_domain"),
        )
        return rows.join(
            named,
            left_on=column,
            right_on="$given",
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )

    def table(self, vocabulary: str) -> pl.DataFrame:
        """Return ``code``, ``concept_id``, ``source_concept_id`` and ``domain``, a code once.

        Raises:
            KeyError: there is no such vocabulary; the caller is wrong.
        """
        return self._tables[vocabulary]

    @cached_property
    def _tables(self) -> Mapping[str, pl.DataFrame]:
        """What ``table`` returns, for all vocabularies."""
        single = self.all_links().filter(pl.col("relationship_id") == MAPS_TO)
        found = self.listed.join(
            single.select("source_concept_id", "concept_id", pl.col("domain").alias("$domain")),
            on="source_concept_id",
            how="left",
        ).select(
            "name",
            "code",
            pl.coalesce("concept_id", "source_concept_id").alias("concept_id"),
            "source_concept_id",
            pl.coalesce("$domain", "domain").alias("domain"),
        )
        return {name: found.filter(pl.col("name") == name).drop("name") for name in vocabularies()}

    def all_links(self) -> pl.DataFrame:
        """Return ``links`` and those of drugs by their ATC code, sorted; one ``Maps to`` a code."""
        of_atc = self.listed.filter(pl.col("name") == ATC).join(self.links, on="source_concept_id")
        of_atc = of_atc.filter(pl.col("relationship_id") == MAPS_TO).select(
            pl.col("code").alias("parent"), "concept_id", pl.col("domain_right").alias("domain")
        )
        drugs = self.listed.filter(pl.col("name").is_in(list(DRUGS))).join(
            self.links, on="source_concept_id", how="anti"
        )
        by_atc = drugs.drop("domain").join(of_atc, on="parent")
        return pl.concat(
            [
                self.links,
                by_atc.select(*list(LINK_SCHEMA)[:3], pl.lit(MAPS_TO).alias("relationship_id")),
            ]
        ).sort("source_concept_id", "concept_id")


@cache
def _site() -> Codes:
    """Build ``Codes.site`` once a process."""
    shipped = standard_concepts().filter(pl.col("standard_concept") == STANDARD)
    standard = shipped.select("concept_id", pl.col("domain_id").alias("domain"))
    links = _first_known([_packaged_links(lists.listed(), standard)], standard)
    return Codes(lists.listed(), standard, links)


@cache
def standard_concepts() -> pl.DataFrame:
    """Return the rows of table ``concept`` that shipped maps lead to, with their source."""
    rows = lists.packaged("maps_concepts.csv")
    dates = pl.col("valid_start_date", "valid_end_date").str.to_date("%Y-%m-%d")
    return rows.with_columns(pl.col("concept_id").cast(pl.Int64), dates)


def _packaged_links(listed: pl.DataFrame, standard: pl.DataFrame) -> pl.DataFrame:
    """Return the targets of ``maps.csv``: source_concept_id and concept_id, several a code.

    A row with ``below`` holds for longer codes that begin with it; of several, the longest.
    """
    maps = lists.packaged("maps.csv").select(
        "name",
        pl.col("code").alias("head"),
        pl.col("below") == "1",
        pl.col("concept_id").cast(pl.Int64),
    )
    longest = max(len(head) for head in maps["head"])
    maps = maps.join(standard, on="concept_id", how="semi")
    codes = listed.filter(pl.col("name").is_in(maps["name"].unique().implode()))
    heads = pl.concat(
        codes.select(
            "name", "code", "source_concept_id", pl.col("code").str.slice(0, size).alias("head")
        )
        for size in range(1, longest + 1)
    ).unique()
    found = heads.join(maps, on=["name", "head"]).filter(
        pl.col("below") | (pl.col("head") == pl.col("code"))
    )
    length = pl.col("head").str.len_chars()
    return found.filter(length == length.max().over("name", "code")).select(
        "source_concept_id", "concept_id"
    )


def _by_map(listed: pl.DataFrame, own: pl.DataFrame | None) -> pl.DataFrame:
    """Return the targets that the site's own maps give."""
    empty = pl.DataFrame(schema={"source_concept_id": pl.Int64(), "concept_id": pl.Int64()})
    if own is None or own.is_empty():
        return empty
    parts = [empty]
    for one in vocabularies().values():
        rows = own.filter((pl.col("source_vocabulary_id") == one.vocabulary_id) & is_valid())
        codes = listed.filter(pl.col("name") == one.name)
        coded = rows.select(
            lists.normal_code(one.name, pl.col("source_code")).alias("code"),
            pl.col("target_concept_id").cast(pl.Int64).alias("concept_id"),
        )
        parts.append(codes.join(coded, on="code").select("source_concept_id", "concept_id"))
    return pl.concat(parts)


def _by_equal_code(
    listed: pl.DataFrame, concept: pl.DataFrame, relationship: pl.DataFrame
) -> list[pl.DataFrame]:
    """Return the targets of the hub's concepts with our codes, for each of its vocabularies."""
    links = relationship.filter((pl.col("relationship_id") == MAPS_TO) & is_valid()).select(
        pl.col("concept_id_1").cast(pl.Int64).alias("source"),
        pl.col("concept_id_2").cast(pl.Int64).alias("concept_id"),
    )
    ingredients = concept.filter(pl.col("concept_class_id") == INGREDIENT).select(
        pl.col("concept_id").cast(pl.Int64)
    )
    parts = []
    for name, theirs in HUB_VOCABULARIES.items():
        codes = listed.filter(pl.col("name") == name)
        for vocabulary_id in theirs:
            same = concept.filter(pl.col("vocabulary_id") == vocabulary_id).select(
                lists.normal_code(name, pl.col("concept_code")).alias("code"),
                pl.col("concept_id").cast(pl.Int64).alias("source"),
            )
            found = codes.join(same, on="code").join(links, on="source")
            if name == ATC:
                found = found.join(ingredients, on="concept_id", how="semi")
            parts.append(found.select("source_concept_id", "concept_id"))
    return parts


def _first_known(found: list[pl.DataFrame], standard: pl.DataFrame) -> pl.DataFrame:
    """Return links: of each code, all targets of the first source that has one.

    One target is ``Maps to``; several are ``Is a`` each.
    """
    ranked = pl.concat(
        part.join(standard, on="concept_id").with_columns(pl.lit(rank).alias("rank"))
        for rank, part in enumerate(found)
    ).unique(["source_concept_id", "concept_id", "rank"])
    best = ranked.filter(pl.col("rank") == pl.col("rank").min().over("source_concept_id"))
    single = pl.len().over("source_concept_id") == 1
    kind = pl.when(single).then(pl.lit(MAPS_TO)).otherwise(pl.lit(IS_A))
    return best.with_columns(kind.alias("relationship_id")).select(list(LINK_SCHEMA))


def _delivered(listed: pl.DataFrame, drugs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the codes of a delivered drug reference as rows of a list, a code once."""
    atc = listed.filter(pl.col("name") == ATC)["code"].implode()
    given = {
        CIP13: ("PHA_CIP_C13", "PHA_PRS_IDE"),
        UCD: ("PHA_CIP_UCD",),
    }[name]
    whole = pl.coalesce(_text(drugs, "PHA_ATC_C07"), _text(drugs, "PHA_ATC_CLA"))
    heads = (whole.str.slice(0, size) for size in _PREFIXES)
    rows = drugs.select(
        lists.normal_code(name, pl.coalesce(_text(drugs, one) for one in given)).alias("code"),
        pl.coalesce(
            _text(drugs, one) for one in ("PHA_MED_NOM", "PHA_NOM_COURT", "PHA_NOM_PA")
        ).alias("label"),
        pl.coalesce(pl.when(head.is_in(atc)).then(head) for head in heads).alias("parent"),
    ).filter(pl.col("code").str.contains(r"^\d{7}$"))
    once = rows.sort("code", "parent", "label", nulls_last=True).unique(
        "code", keep="first", maintain_order=True
    )
    numbered = once.with_columns(pl.col("code").cast(pl.Int64).alias("number"))
    return lists.rows_of(vocabularies()[name], numbered)


def _text(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column as text, empty as null, null if there is no such column."""
    if name not in rows.columns:
        return pl.lit(None, pl.String)
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)
