"""What engines count of rates in strata is judged, and never refused for not adding up.

Strata of a rate add up at each age and not over ages, outcomes over ages only now and then: the
sums that disclosure control holds for true must hold for whatever an engine can count.
"""

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from generative.study_strategies import (
    FEW_TABLES,
    Case,
    has_events,
    incidences,
    prevalences,
    resolved,
    rows_of,
    studies,
)
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN
from laennec.study.estimates import summarise
from laennec.study.model import ByEvents, Study
from laennec.study.reference import evaluate

FRANCE = load_profile("france-11")
MANY_ROWS = 1_500
"""Beyond these, judging takes too long for a random study."""


@st.composite
def divided(draw: st.DrawFn) -> Case:
    """A study of one rate, which a feature divides; cohorts as they come."""
    tables = FEW_TABLES[:2]
    found = draw(studies(tables))
    asked = draw(has_events("feature", tables))
    feature = ByEvents(**asked.model_dump(exclude={"kind"}))
    known = tuple(one.name for one in found.cohorts)
    made = draw(st.one_of(incidences("rate", known, tables), prevalences("rate", known, tables)))
    study = Study(
        **{
            **{name: getattr(found, name) for name in Study.model_fields},
            "strata": (feature,),
            "results": (made.model_copy(update={"strata": (("feature",),)}),),
        }
    )
    return Case(study, draw(resolved), draw(rows_of(study)))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=divided(), times=st.sampled_from([1, 4, 9, 1_000]))
def test_rates_in_strata_are_judged_whatever_was_counted(case: Case, times: int) -> None:
    partial = evaluate(case.study, case.rows, case.concepts)
    counts = {key: n * times for key, n in partial.counts.items()}
    made = summarise(case.study, replace(partial, counts=counts), cdm_name="hub", settings={})
    assume(len(made.rows) <= MANY_ROWS)
    released = check(made, FRANCE).published
    for row in released.rows:
        if row.estimate_name in ("denominator_count", "outcome_count"):
            small = row.estimate_value != HIDDEN and FRANCE.is_small(int(row.estimate_value))
            assert not small
