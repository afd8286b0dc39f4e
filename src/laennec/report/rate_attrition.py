"""The section on who a rate looks at: persons left after each step, by sex and age group."""

from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.words import Words, readable

_SHOWN = ("number_subjects", "excluded_subjects")


def rate_attrition(family: Family, words: Words) -> Section:
    """Return one table, with the steps of each analysis as a group of lines."""
    groups = tuple(
        RowGroup(", ".join(words.term(part) for part in analysis), _steps(family, analysis, words))
        for analysis in each(family.estimates, _analysis)
    )
    outcome = readable(family.estimates[0].level("outcome_cohort_name"))
    heads = tuple(words.term(one) for one in _SHOWN)
    caption = words.text("rate_attrition.caption")
    table = Table(caption, words.text("rate_attrition.step"), heads, groups, folded=True)
    if family.result_type == "incidence_attrition":
        title = words.text("rate_attrition.incidence", outcome=outcome)
    else:
        title = words.text("rate_attrition.prevalence", outcome=outcome)
    return Section(title, (words.text("rate_attrition.note"),), (), (table,))


def _analysis(one: Estimate) -> tuple[str, str]:
    extra = one.settings.extra
    return extra.get("denominator_sex", ""), extra.get("denominator_age_group", "")


def _steps(family: Family, analysis: tuple[str, str], words: Words) -> tuple[Row, ...]:
    mine = [one for one in family.estimates if _analysis(one) == analysis]
    found: dict[str, dict[str, Value]] = {}
    for one in mine:
        found.setdefault(one.level("reason"), {}).setdefault(one.row.variable_name, one.value())
    return tuple(
        Row(
            words.term(reason),
            tuple(Cell((values[name],)) if name in values else Cell() for name in _SHOWN),
        )
        for reason, values in found.items()
    )
