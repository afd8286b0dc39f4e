"""What stands beside a curve: its summary, its total of events, and who of a cohort is followed."""

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest

from adversarial.brute_force import THREE
from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN
from laennec.disclosure.profiles import Profile
from laennec.omop.summarised_result import ResultRow, SummarisedResult, bind
from laennec.study.estimates import summarise
from laennec.study.model import BySex, Cohort, CumulativeIncidence
from laennec.study.partials import Key, Partial
from spec.spec_case import BLEED, DRUG, ULCER, study

FRANCE = load_profile("france-11")
Ends = dict[tuple[int, str], int]
"""Persons by the day and what ended their follow-up."""


def survival(
    ends: dict[str, Ends],
    *,
    left_out: dict[str, int] | None = None,
    horizon: int = 20,
    competing: bool = False,
    name: str = "curve",
    cohort: str = "users",
) -> SummarisedResult:
    """What a study says of one cohort, ``""``, and of its strata by sex; nothing is hidden."""
    counts: dict[Key, int] = {}
    whole = sum(ends[""].values()) + sum((left_out or {}).values())
    for step in range(3):
        counts["attrition", cohort, step] = whole
    for sex, found in ends.items():
        label = f"{cohort}|sex={sex}" if sex else cohort
        for (day, ended_by), n in found.items():
            counts["survival", name, label, day, ended_by] = n
    for why, n in (left_out or {}).items():
        counts["survival_left_out", name, cohort, why] = n
    asked = CumulativeIncidence(
        name=name,
        cohorts=(cohort,),
        outcome=BLEED,
        competing=ULCER if competing else None,
        horizon=horizon,
        step=10,
        strata=(("sex",),) if len(ends) > 1 else (),
    )
    made = study(asked, cohorts=(Cohort(name=cohort, entry=DRUG),), strata=(BySex(),))
    return summarise(made, Partial(counts), cdm_name="hub", settings={})


def shown(result: SummarisedResult, kind: str, profile: Profile = FRANCE) -> list[ResultRow]:
    published = check(result, profile).published
    return [one for one in published.rows if published.type_of(one) == kind]


def test_a_summary_tells_nothing_that_the_published_points_do_not() -> None:
    """Histories with one published curve have one summary, whatever the days of their events."""
    draw = random.Random(5)  # noqa: S311
    alike: dict[object, set[tuple[tuple[str | None, ...], ...]]] = {}
    exact: dict[object, set[object]] = {}
    for competing in (False, True):
        kinds = ("events", "competing", "censored") if competing else ("events", "censored")
        for _ in range(1500):
            ends = Counter(
                (draw.choice([3, 8, 10, 14, 20, 20]), draw.choice(kinds))
                for _ in range(draw.randint(3, 14))
            )
            result = survival({"": dict(ends)}, competing=competing)
            review = check(result, THREE).published
            by_kind: dict[str, list[tuple[str | None, ...]]] = {}
            for one in review.rows:
                told = (one.variable_level, one.estimate_name, one.additional_level)
                by_kind.setdefault(review.type_of(one), []).append((*told, one.estimate_value))
            curve = (competing, *by_kind["survival_events"], *by_kind["survival_estimates"])
            read = tuple(
                one for one in by_kind["survival_summary"] if one[1] and "count" not in one[1]
            )
            alike.setdefault(curve, set()).add(read)
            exact.setdefault(curve, set()).add(
                tuple(
                    one.estimate_value
                    for one in result.rows
                    if result.type_of(one) == "survival_summary"
                )
            )
    assert all(len(one) == 1 for one in alike.values())
    assert any(len(one) > 1 for one in exact.values()), "the exact ones tell more"
    values = {one[3] for found in alike.values() for read in found for one in read}
    assert len(values) > 20, "and something is told"


def test_what_is_read_off_is_near_what_is_true() -> None:
    draw = random.Random(7)  # noqa: S311
    ends: Counter[tuple[int, str]] = Counter()
    for _ in range(4000):
        day = int(draw.expovariate(1 / 150))
        ends[(day, "events") if day <= 300 else (300, "censored")] += 1
    result = survival({"": dict(ends)}, horizon=300)
    raw = [one for one in result.rows if result.type_of(one) == "survival_summary"]
    for true, told in zip(raw, shown(result, "survival_summary"), strict=True):
        assert true.estimate_name == told.estimate_name
        if true.estimate_value == "NA":
            assert told.estimate_value == "NA"
        elif true.estimate_name.startswith("restricted"):
            assert abs(float(true.estimate_value) - float(told.estimate_value)) < 0.5
        elif "count" in true.estimate_name:
            assert true.estimate_value == told.estimate_value
        else:
            late = float(told.estimate_value) - float(true.estimate_value)
            assert (-10 <= late <= 0) if "lower" in true.estimate_name else (0 <= late < 10)


def test_a_total_of_events_does_not_tell_the_few_that_no_point_does() -> None:
    told: Ends = {(5, "events"): 40, (5, "censored"): 30, (20, "censored"): 400}
    found = {}
    for late in (0, 4, 15):
        result = survival({"": {**told, **({(18, "events"): late} if late else {})}})
        (total,) = [
            one
            for one in shown(result, "survival_summary")
            if one.estimate_name == "n_events_count"
        ]
        found[late] = total.estimate_value
    assert found == {0: "40", 4: HIDDEN, 15: "55"}


@pytest.mark.parametrize(
    ("women", "men", "others", "told"),
    [(20, 30, 0, True), (20, 30, 2, False), (4, 30, 0, False), (0, 30, 15, True)],
)
def test_totals_of_strata_do_not_come_back_by_subtraction(
    women: int, men: int, others: int, told: bool
) -> None:
    """Events come on day 15, between the points; few of women, or of who is in no stratum."""
    ends: dict[str, Ends] = {}
    for sex, late in (("Female", women), ("Male", men), ("", women + men + others)):
        followed = {"Female": 200, "Male": 300, "": 600}[sex]
        ends[sex] = {(5, "censored"): followed // 10, (20, "censored"): followed}
        ends[sex] |= {(15, "events"): late} if late else {}
    totals = [
        one.estimate_value
        for one in shown(survival(ends), "survival_summary")
        if one.estimate_name == "n_events_count"
    ]
    assert len(totals) == 3
    assert (HIDDEN not in totals) == told


@pytest.mark.parametrize("few", [1, 10])
def test_few_who_are_left_out_by_a_step_are_merged_with_others(few: int) -> None:
    ends = {(5, "events"): 40, (20, "censored"): 400}
    result = survival({"": ends}, left_out={"washout": 50, "too_short": few})
    rows = [
        one
        for one in shown(result, "survival_attrition")
        if one.variable_name in ("number_subjects", "excluded_subjects")
    ]
    found = {(one.variable_name, one.additional_level): one.estimate_value for one in rows}
    assert found["number_subjects", "1"] == str(490 + few)
    assert found["number_subjects", "3"] == "440"
    assert found["number_subjects", "2"] == HIDDEN
    assert found["excluded_subjects", "2"] == found["excluded_subjects", "3"] == HIDDEN


def test_a_cohort_of_which_few_are_left_out_has_no_curve() -> None:
    ends = {(5, "events"): 40, (20, "censored"): 400}
    result = survival({"": ends}, left_out={"washout": 3})
    for kind in ("survival_estimates", "survival_events", "survival_summary"):
        assert {one.estimate_value for one in shown(result, kind)} == {HIDDEN}
    rows = shown(result, "survival_attrition")
    left = [one for one in rows if one.variable_name == "number_subjects"]
    assert [one.estimate_value for one in left] == ["443", HIDDEN, HIDDEN]


def test_cohorts_that_differ_by_few_are_not_both_sized_by_their_attrition() -> None:
    parts = []
    for name, size in (("users", 400), ("others", 403)):
        out = {"washout": size - 300}
        ends = {(5, "events"): 40, (20, "censored"): 260 if name == "users" else 200}
        out["washout"] = size - sum(ends.values())
        parts.append(survival({"": ends}, left_out=out, cohort=name, name=name))
    rows = shown(bind(parts), "survival_attrition")
    sizes = {
        one.group_level: one.estimate_value
        for one in rows
        if (one.variable_name, one.additional_level) == ("number_subjects", "1")
    }
    assert sizes == {"users": HIDDEN, "others": "403"}


def test_steps_of_two_analyses_that_differ_by_few_are_not_both_told() -> None:
    """Washouts that leave out 50 and 53: who is left after them differs by three persons."""
    ends = {(5, "events"): 40, (20, "censored"): 400}
    parts = []
    for name, washout, short in (("one", 50, 100), ("other", 53, 60)):
        more = {**ends, (10, "censored"): 147 - washout + 100 - short}
        out = {"washout": washout, "too_short": short}
        parts.append(survival({"": more}, left_out=out, name=name))
    after = [
        one.estimate_value
        for one in shown(bind(parts), "survival_attrition")
        if (one.variable_name, one.additional_level) == ("number_subjects", "2")
    ]
    assert len(after) == 2
    assert HIDDEN in after


@pytest.mark.parametrize("horizons", [(20, 19), (19, 20), (20, 20)])
def test_one_curve_drawn_twice_is_shown_once(horizons: tuple[int, int]) -> None:
    """By day 19 there are 40 events and by day 20 three more: two horizons would tell them."""
    parts = []
    for name, horizon in zip(("one", "other"), horizons, strict=True):
        late = {(20, "events"): 3} if horizon == 20 else {}
        ends: Ends = {
            (5, "events"): 40,
            **late,
            (horizon, "censored"): 500 - 40 - sum(late.values()),
        }
        parts.append(survival({"": ends}, horizon=horizon, name=name))
    both = bind(parts)
    published = check(both, FRANCE).published
    drawn = {
        published_id
        for published_id in {one.result_id for one in published.rows}
        for one in published.rows
        if one.result_id == published_id
        and published.type_of(one) in ("survival_events", "survival_estimates", "survival_summary")
        and one.estimate_value != HIDDEN
    }
    assert drawn == {1, 2, 3}, "the tables of the first result alone"


def test_estimates_without_counts_are_refused() -> None:
    result = survival({"": {(5, "events"): 40, (20, "censored"): 400}})
    for kind in ("survival_estimates", "survival_summary"):
        rows = tuple(one for one in result.rows if result.type_of(one) == kind)
        with pytest.raises(PolicyError, match="without the counts"):
            check(SummarisedResult(rows, result.settings), FRANCE)


@pytest.mark.parametrize("kind", ["survival_estimates", "survival_events", "survival_summary"])
def test_rows_of_another_outcome_are_refused(kind: str) -> None:
    result = survival({"": {(5, "events"): 40, (20, "censored"): 400}})
    rows = tuple(
        replace(one, variable_level="ulcer") if result.type_of(one) == kind else one
        for one in result.rows
    )
    with pytest.raises(PolicyError, match="another outcome"):
        check(SummarisedResult(rows, result.settings), FRANCE)


def test_tables_that_contradict_one_another_are_refused() -> None:
    result = survival({"": {(5, "events"): 40, (20, "censored"): 400}})
    for name, kind in itertools.product(
        ("number_records_count", "n_risk_count"), ("survival_summary", "survival_events")
    ):
        rows = tuple(
            replace(one, estimate_value="441")
            if (one.estimate_name, result.type_of(one)) == (name, kind)
            and one.additional_level in ("0", "overall")
            else one
            for one in result.rows
        )
        if rows != result.rows:
            with pytest.raises(PolicyError):
                check(SummarisedResult(rows, result.settings), FRANCE)
