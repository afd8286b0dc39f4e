"""Disclosure control: what of a result may leave the hub, decided by pure functions over values."""

from laennec.disclosure.check import Finding, Review, TypeCount, check
from laennec.disclosure.profiles import Profile, load_profile
from laennec.disclosure.rules import Rule

__all__ = ["Finding", "Profile", "Review", "Rule", "TypeCount", "check", "load_profile"]
