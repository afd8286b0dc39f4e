"""Cumulative incidence as DARWIN rows: at risk, events, Kaplan-Meier or Aalen-Johansen."""

from collections.abc import Iterator

from laennec.omop.summarised_result import ResultRow
from laennec.study.estimates_rows import number, stratum_place
from laennec.study.estimators import Histogram, SurvivalPoint, aalen_johansen, kaplan_meier
from laennec.study.model import CumulativeIncidence, Study
from laennec.study.partials import Partial


def survival_settings(asked: CumulativeIncidence) -> dict[str, str]:
    """Return what was asked, with the words of CohortSurvival where it has them."""
    own = {} if asked.competing is None else {"competing_outcome": asked.competing.label}
    if asked.censor is not None:
        own["censor_cohort_name"] = asked.censor
    if asked.censor_on is not None:
        own["censor_on_date"] = asked.censor_on.isoformat()
    return own | {
        "group": "cohort_name &&& outcome",
        "additional": "time",
        "outcome_washout": "inf" if asked.washout is None else str(asked.washout),
        "censor_on_cohort_exit": "TRUE" if asked.censor_on_exit else "FALSE",
        "follow_up_days": str(asked.horizon),
        "minimum_survival_days": str(asked.minimum_days),
        "eventgap": str(asked.step),
        "analysis_type": "single_event" if asked.competing is None else "competing_risk",
    }


def survival_rows(
    asked: CumulativeIncidence, study: Study, partial: Partial, cdm_name: str
) -> Iterator[ResultRow]:
    """Yield, for each cohort, stratum and published day, who is at risk, events and the curve."""
    for stratum in study.strata_of(asked):
        for point in _curve(asked, partial, stratum.label):
            where = stratum_place(
                cdm_name,
                stratum,
                {"outcome": asked.outcome.label},
                additional={"time": str(point.day)},
            )
            at_risk = str(point.at_risk)
            yield where.row("Number at risk", None, "n_risk", "integer", at_risk)
            yield where.row("Events", None, "n_events", "integer", str(point.events))
            if asked.competing is not None:
                yield where.row("Events", None, "n_competing", "integer", str(point.competing))
            yield where.row("Events", None, "n_censored", "integer", str(point.censored))
            for estimate, value in (
                ("estimate", point.incidence),
                ("estimate_95CI_lower", point.lower),
                ("estimate_95CI_upper", point.upper),
            ):
                text = number(value, "probability")
                yield where.row("Cumulative incidence", None, estimate, "numeric", text)


def _curve(asked: CumulativeIncidence, partial: Partial, label: str) -> Iterator[SurvivalPoint]:
    events = _by_day(partial, asked.name, label, "events")
    censored = _by_day(partial, asked.name, label, "censored")
    if asked.competing is None:
        return kaplan_meier(events, censored, step=asked.step, horizon=asked.horizon)
    competing = _by_day(partial, asked.name, label, "competing")
    return aalen_johansen(events, competing, censored, step=asked.step, horizon=asked.horizon)


def _by_day(partial: Partial, result: str, cohort: str, what: str) -> Histogram:
    """Days since entry and the persons with an event, or censored, on each."""
    found: dict[int, int] = {}
    for key, n in partial.counts.items():
        if key[0] == "survival" and key[1:3] == (result, cohort) and key[4] == what:
            found[int(key[3])] = n
    return found
