"""Cells, how they add up, and which hidden cell drags which.

An ``Algebra`` is built once from the *structure* of a result. It holds cells (person counts), sums
(``total = parts``) and implications (*if this is hidden, so is that*). Which cells are hidden then
follows from which cells are small, by reachability, and from nothing else: no value chooses a
partner. This is what makes the output analysable for a reader who knows the program (see
``docs/explanation/disclosure.md``).

Pure: no I/O, no clock, no randomness.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from laennec.core.errors import PolicyError

Key = tuple[object, ...]
"""Names a cell. Keys of one algebra are built by one module, so equal keys mean equal cells."""


@dataclass(frozen=True)
class Sum:
    """``total`` is the sum of ``parts``, and the reader knows it."""

    total: Key
    parts: tuple[Key, ...]


@dataclass(frozen=True)
class System:
    """A finished algebra.

    Attributes:
        values: Persons in each cell; None where the input had hidden it already.
        sums: Every additive relation.
        implies: For each cell, the cells hidden with it.
        positive: Cells that are 0 only if one of the named totals is hidden too.
    """

    values: Mapping[Key, int | None]
    sums: tuple[Sum, ...]
    implies: Mapping[Key, tuple[Key, ...]]
    positive: Mapping[Key, frozenset[Key]]

    def closure(self, hidden: Iterable[Key]) -> frozenset[Key]:
        """Return ``hidden`` and all that it drags along."""
        found = set(hidden)
        queue = list(found)
        while queue:
            for other in self.implies.get(queue.pop(), ()):
                if other not in found:
                    found.add(other)
                    queue.append(other)
        return frozenset(found)


class Algebra:
    """Collects cells and relations; ``finish`` returns the ``System``."""

    def __init__(self) -> None:
        self._values: dict[Key, int | None] = {}
        self._sums: dict[Sum, None] = {}
        self._implies: dict[Key, dict[Key, None]] = {}
        self._positive: dict[Key, frozenset[Key]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def __getitem__(self, key: Key) -> int | None:
        return self._values[key]

    def starting(self, start: Key) -> list[Key]:
        """Return the cells whose key starts so, in the order in which they were added."""
        return [key for key in self._values if key[: len(start)] == start]

    def put(self, key: Key, value: int | None) -> None:
        """Add a cell, or see it again.

        A cell that the input shows once and hides once counts as hidden, so that both stay hidden.

        Raises:
            PolicyError: the cell was seen with another value, or is negative: the result
                contradicts itself and nothing can be said about what it would disclose.
        """
        if value is not None and value < 0:
            raise _contradiction(key)
        seen = self._values.setdefault(key, value)
        if seen is None or value is None:
            self._values[key] = None
        elif seen != value:
            raise _contradiction(key)

    def imply(self, cause: Key, effect: Key) -> None:
        """Hide ``effect`` whenever ``cause`` is hidden."""
        if cause != effect:
            self._implies.setdefault(cause, {})[effect] = None

    def same(self, one: Key, other: Key) -> None:
        """Declare two cells equal: hidden together."""
        self._add(one, (other,))
        self.imply(one, other)
        self.imply(other, one)

    def positive(self, key: Key, *, unless: Iterable[Key]) -> None:
        """Tell that a cell is not 0, or it would be published: unless one of these is hidden."""
        self._positive[key] = frozenset(unless)

    def split(self, total: Key, parts: Sequence[Key]) -> None:
        """Declare ``total`` the sum of ``parts`` and protect the parts against subtraction.

        Parts are paired with their neighbours in a balanced binary tree. A hidden part hides its
        partner; a pair that is small together hides the next pair; a hidden total hides its parts.
        Order is therefore meaningful: neighbours are merged first.
        """
        if len(parts) == 1:
            self.same(total, parts[0])
            return
        middle = middle_of(len(parts))
        left, right = (self._node(half) for half in (parts[:middle], parts[middle:]))
        self._add(total, (left, right))
        self.imply(left, right)
        self.imply(right, left)
        self.imply(total, left)
        self.imply(total, right)

    def drag(self, total: Key, parts: Sequence[Key]) -> None:
        """Hide ``parts`` together and with ``total``, for quantities that are no counts."""
        for part in parts:
            self.imply(total, part)
            for other in parts:
                self.imply(part, other)

    def derive(self, total: Key, parts: Sequence[Key]) -> None:
        """Declare a total that is shown only if all its parts could be: it tells nothing new."""
        self._add(total, tuple(parts))
        for part in parts:
            self.imply(part, total)

    def total(self, total: Key, parts: Sequence[Key]) -> None:
        """Declare ``total`` the sum of ``parts``; what is hidden with what is declared apart."""
        self._add(total, tuple(parts))

    def apart(self, larger: Key, smaller: Key, *, hide: Iterable[Key] = ()) -> None:
        """Declare that one cell may, for all a reader knows, lie inside another.

        Who is in the larger one only is a cell too; hiding it hides the smaller, and ``hide``.
        """
        between: Key = ("between", *larger, *smaller)
        self.remainder(between, larger, [smaller])
        self._add(larger, (smaller, between))
        self.imply(smaller, between)
        for key in (smaller, *hide):
            self.imply(between, key)

    def remainder(self, key: Key, total: Key, parts: Sequence[Key]) -> bool:
        """Add the cell ``key = total - parts``; return False, adding nothing, if it is negative."""
        known = [self._values[one] for one in parts]
        whole = self._values[total]
        if whole is None or None in known:
            self.put(key, None)
            return True
        rest = whole - sum(one for one in known if one is not None)
        if rest < 0:
            return False
        self.put(key, rest)
        return True

    def finish(self) -> System:
        """Return the frozen system.

        Raises:
            PolicyError: a sum does not hold.
        """
        for one in self._sums:
            known = [value for part in one.parts if (value := self._values[part]) is not None]
            total = self._values[one.total]
            if total is not None and len(known) == len(one.parts) and total != sum(known):
                raise _contradiction(one.total)
        return System(
            dict(self._values),
            tuple(self._sums),
            {cause: tuple(effects) for cause, effects in self._implies.items()},
            dict(self._positive),
        )

    def _add(self, total: Key, parts: tuple[Key, ...]) -> None:
        self._sums[Sum(total, parts)] = None

    def _node(self, parts: Sequence[Key]) -> Key:
        """Return the cell of these neighbours together, splitting it in turn."""
        if len(parts) == 1:
            return parts[0]
        key: Key = ("together", *parts)
        if key not in self._values:
            values = [self._values[one] for one in parts]
            known = [one for one in values if one is not None]
            self.put(key, sum(known) if len(known) == len(values) else None)
        self.split(key, parts)
        return key


def is_shown(key: Key) -> bool:
    """Return whether a cell can be displayed: groups together are cells for arithmetic only."""
    return not any(part == "together" or (isinstance(part, tuple) and part) for part in key)


def middle_of(count: int) -> int:
    """Return where to cut neighbours so that pairs stay whole: 2 -> 1, 3 -> 2, 4 -> 2, 5 -> 4."""
    half = (count + 1) // 2
    return half if count == 2 or half % 2 == 0 else half + 1


def cover(parts: Sequence[Key], start: int) -> list[Key]:
    """Return the cells, of the tree that ``split`` makes, that make up ``parts[start:]``."""
    if start >= len(parts):
        return []
    if start == 0:
        return [parts[0] if len(parts) == 1 else ("together", *parts)]
    middle = middle_of(len(parts))
    left, right = parts[:middle], parts[middle:]
    if start >= middle:
        return cover(right, start - middle)
    return [*cover(left, start), *cover(right, 0)]


def _contradiction(key: Key) -> PolicyError:
    return PolicyError(
        f"The result contradicts itself about {key[0]!r}: counts that must agree do not.",
        remedy="Run the study again; a result that does not add up is never published.",
    )
