"""Survival as CohortSurvival writes it: estimates, events and summary; attrition is beside.

The layout is what ``asSurvivalResult``, ``plotSurvival``, ``tableSurvival`` and ``riskTable`` of
CohortSurvival 1.1 and 1.2 read. The estimate is the share without the event (Kaplan-Meier); with a
competing outcome the share with it, for each of the two (Aalen-Johansen).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from laennec.core.restricted_means import RestrictedMean, days_after, days_without
from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_rows import number, place
from laennec.study.estimates_survival_attrition import survival_attrition_rows
from laennec.study.estimators import Histogram, SurvivalPoint, aalen_johansen, kaplan_meier
from laennec.study.estimators_quantiles import survival_quantiles
from laennec.study.model import CumulativeIncidence, Stratum, Study
from laennec.study.partials import Partial

Tables = Iterator[tuple[str, Iterator[ResultRow], dict[str, str]]]

QUANTILES = {"median": 0.5, "q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}
"""Names of CohortSurvival, and the share of persons with the event."""

LIMITS = ("estimate_95CI_lower", "estimate_95CI_upper")
_ENDS = ("events", "competing", "censored")


def survival_tables(
    asked: CumulativeIncidence, study: Study, partial: Partial, cdm_name: str, divided: str
) -> Tables:
    """Yield the type, rows and settings of each of the four tables.

    Args:
        asked: What is asked.
        study: The study it is of.
        partial: The merged answer of all buckets.
        cdm_name: Name of the data.
        divided: Names of the strata, joined; empty without.
    """
    by_end = _by_end(asked, partial)
    followed = [
        _Followed(
            asked,
            one,
            cdm_name,
            *(by_end.get(one.label, {}).get(name, {}) for name in _ENDS),
        )
        for one in study.strata_of(asked)
    ]
    shared = survival_settings(asked) | ({"strata": divided} if divided else {})
    timed = {"additional": "time"}

    def rows(make: Callable[[_Followed], Iterator[ResultRow]]) -> Iterator[ResultRow]:
        return (row for one in followed for row in make(one))

    yield "survival_estimates", rows(_estimates), shared | timed
    yield "survival_events", rows(_events), shared | timed | {"eventgap": str(asked.step)}
    yield "survival_summary", rows(_summary), shared
    steps = {"strata": "reason", "additional": "reason_id"}
    attrition = survival_attrition_rows(asked, study, partial, cdm_name)
    yield "survival_attrition", attrition, shared | steps


def survival_settings(asked: CumulativeIncidence) -> dict[str, str]:
    """Return what was asked, with the words of CohortSurvival where it has them."""
    own = {}
    if asked.competing is not None:
        tie = "competingOutcome" if asked.tie == "competing" else "outcome"
        own = {
            "competing_outcome_washout": _washout(asked.competing_washout),
            "outcome_competing_tie": tie,
        }
    if asked.censor_on is not None:
        own["censor_on_date"] = asked.censor_on.isoformat()
    if asked.censor is not None:
        own["censor_cohort_name"] = asked.censor
    return own | {
        "group": "target_cohort",
        "analysis_type": "single_event" if asked.competing is None else "competing_risk",
        "outcome": asked.outcome.label,
        "competing_outcome": "none" if asked.competing is None else asked.competing.label,
        "outcome_date_variable": "cohort_start_date",
        "outcome_washout": _washout(asked.washout),
        "censor_on_cohort_exit": "TRUE" if asked.censor_on_exit else "FALSE",
        "event_censor_tie": "event",
        "follow_up_days": str(asked.horizon),
        "minimum_survival_days": str(asked.minimum_days),
        "restricted_mean_follow_up": str(asked.horizon),
    }


def _washout(days: int | None) -> str:
    return "Inf" if days is None else str(days)


@dataclass(frozen=True)
class _Followed:
    """Who is followed in one cohort or stratum, by the day and what ended it."""

    asked: CumulativeIncidence
    stratum: Stratum
    cdm_name: str
    events: Histogram
    competing: Histogram
    censored: Histogram

    @property
    def persons(self) -> int:
        return sum(sum(one.values()) for one in (self.events, self.competing, self.censored))

    def outcomes(self) -> "Iterator[tuple[str, _Followed]]":
        """Yield each outcome's name with this, seen from it; the competing one comes second."""
        yield self.asked.outcome.label, self
        if self.asked.competing is not None:
            other = replace(self, events=self.competing, competing=self.events)
            yield self.asked.competing.label, other

    def points(self) -> Iterator[SurvivalPoint]:
        step, horizon = self.asked.step, self.asked.horizon
        if self.asked.competing is None:
            return kaplan_meier(self.events, self.censored, step=step, horizon=horizon)
        return aalen_johansen(
            self.events, self.competing, self.censored, step=step, horizon=horizon
        )

    def mean(self) -> RestrictedMean | None:
        """The restricted mean: days without the event, or after it where another competes."""
        horizon = self.asked.horizon
        if self.asked.competing is None:
            return days_without(self.events, self.censored, horizon=horizon)
        return days_after(self.events, self.competing, self.censored, horizon=horizon)

    def row(self, outcome: str, estimate: str, value: str, *, day: int | None = None) -> ResultRow:
        """A row about one outcome, on a day or over the whole time."""
        where = place(
            self.cdm_name,
            {"target_cohort": self.stratum.cohort},
            strata=dict(self.stratum.levels),
            additional=None if day is None else {"time": str(day)},
        )
        kind = "integer" if estimate.endswith("_count") else "numeric"
        return where.row("outcome", outcome, estimate, kind, value)


def _by_end(asked: CumulativeIncidence, partial: Partial) -> dict[str, dict[str, dict[int, int]]]:
    """Who is followed, by cohort or stratum, what ended it, and the day."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    for key, n in partial.counts.items():
        if key[0] == "survival" and key[1] == asked.name:
            _, _, label, day, ended_by = key
            found.setdefault(str(label), {}).setdefault(str(ended_by), {})[int(day)] = n
    return found


def _estimates(followed: _Followed) -> Iterator[ResultRow]:
    """The curve of each outcome: the share without it, or with it where another competes."""
    for outcome, mine in followed.outcomes():
        for point in mine.points():
            values = (point.incidence, point.lower, point.upper)
            if followed.asked.competing is None:
                values = (1 - point.incidence, 1 - point.upper, 1 - point.lower)
            for name, value in zip(("estimate", *LIMITS), values, strict=True):
                yield mine.row(outcome, name, number(value, "probability"), day=point.day)


def _events(followed: _Followed) -> Iterator[ResultRow]:
    """At risk, events and censored of each outcome since the previous day of the curve."""
    for outcome, mine in followed.outcomes():
        for point in mine.points():
            for name, count in (
                ("n_risk_count", point.at_risk),
                ("n_events_count", point.events),
                ("n_censor_count", point.censored),
            ):
                yield mine.row(outcome, name, str(count), day=point.day)


def _summary(followed: _Followed) -> Iterator[ResultRow]:
    """Persons, events, quantiles (without a competing outcome) and the restricted mean."""
    if not followed.persons:
        return
    for outcome, mine in followed.outcomes():
        yield mine.row(outcome, "number_records_count", str(mine.persons))
        yield mine.row(outcome, "n_events_count", str(sum(mine.events.values())))
        if followed.asked.competing is None:
            found = survival_quantiles(mine.events, mine.censored, [*QUANTILES.values()])
            for name, at in zip(QUANTILES, found, strict=True):
                yield mine.row(outcome, f"{name}_survival", _days(at.day))
                yield mine.row(outcome, f"{name}_survival_95CI_lower", _days(at.lower))
                yield mine.row(outcome, f"{name}_survival_95CI_higher", _days(at.upper))
        mean = mine.mean()
        lower, upper = (None, None) if mean is None else mean.limits()
        days = None if mean is None else mean.days
        yield mine.row(outcome, "restricted_mean_survival", _days(days))
        yield mine.row(outcome, "restricted_mean_survival_95CI_lower", _days(lower))
        yield mine.row(outcome, "restricted_mean_survival_95CI_upper", _days(upper))


def _days(value: float | None) -> str:
    return "NA" if value is None else number(value, "mean")
