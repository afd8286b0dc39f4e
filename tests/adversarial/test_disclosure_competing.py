"""Curves with competing events: three kinds of leaving, none of which may come out small.

Small curves of two days are enumerated and judged whole, as ``check`` does, with a threshold
of 3: those with one published output are what the attacker cannot tell apart. Judged are those in
which enough persons stay to the end; where nobody does, ``docs/explanation/disclosure.md`` states
what is known.
"""

import itertools

from adversarial.brute_force import THREE
from laennec.disclosure import check
from laennec.disclosure.kinds import HIDDEN
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

Leaving = tuple[int, int, int]
"""Events, competing events and censored of one day."""
MOST = 10
LEAVERS = ("n_events_count", "n_competing", "n_censor_count")


def curve(*days: Leaving, left: int, competing: bool = True) -> SummarisedResult:
    """Who leaves on day 10, 20, …, and who is still there; without ``competing`` it is censored."""
    at_risk = left + sum(map(sum, days))
    rows = [*_rows(0, at_risk, (0, 0, 0), competing=competing)]
    for number, leaving in enumerate(days, start=1):
        rows += _rows(10 * number, at_risk, leaving, competing=competing)
        at_risk -= sum(leaving)
    extra = {"outcome": "bleed", "competing_outcome": "death" if competing else "none"}
    settings = ResultSettings(1, "survival_events", "laennec", "0", extra)
    return SummarisedResult(tuple(rows), (settings,))


def _rows(time: int, at_risk: int, leaving: Leaving, *, competing: bool) -> list[ResultRow]:
    events, rivals, censored = leaving
    of_each = {"bleed": events, **({"death": rivals} if competing else {})}
    start = (1, "hub", "target_cohort", "users", "overall", "overall", "outcome")
    return [
        ResultRow(*start, level, name, "integer", str(n), "time", str(time))
        for level, mine in of_each.items()
        for name, n in (
            ("n_risk_count", at_risk),
            ("n_events_count", mine),
            ("n_censor_count", censored),
        )
    ]


def shown(result: SummarisedResult) -> dict[tuple[str, str], str]:
    published = check(result, THREE).published.rows
    names = {"bleed": {}, "death": {"n_events_count": "n_competing"}}
    return {
        (
            one.additional_level,
            names[str(one.variable_level)].get(one.estimate_name, one.estimate_name),
        ): one.estimate_value
        for one in published
    }


def test_every_small_number_of_leavers_keeps_two_values() -> None:
    alike: dict[tuple[tuple[tuple[str, str], str], ...], list[tuple[int, ...]]] = {}
    judged = set()
    for counts in itertools.product(range(MOST + 1), repeat=5):
        if sum(counts) > MOST:
            continue
        events, rivals, censored, later, left = counts
        output = tuple(shown(curve((events, rivals, censored), (later, 0, 0), left=left)).items())
        alike.setdefault(output, []).append(counts)
        if left >= THREE.threshold and sum(counts) <= MOST - 2:
            judged.add(output)
    for output in judged:
        for values in zip(*alike[output], strict=True):
            known = set(values)
            assert len(known) > 1 or not any(THREE.is_small(one) for one in known), (output, known)


def test_few_competing_events_hide_the_point_and_go_into_the_next() -> None:
    found = shown(curve((30, 2, 20), (30, 5, 20), left=100))
    assert {found["10", name] for name in LEAVERS} == {HIDDEN}
    assert [found["20", name] for name in LEAVERS] == [
        "60",
        "7",
        "40",
    ]


def test_a_competing_curve_beside_another_of_the_same_outcome_is_hidden() -> None:
    both = bind([curve((30, 9, 20), left=100), curve((33, 0, 26), left=100, competing=False)])
    rows = check(both, THREE).published.rows
    competing = {one.result_id for one in rows if one.variable_level == "death"}
    values = {one.estimate_value for one in rows if one.result_id in competing}
    assert values == {HIDDEN}
    assert any(one.estimate_value == "33" for one in rows)
