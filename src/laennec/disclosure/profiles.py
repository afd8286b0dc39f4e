"""Disclosure profiles: the numbers that decide, as packaged data.

A profile is a TOML file in ``data``. This module reads it and refuses values with which the rules
would protect nothing. It decides nothing itself.
"""

import difflib
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

from laennec.core.errors import SettingsError

PROFILES = ("france-11",)


@dataclass(frozen=True)
class Profile:
    """The numbers behind every decision.

    Attributes:
        name, version, title, source: What it is and where it comes from.
        threshold: Smallest publishable person count; 1 to ``threshold - 1`` is *small*; at least 3.
        possible_values: Values that each hidden small count keeps for a reader who knows this
            program and the profile; at least 2, at most ``threshold - 1``.
        quantile_persons: Persons at or below, and at or above, a published quantile.
        moment_persons: Persons behind a published mean or standard deviation.
        degrees_of_freedom: The same persons less one.
        curve_decimals: Decimals kept in the estimates of a curve.
        curve_grids: Steps to which a curve may be rounded so that its hidden points show.
        curve_share: Share of those who start a curve that must be at risk at such a point.
        quantile_days: Days to a multiple of which a quantile of days is rounded; at least 1.
    """

    name: str
    version: int
    title: str
    source: str
    threshold: int
    possible_values: int
    quantile_persons: int
    moment_persons: int
    degrees_of_freedom: int
    curve_decimals: int
    curve_grids: tuple[float, ...]
    curve_share: float
    quantile_days: int

    def __post_init__(self) -> None:
        """Refuse numbers that protect nothing."""
        if self.threshold < 3:
            raise ValueError("with a threshold below 3 a hidden count could only be 1")
        if not 2 <= self.possible_values < self.threshold:
            raise ValueError("possible_values lies between 2 and threshold - 1")
        if self.quantile_days < 1:
            raise ValueError("quantile_days is at least 1")

    def is_small(self, persons: int) -> bool:
        """Return whether a count of persons is 1 to ``threshold - 1``."""
        return 0 < persons < self.threshold


def load_profile(name: str) -> Profile:
    """Return the packaged profile of that name.

    Raises:
        SettingsError: there is none; the message names the nearest.
    """
    if name not in PROFILES:
        nearest = difflib.get_close_matches(name, PROFILES, n=1, cutoff=0.0)[0]
        raise SettingsError(
            f"There is no disclosure profile named {name!r}.", remedy=f"Did you mean {nearest!r}?"
        )
    text = files("laennec.disclosure").joinpath("data", f"{name}.toml").read_text("utf-8")
    read = tomllib.loads(text)
    read["curve_grids"] = tuple(read["curve_grids"])
    return Profile(**{one.name: read[one.name] for one in fields(Profile)})
