"""Checks of a vocabulary: each rule finds its fault and no other; real ones have known holes."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from laennec.omop.checks import (
    MEANING,
    SITE_MINIMUM,
    Finding,
    Rule,
    check_site_concepts,
    check_vocabulary,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Tables = dict[str, pl.DataFrame]


def concepts(*rows: tuple[int, str | None, str, str, str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(
        list(rows),
        schema={
            "concept_id": pl.Int64,
            "concept_name": pl.String,
            "vocabulary_id": pl.String,
            "concept_code": pl.String,
            "standard_concept": pl.String,
        },
        orient="row",
    )
    return frame.with_columns(domain_id=pl.lit("Procedure"), invalid_reason=pl.lit(None, pl.String))


def relationships(*rows: tuple[int, int, str]) -> pl.DataFrame:
    schema = {"concept_id_1": pl.Int64, "concept_id_2": pl.Int64, "relationship_id": pl.String}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(invalid_reason=pl.lit(None, pl.String))


def ancestors(*rows: tuple[int, int]) -> pl.DataFrame:
    schema = {"ancestor_concept_id": pl.Int64, "descendant_concept_id": pl.Int64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def whole() -> Tables:
    """Return a vocabulary in which nothing is wrong."""
    return {
        "concept": concepts((1, "a", "CPT4", "A", "S"), (2, "b", "X", "B", None)),
        "concept_relationship": relationships((2, 1, "Maps to"), (2, 1, "Is a")),
        "concept_ancestor": ancestors((1, 1)),
        "vocabulary": pl.DataFrame({"vocabulary_id": ["None", "CPT4"]}),
    }


def spoil(table: str, more: pl.DataFrame) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table] = pl.concat([tables[table], more])

    return change


def without_cpt4(tables: Tables) -> None:
    tables["concept"] = tables["concept"].with_columns(vocabulary_id=pl.lit("X"))


FAULTS: dict[Rule, tuple[Callable[[Tables], None], Finding]] = {
    Rule.REPEATED_CONCEPT: (
        spoil("concept", concepts((2, "c", "X", "C", None))),
        Finding(Rule.REPEATED_CONCEPT, "concept", 2, (2,)),
    ),
    Rule.DANGLING_RELATIONSHIP: (
        spoil("concept_relationship", relationships((9, 1, "x"), (1, 8, "x"), (1, 8, "y"))),
        Finding(Rule.DANGLING_RELATIONSHIP, "concept_relationship", 3, (8, 9)),
    ),
    Rule.DANGLING_ANCESTOR: (
        spoil("concept_ancestor", ancestors((1, 7))),
        Finding(Rule.DANGLING_ANCESTOR, "concept_ancestor", 1, (7,)),
    ),
    Rule.STANDARD_WITHOUT_ANCESTOR: (
        spoil("concept", concepts((3, "c", "X", "C", "S"))),
        Finding(Rule.STANDARD_WITHOUT_ANCESTOR, "concept", 1, (3,)),
    ),
    Rule.EMPTY_NAME: (
        spoil("concept", concepts((3, None, "CPT4", "C", None), (4, " ", "CPT4", "D", None))),
        Finding(Rule.EMPTY_NAME, "concept", 2, (3, 4)),
    ),
    Rule.CPT4_ABSENT: (without_cpt4, Finding(Rule.CPT4_ABSENT, "vocabulary", 1, ())),
    Rule.HIERARCHY_CYCLE: (
        spoil("concept_relationship", relationships((1, 2, "Is a"))),
        Finding(Rule.HIERARCHY_CYCLE, "concept_relationship", 2, (1, 2)),
    ),
}


def test_a_whole_vocabulary_has_no_finding() -> None:
    assert check_vocabulary(whole()) == ()
    assert check_vocabulary({}) == ()


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_each_fault_is_found_alone(rule: Rule) -> None:
    change, expected = FAULTS[rule]
    tables = whole()
    change(tables)
    assert check_vocabulary(tables) == (expected,)
    assert str(expected.rows) in expected.message
    assert MEANING[rule] in expected.message


DOMAINS = pl.DataFrame({"domain_id": ["Procedure", "Condition"]})
SITE = concepts((SITE_MINIMUM, "Appendicectomie", "CCAM", "HHFA001", None))
SITE_FAULTS: dict[Rule, tuple[pl.DataFrame, tuple[int, ...]]] = {
    Rule.REPEATED_CONCEPT: (
        concepts((SITE_MINIMUM, "a", "CCAM", "A", None), (SITE_MINIMUM, "b", "CCAM", "B", None)),
        (SITE_MINIMUM,),
    ),
    Rule.SITE_ID_TOO_SMALL: (
        concepts((SITE_MINIMUM - 1, "a", "CCAM", "A", None), (-3, "b", "CCAM", "B", None)),
        (-3, SITE_MINIMUM - 1),
    ),
    Rule.SITE_ID_TAKEN: (
        concepts((SITE_MINIMUM + 7, "a", "CCAM", "A", None)),
        (SITE_MINIMUM + 7,),
    ),
    Rule.SITE_CODE_REPEATED: (
        concepts(
            (SITE_MINIMUM, "a", "CCAM", "A", None), (SITE_MINIMUM + 1, "b", "CCAM", "A", None)
        ),
        (SITE_MINIMUM, SITE_MINIMUM + 1),
    ),
    Rule.SITE_DOMAIN_UNKNOWN: (
        SITE.with_columns(domain_id=pl.lit("Chirurgie")),
        (SITE_MINIMUM,),
    ),
}


def test_every_rule_has_a_test_and_a_meaning() -> None:
    assert set(FAULTS) | set(SITE_FAULTS) == set(Rule) == set(MEANING)


@pytest.mark.parametrize("rule", sorted(SITE_FAULTS))
def test_each_fault_of_site_concepts_is_found_alone(rule: Rule) -> None:
    site, examples = SITE_FAULTS[rule]
    existing = concepts((SITE_MINIMUM + 7, "other", "NABM", "0126", None))
    found = check_site_concepts(site, concepts=existing, domains=DOMAINS)
    assert [(one.rule, one.examples) for one in found] == [(rule, examples)]


def test_site_concepts_may_be_given_again() -> None:
    assert check_site_concepts(SITE, concepts=SITE, domains=DOMAINS) == ()


def test_at_most_five_examples() -> None:
    tables = whole()
    spoil("concept_ancestor", ancestors(*((1, 100 - n) for n in range(20))))(tables)
    (found,) = check_vocabulary(tables)
    assert (found.rows, found.examples) == (20, (81, 82, 83, 84, 85))


def test_gibleed_is_a_subset_with_known_holes() -> None:
    folder = DATA / "omop-gibleed"
    if not folder.exists():
        pytest.skip("omop-gibleed is absent")
    names = ("concept", "concept_relationship", "concept_ancestor", "vocabulary")
    found = check_vocabulary({name: pl.read_parquet(folder / f"{name}.parquet") for name in names})
    assert {one.rule: one.rows for one in found} == {
        Rule.DANGLING_ANCESTOR: 65_104,
        Rule.STANDARD_WITHOUT_ANCESTOR: 4,
        Rule.CPT4_ABSENT: 1,
    }


def test_omock_has_no_cycle_but_holes() -> None:
    folder = DATA / "vocab-omock-default"
    if not folder.exists():
        pytest.skip("vocab-omock-default is absent")
    names = ("concept", "concept_relationship", "concept_ancestor", "vocabulary")
    found = check_vocabulary({name: pl.read_csv(folder / f"{name}.csv.gz") for name in names})
    assert {one.rule: one.rows for one in found} == {
        Rule.DANGLING_RELATIONSHIP: 101_847,
        Rule.STANDARD_WITHOUT_ANCESTOR: 3,
        Rule.CPT4_ABSENT: 1,
    }
