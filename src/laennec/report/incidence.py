"""The section on incidence: overall by sex and age group, then by calendar interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.incidence_charts import Analysis, Rate, overall_figure, yearly_figures
from laennec.report.words import Words, readable

_COLUMNS = (
    ("Denominator", "denominator_count"),
    ("Denominator", "person_days"),
    ("Denominator", "person_years"),
    ("Outcome", "outcome_count"),
)
_RATE = "incidence_100000_pys"
_RATES = (_RATE, f"{_RATE}_95CI_lower", f"{_RATE}_95CI_upper")
_OVERALL = "overall"


@dataclass(frozen=True)
class _Period:
    """One interval of one analysis, and its estimates by variable and name."""

    sex: str
    ages: str
    kind: str
    start: str
    end: str

    @property
    def analysis(self) -> tuple[str, str]:
        return (self.sex, self.ages)

    @property
    def year(self) -> float | None:
        """The start as a calendar year with its fraction, or None when it is no date."""
        try:
            day = date.fromisoformat(self.start)
        except ValueError:
            return None
        whole = (day.month, day.day) == (1, 1) or self.kind == "years"
        return day.year if whole else day.year + (day.timetuple().tm_yday - 1) / 365.25

    def label(self, words: Words) -> str:
        if self.kind == "years" and (self.start[4:], self.end[4:]) == ("-01-01", "-12-31"):
            return self.start[:4]
        return words.text("period", start=self.start, end=self.end)


_Estimates = dict[_Period, dict[tuple[str, str], Value]]


def incidence(family: Family, words: Words) -> Section:
    """Return the overall rates with their picture, and each interval as small multiples."""
    found = _periods(family.estimates)
    overall = [period for period in found if period.kind == _OVERALL]
    dated = sorted((one for one in found if one.kind != _OVERALL), key=lambda one: one.start)
    figures, tables = [], []
    if overall:
        picture = overall_figure(_analyses(overall, found, words), words)
        figures += [picture] if picture else []
        tables.append(_overall_table(overall, found, words))
    if dated:
        order = each(found, lambda one: one.analysis)
        dated.sort(key=lambda one: order.index(one.analysis))
        figures += yearly_figures(_analyses(dated, found, words), words)
        tables.append(_dated_table(dated, found, words))
    return Section(
        _title(family, words), (words.text("incidence.note"),), tuple(figures), tuple(tables)
    )


def _title(family: Family, words: Words) -> str:
    first = family.estimates[0]
    outcome = first.level("outcome_cohort_name") or first.level("outcome")
    target = first.settings.extra.get("denominator_target_cohort_name", "None")
    population = words.text("everyone") if target == "None" else readable(target)
    return words.text("incidence.title", outcome=readable(outcome), population=population)


def _periods(estimates: Sequence[Estimate]) -> _Estimates:
    """Put estimates under their period; of two at one place, the first."""
    found: _Estimates = {}
    for one in estimates:
        period = _Period(
            one.settings.extra.get("denominator_sex", ""),
            one.settings.extra.get("denominator_age_group", ""),
            one.level("analysis_interval") or _OVERALL,
            one.level("incidence_start_date"),
            one.level("incidence_end_date"),
        )
        name = (one.row.variable_name, one.row.estimate_name)
        found.setdefault(period, {}).setdefault(name, one.value())
    return found


def _analyses(periods: Sequence[_Period], found: _Estimates, words: Words) -> list[Analysis]:
    """Return what the pictures show: figures only, None where hidden."""
    return [
        Analysis(
            sex,
            _said(sex, ages, words),
            tuple(
                Rate(one.year, *(_figure(found[one], name) for name in _RATES))
                for one in periods
                if one.analysis == (sex, ages)
            ),
        )
        for sex, ages in each(periods, lambda one: one.analysis)
    ]


def _figure(values: dict[tuple[str, str], Value], name: str) -> float | None:
    value = values.get(("Outcome", name))
    return None if value is None else value.figure


def _said(sex: str, ages: str, words: Words) -> str:
    return ", ".join(words.term(part) for part in (sex, ages) if part) or words.text("overall")


def _overall_table(periods: Sequence[_Period], found: _Estimates, words: Words) -> Table:
    span = each(periods, lambda one: one.label(words))
    rows = tuple(
        Row(
            _said(*one.analysis, words) + (f", {one.label(words)}" if len(span) > 1 else ""),
            _cells(found[one]),
        )
        for one in periods
    )
    when = f" ({span[0]})" if len(span) == 1 else ""
    caption = words.text("incidence.overall") + when
    return Table(caption, words.text("group"), _heads(words), (RowGroup("", rows),))


def _dated_table(periods: Sequence[_Period], found: _Estimates, words: Words) -> Table:
    groups = tuple(
        RowGroup(
            _said(*analysis, words),
            tuple(
                Row(one.label(words), _cells(found[one]))
                for one in periods
                if one.analysis == analysis
            ),
        )
        for analysis in each(periods, lambda one: one.analysis)
    )
    return Table(
        words.text("incidence.dated"), words.text("interval"), _heads(words), groups, folded=True
    )


def _heads(words: Words) -> tuple[str, ...]:
    return (*(words.term(name) for _, name in _COLUMNS), words.text("incidence.rate"))


def _cells(values: dict[tuple[str, str], Value]) -> tuple[Cell, ...]:
    plain = tuple(Cell((values[place],)) if place in values else Cell() for place in _COLUMNS)
    rate, lower, upper = (values.get(("Outcome", name)) for name in _RATES)
    if rate is None:
        return (*plain, Cell())
    if lower is None or upper is None:
        return (*plain, Cell((rate,)))
    return (*plain, Cell((rate, " [", lower, "–", upper, "]")))
