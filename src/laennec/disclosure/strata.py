"""Strata of a cohort, and how their cells add up to the cells of the whole.

A stratum is a cohort of its own in every rule, under a name that holds its levels. What is said of
the strata of a division (sex, or age group by sex) adds up to what is said of the whole, cell by
cell: persons, each sex, each covariate, who starts a curve. Members who are in no level are a cell
as well, so that neither they nor a small stratum come back by subtraction.

Levels are read strictly: of one division a person has at most one, or nothing could be added up.

Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import span
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.kinds import Entry
from laennec.omop.summarised_result import JOINT, OVERALL

Levels = tuple[tuple[str, str], ...]
"""Name and level of each way in which a cohort is divided; empty for the whole."""

_KNOWN = {"sex": ("Female", "Male")}
_OTHERS = ("no", "yes")


def levels_of(entry: Entry) -> Levels:
    """Return the stratum that a row is about; the steps of an attrition are no strata.

    Raises:
        PolicyError: a name or a level is not one that a division may have.
    """
    if entry.row.strata_name == "reason":
        return ()
    found = pairs_of(entry)
    for name, level in found:
        _check_level(name, level)
    return found


def pairs_of(entry: Entry) -> Levels:
    """Return the names and levels of a row's stratum as they stand there; none for the whole.

    Raises:
        PolicyError: there are more of one than of the other, or a name comes twice.
    """
    row = entry.row
    if row.strata_name == OVERALL:
        return ()
    names, levels = row.strata_name.split(JOINT), row.strata_level.split(JOINT)
    if len(names) != len(levels) or len({*names}) != len(names):
        raise _unknown("The names and levels of a stratum do not go together.")
    return tuple(zip(names, levels, strict=True))


def cohort_of(entry: Entry) -> str:
    """Return the cohort of a row, or its stratum under a name of its own."""
    return named(entry.group[0], levels_of(entry))


def named(cohort: str, levels: Levels) -> str:
    """Return the name of a stratum; equal whatever the order of its levels."""
    return "|".join([cohort, *(f"{name}={level}" for name, level in sorted(levels))])


def levels_in(name: object) -> Levels:
    """Return the levels of which ``named`` made a name."""
    found = [one.split("=", 1) for one in str(name).split("|")[1:]]
    return tuple((name, level) for name, level in found)


def share(one: object, other: object) -> bool:
    """Return whether a person may be in both strata, by their names: at no two levels of a way."""
    levels = dict(levels_in(one))
    return all(levels.get(name, level) == level for name, level in levels_in(other))


def add_up(one: object, other: object) -> bool:
    """Return whether one stratum, by name, is part of the other or the same.

    Sums tell then, in one result, how they differ.
    """
    first, second = {*levels_in(one)}, {*levels_in(other)}
    return first <= second or second <= first


def whole(entry: Entry) -> Entry:
    """Return the row that says of the whole cohort what a row says of a stratum."""
    return replace(entry, row=replace(entry.row, strata_name=OVERALL, strata_level=OVERALL))


def check_apart(divided: Iterable[Levels]) -> None:
    """Refuse levels of one division that overlap.

    Raises:
        PolicyError: two age groups, or two periods, share an age or a day.
    """
    found = {pair for levels in divided for pair in levels}
    ages = sorted(span(level) for name, level in found if name == "age_group")
    periods = sorted(_period(level) for name, level in found if name == "entry_period")
    for spans in (ages, periods):
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            raise _unknown("Two strata of one division overlap.")


def relate_strata(algebra: Algebra, cells: Mapping[Key, Mapping[Levels, Key]]) -> None:
    """Add the sums of strata.

    Args:
        algebra: Holds the cells.
        cells: For each cell of a whole cohort the cells of its strata, that of the whole included
            under no levels.

    Raises:
        PolicyError: strata count more persons than the whole, or overlap.
    """
    for family, strata in cells.items():
        for total, parts, place in divisions(strata):
            rest: Key = ("in no stratum", *family, named("", place))
            if not algebra.remainder(rest, total, parts):
                raise PolicyError(
                    "Strata count more persons than their cohort.",
                    remedy="Run the study again; a result that does not add up is never published.",
                )
            algebra.split(total, fold(algebra, total, rest, parts))


def divisions(strata: Mapping[Levels, Key]) -> list[tuple[Key, list[Key], Levels]]:
    """Return each total that is there, with the strata into which one division cuts it.

    A crossed division is cut from the divisions that it refines, and from the whole only where none
    is there.

    Returns:
        Total, parts, and levels of the total with the names of the division, which tell them apart.
    """
    names = list(dict.fromkeys(tuple(sorted(dict(levels))) for levels in strata))
    found: dict[tuple[tuple[str, ...], Levels], list[Key]] = {}
    for levels, key in strata.items():
        mine = {*dict(levels)}
        coarser = [one for one in names if {*one} < mine]
        nearest = [one for one in coarser if not any({*one} < {*other} for other in coarser)]
        for above in nearest:
            total = tuple(sorted(pair for pair in levels if pair[0] in above))
            found.setdefault((tuple(sorted(mine)), total), []).append(key)
    totals = {tuple(sorted(levels)): key for levels, key in strata.items()}
    return [
        (totals[total], parts, (*total, *((name, "") for name in division)))
        for (division, total), parts in found.items()
        if total in totals
    ]


def fold(algebra: Algebra, total: Key, rest: Key, known: Sequence[Key]) -> list[Key]:
    """Return the parts to divide a total into, with the rest only if there is any.

    Nobody of unknown sex or age is the rule: that zero is published, and no partner to hide behind.
    """
    if algebra[rest] == 0 and known:
        algebra.imply(total, rest)
        return [*known]
    algebra.positive(rest, unless=[total])
    return [rest, *known]


def _check_level(name: str, level: str) -> None:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name, re.ASCII) is None:
        raise _unknown("The name of a stratum is not one that a study can give.")
    if name == "age_group":
        span(level)
    elif name == "entry_period":
        _period(level)
    elif level not in _KNOWN.get(name, _OTHERS):
        raise _unknown("The level of a stratum is not one that a disclosure rule knows.")


def _period(level: str) -> tuple[int, int]:
    try:
        start, end = (date.fromisoformat(one).toordinal() for one in level.split(" to "))
    except ValueError:
        raise _unknown("A period of entry is not of the form '2020-01-01 to 2020-12-31'.") from None
    if start > end:
        raise _unknown("A period of entry ends before it starts.")
    return start, end


def _unknown(happened: str) -> PolicyError:
    return PolicyError(
        happened,
        remedy="Divide cohorts by sex, age_group, entry_period, or features that are yes or no.",
    )
