"""Calendar years of days, many or few."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laennec.runs.definition_events import years
from laennec.runs.kernel_cohorts import EPOCH

DAYS = st.dates() | st.dates(date(2019, 12, 30), date(2020, 1, 2))


@given(st.lists(DAYS, max_size=30))
def test_years_are_those_of_the_calendar(days: list[date]) -> None:
    found = years(np.array([day.toordinal() - EPOCH for day in days], np.int64))
    assert found.tolist() == [day.year for day in days]
