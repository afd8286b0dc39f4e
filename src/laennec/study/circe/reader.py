"""Reading JSON that ATLAS wrote: each object with its place, and nothing in it left unread.

A ``Part`` knows which fields it may have; any other is refused, since a field that is skipped is a
condition that nobody asks. Numbers and truth values are taken as circe-be takes them (a number may
be written as text, nothing counts as no), and everything else is refused with its place, such as
``PrimaryCriteria.CriteriaList[0].ConditionOccurrence.StopReason``. Messages name fields and the
file's own words; no row is near.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from laennec.core.errors import StudyError
from laennec.study.complaints import nearest
from laennec.study.model_cohorts import Frozen

MAX_DEPTH = 20
"""Bound of groups within groups and criteria; published definitions have at most four."""

MANY_LISTED = 2_000
"""Bound of a list but of concepts, far above published definitions: names must differ, which is
work for each pair."""

LARGEST = 2**31 - 1
"""Bound of whole numbers, as in circe-be."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_FOUR_PLACES = Decimal("0.0001")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SHOWN = 40

Value = TypeVar("Value", bound=Frozen)
Meaning = TypeVar("Meaning")


def refuse(place: str, happened: str, remedy: str) -> NoReturn:
    """Refuse a part of a definition.

    Raises:
        StudyError: always; its message begins with the place.
    """
    raise StudyError(f"{place}: {happened}.", remedy=remedy)


def made(kind: type[Value], place: str, **fields: Any) -> Value:
    """Make a value of the model.

    Raises:
        StudyError: the model refuses it, such as a list beyond its bound.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        happened = first["msg"].removeprefix("Value error, ")
        told = f"{happened[0].lower()}{happened[1:]}"
        refuse(place, f"{where}: {told}" if where else told, "Change this part in ATLAS.")


class Part:
    """One object of the file, with the fields that it may have.

    Attributes:
        place: Where it is, such as ``PrimaryCriteria.ObservationWindow``; empty for the whole.
        depth: How many groups and criteria it lies in.
    """

    def __init__(self, value: Any, place: str, *, fields: Collection[str], depth: int = 0) -> None:
        """Take an object of the file.

        Raises:
            StudyError: it is no object, has a field that is not known, or lies too deep.
        """
        if not isinstance(value, dict):
            refuse(place or "the definition", f"{_kind(value)} is no object", "Export it again.")
        if depth > MAX_DEPTH:
            refuse(place, f"it lies in more than {MAX_DEPTH} others", "Nest groups less deeply.")
        self._value, self.place, self.depth = value, place, depth
        for field in value:
            if field not in fields:
                refuse(
                    self.at(field),
                    "there is no such field in a definition of ATLAS",
                    nearest(field, fields),
                )

    def __iter__(self) -> Iterator[str]:
        """Yield the fields that say something, in the order of the file."""
        return (field for field, value in self._value.items() if value is not None)

    def at(self, field: str) -> str:
        """Return the place of a field; a name of any length is shown short."""
        name = field if len(field) <= _SHOWN else f"{field[:_SHOWN]}..."
        return f"{self.place}.{name}" if self.place else name

    def raw(self, field: str) -> Any:
        """Return what a field holds, not yet understood; None without it."""
        return self._value.get(field)

    def part(self, field: str, fields: Collection[str], *, within: int = 0) -> "Part | None":
        """Return the object of a field, or None without one; ``within`` is added to its depth."""
        value = self._value.get(field)
        if value is None:
            return None
        return Part(value, self.at(field), fields=fields, depth=self.depth + within)

    def items(self, field: str, *, most: int = MANY_LISTED) -> list[tuple[Any, str]]:
        """Return what a list of at most ``most`` holds, each with its place; nothing without it."""
        value = self._value.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            refuse(self.at(field), f"{_kind(value)} is no list", "Export the definition again.")
        if len(value) > most:
            refuse(self.at(field), f"the list has more than {most} items", "Make it shorter.")
        return [(one, f"{self.at(field)}[{i}]") for i, one in enumerate(value)]

    def parts(
        self, field: str, fields: Collection[str], *, within: int = 0, most: int = MANY_LISTED
    ) -> "list[Part]":
        """Return the objects of a list, as ``items``; ``within`` is added to their depth."""
        return [
            Part(one, place, fields=fields, depth=self.depth + within)
            for one, place in self.items(field, most=most)
        ]

    def whole(self, field: str, *, least: int = -LARGEST, most: int = LARGEST) -> int | None:
        """Return a whole number within bounds, or None without one."""
        value = self._value.get(field)
        if value is None:
            return None
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(self.at(field), f"{_kind(value)} is no whole number", "Write a whole number.")
        if not least <= value <= most:
            refuse(
                self.at(field), f"the number is not from {least} to {most}", "Change the number."
            )
        return value

    def needed(self, field: str, *, least: int = -LARGEST, most: int = LARGEST) -> int:
        """Return a whole number that must be there."""
        value = self.whole(field, least=least, most=most)
        if value is None:
            refuse(self.at(field), "the number is missing", "Write a whole number.")
        return value

    def number(self, field: str, *, decimals: bool) -> float:
        """Return a bound: rounded to four places, or cut to a whole number, as circe-be does."""
        value = self._value.get(field)
        if isinstance(value, str):
            value = _from_text(value)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not -LARGEST <= value <= LARGEST
        ):
            refuse(
                self.at(field),
                f"{_kind(value)} is no number up to {LARGEST}",
                "Write the number that the value is compared with.",
            )
        if not decimals:
            return float(int(value))
        return float(Decimal(repr(value)).quantize(_FOUR_PLACES, rounding=ROUND_HALF_UP))

    def truth(self, field: str) -> bool | None:
        """Return a truth value, or None without one."""
        value = self._value.get(field)
        if isinstance(value, str) and value in _TRUTH:
            return _TRUTH[value]
        if value is None or isinstance(value, bool):
            return value
        refuse(self.at(field), f"{_kind(value)} is neither true nor false", "Write true or false.")

    def text(self, field: str) -> str | None:
        """Return a text, or None without one."""
        value = self._value.get(field)
        if value is None or isinstance(value, str):
            return value
        refuse(self.at(field), f"{_kind(value)} is no text", "Write a text in quotes.")

    def one_of(self, field: str, known: Mapping[str, Meaning]) -> Meaning:
        """Return what a word of a list of words means; letter case counts."""
        value = self.text(field)
        if value is None:
            refuse(self.at(field), "the word is missing", nearest("", known))
        if value not in known:
            refuse(self.at(field), f"{_quoted(value)} is not known here", nearest(value, known))
        return known[value]

    def day(self, field: str) -> date | None:
        """Return a day, written like 2020-01-31, or None without one."""
        value = self.text(field)
        if value is None:
            return None
        found = _DAY.fullmatch(value)
        try:
            year, month, day = map(int, found.groups() if found else ())
            return date(year, month, day)
        except ValueError:
            refuse(self.at(field), f"{_quoted(value)} is no day", "Write it like 2020-01-31.")


def _from_text(value: str) -> float | int | None:
    try:
        return int(value) if _WHOLE.fullmatch(value.strip()) else float(value)
    except ValueError:
        return None


def _quoted(value: str) -> str:
    """A word of the file, short and without characters that are not seen."""
    shown = value[:_SHOWN] + ("..." if len(value) > _SHOWN else "")
    return repr(shown)


def _kind(value: Any) -> str:
    """What a value is, for a reader who does not see it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
