"""Combinations of a cube that have no row: what a reader can tell of them, and what nobody can."""

from laennec.disclosure.cubes import Branch, Labels, adds_up, settle

AGES = [Branch("all", ("adults", "old", ("rest", "all", "adults", "old")))]
TIMES = [Branch("overall", ("2018", "2019", ("rest", "overall", "2018", "2019")))]
WHOLE: dict[Labels, int | None] = {
    ("all", "overall"): 15,
    ("all", "2018"): 9,
    ("all", "2019"): 6,
    ("adults", "overall"): 8,
    ("adults", "2018"): 4,
    ("adults", "2019"): 4,
}
REST = ("rest", "all", "adults", "old")


def test_a_group_without_a_row_in_a_year_has_what_the_others_leave() -> None:
    """The old add up to 7 with the adults' 8: nobody is in no group, in no year."""
    settled = settle({**WHOLE, ("old", "overall"): 7, ("old", "2018"): 5}, [AGES, TIMES])
    assert settled["old", "2019"] == 2
    assert {settled[REST, time] for time in ("overall", "2018", "2019")} == {0}


def test_what_nobody_can_tell_is_as_good_as_hidden() -> None:
    """One more outside both years, and two in no group: 2019 may have had one of the old."""
    counted = {**WHOLE, ("all", "overall"): 16, ("old", "overall"): 6, ("old", "2018"): 5}
    settled = settle(counted, [AGES, TIMES])
    assert settled[REST, "overall"] == 2
    assert settled["old", "2019"] is None
    assert settled[REST, "2019"] is None


def test_a_year_without_a_row_is_the_sum_of_its_months() -> None:
    months = ("2018-01", "2018-02")
    assert settle({(one,): 3 for one in months}, [[Branch("2018", months)]])["2018",] == 6
    assert settle({("2018-01",): 3}, [[Branch("2018", months)]])["2018",] is None


def test_what_no_sum_links_with_a_value_has_none() -> None:
    sexes = [Branch("Both", ("Female", "Male"))]
    settled = settle({("Both", "old"): 3, ("Female", "adults"): 2}, [sexes, []])
    assert settled["Male", "adults"] is None
    assert settle({("Both", "old"): 0}, [sexes, []])["Female", "old"] == 0
    assert ("Both", "young") not in settled


def test_sums_that_hold_one_by_one_and_not_where_they_cross() -> None:
    """All are adults in the whole time, and five were not in 2018: as when each counts a first."""
    crossed = {**WHOLE, ("adults", "overall"): 15, ("adults", "2018"): 4, ("adults", "2019"): 6}
    ages = [Branch("all", ("adults", ("rest", "all", "adults")))]
    assert adds_up(crossed, [ages, []])
    assert adds_up(crossed, [[], TIMES])
    assert not adds_up(crossed, [ages, TIMES])
