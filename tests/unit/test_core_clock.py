"""Moments as text: UTC, to the second, and never without a time zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laennec.core.clock import system_clock, timestamp


def test_another_zone_is_brought_to_utc() -> None:
    paris = timezone(timedelta(hours=2))
    moment = datetime(2026, 7, 1, 1, 30, 59, 999999, tzinfo=paris)
    assert timestamp(moment) == "2026-06-30T23:30:59Z"


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_text_reads_back_to_the_second(moment: datetime) -> None:
    text = timestamp(moment)
    assert len(text) == len("2026-11-23T17:53:00Z")
    back = datetime.fromisoformat(text)
    assert timedelta(0) <= moment.astimezone(UTC) - back < timedelta(seconds=1)


def test_the_system_clock_knows_its_zone() -> None:
    assert system_clock().tzinfo is UTC
