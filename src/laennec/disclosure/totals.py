"""Primary and secondary suppression of person counts that add up.

A small count is hidden (*primary*), and with it what the structure says must be hidden so that it
does not come back by addition (*secondary*). Then the result is audited by an attacker who knows
this program (``disclosure.audit``). What he would learn is mended by hiding totals above the
exposed cells, and the audit is repeated, until it passes or the whole connected table is hidden.

The cost is fixed by the structure, never by values: neighbours before strangers, details before
totals. Choosing the cheapest partner *by value* would tell the reader that the partner is the
cheapest, which is how minimal suppression is undone.

Pure: no I/O, no clock, no randomness.
"""

from dataclasses import dataclass
from enum import StrEnum

from laennec.disclosure.algebra import Key, System, is_shown
from laennec.disclosure.audit import Part, parts_of, weak_cells
from laennec.disclosure.profiles import Profile


class Why(StrEnum):
    """Why a cell is hidden."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    AUDIT = "audit"


@dataclass(frozen=True)
class Suppression:
    """The cells to hide, each with the reason, and whether the audit passed.

    Attributes:
        why: Reason for each hidden cell.
        rounds: Audits made; 1 when the first one passed.
    """

    why: dict[Key, Why]
    rounds: int


def protect(system: System, profile: Profile) -> Suppression:
    """Return the cells to hide so that no small count can be worked out.

    Every hidden count that can be small keeps at least ``profile.possible_values`` values for a
    reader who knows the published cells, the sums, the profile and this program, wherever that can
    be had short of hiding every cell it is connected with.

    Resists: subtraction, linear and integer programming, running this program on candidates.
    """
    small = [key for key, one in system.values.items() if one is None or profile.is_small(one)]
    first = hidden = system.closure(small)
    passed: set[tuple[Key, ...]] = set()
    rounds = 0
    while True:
        rounds += 1
        more: set[Key] = set()
        for part in parts_of(system, hidden):
            if part.cells in passed:
                continue
            weak = _audit(system, part, hidden, profile)
            if weak:
                more.update(_mend(system, hidden, weak, profile))
            else:
                passed.add(part.cells)
        if not more:
            break
        hidden = system.closure(hidden | more)
    primary = frozenset(small)
    why = {
        key: Why.PRIMARY if key in primary else Why.SECONDARY if key in first else Why.AUDIT
        for key in system.values
        if key in hidden
    }
    return Suppression(why, rounds)


def _audit(system: System, part: Part, hidden: frozenset[Key], profile: Profile) -> tuple[Key, ...]:
    return weak_cells(
        system,
        part,
        hidden,
        threshold=profile.threshold,
        possible_values=profile.possible_values,
    )


def _mend(
    system: System, hidden: frozenset[Key], weak: tuple[Key, ...], profile: Profile
) -> list[Key]:
    """Return what to hide besides, one cell if one is enough, neighbours before totals."""
    above = _above(system, hidden, weak)
    groups = [key for key in above if not is_shown(key)]
    for key in groups:
        more = system.closure(hidden | {key})
        (part,) = (one for one in parts_of(system, more) if key in one.cells)
        if not _audit(system, part, more, profile):
            return [key]
    return groups or above


def _above(system: System, hidden: frozenset[Key], cells: tuple[Key, ...]) -> list[Key]:
    """Return the published totals of the exposed cells; failing that, of anything hidden with them.

    When the cells have no published total, the published parts beside them are all that is left.
    """
    reach = set(cells)
    while reach:
        near = [one for one in system.sums if reach & {one.total, *one.parts}]
        totals = [one.total for one in near if one.total not in hidden and reach & {*one.parts}]
        if totals:
            return list(dict.fromkeys(totals))
        parts = [key for one in near for key in one.parts if key not in hidden]
        if parts:
            return list(dict.fromkeys(parts))
        wider = reach | {key for one in near for key in (one.total, *one.parts)}
        reach = set() if wider == reach else wider
    return []
