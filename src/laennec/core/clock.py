"""Time as an argument: no module but this one reads the wall clock."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A function that returns the present moment, with a time zone."""


def system_clock() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(tz=UTC)


def timestamp(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 text in UTC, to the second: ``2026-11-23T17:53:00Z``.

    Raises:
        ValueError: ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
