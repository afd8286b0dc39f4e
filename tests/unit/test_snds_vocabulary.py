"""The vocabulary tables of the French codes: sound, repeatable, and what a study finds in them."""

from importlib.resources import as_file, files

import polars as pl
import pytest

from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.checks import SITE_MINIMUM, check_site_concepts, check_vocabulary
from laennec.omop.concepts import MAPS_TO, resolve
from laennec.omop.vocabulary import vocabulary_version
from laennec.snds.code_lists import listed
from laennec.snds.codes import IS_A, Codes
from laennec.snds.vocabulary import VERSION, Tables, site_vocabulary, with_site
from laennec.study.files import read_study
from laennec.study.model import ConceptItem

CELECOXIB, DICLOFENAC = 1118084, 1124300
DRUGS = pl.DataFrame(
    {
        "PHA_CIP_C13": ["3400935437129", "3400930000016", "3400930000023"],
        "PHA_CIP_UCD": ["9223463", None, None],
        "PHA_ATC_CLA": ["M01AH01", "M01AB05", "M01AB55"],
        "PHA_MED_NOM": ["CELEBREX", "DICLOFENAC", "DICLOFENAC ET MISOPROSTOL"],
    }
)


@pytest.fixture(scope="module")
def codes() -> Codes:
    return Codes.site().with_drugs(DRUGS)


@pytest.fixture(scope="module")
def tables(codes: Codes) -> Tables:
    return site_vocabulary(codes)


def source_of(codes: Codes, vocabulary: str, code: str) -> int:
    rows = codes.listed.filter((pl.col("name") == vocabulary) & (pl.col("code") == code))
    return int(rows["source_concept_id"].item())


def found(tables: Tables, *ids: int) -> frozenset[int]:
    """Return the concepts of a set of ids with their descendants."""
    return resolve(
        [ConceptItem(concept_id=one, descendants=True) for one in ids],
        ancestors=tables["concept_ancestor"].lazy(),
        relationships=tables["concept_relationship"].lazy(),
        concepts=tables["concept"].lazy(),
    )


def test_the_vocabulary_is_whole(tables: Tables) -> None:
    assert check_vocabulary(tables) == ()
    concepts = tables["concept"]
    site = concepts.filter(pl.col("concept_id") >= SITE_MINIMUM)
    assert site.height > 60_000
    assert check_site_concepts(site, concepts=concepts, domains=tables["domain"]) == ()


def test_the_tables_are_those_of_the_cdm(tables: Tables) -> None:
    for name, rows in tables.items():
        table = cdm(CURRENT).tables[name]
        assert dict(rows.schema) == table.polars_schema()
        for field in table.fields:
            assert not (field.required and rows[field.name].null_count()), (name, field.name)
    for one, other in (("vocabulary", "vocabulary_id"), ("domain", "domain_id")):
        used = tables["concept"].select(other).unique()
        assert used.join(tables[one], on=other, how="anti").is_empty()


def test_names_fit_their_column(tables: Tables) -> None:
    long = listed().filter(pl.col("label").str.len_chars() > 255)
    cut = tables["concept"].join(long, left_on="concept_id", right_on="source_concept_id")
    assert cut.height > 10
    assert cut.filter(
        pl.col("concept_name").str.slice(0, 254) != pl.col("label").str.slice(0, 254)
    ).is_empty()
    assert cut["concept_name"].str.ends_with("…").all()
    assert tables["concept"]["concept_name"].str.len_chars().max() == 255


def test_the_version_follows_what_is_in_it(codes: Codes, tables: Tables) -> None:
    version = vocabulary_version(tables["vocabulary"])
    assert version.startswith(f"{VERSION} ")
    assert vocabulary_version(site_vocabulary(codes)["vocabulary"]) == version
    assert vocabulary_version(site_vocabulary()["vocabulary"]) != version


def test_codes_are_below_their_categories_chapters_and_levels(codes: Codes, tables: Tables) -> None:
    stomach = found(tables, source_of(codes, "CIM10", "K25"))
    assert {source_of(codes, "CIM10", one) for one in ("K25", "K250", "K259")} <= stomach
    assert stomach < found(tables, source_of(codes, "CIM10", "K00-K93"))
    assert source_of(codes, "CCAM", "HMFC004") in found(tables, source_of(codes, "CCAM", "H"))
    relaxed = found(tables, source_of(codes, "ATC", "M01A"))
    assert {source_of(codes, "ATC", one) for one in ("M01AB", "M01AB55", "M01AH01")} <= relaxed


def test_a_set_of_an_atc_code_finds_mapped_and_unmapped_drugs(codes: Codes, tables: Tables) -> None:
    class_ = found(tables, source_of(codes, "ATC", "M01AB"))
    assert DICLOFENAC in class_
    assert source_of(codes, "CIP13", "3000002") in class_
    assert CELECOXIB not in class_
    assert source_of(codes, "CIP13", "3543712") in found(tables, source_of(codes, "ATC", "M01AH01"))


def test_a_set_of_an_ingredient_finds_no_combination(codes: Codes, tables: Tables) -> None:
    assert source_of(codes, "CIP13", "3000002") not in found(tables, DICLOFENAC)


def test_maps_have_their_reverse(tables: Tables) -> None:
    rows = tables["concept_relationship"]
    swapped = rows.rename({"concept_id_1": "concept_id_2", "concept_id_2": "concept_id_1"})
    for one, other in ((IS_A, "Subsumes"), (MAPS_TO, "Mapped from")):
        there = rows.filter(pl.col("relationship_id") == one)
        back = swapped.filter(pl.col("relationship_id") == other)
        assert there.height
        pair = ["concept_id_1", "concept_id_2"]
        assert there.select(pair).sort(pair).equals(back.select(pair).sort(pair))


STUDY = files("laennec.app") / "data" / "celecoxib.toml"
SAYS_MORE = {"viral_sinusitis", "concussion"}
"""Sets of the study that say more than the CIM-10 can: a virus, and no loss of consciousness."""


def test_the_study_of_the_demo_finds_its_drugs_and_conditions(codes: Codes, tables: Tables) -> None:
    with as_file(STUDY) as path:
        study = read_study(path)
    reached = set()
    for vocabulary in ("CIM10", "CIP13", "UCD"):
        reached |= set(codes.table(vocabulary)["concept_id"])
    for name, one in study.concept_sets.items():
        ids = resolve(
            one.items,
            ancestors=tables["concept_ancestor"].lazy(),
            relationships=tables["concept_relationship"].lazy(),
            concepts=tables["concept"].lazy(),
        )
        assert bool(ids & reached) == (name not in SAYS_MORE), name
        assert ids <= set(tables["concept"]["concept_id"]), name


def test_bleeding_ulcers_are_ulcers_and_bleeding(codes: Codes, tables: Tables) -> None:
    both = source_of(codes, "CIM10", "K260")
    assert both in found(tables, 192671)
    assert both in found(tables, 4027663)
    assert source_of(codes, "CIM10", "K261") not in found(tables, 192671)


# ---- in a hub that has a vocabulary --------------------------------------------------------------


def other(tables: Tables) -> dict[str, pl.DataFrame]:
    """Return a hub's own vocabulary: a local concept below bleeding, and a version."""
    concept = tables["concept"].filter(pl.col("concept_id") == 192671)
    named = concept.with_columns(pl.lit("Their name").alias("concept_name"))
    local = concept.with_columns(
        pl.lit(2_140_000_001, pl.Int64).alias("concept_id"),
        pl.lit("LOCAL").alias("vocabulary_id"),
        pl.lit("L1").alias("concept_code"),
        pl.lit(None, pl.String).alias("standard_concept"),
    )
    version = tables["vocabulary"].filter(pl.col("vocabulary_id") == "None")
    theirs = version.with_columns(pl.lit("v5.0 30-AUG-24").alias("vocabulary_version"))
    link = tables["concept_relationship"].head(1)
    replaced = link.with_columns(
        pl.lit(2_140_000_001, pl.Int64).alias("concept_id_1"),
        pl.lit(192671, pl.Int64).alias("concept_id_2"),
        pl.lit(IS_A).alias("relationship_id"),
    )
    ancestor = tables["concept_ancestor"].filter(pl.col("ancestor_concept_id") == 192671).head(1)
    pair = ancestor.with_columns(
        pl.lit(2_140_000_001, pl.Int64).alias("descendant_concept_id"),
        pl.lit(1, pl.Int64).alias("min_levels_of_separation"),
        pl.lit(1, pl.Int64).alias("max_levels_of_separation"),
    )
    return {
        "concept": pl.concat([named, local]),
        "vocabulary": theirs,
        "concept_relationship": replaced,
        "concept_ancestor": pair,
        "concept_synonym": pl.DataFrame({"concept_id": [192671]}),
    }


def test_a_hub_keeps_its_own_rows(codes: Codes, tables: Tables) -> None:
    theirs = other(tables)
    merged = with_site(theirs, codes)
    names = dict(merged["concept"].select("concept_id", "concept_name").rows())
    assert names[192671] == "Their name"
    assert names[2_140_000_001]
    assert vocabulary_version(merged["vocabulary"]) == "v5.0 30-AUG-24"
    assert merged["concept_synonym"].equals(theirs["concept_synonym"])
    assert (
        theirs["concept_relationship"]
        .join(merged["concept_relationship"], on=["concept_id_1", "concept_id_2"], how="anti")
        .is_empty()
    )
    assert 2_140_000_001 in found(merged, 192671)
    assert source_of(codes, "CIM10", "K260") in found(merged, 192671)
    assert merged["concept"].height == tables["concept"].height + 1


def test_doing_it_again_changes_nothing(codes: Codes, tables: Tables) -> None:
    once = with_site(other(tables), codes)
    twice = with_site(once, codes)
    assert once.keys() == twice.keys()
    for name, rows in once.items():
        assert rows.equals(twice[name]), name


def test_a_later_edition_replaces_the_earlier_one(codes: Codes, tables: Tables) -> None:
    earlier = site_vocabulary()
    again = with_site(earlier, codes)
    for name in ("concept", "vocabulary", "concept_relationship", "concept_ancestor"):
        order = tables[name].columns[:3]
        assert again[name].sort(order).equals(tables[name].sort(order)), name
