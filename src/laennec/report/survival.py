"""The section on survival: curves with numbers at risk, a summary, who is followed, and by day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from laennec.report.cohorts import notes_on, records_as_persons
from laennec.report.content import Cell, Figure, Row, RowGroup, Section, Table, Value
from laennec.report.estimates import Estimate, Family, each
from laennec.report.survival_chart import Curve, Moment, curves_figure, highest
from laennec.report.words import Words, readable

_COUNTS = ("n_risk_count", "n_events_count", "n_competing", "n_censor_count")
_CURVE = ("estimate", "estimate_95CI_lower", "estimate_95CI_upper")
_SUMMARY = ("number_records_count", "n_events_count")
_QUANTILES = tuple(f"{one}_survival" for one in ("q05", "q25", "median", "q75", "q95"))
_MEAN = "restricted_mean_survival"
_LEFT, _OUT = "number_subjects", "excluded_subjects"
_NONE = "none"


@dataclass(frozen=True)
class _Asked:
    """What a family is about.

    Attributes:
        outcome: The outcome.
        rival: What competes with it; empty without.
        horizon: Last day of follow-up, as text.
    """

    outcome: str
    rival: str
    horizon: str

    @property
    def outcomes(self) -> tuple[str, ...]:
        return (self.outcome, self.rival) if self.rival else (self.outcome,)


_Places = dict[tuple[str, str, str, str], Value]
"""Estimates by cohort, outcome, time and name."""


def survival(family: Family, words: Words) -> Section:
    """Return the curves of all cohorts in one picture, and tables of all that is known of them."""
    by_type: dict[str, list[Estimate]] = {}
    for one in family.estimates:
        by_type.setdefault(one.settings.result_type, []).append(one)
    extra = family.estimates[0].settings.extra
    rival = extra.get("competing_outcome", _NONE)
    asked = _Asked(
        extra.get("outcome", ""),
        "" if rival == _NONE else rival,
        extra.get("follow_up_days", ""),
    )
    curve = [
        one for name in _CURVED for one in by_type.get(name, []) if one.level("time").isdecimal()
    ]
    summary, steps = by_type.get("survival_summary", []), by_type.get("survival_attrition", [])
    found, repeated = _placed(curve, asked)
    of_curves, of_summary = _placed(summary, asked)
    unreached, limits = _unreached(of_curves)
    absent = unreached | limits
    of_curves = {place: one for place, one in of_curves.items() if one.index not in absent}
    implied = repeated | of_summary | absent | records_as_persons(steps)
    cohorts = each([*curve, *summary], _cohort)
    times = sorted({time for _, _, time, _ in found}, key=int)
    title = words.text("survival.title", outcome=readable(asked.outcome))
    note = words.text("survival.note")
    if asked.rival:
        note = words.text("survival.competing", rival=readable(asked.rival))
    figures = tuple(_figures(cohorts, times, found, asked, words, title))
    tables = (
        *_summary_table(cohorts, of_curves, asked, words),
        *_steps_table(steps, implied, words),
        *_day_table(cohorts, times, found, asked, words),
    )
    said = notes_on(records_as_persons(steps), words)
    said += (words.text("survival.unreached"),) if unreached else ()
    return Section(title, (note, *said), figures, tables, implied=implied)


_CURVED = ("survival_events", "survival_estimates")


def _cohort(one: Estimate) -> str:
    return one.level("target_cohort")


def _placed(estimates: Iterable[Estimate], asked: _Asked) -> tuple[_Places, frozenset[int]]:
    """Put estimates in their places; those that repeat one of the other outcome come apart."""
    found: _Places = {}
    repeated = set()
    for one in estimates:
        name, outcome = one.row.estimate_name, one.row.variable_level or ""
        if outcome == asked.rival and one.level("time") and name == "n_events_count":
            outcome, name = asked.outcome, "n_competing"
        value = one.value(as_percent=name in _CURVE)
        first = found.get((_cohort(one), asked.outcome, one.level("time"), name))
        common = name not in (*_CURVE, _MEAN, *(f"{_MEAN}_95CI_{end}" for end in _ENDS))
        common = common and name != "n_events_count"
        if outcome != asked.outcome and common and first is not None and first.raw == value.raw:
            repeated.add(one.index)
            continue
        found.setdefault((_cohort(one), outcome, one.level("time"), name), value)
    return found, frozenset(repeated)


_ENDS = ("lower", "upper")


def _figures(
    cohorts: Sequence[str],
    times: Sequence[str],
    found: _Places,
    asked: _Asked,
    words: Words,
    title: str,
) -> Iterator[Figure]:
    """One picture of all cohorts; with a competing outcome one of each cohort, on one scale."""
    curves = {
        (cohort, outcome): tuple(_moments(cohort, outcome, times, found, asked))
        for cohort in cohorts
        for outcome in asked.outcomes
    }
    caption = words.text("survival.caption")
    if not asked.rival:
        drawn = [Curve(readable(cohort), mine) for (cohort, _), mine in curves.items()]
        figure = curves_figure(drawn, words, title=title, caption=caption)
        yield from [figure] if figure else []
        return
    top = highest(curves.values())
    for cohort in cohorts:
        drawn = [Curve(readable(one), curves[cohort, one]) for one in asked.outcomes]
        name = readable(cohort)
        figure = curves_figure(
            drawn,
            words,
            title=f"{title}, {name}",
            caption=f"{name}: {caption}",
            counted=name,
            top=top,
        )
        yield from [figure] if figure else []


def _moments(
    cohort: str, outcome: str, times: Sequence[str], found: _Places, asked: _Asked
) -> list[Moment]:
    moments = []
    for time in times:
        if (cohort, outcome, time, _CURVE[0]) not in found:
            continue
        values = [found.get((cohort, outcome, time, name)) for name in _CURVE]
        share, lower, upper = (None if one is None else one.figure for one in values)
        if not asked.rival:
            share, lower, upper = (
                None if one is None else 1 - one for one in (share, upper, lower)
            )
        at_risk = found.get((cohort, outcome, time, _COUNTS[0]))
        moments.append(Moment(int(time), share, lower, upper, at_risk))
    return moments


def _summary_table(
    cohorts: Sequence[str], found: _Places, asked: _Asked, words: Words
) -> list[Table]:
    """One column for each cohort; lines that no cohort has are left out."""
    if not found:
        return []
    groups = []
    for outcome in asked.outcomes:
        days = words.digits(asked.horizon) if asked.horizon.isdecimal() else asked.horizon
        mean = (
            words.text("survival.mean_after", n=days)
            if asked.rival
            else words.text("survival.mean", n=days)
        )
        lines = [(words.term(name), [name]) for name in _SUMMARY]
        lines += [(words.term(name), _with_limits(name, "higher")) for name in _QUANTILES]
        lines.append((mean, _with_limits(_MEAN)))
        rows = [
            Row(said, tuple(_interval(found, cohort, outcome, "", names) for cohort in cohorts))
            for said, names in lines
        ]
        there = tuple(row for row in rows if any(cell.parts for cell in row.cells))
        groups.append(RowGroup(readable(outcome) if asked.rival else "", there))
    heads = tuple(readable(cohort) for cohort in cohorts)
    caption = words.text("survival.summary")
    return [Table(caption, words.text("survival.measure"), heads, tuple(groups))]


def _unreached(found: _Places) -> tuple[frozenset[int], frozenset[int]]:
    """Rows of quantiles that no curve of the family reaches, nor its limits; and limits of one."""
    by_name: dict[str, list[Value]] = {}
    by_curve: dict[tuple[str, str, str], list[Value]] = {}
    for (cohort, outcome, _, name), value in found.items():
        quantile = name.partition("_95CI_")[0]
        if quantile in _QUANTILES:
            by_name.setdefault(quantile, []).append(value)
            by_curve.setdefault((cohort, outcome, quantile), []).append(value)
    lines = frozenset(one.index for all_of in by_name.values() if _absent(all_of) for one in all_of)
    limits = {one.index for own in by_curve.values() if _absent(own) for one in own[1:]}
    return lines, frozenset(limits)


def _absent(values: Iterable[Value]) -> bool:
    return {one.raw for one in values} == {"NA"}


def _with_limits(name: str, upper: str = "upper") -> list[str]:
    return [name, f"{name}_95CI_lower", f"{name}_95CI_{upper}"]


def _interval(found: _Places, cohort: str, outcome: str, time: str, names: Sequence[str]) -> Cell:
    """An estimate with its limits, if it has them."""
    values = [found.get((cohort, outcome, time, name)) for name in names]
    if values[0] is None:
        return Cell()
    if len(values) < 3 or values[1] is None or values[2] is None:
        return Cell((values[0],))
    return Cell((values[0], " [", values[1], "–", values[2], "]"))


def _steps_table(steps: Sequence[Estimate], implied: frozenset[int], words: Words) -> list[Table]:
    """Who of each cohort is followed, and why others are not."""
    shown = [one for one in steps if one.index not in implied]
    variables = each(shown, lambda one: one.row.variable_name)
    heads = [name for name in (_LEFT, _OUT) if name in variables]
    heads += [name for name in variables if name not in heads]
    groups = []
    for cohort in each(shown, _cohort):
        mine = [one for one in shown if _cohort(one) == cohort]
        cells = {(one.level("reason_id"), one.row.variable_name): one.value() for one in mine}
        rows = tuple(
            Row(
                f"{number}. {words.term(reason)}",
                tuple(
                    Cell((cells[number, name],)) if (number, name) in cells else Cell()
                    for name in heads
                ),
            )
            for number, reason in each(mine, lambda one: (one.level("reason_id"), _reason(one)))
        )
        groups.append(RowGroup(readable(cohort), rows))
    if not groups:
        return []
    terms = tuple(words.term(name) for name in heads)
    return [Table(words.text("survival.steps"), words.text("step"), terms, tuple(groups))]


def _reason(one: Estimate) -> str:
    return one.level("reason")


def _day_table(
    cohorts: Sequence[str], times: Sequence[str], found: _Places, asked: _Asked, words: Words
) -> list[Table]:
    if not times:
        return []
    names = [name for name in _COUNTS if any(place[3] == name for place in found)]
    heads = [words.term(name) for name in names]
    if asked.rival:
        heads += [words.text("survival.with", outcome=readable(one)) for one in asked.outcomes]
    else:
        heads.append(words.text("survival.without"))
    groups = []
    for cohort in cohorts:
        rows = []
        for time in times:
            counts = [_interval(found, cohort, asked.outcome, time, [name]) for name in names]
            shares = [_interval(found, cohort, one, time, _CURVE) for one in asked.outcomes]
            if any(cell.parts for cell in (*counts, *shares)):
                rows.append(Row(words.digits(time), (*counts, *shares)))
        groups.append(RowGroup(readable(cohort), tuple(rows)))
    caption, corner = words.text("survival.table"), words.text("survival.days")
    return [Table(caption, corner, tuple(heads), tuple(groups), folded=True)]
