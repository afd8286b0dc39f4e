"""The vocabulary tables of OMOP that the French codes make: concepts, maps and hierarchy.

Codes are below their parents (CIM-10 categories and chapters, CCAM chapters, ATC levels, a drug
below its ATC code) by ``Is a``; what they map to is ``Maps to``. An ingredient that an ATC code
maps to is below that code, so that a set of an ATC code and its descendants finds the drugs that
were mapped as well as those that were not. A substance with several ATC codes (by route or dose) is
below each: such a set then finds the substance by any route.

A hub without a vocabulary of its own gets, with the site concepts, the few standard ones they map
to. One that has Athena's keeps its own rows. Pure, but for packaged files.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.concepts import MAPS_TO, STANDARD
from laennec.omop.hierarchy import ancestors_from_relationships, merge_ancestors
from laennec.snds import code_lists as lists
from laennec.snds.code_lists import ATC, vocabularies
from laennec.snds.codes import IS_A, Codes, standard_concepts

VERSION = "Laennec SNDS"
"""How the version of a vocabulary made here begins; a digest of its concepts follows."""

_REVERSE = {IS_A: "Subsumes", MAPS_TO: "Mapped from"}
_RELATIONSHIPS = (
    ("Is a", "Is a", "1", "0", "Subsumes"),
    ("Subsumes", "Subsumes", "1", "1", "Is a"),
    ("Maps to", "Non-standard to Standard map (OMOP)", "0", "0", "Mapped from"),
    ("Mapped from", "Standard to Non-standard map (OMOP)", "0", "0", "Maps to"),
)
_DOMAINS = {
    "Condition": 19,
    "Device": 17,
    "Drug": 13,
    "Gender": 2,
    "Measurement": 21,
    "Metadata": 7,
    "Observation": 27,
    "Procedure": 10,
    "Visit": 8,
}
"""Domains of the concepts here and OHDSI's concept of each. Source: ``domain`` of GiBleed."""

_FROM, _UNTIL = date(1970, 1, 1), date(2099, 12, 31)
_LONGEST_NAME = 255
_KEYS: Mapping[str, tuple[str, ...]] = {
    "concept": ("concept_id",),
    "vocabulary": ("vocabulary_id",),
    "domain": ("domain_id",),
    "concept_class": ("concept_class_id",),
    "relationship": ("relationship_id",),
    "concept_relationship": ("concept_id_1", "concept_id_2", "relationship_id"),
}

Tables = Mapping[str, pl.DataFrame]


def site_vocabulary(codes: Codes | None = None) -> Tables:
    """Return the vocabulary tables of a hub that has no other vocabulary.

    Args:
        codes: What is mapped, and which drugs there are; as shipped if not given.

    Returns:
        Tables by name, with the columns and types of the CDM, sorted by their keys. The version of
        the whole changes whenever a concept or a map does.

    Raises:
        VocabularyError: a site's own maps make the hierarchy a circle.
    """
    codes = Codes.site() if codes is None else codes
    concept = pl.concat([_shipped_standard(), _concepts(codes)]).sort("concept_id")
    relationship = _relationships(codes)
    made = {
        "concept": concept,
        "vocabulary": _vocabulary_rows(concept, relationship),
        "domain": _domain_rows(),
        "concept_class": _class_rows(concept),
        "relationship": _relationship_rows(),
        "concept_relationship": relationship,
        "concept_ancestor": merge_ancestors(_shipped_ancestors(), _hierarchy(relationship)),
    }
    return {name: _as_table(name, rows) for name, rows in made.items()}


def with_site(existing: Tables, codes: Codes) -> Tables:
    """Return a hub's vocabulary with the site concepts in it, as often as it is asked.

    What is said of site concepts of ``codes_index.csv`` is replaced: their rows of ``concept``, and
    the four relationships of this module from or to them. Everything else stays as it is; of the
    shipped standard concepts only those that are missing are added.

    Args:
        existing: Vocabulary tables by name, with the columns of the CDM; tables may be missing.
        codes: As ``site_vocabulary``; from ``Codes.with_vocabulary`` if the hub has a vocabulary.

    Returns:
        The tables of ``existing``, with those of ``site_vocabulary`` added to them.

    Raises:
        VocabularyError: together they have a circle.
    """
    site = site_vocabulary(codes)
    merged = dict(existing)
    for name, key in _KEYS.items():
        if name not in existing:
            merged[name] = site[name]
            continue
        kept = existing[name].select(_as_columns(name)).filter(~_is_ours(name))
        added = site[name].join(kept, on=list(key), how="anti", nulls_equal=True)
        merged[name] = pl.concat([kept, added]).sort(key)
    ancestors = "concept_ancestor"
    if ancestors not in existing:
        return {**merged, ancestors: site[ancestors]}
    ends = ("ancestor_concept_id", "descendant_concept_id")
    kept = existing[ancestors].filter(~_in_ranges(ends[0]) & ~_in_ranges(ends[1]))
    own = site["concept"].filter(pl.col("standard_concept") == STANDARD)["concept_id"].implode()
    missing = site[ancestors].filter(pl.col(ends[0]).is_in(own) & pl.col(ends[1]).is_in(own))
    base = pl.concat([kept.select(_as_columns(ancestors)), missing]).unique(ends, keep="first")
    hierarchy = _hierarchy(site["concept_relationship"])
    return {**merged, ancestors: _as_table(ancestors, merge_ancestors(base, hierarchy))}


def told_of_site(table: str) -> pl.Expr | None:
    """Tell which rows of a vocabulary table speak of the site concepts of ``codes_index.csv``.

    They stay when another edition of a hub's vocabulary takes the place of the table: the coded
    rows of the warehouse point at them. What a new edition adds to the maps and the hierarchy of
    these concepts comes with the next ``with_site``.

    Returns:
        A Boolean expression over the table, or None for a table without such rows.
    """
    if table == "concept_ancestor":
        return _in_ranges("ancestor_concept_id") | _in_ranges("descendant_concept_id")
    if table in {"vocabulary", "concept_class"}:
        return pl.col(f"{table}_id").is_in([one.vocabulary_id for one in vocabularies().values()])
    return _is_ours(table) if table in {"concept", "concept_relationship"} else None


def _concepts(codes: Codes) -> pl.DataFrame:
    """Return the site concepts as rows of ``concept``."""
    ids = {one.name: one.vocabulary_id for one in vocabularies().values()}
    vocabulary = pl.col("name").replace_strict(ids)
    unnamed = pl.format("{} ({}, sans libellé)", "code", vocabulary)
    label = pl.coalesce("label", unnamed)
    short = pl.concat_str(label.str.slice(0, _LONGEST_NAME - 1), pl.lit("…"))
    return codes.listed.select(
        pl.col("source_concept_id").alias("concept_id"),
        pl.when(label.str.len_chars() > _LONGEST_NAME)
        .then(short)
        .otherwise(label)
        .alias("concept_name"),
        pl.col("domain").alias("domain_id"),
        vocabulary.alias("vocabulary_id"),
        vocabulary.alias("concept_class_id"),
        pl.lit(None, pl.String).alias("standard_concept"),
        pl.col("code").alias("concept_code"),
        pl.lit(_FROM).alias("valid_start_date"),
        pl.lit(_UNTIL).alias("valid_end_date"),
        pl.lit(None, pl.String).alias("invalid_reason"),
    )


def _relationships(codes: Codes) -> pl.DataFrame:
    """Return hierarchy and maps, each with its reverse, as rows of ``concept_relationship``."""
    links = codes.all_links().rename(
        {"source_concept_id": "concept_id_1", "concept_id": "concept_id_2"}
    )
    substances = codes.listed.filter(pl.col("name") == ATC)["source_concept_id"].implode()
    below_atc = links.filter(
        (pl.col("relationship_id") == MAPS_TO) & pl.col("concept_id_1").is_in(substances)
    ).select(
        pl.col("concept_id_2").alias("concept_id_1"),
        pl.col("concept_id_1").alias("concept_id_2"),
        pl.lit(IS_A).alias("relationship_id"),
    )
    forward = pl.concat([_parents(codes), links.drop("domain"), below_atc]).unique()
    backward = forward.select(
        pl.col("concept_id_2").alias("concept_id_1"),
        pl.col("concept_id_1").alias("concept_id_2"),
        pl.col("relationship_id").replace_strict(_REVERSE),
    )
    return (
        pl.concat([forward, backward])
        .with_columns(
            pl.lit(_FROM).alias("valid_start_date"),
            pl.lit(_UNTIL).alias("valid_end_date"),
            pl.lit(None, pl.String).alias("invalid_reason"),
        )
        .sort("concept_id_1", "concept_id_2", "relationship_id")
    )


def _parents(codes: Codes) -> pl.DataFrame:
    """Return what is below what: a code below its parent, of its own vocabulary or of ATC."""
    known = codes.listed.select("name", "code", pl.col("source_concept_id").alias("concept_id_2"))
    own = codes.listed.join(known, left_on=["name", "parent"], right_on=["name", "code"])
    atc = known.filter(pl.col("name") == ATC).drop("name")
    by_atc = codes.listed.filter(pl.col("name") != ATC).join(atc, left_on="parent", right_on="code")
    columns = ("concept_id_1", "concept_id_2", "relationship_id")
    return pl.concat(
        found.select(
            pl.col("source_concept_id").alias(columns[0]),
            columns[1],
            pl.lit(IS_A).alias(columns[2]),
        )
        for found in (own, by_atc)
    )


def _hierarchy(relationship: pl.DataFrame) -> pl.DataFrame:
    """Return the ancestors that follow from the rows of site concepts, and from them alone."""
    touching = _in_ranges("concept_id_1") | _in_ranges("concept_id_2")
    return ancestors_from_relationships(relationship.filter(touching))


def _shipped_standard() -> pl.DataFrame:
    return standard_concepts().drop("source")


def _shipped_ancestors() -> pl.DataFrame:
    return lists.packaged("maps_ancestors.csv").cast(pl.Int64)


def _vocabulary_rows(concept: pl.DataFrame, relationship: pl.DataFrame) -> pl.DataFrame:
    """Return a row per vocabulary, and the one that names the version of the whole."""
    said = concept.write_csv() + relationship.write_csv()
    whole = f"{VERSION} {hashlib.sha256(said.encode()).hexdigest()[:16]}"
    ours = [
        (one.vocabulary_id, one.title, one.source, one.edition[:_LONGEST_NAME], "0")
        for one in vocabularies().values()
    ]
    others = lists.packaged("maps_vocabularies.csv").rows()
    none = ("None", "OMOP Standardized Vocabularies", "Laennec", whole, "0")
    names = list(cdm(CURRENT).tables["vocabulary"].field_names)
    return pl.DataFrame([*ours, *others, none], schema=names, orient="row").sort("vocabulary_id")


def _domain_rows() -> pl.DataFrame:
    rows = [(name, name, number) for name, number in _DOMAINS.items()]
    return pl.DataFrame(
        rows, schema=["domain_id", "domain_name", "domain_concept_id"], orient="row"
    )


def _class_rows(concept: pl.DataFrame) -> pl.DataFrame:
    return (
        concept.select("concept_class_id")
        .unique()
        .sort("concept_class_id")
        .with_columns(
            pl.col("concept_class_id").alias("concept_class_name"),
            pl.lit(0).alias("concept_class_concept_id"),
        )
    )


def _relationship_rows() -> pl.DataFrame:
    names = list(cdm(CURRENT).tables["relationship"].field_names)
    rows = [(*row, 0) for row in sorted(_RELATIONSHIPS)]
    return pl.DataFrame(rows, schema=names, orient="row")


def _is_ours(table: str) -> pl.Expr:
    """Tell which rows of a table this module made, in any edition."""
    if table == "concept":
        return _in_ranges("concept_id")
    if table == "concept_relationship":
        ours = [*_REVERSE, *_REVERSE.values()]
        either = _in_ranges("concept_id_1") | _in_ranges("concept_id_2")
        return either & pl.col("relationship_id").is_in(ours)
    if table == "vocabulary":
        ids = [one.vocabulary_id for one in vocabularies().values()]
        version = pl.col("vocabulary_version").fill_null("")
        return pl.col("vocabulary_id").is_in(ids) | version.str.starts_with(VERSION)
    return pl.lit(value=False)


def _in_ranges(column: str) -> pl.Expr:
    """Tell which ids belong to the site concepts of ``codes_index.csv``."""
    return pl.any_horizontal(
        pl.col(column).is_between(one.first_id, one.last_id) for one in vocabularies().values()
    )


def _as_columns(table: str) -> Iterable[pl.Expr]:
    kinds = cdm(CURRENT).tables[table].polars_schema()
    return [pl.col(name).cast(kind) for name, kind in kinds.items()]


def _as_table(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of the CDM, in order and type."""
    return rows.select(_as_columns(table))
