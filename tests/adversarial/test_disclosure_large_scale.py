"""The attacker on large-scale characterisation: complements, windows, records counted twice."""

import itertools
from dataclasses import replace

import pytest

from adversarial.brute_force import THREE, remember_audits
from laennec.core.errors import PolicyError
from laennec.disclosure.check import check
from laennec.disclosure.profiles import Profile, load_profile
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind

FRANCE = load_profile("france-11")
AT, BEFORE, LONG_BEFORE = "0 to 0", "-30 to -1", "-inf to -31"
TYPE = "summarise_large_scale_characteristics"


def row(name: str, level: str | None, n: int, concept: int | None = None) -> ResultRow:
    place = ("overall", "overall") if concept is None else ("concept_id", str(concept))
    return ResultRow(
        1, "cdm", "cohort_name", "users", "overall", "overall", name, level, "count", "integer",
        str(n), *place,
    )  # fmt: skip


def characterisation(
    size: int,
    observed: dict[str, int],
    counts: dict[tuple[int, str], int],
    *,
    table: str = "condition_occurrence",
    kind: str = "event",
    analysis: str = "standard",
) -> SummarisedResult:
    """Totals, then each concept's count and percentage by window."""
    rows = [row("Number subjects", None, size)]
    rows += [row("Number observed", level, n) for level, n in observed.items()]
    for (concept, level), n in counts.items():
        one = row(f"concept {concept}", level, n, concept)
        share = f"{100 * n / observed[level]:.2f}"
        rows += [one, replace(one, estimate_name="percentage", estimate_type="percentage",
                              estimate_value=share)]  # fmt: skip
    extra = {"table_name": table, "type": kind, "analysis": analysis}
    return SummarisedResult(tuple(rows), (ResultSettings(1, TYPE, "laennec", "0", extra),))


def shown(result: SummarisedResult, profile: Profile = FRANCE) -> dict[tuple[str, ...], str]:
    return {
        (one.additional_level, str(one.variable_level), one.estimate_name): one.estimate_value
        for one in check(result, profile).published.rows
    }


@pytest.mark.parametrize(("n", "published"), [
    (10, False), (11, True), (500, True), (989, True), (990, False), (999, False), (1000, True),
])  # fmt: skip
def test_few_with_and_few_without_are_left_out(n: int, published: bool) -> None:
    rows = shown(characterisation(1000, {AT: 1000}, {(7, AT): n}))
    assert (("7", AT, "count") in rows) == published
    assert (("7", AT, "percentage") in rows) == published


def test_few_who_are_not_observed_hide_the_number_observed_and_percentages() -> None:
    """500 persons and 50.25 % would tell that 5 of 1000 are not observed."""
    rows = shown(characterisation(1000, {AT: 1000, BEFORE: 995}, {(7, BEFORE): 500}))
    assert rows["overall", BEFORE, "count"] == "-"
    assert rows["7", BEFORE, "count"] == "500"
    assert ("7", BEFORE, "percentage") not in rows


def test_few_between_two_windows_hide_the_further_one() -> None:
    observed = {AT: 1000, BEFORE: 900, LONG_BEFORE: 895}
    rows = shown(characterisation(1000, observed, {(7, LONG_BEFORE): 300}))
    assert rows["overall", BEFORE, "count"] == "900"
    assert rows["overall", LONG_BEFORE, "count"] == "-"
    assert ("7", LONG_BEFORE, "percentage") not in rows


def test_an_event_close_to_its_episode_is_left_out() -> None:
    """Persons whose record lasts into the window and began before it."""
    events = characterisation(1000, {AT: 1000}, {(7, AT): 100, (8, AT): 100})
    episodes = characterisation(1000, {AT: 1000}, {(7, AT): 103, (8, AT): 150}, kind="episode")
    rows = check(bind([events, episodes]), FRANCE).published.rows
    found = {(one.result_id, one.additional_level) for one in rows}
    assert (1, "7") not in found
    assert {(2, "7"), (1, "8"), (2, "8")} <= found


def test_what_would_link_cells_is_refused() -> None:
    counts = {(7, AT): 100}
    one = characterisation(1000, {AT: 1000}, counts)
    for other in (
        characterisation(1000, {"0 to 1": 1000}, {(7, "0 to 1"): 100}),
        characterisation(1000, {AT: 1000}, counts, analysis="source"),
        characterisation(1000, {AT: 1000}, counts, table="condition_era"),
        characterisation(1000, {AT: 1000}, {(7, AT): 101}),
        characterisation(1000, {AT: 1000}, {(7, AT): 1001}),
    ):
        with pytest.raises(PolicyError):
            check(bind([one, other]), FRANCE)


@pytest.mark.parametrize("level", ["", "0", "0 to", "1 to 0", "0 to 0 ", "٣ to ٤", "0 to 1e9"])
def test_a_window_that_is_none_is_refused(level: str) -> None:
    with pytest.raises(PolicyError):
        check(characterisation(1000, {level: 1000}, {(7, level): 500}), FRANCE)


def test_nothing_small_is_pinned_by_any_published_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every table of a small cohort: two windows before entry, one concept, threshold 3."""
    alike: dict[object, list[tuple[int, ...]]] = {}
    remember_audits(monkeypatch)
    most = 9
    for size, near, far in itertools.product(range(most + 1), repeat=3):
        if size >= near >= far:
            for n in range(near + 1):
                table = characterisation(size, {BEFORE: near, LONG_BEFORE: far}, {(7, BEFORE): n}
                                         if n else {})  # fmt: skip
                small = (size, near, far, n, size - near, near - far, near - n, size - n)
                alike.setdefault(frozenset(shown(table, THREE).items()), []).append(small)
    for found in alike.values():
        if min(one[0] for one in found) <= most - 3:
            for values in zip(*found, strict=True):
                assert len({*values}) > 1 or not THREE.is_small(values[0])


def test_judging_does_not_solve_for_each_concept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit is asked about totals only, whatever the number of concepts."""
    from laennec.disclosure import totals

    asked = 0
    audit = totals._audit

    def counted(*arguments: object) -> tuple[object, ...]:
        nonlocal asked
        asked += 1
        return audit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(totals, "_audit", counted)
    counts = {(n, AT): 7 * n % 900 for n in range(3000)}
    check(characterisation(1000, {AT: 1000, BEFORE: 995}, counts), FRANCE)
    assert asked <= 2
