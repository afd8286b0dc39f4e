"""From a report to the text of an HTML page.

Always holds: every estimate of the result stands in exactly one table, or a note says which other
one it repeats or that only the result has it; a hidden estimate is a word, never a number and never
empty. Equal reports give equal bytes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import laennec
from laennec.core.clock import timestamp
from laennec.report.characteristics import characteristics
from laennec.report.cohort_incidence import cohort_incidence
from laennec.report.cohorts import attrition, sizes
from laennec.report.content import HIDDEN, Section
from laennec.report.divisions import divided
from laennec.report.estimates import (
    RESULT_NAME,
    SURVIVAL,
    Family,
    common_settings,
    families,
)
from laennec.report.large_scale import large_scale
from laennec.report.model import StudyReport
from laennec.report.overlap import overlap, timing
from laennec.report.pathways import pathways
from laennec.report.plain import plain, plain_table
from laennec.report.rate_attrition import rate_attrition
from laennec.report.rates import incidence, prevalence
from laennec.report.survival import survival
from laennec.report.templating import page_template
from laennec.report.words import Words, load_words, readable

Builder = Callable[[Family, Words], Section]

BUILDERS: Mapping[str, Builder] = {
    "summarise_cohort_count": sizes,
    "summarise_cohort_attrition": attrition,
    "summarise_characteristics": characteristics,
    "summarise_cohort_overlap": overlap,
    "summarise_cohort_timing": timing,
    "treatment_pathways": pathways,
    "summarise_large_scale_characteristics": large_scale,
    SURVIVAL: survival,
    "incidence": incidence,
    "incidence_attrition": rate_attrition,
    "cohort_incidence": cohort_incidence,
    "period_prevalence": prevalence,
    "point_prevalence": prevalence,
    "prevalence_attrition": rate_attrition,
}
"""Who shows which result type; sections stand in this order, other types after them."""

STEPS_OF = {
    "incidence_attrition": ("incidence",),
    "prevalence_attrition": ("point_prevalence", "period_prevalence"),
}
"""Attrition that stands with the rate that it leads to, where the result has that."""

_SAID_OTHERWISE = frozenset({"group", "strata", "additional", RESULT_NAME})
"""Settings that the page shows by its columns and titles."""


def render(report: StudyReport, *, language: str) -> str:
    """Return the report as one self-contained HTML page.

    Args:
        report: What to show; its texts may hold anything, and are shown as text.
        language: ``en`` or ``fr``. The texts of the report itself are not translated.

    Raises:
        SettingsError: there is no such language.
    """
    words = load_words(language)
    return page_template("laennec.report", "page.html").render(
        report=report,
        words=words,
        moment=words.moment(report.made_at) if report.made_at else "",
        machine_moment=timestamp(report.made_at) if report.made_at else "",
        shown=words.digits(str(len(report.result.rows) - report.hidden)),
        why_hidden=_why_hidden(report, words),
        sections=sections(report, words),
        common=_settings(common_settings(report.result)),
        version=laennec.__version__,
    )


def sections(report: StudyReport, words: Words) -> tuple[Section, ...]:
    """Return the parts of the page that hold results, in the order of ``BUILDERS``."""
    order = list(BUILDERS)
    found = sorted(
        families(report.result),
        key=lambda one: order.index(one.result_type) if one.result_type in order else len(order),
    )
    elsewhere = {id(steps) for rate in found for steps in _steps_of(rate, found)}
    kept = [one for one in found if id(one) not in elsewhere]
    return tuple(
        _section(family, _steps_of(family, found), words, suffix=_distinction(family, kept))
        for family in kept
    )


def _steps_of(rate: Family, found: Iterable[Family]) -> list[Family]:
    """Return the attrition of a rate, which stands in the section of the rate."""
    return [
        one
        for one in found
        if rate.result_name
        and rate.result_type in STEPS_OF.get(one.result_type, ())
        and (one.cdm_name, one.result_name) == (rate.cdm_name, rate.result_name)
    ]


def _distinction(family: Family, found: Sequence[Family]) -> str:
    """Return what tells the title of a family from others: its source, its name in the study."""
    names = []
    if len({one.cdm_name for one in found}) > 1:
        names.append(readable(family.cdm_name))
    alike = [
        one
        for one in found
        if (one.result_type, one.cdm_name) == (family.result_type, family.cdm_name)
    ]
    if len(alike) > 1 and RESULT_NAME in family.settings:
        names.append(readable(family.settings[RESULT_NAME]))
    return f" ({', '.join(names)})" if names else ""


def _section(family: Family, steps: Iterable[Family], words: Words, *, suffix: str) -> Section:
    """Build a section, and add in a plain table what its builder did not show."""
    section = divided(family, BUILDERS.get(family.result_type, plain), words)
    tables = (
        *section.tables,
        *(table for one in steps for table in rate_attrition(one, words).tables),
    )
    section = replace(section, tables=tables)
    accounted = section.indexes()
    estimates = [one for part in (family, *steps) for one in part.estimates]
    rest = [one for one in estimates if one.index not in accounted]
    tables = (*section.tables, plain_table(rest, words, folded=True)) if rest else section.tables
    hidden = sum(one.row.estimate_value == HIDDEN for one in estimates)
    tally = (words.count("tally", hidden, all=words.digits(str(len(estimates)))),) if hidden else ()
    return replace(
        section,
        title=section.title + suffix,
        notes=(*section.notes, *tally),
        tables=tables,
        settings=_settings(family.settings),
    )


def _settings(settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in settings.items() if name not in _SAID_OTHERWISE)


def _why_hidden(report: StudyReport, words: Words) -> tuple[str, ...]:
    """Say how many estimates are hidden and why; never which count is small."""
    if not report.hidden:
        return (words.text("hidden.none"),)
    small = (
        words.text("hidden.few")
        if report.threshold is None
        else words.text("hidden.below", n=report.threshold)
    )
    return (
        words.count("hidden.count", report.hidden),
        words.text("hidden.why", small=small),
        words.text("hidden.not_zero"),
    )
