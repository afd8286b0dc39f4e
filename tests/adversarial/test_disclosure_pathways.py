"""The attacker on treatment pathways: rests, strata, two cohorts that differ by few persons."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from adversarial.brute_force import THREE, compositions, remember_audits
from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Key
from laennec.disclosure.check import Review, check
from laennec.disclosure.profiles import Profile, load_profile
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

FRANCE = load_profile("france-11")
TYPE = "treatment_pathways"
Ends = Mapping[str, int]
"""Persons by the pathway they have in the end, ``None`` for no treatment."""

Cells = dict[tuple[str, str, str], str]
"""Published counts by stratum, variable and pathway."""


def rows_of(ends: Ends, stratum: tuple[str, str], cohort: str) -> Iterator[ResultRow]:
    """What an engine gives for persons with these pathways."""

    def row(variable: str, level: str | None, estimate: str, value: str) -> ResultRow:
        return ResultRow(
            1, "cdm", "cohort_name", cohort, *stratum, variable, level, estimate, "integer", value
        )  # fmt: skip

    total = sum(ends.values())
    yield row("Number subjects", None, "count", str(total))
    if not total:
        return
    yield row("Pathway", "None", "count", str(ends.get("None", 0)))
    paths = [one.split("-") for one, n in ends.items() if one != "None" and n]
    starts = sorted({tuple(one[: n + 1]) for one in paths for n in range(len(one))})
    for start in starts:
        path = "-".join(start)
        begun = sum(n for one, n in ends.items() if tuple(one.split("-"))[: len(start)] == start)
        yield row("Start of pathway", path, "count", str(begun))
        yield row("Start of pathway", path, "percentage", f"{100 * begun / total:.2f}")
        yield row("Pathway", path, "count", str(ends.get(path, 0)))
        yield row("Days on last treatment", path, "median", "70")
        yield row("Days on last treatment", path, "mean", "71.5")


def pathways(
    ends: Ends, strata: Mapping[tuple[str, str], Ends] | None = None, *, cohort: str = "asthma"
) -> SummarisedResult:
    rows = [*rows_of(ends, ("overall", "overall"), cohort)]
    for stratum, theirs in (strata or {}).items():
        rows += rows_of(theirs, stratum, cohort)
    return SummarisedResult(tuple(rows), (ResultSettings(1, TYPE, "laennec", "0", {}),))


def cells(review: Review) -> Cells:
    return {
        (one.strata_level, one.variable_name, str(one.variable_level)): one.estimate_value
        for one in review.published.rows
        if one.estimate_name == "count"
    }


def shown(result: SummarisedResult, profile: Profile = FRANCE) -> dict[tuple[str, str], str]:
    found = cells(check(result, profile))
    return {key[1:]: value for key, value in found.items() if key[0] == "overall"}


def test_a_rare_next_treatment_is_left_out_and_goes_with_the_end() -> None:
    """1000 started, 500 went on to b: 500 less the 497 who ended would be 3 who went on to c."""
    published = shown(pathways({"None": 100, "a": 497, "a-b": 500, "a-c": 3}))
    assert published == {
        ("Number subjects", "None"): "1100",
        ("Pathway", "None"): "100",
        ("Start of pathway", "a"): "1000",
        ("Pathway", "a"): "-",
        ("Start of pathway", "a-b"): "500",
        ("Pathway", "a-b"): "500",
    }


def test_many_rare_next_treatments_leave_the_end_shown() -> None:
    rare = {f"a-{name}": 4 for name in "bcdef"}
    published = shown(pathways({"None": 100, "a": 497, **rare}))
    assert published["Pathway", "a"] == "497"
    assert not [one for one in published if one[1] in rare]


def test_two_treatments_of_ten_persons_are_no_rest() -> None:
    """20 persons in two rare treatments would be 10 in each."""
    assert shown(pathways({"None": 100, "a": 497, "a-b": 10, "a-c": 10}))["Pathway", "a"] == "-"


def test_a_rest_of_few_hides_all_that_follows() -> None:
    """Nobody ended after a: 3 persons would be the start less those who went on to b."""
    published = shown(pathways({"None": 100, "a": 0, "a-b": 500, "a-c": 3}))
    assert published["Start of pathway", "a"] == "503"
    assert published["Pathway", "a"] == "-"
    assert ("Start of pathway", "a-b") not in published


def test_few_without_treatment_hide_the_tree() -> None:
    published = shown(pathways({"None": 3, "a": 500}))
    assert published == {("Number subjects", "None"): "503", ("Pathway", "None"): "-"}


def test_nobody_is_a_number() -> None:
    published = shown(pathways({"None": 0, "a": 500, "b": 20}))
    assert published["Pathway", "None"] == "0"
    assert published["Pathway", "b"] == "20"


def test_what_describes_a_start_needs_its_persons() -> None:
    review = check(pathways({"None": 100, "a": 500, "b": 15, "c": 4}), FRANCE)
    said = {
        (str(one.variable_level), one.estimate_name): one.estimate_value
        for one in review.published.rows
        if one.variable_name == "Days on last treatment"
    }
    assert said == {
        ("a", "median"): "60",
        ("a", "mean"): "71.5",
        ("b", "median"): "-",
        ("b", "mean"): "71.5",
    }


def test_a_small_cohort_has_its_number_hidden_and_nothing_else() -> None:
    assert shown(pathways({"None": 3, "a": 5})) == {("Number subjects", "None"): "-"}


def test_an_empty_cohort_is_shown() -> None:
    assert shown(pathways({})) == {("Number subjects", "None"): "0"}


WOMEN, MEN = ("sex", "Female"), ("sex", "Male")


def test_strata_are_told_apart_where_all_of_them_may_be() -> None:
    whole = {"None": 100, "a": 300, "b": 200, "c": 60}
    women = {"None": 50, "a": 150, "b": 100, "c": 55}
    men = {"None": 50, "a": 150, "b": 100, "c": 5}
    found = cells(check(pathways(whole, {WOMEN: women, MEN: men}), FRANCE))
    for level in ("Female", "Male"):
        assert found[level, "Start of pathway", "a"] == "150"
        assert (level, "Start of pathway", "c") not in found
        assert found[level, "Pathway", "None"] == "-"
    assert found["overall", "Start of pathway", "c"] == "60"


def test_strata_are_told_apart_up_to_the_first_start_that_may_not_be() -> None:
    """To show c as well would tell that it is b, and not what is left, of which men are few."""
    whole = {"None": 90, "a": 300, "b": 200, "c": 100}
    women = {"None": 45, "a": 150, "b": 195, "c": 50}
    men = {"None": 45, "a": 150, "b": 5, "c": 50}
    found = cells(check(pathways(whole, {WOMEN: women, MEN: men}), FRANCE))
    starts = {key[2] for key in found if key[:2] == ("Male", "Start of pathway")}
    assert starts == {"a"}
    assert found["Male", "Pathway", "None"] == "-"


def test_who_is_in_no_stratum_does_not_come_back() -> None:
    """Whole less women: 4 persons of unknown sex who started with c."""
    whole = {"None": 100, "a": 300, "c": 60}
    women = {"None": 50, "a": 100, "c": 56}
    found = cells(check(pathways(whole, {WOMEN: women}), FRANCE))
    assert found["Female", "Start of pathway", "a"] == "100"
    assert ("Female", "Start of pathway", "c") not in found


def test_a_crossed_division_does_not_tell_who_is_in_none_of_it() -> None:
    """Women of 0 to 50 and of 51 to 150: 3 women of unknown age started with a."""
    whole = {"None": 200, "a": 300}
    women = {"None": 100, "a": 150}
    men = {"None": 100, "a": 150}
    crossed = {
        ("sex &&& age_group", "Female &&& 0 to 50"): {"None": 40, "a": 80},
        ("sex &&& age_group", "Female &&& 51 to 150"): {"None": 40, "a": 67},
        ("sex &&& age_group", "Male &&& 0 to 50"): {"None": 50, "a": 70},
        ("sex &&& age_group", "Male &&& 51 to 150"): {"None": 50, "a": 80},
    }
    found = cells(check(pathways(whole, {WOMEN: women, MEN: men, **crossed}), FRANCE))
    assert not [key for key in found if "&&&" in key[0] and key[1] == "Start of pathway"]


def test_two_cohorts_that_differ_by_few_in_a_start_do_not_tell_it_twice() -> None:
    one = pathways({"None": 100, "a": 300, "b": 200})
    other = pathways({"None": 160, "a": 303, "b": 400}, cohort="others")
    rows = check(bind([one, other]), FRANCE).published.rows
    counted = {
        (row.group_level, row.variable_level): row.estimate_value
        for row in rows
        if row.variable_name == "Start of pathway" and row.estimate_name == "count"
    }
    assert counted == {("asthma", "b"): "200", ("others", "a"): "303", ("others", "b"): "400"}
    ends = {
        row.group_level: row.estimate_value
        for row in rows
        if (row.variable_name, row.variable_level) == ("Pathway", "None")
    }
    assert ends == {"asthma": "-", "others": "160"}


def test_a_third_cohort_does_not_narrow_what_two_hide() -> None:
    """300 is hidden beside 303; 289, were it shown, would tell that it is 300 or more."""
    parts = [
        pathways({"None": 500 + 100 * n, "a": begun, "b": 800 + 100 * n}, cohort=f"c{begun}")
        for n, begun in enumerate((289, 300, 303))
    ]
    rows = check(bind(parts), FRANCE).published.rows
    assert {
        row.group_level
        for row in rows
        if (row.variable_name, row.variable_level) == ("Start of pathway", "a")
    } == {"c303"}


def test_a_cohort_that_is_a_start_but_for_few_hides_the_start() -> None:
    """A cohort 'started a' of 303, less the 300 who started with a, would be 3 persons."""
    other = pathways({"None": 303}, cohort="started_a")
    found = check(bind([pathways({"None": 100, "a": 300, "b": 200}), other]), FRANCE)
    counted = [row.variable_level for row in found.published.rows if row.group_level == "asthma"]
    assert "b" in counted
    assert "a" not in counted


@pytest.mark.parametrize("settings", [{}, {"combined_cohorts": "x"}])
def test_one_cohort_has_one_tree(settings: dict[str, str]) -> None:
    one = pathways({"None": 100, "a": 300})
    with pytest.raises(PolicyError, match="several sets of treatment pathways"):
        check(bind([one, one]), FRANCE)


def test_cohorts_that_an_operation_links_are_refused() -> None:
    made = {"combined_cohorts": "both = intersection of days (asthma, copd)"}
    parts = [
        pathways({"None": 100, "a": 300}, cohort=name) for name in ("asthma", "both")
    ]  # fmt: skip
    parts = [replace(one, settings=(replace(one.settings[0], extra=made),)) for one in parts]
    with pytest.raises(PolicyError, match="set operation"):
        check(bind(parts), FRANCE)


@pytest.mark.parametrize(
    "lost",
    [
        lambda row: row.variable_name == "Pathway" and row.variable_level == "a",
        lambda row: row.variable_name == "Number subjects",
        lambda row: row.variable_name == "Start of pathway" and row.variable_level == "a",
        lambda row: row.variable_level == "None",
    ],
)
def test_a_tree_that_does_not_add_up_is_refused(lost: Callable[[ResultRow], bool]) -> None:
    result = pathways({"None": 100, "a": 300, "a-b": 200})
    with pytest.raises(PolicyError):
        check(replace(result, rows=tuple(one for one in result.rows if not lost(one))), FRANCE)


def test_strata_of_more_than_the_whole_are_refused() -> None:
    with pytest.raises(PolicyError):
        check(pathways({"None": 500, "a": 300}, {WOMEN: {"None": 10, "a": 301}}), FRANCE)


def test_a_hidden_count_is_not_judged() -> None:
    result = pathways({"None": 100, "a": 300})
    rows = tuple(
        replace(one, estimate_value="-") if one.variable_level == "a" else one
        for one in result.rows
    )
    with pytest.raises(PolicyError, match="came with a count hidden"):
        check(replace(result, rows=rows), FRANCE)


Truth = tuple[int, ...]
Tables = Iterator[tuple[SummarisedResult, Truth]]
"""Results, each with the counts that nobody may learn."""


def one_cohort() -> Tables:
    """Every tree of two levels."""
    names = ("None", "a", "a-b", "a-c", "d")
    for counts in compositions(len(names), 11):
        ends = dict(zip(names, counts, strict=True))
        yield pathways(ends), (*counts, ends["a"] + ends["a-b"] + ends["a-c"])


def two_strata(names: tuple[str, ...], most: int, *, both: bool) -> Tables:
    """Every tree of women and of the others, who are men or are in no stratum."""
    for hers, others in itertools.product(compositions(len(names), most), repeat=2):
        women, men = (dict(zip(names, one, strict=True)) for one in (hers, others))
        whole = {name: women[name] + men[name] for name in names}
        strata = {WOMEN: women, MEN: men} if both else {WOMEN: women}
        yield pathways(whole, strata), hers + others


def three_strata() -> Tables:
    """Every tree of three age groups of three persons each."""
    names = ("None", "a", "b")
    groups = [("age_group", one) for one in ("0 to 9", "10 to 19", "20 to 29")]
    of_three = [one for one in compositions(3, 3) if sum(one) == 3]
    for counts in itertools.product(of_three, repeat=3):
        strata = [dict(zip(names, one, strict=True)) for one in counts]
        whole = {name: sum(one[name] for one in strata) for name in names}
        yield pathways(whole, dict(zip(groups, strata, strict=True))), sum(counts, ())


def two_cohorts() -> Tables:
    """Every tree of two cohorts, with what lies between them."""
    names = ("None", "a", "b")
    for one, other in itertools.product(compositions(3, 5), repeat=2):
        first, second = (dict(zip(names, counts, strict=True)) for counts in (one, other))
        apart = tuple(abs(m - n) for m, n in zip(one, other, strict=True))
        parts = [pathways(first), pathways(second, cohort="others")]
        yield bind(parts), one + other + apart


@pytest.mark.parametrize(
    "tables",
    [
        one_cohort(),
        two_strata(("None", "a", "b"), 5, both=True),
        two_strata(("None", "a", "b"), 5, both=False),
        two_strata(("None", "a", "a-b", "a-c"), 3, both=True),
        three_strata(),
        two_cohorts(),
    ],
    ids=["one cohort", "women and men", "women", "two levels", "age groups", "two cohorts"],
)
def test_no_small_count_is_pinned(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attacker runs this program on every candidate with few persons, and compares outputs.

    Where a size is hidden, larger candidates look the same, and nothing of the tree is shown.
    """
    remember_audits(monkeypatch)
    alike: dict[frozenset[tuple[Key, str]], list[Truth]] = {}
    for result, truth in tables:
        published = frozenset(
            ((one.group_level, one.strata_level, one.variable_name, one.variable_level), value)
            for one in check(result, THREE).published.rows
            if one.estimate_name == "count" and (value := one.estimate_value)
        )
        alike.setdefault(published, []).append(truth)
    pinned = [
        (truths[:3], sorted(map(str, published)))
        for published, truths in alike.items()
        if not any(key[2] == "Number subjects" and value == "-" for key, value in published)
        for values in map(set, zip(*truths, strict=True))
        if any(map(THREE.is_small, values)) and len(values) < THREE.possible_values
    ]
    assert len(alike) > 10
    assert pinned == []
