"""One member of a cohort in large-scale characterisation: concepts they have in each window.

A record counts when it shares a day with the period of observation that holds the entry. As an
event it lies on its first day; as an episode on all its days.
"""

from collections.abc import Mapping

from laennec.study.model import LargeScaleCharacteristics, Window
from laennec.study.partials import Key, Partial
from laennec.study.reference_cohorts import Membership
from laennec.study.reference_history import History, Record, Span


def large_scale(
    asked: LargeScaleCharacteristics, history: History, memberships: Mapping[str, Membership]
) -> Partial:
    """Count the person for each concept and window, and each window they are observed in."""
    counts: dict[Key, int] = {}
    for cohort in asked.cohorts:
        if cohort not in memberships:
            continue
        entry, period = memberships[cohort].days.start, memberships[cohort].period
        for n, window in enumerate(asked.windows):
            if _meets(window, period, entry):
                counts["large_scale_observed", asked.name, cohort, n] = 1
            for table, kind in asked.analyses:
                for record in history.records.get(table, []):
                    concept = _concept(asked, record)
                    days = record.days if kind == "episode" else Span(*(record.days.start,) * 2)
                    seen = record.days.start <= period.end and record.days.end >= period.start
                    if concept is not None and seen and _meets(window, days, entry):
                        key = ("large_scale", asked.name, table, kind, cohort, n, concept)
                        counts[key] = 1
    return Partial(counts)


def _concept(asked: LargeScaleCharacteristics, record: Record) -> int | None:
    """The concept to count the record by, if it has one that is not excluded."""
    found = record.concept_id if asked.concepts == "standard" else record.source_concept_id
    return None if found in asked.excluded else found


def _meets(window: Window, days: Span, entry: int) -> bool:
    """Whether a day of ``days`` lies in the window."""
    return (window.start is None or days.end - entry >= window.start) and (
        window.end is None or days.start - entry <= window.end
    )
