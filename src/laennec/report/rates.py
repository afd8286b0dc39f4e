"""The sections on incidence and prevalence: overall by sex and age group, then by interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from laennec.report.content import Cell, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.rate_charts import Analysis, Rate, overall_figure, yearly_figures
from laennec.report.words import Words, readable

_OVERALL = "overall"


@dataclass(frozen=True)
class _Measure:
    """What one kind of rate is called.

    Attributes:
        name: Start of its words and of the names of its interval.
        columns: Variables and estimates that stand beside it in tables.
        estimate: Its estimate; the limits have its name and an ending.
        as_percent: Show it multiplied by 100.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    estimate: str
    as_percent: bool = False

    @property
    def estimates(self) -> tuple[str, str, str]:
        """The estimate and its limits."""
        return self.estimate, f"{self.estimate}_95CI_lower", f"{self.estimate}_95CI_upper"

    def figure(self, value: Value | None) -> float | None:
        """The number that a picture shows."""
        if value is None or value.figure is None:
            return None
        return value.figure * 100 if self.as_percent else value.figure


_INCIDENCE = _Measure(
    "incidence",
    (
        ("Denominator", "denominator_count"),
        ("Denominator", "person_days"),
        ("Denominator", "person_years"),
        ("Outcome", "outcome_count"),
    ),
    "incidence_100000_pys",
)
_PREVALENCE = _Measure(
    "prevalence",
    (("Denominator", "denominator_count"), ("Outcome", "outcome_count")),
    "prevalence",
    as_percent=True,
)


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
    return _section(_INCIDENCE, family, words)


def prevalence(family: Family, words: Words) -> Section:
    """Return the overall shares with their picture, and each interval as small multiples."""
    return _section(_PREVALENCE, family, words)


def _section(measure: _Measure, family: Family, words: Words) -> Section:
    found = _periods(measure, family.estimates)
    unit = words.text(f"{measure.name}.axis")
    overall = [period for period in found if period.kind == _OVERALL]
    dated = sorted((one for one in found if one.kind != _OVERALL), key=lambda one: one.start)
    figures, tables = [], []
    if overall:
        title = words.text(f"{measure.name}.overall")
        drawn = _analyses(measure, overall, found, words)
        picture = overall_figure(drawn, words, title=title, unit=unit)
        figures += [picture] if picture else []
        tables.append(_overall_table(measure, overall, found, words))
    if dated:
        order = each(found, lambda one: one.analysis)
        dated.sort(key=lambda one: order.index(one.analysis))
    for kind in each(dated, lambda one: one.kind):
        alike = [one for one in dated if one.kind == kind]
        figures += yearly_figures(_analyses(measure, alike, found, words), words, unit=unit)
        tables.append(_dated_table(measure, alike, found, words))
    notes = [words.text(f"{measure.name}.note")]
    notes += [words.text("rates.drawn")] if figures else []
    title = _title(measure, family, words)
    return Section(title, tuple(notes), tuple(figures), tuple(tables))


def _title(measure: _Measure, family: Family, words: Words) -> str:
    first = family.estimates[0]
    outcome = first.level("outcome_cohort_name") or first.level("outcome")
    target = first.settings.extra.get("denominator_target_cohort_name", "None")
    population = words.text("everyone") if target == "None" else readable(target)
    kind = "point" if family.result_type == "point_prevalence" else "title"
    places = {"outcome": readable(outcome), "population": population}
    return words.text(f"{measure.name}.{kind}", **places)


def _periods(measure: _Measure, estimates: Sequence[Estimate]) -> _Estimates:
    """Put estimates under their period; of two at one place, the first."""
    found: _Estimates = {}
    for one in estimates:
        period = _Period(
            one.settings.extra.get("denominator_sex", ""),
            one.settings.extra.get("denominator_age_group", ""),
            one.level("analysis_interval") or _OVERALL,
            one.level(f"{measure.name}_start_date"),
            one.level(f"{measure.name}_end_date"),
        )
        name = (one.row.variable_name, one.row.estimate_name)
        share = measure.as_percent and name[1] in measure.estimates
        found.setdefault(period, {}).setdefault(name, one.value(as_percent=share))
    return found


def _analyses(
    measure: _Measure, periods: Sequence[_Period], found: _Estimates, words: Words
) -> list[Analysis]:
    """Return what the pictures show: figures only, None where hidden."""
    return [
        Analysis(
            sex,
            _said(sex, ages, words),
            tuple(
                Rate(
                    one.year,
                    *(
                        measure.figure(found[one].get(("Outcome", name)))
                        for name in measure.estimates
                    ),
                )
                for one in periods
                if one.analysis == (sex, ages)
            ),
        )
        for sex, ages in each(periods, lambda one: one.analysis)
    ]


def _said(sex: str, ages: str, words: Words) -> str:
    return ", ".join(words.term(part) for part in (sex, ages) if part) or words.text("overall")


def _overall_table(
    measure: _Measure, periods: Sequence[_Period], found: _Estimates, words: Words
) -> Table:
    span = each(periods, lambda one: one.label(words))
    rows = tuple(
        Row(
            _said(*one.analysis, words) + (f", {one.label(words)}" if len(span) > 1 else ""),
            _cells(measure, found[one]),
        )
        for one in periods
    )
    when = f" ({span[0]})" if len(span) == 1 else ""
    caption = words.text(f"{measure.name}.overall") + when
    return Table(caption, words.text("group"), _heads(measure, words), (RowGroup("", rows),))


def _dated_table(
    measure: _Measure, periods: Sequence[_Period], found: _Estimates, words: Words
) -> Table:
    groups = tuple(
        RowGroup(
            _said(*analysis, words),
            tuple(
                Row(one.label(words), _cells(measure, found[one]))
                for one in periods
                if one.analysis == analysis
            ),
        )
        for analysis in each(periods, lambda one: one.analysis)
    )
    return Table(
        words.text(f"{measure.name}.dated"),
        words.text("interval"),
        _heads(measure, words),
        groups,
        folded=True,
    )


def _heads(measure: _Measure, words: Words) -> tuple[str, ...]:
    return (
        words.text(f"{measure.name}.persons"),
        *(words.term(name) for _, name in measure.columns[1:]),
        words.text(f"{measure.name}.rate"),
    )


def _cells(measure: _Measure, values: dict[tuple[str, str], Value]) -> tuple[Cell, ...]:
    plain = tuple(
        Cell((values[place],)) if place in values else Cell() for place in measure.columns
    )
    rate, lower, upper = (values.get(("Outcome", name)) for name in measure.estimates)
    if rate is None:
        return (*plain, Cell())
    if lower is None or upper is None:
        return (*plain, Cell((rate,)))
    return (*plain, Cell((rate, " [", lower, "–", upper, "]")))
