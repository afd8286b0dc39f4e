"""The attacker subtracts strata from their cohort: persons, covariates, and points of curves.

Small tables are enumerated and judged whole, as ``check`` does, with a threshold of 3: tables with
one published output are what the attacker cannot tell apart.
"""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adversarial.brute_force import THREE, compositions
from laennec.core.errors import PolicyError
from laennec.disclosure import check
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult

WHOLE = ("overall", "overall")
Strata = dict[tuple[str, str], tuple[int, ...]]


def row(
    strata: tuple[str, str],
    variable: str,
    value: int,
    *,
    level: str | None = None,
    estimate: str = "count",
    group: tuple[str, str] = ("cohort_name", "users"),
    time: int | None = None,
) -> ResultRow:
    additional = WHOLE if time is None else ("time", str(time))
    return ResultRow(
        1, "hub", *group, *strata, variable, level, estimate, "integer", str(value), *additional
    )


def result(kind: str, rows: list[ResultRow]) -> SummarisedResult:
    extra = {"outcome": "bleed"} if kind.startswith("survival") else {}
    return SummarisedResult(tuple(rows), (ResultSettings(1, kind, "laennec", "0", extra),))


def counted(sizes: dict[tuple[str, str], int]) -> SummarisedResult:
    return result(
        "summarise_cohort_count",
        [row(strata, "Number subjects", n) for strata, n in sizes.items()],
    )


def by_sex(counts: tuple[int, ...]) -> SummarisedResult:
    """Women, men, and persons of unknown sex, who are in no stratum."""
    women, men, unknown = counts
    return counted({WHOLE: women + men + unknown, ("sex", "Female"): women, ("sex", "Male"): men})


def crossed(counts: tuple[int, ...]) -> SummarisedResult:
    """A feature by sex without one of the margins: (women no, yes, men no, yes)."""
    names = [("Female", "no"), ("Female", "yes"), ("Male", "no"), ("Male", "yes")]
    found = dict(zip(names, counts, strict=True))
    sizes = {WHOLE: sum(counts)}
    for sex in ("Female", "Male"):
        sizes["sex", sex] = found[sex, "no"] + found[sex, "yes"]
    for (sex, level), n in found.items():
        sizes["sex &&& bled", f"{sex} &&& {level}"] = n
    return counted(sizes)


def with_covariate(counts: tuple[int, ...]) -> SummarisedResult:
    """Who has a covariate, of all and of each sex; nobody is of unknown sex."""
    women, bled_women, men, bled_men = counts
    rows = []
    for strata, lack, have in (
        (WHOLE, women + men, bled_women + bled_men),
        (("sex", "Female"), women, bled_women),
        (("sex", "Male"), men, bled_men),
    ):
        rows.append(row(strata, "Number subjects", lack + have))
        rows.append(row(strata, "Covariates", have, level="ulcer"))
    return result("summarise_characteristics", rows)


CASES = {
    "by sex": (by_sex, [*compositions(3, 10)]),
    "crossed": (crossed, [*compositions(4, 7)]),
    "with a covariate": (with_covariate, [*compositions(4, 7)]),
}
MARGIN = 3
"""Outputs are judged that a table with this many persons fewer than the largest has."""


@pytest.mark.parametrize("name", CASES)
def test_every_hidden_small_count_keeps_two_values(name: str) -> None:
    build, candidates = CASES[name]
    most = max(map(sum, candidates))
    alike: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    judged = set()
    for counts in candidates:
        made = build(counts)
        output = tuple(one.estimate_value for one in check(made, THREE).published.rows)
        truth = tuple(int(one.estimate_value) for one in made.rows)
        alike.setdefault(output, []).append(truth)
        if sum(counts) <= most - MARGIN:
            judged.add(output)
    assert len(judged) > 10
    for output in judged:
        for n, published in enumerate(output):
            values = {table[n] for table in alike[output]}
            if published == "-":
                assert len(values) > 1 or not any(map(THREE.is_small, values))
            else:
                assert not THREE.is_small(int(published))


def test_who_is_in_no_stratum_is_protected() -> None:
    """20 women, 20 men and one person of unknown sex: the one is not told by subtraction."""
    published = check(by_sex((20, 20, 1)), THREE).published
    assert [one.estimate_value for one in published.rows] == ["41", "-", "20"]


def test_strata_that_are_close_in_two_cohorts_are_compared() -> None:
    """Two cohorts far apart in size whose women differ by one."""
    made = counted({WHOLE: 60, ("sex", "Female"): 30, ("sex", "Male"): 30})
    others = counted({WHOLE: 91, ("sex", "Female"): 31, ("sex", "Male"): 60})
    rows = [
        *made.rows,
        *(
            row(
                (o.strata_name, o.strata_level),
                o.variable_name,
                int(o.estimate_value),
                group=("cohort_name", "others"),
            )
            for o in others.rows
        ),
    ]
    published = check(result("summarise_cohort_count", rows), THREE).published
    values = {(o.group_level, o.strata_level): o.estimate_value for o in published.rows}
    assert values["users", "Female"] == "-"
    assert values["others", "Female"] == "31"


@pytest.mark.parametrize(
    "levels",
    [
        {("age_group", "0 to 17"): 20, ("age_group", "17 to 64"): 20},
        {("sex", "women"): 20},
        {("bled", "maybe"): 20},
        {("Region", "yes"): 20},
        {("sex", "Female &&& yes"): 20},
        {("entry_period", "2020"): 20},
        {
            ("entry_period", "2020-01-01 to 2020-12-31"): 20,
            ("entry_period", "2020-12-31 to 2021-12-31"): 20,
        },
    ],
)
def test_levels_that_cannot_be_added_up_are_refused(levels: dict[tuple[str, str], int]) -> None:
    with pytest.raises(PolicyError):
        check(counted({WHOLE: 60, **levels}), THREE)


def test_strata_of_more_persons_than_the_cohort_are_refused() -> None:
    with pytest.raises(PolicyError):
        check(counted({WHOLE: 30, ("sex", "Female"): 20, ("sex", "Male"): 20}), THREE)


Points = list[tuple[int, int]]
"""Events and censored on days 0, 10, 20, …; whoever is left is censored on the last."""


def curve(strata: tuple[str, str], points: Points) -> list[ResultRow]:
    group = ("target_cohort", "users")
    left, rows = sum(map(sum, points)), []
    for n, (events, censored) in enumerate(points):
        if not left:
            break
        for variable, estimate, value in (
            ("outcome", "n_risk_count", left),
            ("outcome", "n_events_count", events),
            ("outcome", "n_censor_count", censored),
        ):
            place: dict[str, Any] = {"level": "bleed", "group": group, "time": 10 * n}
            rows.append(row(strata, variable, value, estimate=estimate, **place))
        left -= events + censored
    return rows


numbers = st.sampled_from([0, 0, 1, 2, 3, 4, 7])
curves_of_three = st.lists(st.tuples(*[st.tuples(numbers, numbers)] * 3), min_size=1, max_size=7)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=curves_of_three)
def test_no_difference_of_published_points_is_small(
    steps: list[tuple[tuple[int, int], ...]],
) -> None:
    """Women, men, and persons in no stratum: whatever is subtracted is 0 or at least 3."""
    women, men, others = ([step[n] for step in steps] for n in range(3))
    together = [
        (a[0] + b[0] + c[0], a[1] + b[1] + c[1]) for a, b, c in zip(women, men, others, strict=True)
    ]
    if not sum(map(sum, together)):
        return
    drawn = {WHOLE: together, ("sex", "Female"): women, ("sex", "Male"): men}
    rows = [one for strata, points in drawn.items() for one in curve(strata, points)]
    published = check(result("survival_events", rows), THREE).published
    told: dict[str, dict[int, list[int]]] = {}
    for strata, points in drawn.items():
        mine = [one for one in published.rows if one.strata_level == strata[1]]
        sums = [0, 0]
        for n in range(len(points)):
            at = {
                one.estimate_name: one.estimate_value
                for one in mine
                if one.additional_level == str(10 * n)
            }
            if at.get("n_events_count", "-") != "-":
                sums = [sums[0] + int(at["n_events_count"]), sums[1] + int(at["n_censor_count"])]
                told.setdefault(strata[1], {})[n] = sums
    truth = {strata[1]: points for strata, points in drawn.items()}
    for name, points_told in told.items():
        for n, sums in points_told.items():
            assert sums == [sum(one[k] for one in truth[name][: n + 1]) for k in (0, 1)]
    for first, second in itertools.combinations(told, 2):
        shared = sorted(told[first].keys() & told[second].keys())
        gaps = [
            [abs(told["overall"][n][k] - told[second][n][k]) for k in (0, 1)]
            for n in shared
            if first == "overall"
        ]
        for before, after in itertools.pairwise([[0, 0], *gaps]):
            for k in (0, 1):
                assert not THREE.is_small(after[k] - before[k])
    if len(told) == 3:
        for before, after in itertools.pairwise(
            [
                [0, 0],
                *(
                    [
                        told["overall"][n][k] - told["Female"][n][k] - told["Male"][n][k]
                        for k in (0, 1)
                    ]
                    for n in sorted(set.intersection(*(set(one) for one in told.values())))
                ),
            ]
        ):
            assert not any(THREE.is_small(after[k] - before[k]) for k in (0, 1))
