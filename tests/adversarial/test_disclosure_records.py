"""The attacker reads numbers of stays: how many are of persons seen before, how few were joined."""

import pytest

from laennec.core.errors import PolicyError
from laennec.disclosure import check, load_profile
from laennec.disclosure.kinds import HIDDEN
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult

ELEVEN = load_profile("france-11")


def counts(**cohorts: tuple[int, int]) -> SummarisedResult:
    """Records and subjects of cohorts."""
    rows = [
        ResultRow(
            1,
            "hub",
            "cohort_name",
            cohort,
            "overall",
            "overall",
            variable,
            None,
            "count",
            "integer",
            str(value),
        )
        for cohort, pair in cohorts.items()
        for variable, value in zip(("Number records", "Number subjects"), pair, strict=True)
    ]
    settings = ResultSettings(1, "summarise_cohort_count", "laennec", "0", {})
    return SummarisedResult(tuple(rows), (settings,))


def shown(result: SummarisedResult) -> dict[str, set[str]]:
    """The variables that are published of each cohort."""
    found: dict[str, set[str]] = {}
    for row in check(result, ELEVEN).published.rows:
        if row.estimate_value != HIDDEN:
            found.setdefault(row.group_level, set()).add(row.variable_name.split()[1])
    return found


@pytest.mark.parametrize("more", range(25))
def test_few_stays_of_persons_seen_before_are_hidden(more: int) -> None:
    found = shown(counts(users=(400 + more, 400)))["users"]
    assert found == ({"subjects"} if 1 <= more <= 10 else {"subjects", "records"})


@pytest.mark.parametrize("persons", [3, 10])
def test_records_are_hidden_with_few_persons(persons: int) -> None:
    assert shown(counts(users=(300, persons))) == {}


@pytest.mark.parametrize("fewer", range(15))
def test_two_rules_for_one_cohort_do_not_tell_the_few_stays_that_they_join(fewer: int) -> None:
    """Era pads that differ by a day: the persons are the same, and few stays become one."""
    found = shown(counts(users=(700, 400), joined=(700 - fewer, 400)))
    kept = {"subjects", "records"}
    assert found == {"users": kept, "joined": {"subjects"} if 1 <= fewer <= 10 else kept}


def test_what_is_near_a_hidden_number_of_records_does_not_bound_it() -> None:
    found = shown(counts(users=(700, 400), joined=(699, 400), third=(688, 400)))
    assert "records" not in found["joined"]
    assert "records" not in found["third"]


def test_records_of_persons_once_each_are_as_public_as_the_persons() -> None:
    found = shown(counts(users=(400, 400), others=(405, 380)))
    assert found["users"] == {"subjects", "records"}


def test_fewer_records_than_persons_are_refused() -> None:
    with pytest.raises(PolicyError, match="fewer records than persons"):
        check(counts(users=(399, 400)), ELEVEN)
