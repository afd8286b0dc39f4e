"""From a report to the text of an HTML page.

Always holds: every estimate of the result stands in exactly one table, or a note says which other
one it repeats; a hidden estimate is a word, never a number and never empty. Equal reports give
equal bytes.
"""

from collections.abc import Callable, Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import laennec
from laennec.core.clock import timestamp
from laennec.report.characteristics import characteristics
from laennec.report.cohorts import attrition, sizes
from laennec.report.content import HIDDEN, Section
from laennec.report.estimates import Family, common_settings, families
from laennec.report.incidence import incidence
from laennec.report.model import StudyReport
from laennec.report.plain import plain, plain_table
from laennec.report.survival import cumulative_incidence
from laennec.report.words import Words, load_words, readable

Builder = Callable[[Family, Words], Section]

BUILDERS: Mapping[str, Builder] = {
    "summarise_cohort_count": sizes,
    "summarise_cohort_attrition": attrition,
    "summarise_characteristics": characteristics,
    "cumulative_incidence": cumulative_incidence,
    "incidence": incidence,
}
"""Who shows which result type; sections stand in this order, other types after them."""

_PROJECT_SETTINGS = frozenset({"group", "strata", "additional"})
"""Settings that say which columns a table has, which the page shows by having them."""


def render(report: StudyReport, *, language: str) -> str:
    """Return the report as one self-contained HTML page.

    Args:
        report: What to show; its texts may hold anything, and are shown as text.
        language: ``en`` or ``fr``. The texts of the report itself are not translated.

    Raises:
        SettingsError: there is no such language.
    """
    words = load_words(language)
    hidden = sum(row.estimate_value == HIDDEN for row in report.result.rows)
    environment = Environment(
        loader=PackageLoader("laennec.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = environment.get_template("page.css").render()
    return environment.get_template("page.html").render(
        report=report,
        words=words,
        # The style sheet is a file of this package and holds nothing from a report.
        style=Markup(style),  # noqa: S704
        moment=words.moment(report.made_at),
        machine_moment=timestamp(report.made_at),
        shown=words.digits(str(len(report.result.rows) - hidden)),
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
    several = len({one.cdm_name for one in found}) > 1
    return tuple(_section(family, words, several=several) for family in found)


def _section(family: Family, words: Words, *, several: bool) -> Section:
    """Build a section, and add in a plain table what its builder did not show."""
    section = BUILDERS.get(family.result_type, plain)(family, words)
    accounted = section.indexes()
    rest = [one for one in family.estimates if one.index not in accounted]
    tables = (*section.tables, plain_table(rest, words, folded=True)) if rest else section.tables
    source = f" ({readable(family.cdm_name)})" if several else ""
    hidden = sum(one.row.estimate_value == HIDDEN for one in family.estimates)
    tally = (
        (words.count("tally", hidden, all=words.digits(str(len(family.estimates)))),)
        if hidden
        else ()
    )
    return Section(
        section.title + source,
        (*section.notes, *tally),
        section.figures,
        tables,
        _settings(family.settings),
        section.implied,
    )


def _settings(settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in settings.items() if name not in _PROJECT_SETTINGS)


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
