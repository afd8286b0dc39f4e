"""Outcomes of a person, as the incidence and cumulative incidence of a study see them.

The rules of a concept cohort (CohortConstructor ``conceptCohort``), which is what users of
IncidencePrevalence and CohortSurvival give as outcome: a record counts if it starts on an observed
day, is cut at the end of that period, and records that share a day are one outcome.
"""

from laennec.study.model import Events
from laennec.study.reference_history import Concepts, History, Span, merged


def outcomes_of(events: Events, history: History, concepts: Concepts) -> tuple[Span, ...]:
    """Return the outcomes in order; no two share a day."""
    spans = []
    for record in history.of(events, concepts):
        period = history.period_of(record.days.start)
        if period is not None:
            spans.append(Span(record.days.start, min(record.days.end, period.end)))
    return merged(spans)
