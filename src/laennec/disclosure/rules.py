"""Rules that hide an estimate, and the one about quantiles and moments. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from laennec.disclosure.kinds import Role
from laennec.disclosure.profiles import Profile
from laennec.disclosure.totals import Why


class Rule(StrEnum):
    """Why an estimate is hidden."""

    GIVEN = "given"
    THRESHOLD = "threshold"
    SECONDARY = "secondary"
    AUDIT = "audit"
    DERIVED = "derived"
    EXTREME = "extreme"
    QUANTILE = "quantile"
    MOMENTS = "moments"
    CURVE = "curve"


REASONS: Mapping[Rule, str] = {
    Rule.GIVEN: "The result came with this value hidden.",
    Rule.THRESHOLD: "A count of few persons, or a quantity that comes from few persons.",
    Rule.SECONDARY: "With it, a small count would come back by adding or subtracting.",
    Rule.AUDIT: "With it, a solver that knows these rules would narrow a small count too far.",
    Rule.DERIVED: "Computed from a hidden count, which it would give back.",
    Rule.EXTREME: "A minimum or maximum is one person's value.",
    Rule.QUANTILE: "Too few persons on one side of the quantile.",
    Rule.MOMENTS: "Too few persons, or degrees of freedom, behind a mean or standard deviation.",
    Rule.CURVE: "Too few persons at risk, or events or censored since the last published point.",
}

BY_CELL: Mapping[Why | None, Rule] = {
    Why.PRIMARY: Rule.THRESHOLD,
    Why.SECONDARY: Rule.SECONDARY,
    Why.AUDIT: Rule.AUDIT,
}
"""What hides an estimate that is a cell, by why the cell is hidden."""

PERCENT = {Role.Q25: 25, Role.MEDIAN: 50, Role.Q75: 75}


def distribution_rule(
    role: Role, persons: int, profile: Profile, *, records: int | None = None
) -> Rule | None:
    """Return the rule that hides a quantile or moment of ``persons`` persons, or None.

    A quantile at ``p`` % has ``floor(persons * p / 100)`` persons at or below it and
    ``floor(persons * (100 - p) / 100)`` at or above it; both are at least
    ``profile.quantile_persons``. With 11: a median needs 22 persons, a quartile 44. A mean or
    standard deviation needs ``profile.moment_persons`` persons, and as many less one as
    ``profile.degrees_of_freedom``. Where persons have several ``records`` each, the records beyond
    the first of each person may all lie on one side of a quantile: that side has fewer persons.
    """
    if role in PERCENT:
        percent = PERCENT[role]
        whole = persons if records is None else records
        fewest = min(whole * percent // 100, whole * (100 - percent) // 100) - (whole - persons)
        return Rule.QUANTILE if fewest < profile.quantile_persons else None
    enough = persons >= profile.moment_persons and persons - 1 >= profile.degrees_of_freedom
    return None if enough else Rule.MOMENTS
