"""The attacker on cohorts that overlap: he knows their sizes, and how sets of persons lie."""

import itertools

import pytest

from adversarial.brute_force import (
    Cells,
    check_nothing_small_is_pinned,
    compositions,
    remember_audits,
)
from laennec.disclosure.algebra import Algebra, Key, System
from laennec.disclosure.check import check
from laennec.disclosure.kinds import HIDDEN, Role, read
from laennec.disclosure.overlap import overlap_cell, put_overlaps, relate_overlaps
from laennec.disclosure.profiles import load_profile
from laennec.disclosure.rules import distribution_rule
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult

NAMES = ("a", "b", "c")
REGIONS = [members for size in (1, 2, 3) for members in itertools.combinations(NAMES, size)]
FRANCE = load_profile("france-11")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_audits(monkeypatch)


def row(pair: tuple[str, str], variable: str, value: int, estimate: str = "count") -> ResultRow:
    names = "cohort_name_reference &&& cohort_name_comparator"
    levels = " &&& ".join(pair)
    shape = (1, "cdm", names, levels, "overall", "overall", variable)
    kind = "integer" if estimate == "count" else "percentage"
    return ResultRow(*shape, "Subjects", estimate, kind, str(value))


def overlaps(regions: dict[tuple[str, ...], int]) -> SummarisedResult:
    """All pairs of the cohorts that the persons of these regions are in."""
    names = sorted({name for members in regions for name in members})
    rows = []
    for one, other in itertools.permutations(names, 2):
        both = sum(n for members, n in regions.items() if {one, other} <= {*members})
        sizes = [sum(n for members, n in regions.items() if x in members) for x in (one, other)]
        parts = (sizes[0] - both, both, sizes[1] - both)
        for variable, n in zip(
            ("Only in reference cohort", "In both cohorts", "Only in comparator cohort"),
            parts,
            strict=True,
        ):
            rows.append(row((one, other), variable, n))
            rows.append(row((one, other), variable, n, "percentage"))
    kind = ResultSettings(1, "summarise_cohort_overlap", "laennec", "0")
    return SummarisedResult(tuple(rows), (kind,))


def table(regions: dict[tuple[str, ...], int]) -> tuple[System, list[Key]]:
    """The cells of the real module, sizes of cohorts published besides."""
    entries = read(overlaps(regions))
    algebra = Algebra()
    put_overlaps(algebra, entries)
    relate_overlaps(algebra, entries)
    names = sorted({name for members in regions for name in members})
    shown = [overlap_cell(one) for one in entries if one.role is Role.PERSONS]
    return algebra.finish(), [*dict.fromkeys(shown), *(("subjects", "cdm", x) for x in names)]


def two(counts: Cells) -> tuple[System, list[Key]]:
    return table(dict(zip((("a",), ("b",), ("a", "b")), counts, strict=True)))


def three(counts: Cells) -> tuple[System, list[Key]]:
    return table(dict(zip(REGIONS, counts, strict=True)))


def test_two_cohorts() -> None:
    check_nothing_small_is_pinned(two, [*compositions(3, 11)])


def test_three_cohorts() -> None:
    check_nothing_small_is_pinned(three, [*compositions(7, 5)])


FAR_APART = dict(zip(REGIONS, (900, 250, 500, 130, 170, 210, 60), strict=True))
"""Groups of which no two counts that are published are close to one another."""


def test_three_pairs_do_not_narrow_a_group_of_few() -> None:
    """Each pair is large. Who is in all three is known but for 3: so are the 2 and the 1."""
    regions = FAR_APART | {("a",): 2, ("b", "c"): 1}
    rows = check(overlaps(regions), FRANCE).published.rows
    assert any(one.estimate_value == HIDDEN for one in rows)


def test_percentages_go_with_the_counts_they_come_from() -> None:
    regions = {("a",): 500, ("b",): 500, ("a", "b"): 7}
    review = check(overlaps(regions), FRANCE)
    assert {one.estimate_value for one in review.published.rows} == {HIDDEN}


def test_large_overlaps_are_published_whole() -> None:
    assert check(overlaps(FAR_APART), FRANCE).findings == ()


def test_who_is_in_two_cohorts_is_compared_with_other_cohorts() -> None:
    """A third cohort made of the persons in both, less three, would give the three away."""
    regions = {("a",): 100, ("b",): 100, ("a", "b"): 103}
    beside = ResultRow(
        2, "cdm", "cohort_name", "c", "overall", "overall", "Number subjects", None, "count",
        "integer", "100",
    )  # fmt: skip
    asked = overlaps(regions)
    kind = ResultSettings(2, "summarise_cohort_count", "laennec", "0")
    result = SummarisedResult((*asked.rows, beside), (*asked.settings, kind))
    assert check(result, FRANCE).published.rows[-1].estimate_value == HIDDEN


@pytest.mark.parametrize(("persons", "records"), [(40, 40), (40, 70), (25, 25), (500, 900)])
def test_a_quantile_of_records_has_persons_enough_on_each_side(persons: int, records: int) -> None:
    """The worst case: one person has all the records beyond the first of each."""
    shown = distribution_rule(Role.MEDIAN, persons, FRANCE, records=records) is None
    beyond = records - persons
    on_one_side = max(0, records // 2 - beyond)
    assert shown == (on_one_side >= FRANCE.quantile_persons)
