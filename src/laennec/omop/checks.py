"""Is a vocabulary whole? Findings, each with a count and a few concepts to look at.

Nothing here stops an import: real vocabularies are subsets and have holes. The caller shows the
findings, and may refuse on some of them. Concept ids are public facts, not values of a person, and
may be shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from laennec.omop.concepts import is_valid
from laennec.omop.hierarchy import ANCESTOR, DESCENDANT, find_cycle

SITE_MINIMUM = 2_000_000_000
"""The smallest id of a site's own concepts; OHDSI gives out none from here on."""

EXAMPLES = 5


class Rule(StrEnum):
    """What can be wrong. The text of each is ``MEANING``."""

    REPEATED_CONCEPT = "repeated_concept"
    DANGLING_RELATIONSHIP = "dangling_relationship"
    DANGLING_ANCESTOR = "dangling_ancestor"
    STANDARD_WITHOUT_ANCESTOR = "standard_without_ancestor"
    EMPTY_NAME = "empty_name"
    CPT4_ABSENT = "cpt4_absent"
    HIERARCHY_CYCLE = "hierarchy_cycle"
    SITE_ID_TOO_SMALL = "site_id_too_small"
    SITE_ID_TAKEN = "site_id_taken"
    SITE_CODE_REPEATED = "site_code_repeated"
    SITE_DOMAIN_UNKNOWN = "site_domain_unknown"


MEANING: Mapping[Rule, str] = {
    Rule.REPEATED_CONCEPT: "Concepts with one id: only one of them can be meant.",
    Rule.DANGLING_RELATIONSHIP: "Relationships to or from a concept that is not there: the "
    "vocabulary is a subset; mappings into the missing part are lost.",
    Rule.DANGLING_ANCESTOR: "Ancestor rows of a concept that is not there: descendants outside "
    "the vocabulary are not found.",
    Rule.STANDARD_WITHOUT_ANCESTOR: "Valid standard concepts that are not their own ancestor: "
    "their descendants are not found.",
    Rule.EMPTY_NAME: "Concepts without a name; for CPT4, complete CONCEPT.csv with the tool of "
    "the Athena bundle (cpt.sh) and import again.",
    Rule.CPT4_ABSENT: "CPT4 was chosen but none of its concepts is there: run the tool of the "
    "Athena bundle (cpt.sh) and import again.",
    Rule.HIERARCHY_CYCLE: "Concepts that are above themselves by 'Is a': no hierarchy can be made "
    "of them.",
    Rule.SITE_ID_TOO_SMALL: "Site concepts with an id below 2,000,000,000, which OHDSI may give "
    "to something else.",
    Rule.SITE_ID_TAKEN: "Site concepts whose id has another meaning in the vocabulary already.",
    Rule.SITE_CODE_REPEATED: "Site concepts that share vocabulary and code with another.",
    Rule.SITE_DOMAIN_UNKNOWN: "Site concepts of a domain that table domain does not have.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rule: What.
        table: Where.
        rows: How many rows, at least 1.
        examples: At most five concept ids, ascending; of a cycle, in its order.
    """

    rule: Rule
    table: str
    rows: int
    examples: tuple[int, ...]

    @property
    def message(self) -> str:
        """One line for people."""
        named = f" For example: {', '.join(map(str, self.examples))}." if self.examples else ""
        return f"{self.table}: {self.rows} x {MEANING[self.rule]}{named}"


Tables = Mapping[str, pl.DataFrame]


def check_vocabulary(tables: Tables) -> tuple[Finding, ...]:
    """Return what is wrong with a vocabulary, in the order of ``Rule``; empty if nothing is.

    Args:
        tables: Vocabulary tables by name, with the columns of the CDM. A rule is skipped when a
            table it needs is not given.
    """
    return tuple(
        finding
        for needed, check in _CHECKS
        if all(name in tables for name in needed)
        for finding in check(tables)
    )


def check_site_concepts(
    site: pl.DataFrame, *, concepts: pl.DataFrame, domains: pl.DataFrame
) -> tuple[Finding, ...]:
    """Return what is wrong with a site's own concepts, in the order of ``Rule``.

    Args:
        site: Rows for table ``concept``.
        concepts: Table ``concept`` as it is; it may hold an earlier state of the site's concepts,
            which keep their id, vocabulary and code.
        domains: Table ``domain``.
    """
    key = ["concept_id", "vocabulary_id", "concept_code"]
    new = site.join(concepts, on=key, how="anti")
    found = {
        Rule.REPEATED_CONCEPT: site.filter(pl.col("concept_id").is_duplicated()),
        Rule.SITE_ID_TOO_SMALL: site.filter(pl.col("concept_id") < SITE_MINIMUM),
        Rule.SITE_ID_TAKEN: new.join(concepts, on="concept_id", how="semi"),
        Rule.SITE_CODE_REPEATED: site.filter(pl.struct(key[1:]).is_duplicated()),
        Rule.SITE_DOMAIN_UNKNOWN: site.join(domains, on="domain_id", how="anti"),
    }
    return tuple(
        finding
        for rule, rows in found.items()
        for finding in _findings(rule, "concept", rows["concept_id"])
    )


def _findings(rule: Rule, table: str, ids: pl.Series) -> list[Finding]:
    """Return one finding for the rows whose offending concepts are ``ids``, none if it is empty."""
    if ids.is_empty():
        return []
    return [Finding(rule, table, len(ids), tuple(ids.unique().sort().head(EXAMPLES)))]


def _repeated(tables: Tables) -> list[Finding]:
    ids = tables["concept"]["concept_id"]
    return _findings(Rule.REPEATED_CONCEPT, "concept", ids.filter(ids.is_duplicated()))


def _dangling(rule: Rule, table: str, ends: tuple[str, str]) -> Callable[[Tables], list[Finding]]:
    def check(tables: Tables) -> list[Finding]:
        known = tables["concept"]["concept_id"].unique().implode()
        first, second = (pl.col(end).is_in(known) for end in ends)
        rows = tables[table].filter(~(first & second))
        absent = rows.select(pl.when(~first).then(pl.col(ends[0])).otherwise(pl.col(ends[1])))
        return _findings(rule, table, absent.to_series())

    return check


def _standard_without_ancestor(tables: Tables) -> list[Finding]:
    own = tables["concept_ancestor"].filter(pl.col(ANCESTOR) == pl.col(DESCENDANT))
    standard = tables["concept"].filter((pl.col("standard_concept") == "S") & is_valid())
    without = standard.join(own, left_on="concept_id", right_on=ANCESTOR, how="anti")
    return _findings(Rule.STANDARD_WITHOUT_ANCESTOR, "concept", without["concept_id"])


def _empty_name(tables: Tables) -> list[Finding]:
    nameless = pl.col("concept_name").fill_null("").str.strip_chars() == ""
    rows = tables["concept"].filter(nameless)
    return _findings(Rule.EMPTY_NAME, "concept", rows["concept_id"])


def _cpt4_absent(tables: Tables) -> list[Finding]:
    chosen = "CPT4" in tables["vocabulary"]["vocabulary_id"]
    if not chosen or "CPT4" in tables["concept"]["vocabulary_id"]:
        return []
    return [Finding(Rule.CPT4_ABSENT, "vocabulary", 1, ())]


def _hierarchy_cycle(tables: Tables) -> list[Finding]:
    rows = tables["concept_relationship"].filter((pl.col("relationship_id") == "Is a") & is_valid())
    cycle = find_cycle(rows.rename({"concept_id_2": ANCESTOR, "concept_id_1": DESCENDANT}))
    if not cycle:
        return []
    return [
        Finding(Rule.HIERARCHY_CYCLE, "concept_relationship", len(cycle), cycle[:EXAMPLES]),
    ]


_CHECKS: tuple[tuple[tuple[str, ...], Callable[[Tables], list[Finding]]], ...] = (
    (("concept",), _repeated),
    (
        ("concept", "concept_relationship"),
        _dangling(
            Rule.DANGLING_RELATIONSHIP, "concept_relationship", ("concept_id_1", "concept_id_2")
        ),
    ),
    (
        ("concept", "concept_ancestor"),
        _dangling(Rule.DANGLING_ANCESTOR, "concept_ancestor", (ANCESTOR, DESCENDANT)),
    ),
    (("concept", "concept_ancestor"), _standard_without_ancestor),
    (("concept",), _empty_name),
    (("concept", "vocabulary"), _cpt4_absent),
    (("concept_relationship",), _hierarchy_cycle),
)
