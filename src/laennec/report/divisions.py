"""A section whose result was divided into strata: the whole first, then each stratum likewise.

Cohort counts, attrition and CohortIncidence are not divided here: their tables have strata, or
steps, as lines.
"""

from collections.abc import Callable
from dataclasses import replace

from laennec.omop.summarised_result import OVERALL
from laennec.report.content import Section, Table
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words

MAX_DRAWN = 24
"""Strata of one section that have pictures; of more, the tables are shown alone."""

UNDIVIDED = frozenset(
    {
        "summarise_cohort_count",
        "summarise_cohort_attrition",
        "cohort_incidence",
        "incidence_attrition",
        "prevalence_attrition",
    }
)

_Stratum = tuple[str, str]


def divided(family: Family, build: Callable[[Family, Words], Section], words: Words) -> Section:
    """Return the section of what is not divided, with a division for each stratum."""
    strata = [one for one in each(family.estimates, _stratum) if one[0] != OVERALL]
    whole = [one for one in family.estimates if _stratum(one)[0] == OVERALL]
    if family.result_type in UNDIVIDED or not strata or not whole:
        return build(family, words)
    section = build(replace(family, estimates=tuple(whole)), words)
    drawn = len(strata) <= MAX_DRAWN
    divisions = tuple(_division(one, family, build, words, drawn=drawn) for one in strata)
    return replace(section, divisions=divisions)


def _stratum(one: Estimate) -> _Stratum:
    """The stratum of a row; the steps of who is followed are about whole cohorts."""
    if one.settings.result_type == "survival_attrition":
        return OVERALL, OVERALL
    return one.row.strata_name, one.row.strata_level


def _division(
    stratum: _Stratum,
    family: Family,
    build: Callable[[Family, Words], Section],
    words: Words,
    *,
    drawn: bool,
) -> Section:
    mine = tuple(one for one in family.estimates if _stratum(one) == stratum)
    made = build(replace(family, estimates=mine), words)
    title = words.strata(*stratum)
    return replace(
        made,
        title=title,
        figures=made.figures if drawn else (),
        tables=tuple(_titled(one, title) for one in made.tables),
    )


def _titled(table: Table, title: str) -> Table:
    """Name the stratum in the caption: a reader may come to the table without its heading."""
    return replace(table, caption=f"{table.caption} ({title})", folded=False)
