"""The section on incidence as CohortIncidence has it: rates and proportions by target and group."""

from collections.abc import Mapping, Sequence

from laennec.omop.summarised_result import OVERALL
from laennec.report.content import Cell, Figure, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.rate_charts import Analysis, Rate, overall_figure
from laennec.report.words import Words, readable

_SHOWN = (
    "persons_at_risk",
    "person_days",
    "person_outcomes",
    "outcomes",
    "incidence_proportion_p100p",
    "incidence_rate_p100py",
)
_BEFORE = (
    "persons_at_risk_pe",
    "person_days_pe",
    "persons_excluded_days",
    "person_outcomes_pe",
    "outcomes_pe",
)
_DRAWN = "incidence_rate_p100py"

_Group = tuple[str, str]
_Found = Mapping[_Group, Mapping[str, Value]]


def cohort_incidence(family: Family, words: Words) -> Section:
    """Return for each target its rates with their picture, and what was there before exclusion."""
    figures: list[Figure] = []
    tables: list[Table] = []
    targets = each(family.estimates, lambda one: one.level("target_cohort_name"))
    for target in targets:
        mine = [one for one in family.estimates if one.level("target_cohort_name") == target]
        found = _by_group(mine)
        name = readable(target)
        picture = _figure(found, words, title=words.text("targets.figure", cohort=name))
        figures += [picture] if picture else []
        caption = words.text("targets.table", cohort=name)
        tables.append(_table(caption, _SHOWN, found, words))
        caption = words.text("targets.before", cohort=name)
        tables.append(_table(caption, _BEFORE, found, words, folded=True))
    outcome = readable(family.estimates[0].level("outcome_cohort_name"))
    title = words.text("targets.title", outcome=outcome)
    return Section(title, (words.text("targets.note"),), tuple(figures), tuple(tables))


def _by_group(estimates: Sequence[Estimate]) -> _Found:
    """Put estimates under their group; of two at one place, the first."""
    found: dict[_Group, dict[str, Value]] = {}
    for one in estimates:
        group = (one.row.strata_name, one.row.strata_level)
        found.setdefault(group, {}).setdefault(one.row.estimate_name, one.value())
    return found


def _said(group: _Group, words: Words) -> str:
    """The group in words, without the names of what it is divided by."""
    if group[0] == OVERALL:
        return words.text("overall")
    levels = zip(group[0].split(" &&& "), group[1].split(" &&& "), strict=False)
    return ", ".join(
        words.text("targets.year", year=level) if name == "start_year" else words.term(level)
        for name, level in levels
    )


def _figure(found: _Found, words: Words, *, title: str) -> Figure | None:
    drawn = [
        Analysis(
            _sex(group),
            _said(group, words),
            (Rate(None, values[_DRAWN].figure if _DRAWN in values else None, None, None),),
        )
        for group, values in found.items()
        if _DRAWN in values
    ]
    return overall_figure(drawn, words, title=title, unit=words.text("targets.axis"))


def _sex(group: _Group) -> str:
    named = dict(zip(group[0].split(" &&& "), group[1].split(" &&& "), strict=False))
    return named.get("sex", "Both")


def _table(
    caption: str,
    shown: Sequence[str],
    found: _Found,
    words: Words,
    *,
    folded: bool = False,
) -> Table:
    rows = tuple(
        Row(
            _said(group, words),
            tuple(Cell((values[one],)) if one in values else Cell() for one in shown),
        )
        for group, values in found.items()
    )
    return Table(
        caption,
        words.text("group"),
        tuple(words.term(one) for one in shown),
        (RowGroup("", rows),),
        folded=folded,
    )
