"""What the functions of the language return: a value of the model, with what it refers to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from laennec.study.definition import Filter
from laennec.study.language.places import Place, refuse
from laennec.study.model import AnyCohort, ConceptSet, Strata

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True)
class NamedSet:
    """A concept set and its name."""

    name: str
    concepts: ConceptSet
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Said(Generic[Value]):
    """A value of the model.

    Attributes:
        value: What is said.
        place: Where.
        sets: Concept sets that it names.
        cohorts: Cohorts that it names, and those of which they are made before them.
        strata: Ways to divide cohorts that it names.
    """

    value: Value
    place: Place = field(compare=False)
    sets: tuple[NamedSet, ...] = ()
    cohorts: tuple["Said[AnyCohort]", ...] = ()
    strata: tuple["Said[Strata]", ...] = ()


@dataclass(frozen=True)
class Asked:
    """A filter, once the table is known whose rows it is asked of."""

    of_table: Callable[[str], Filter] = field(compare=False)
    place: Place = field(compare=False)
    sets: tuple[NamedSet, ...] = ()


def all_sets(parts: Iterable["Said[object] | Asked"]) -> tuple[NamedSet, ...]:
    """Return the concept sets that any of these names, each once.

    Raises:
        StudyError: two different sets have one name; told at the place of the later one.
    """
    return tuple(by_name(one for part in parts for one in part.sets).values())


def by_name(sets: Iterable[NamedSet]) -> Mapping[str, NamedSet]:
    """Return concept sets by their names.

    Raises:
        StudyError: two different sets have one name; told at the place of the later one.
    """
    found: dict[str, NamedSet] = {}
    for one in sets:
        other = found.setdefault(one.name, one)
        if other.concepts != one.concepts:
            first, second = sorted((other, one), key=lambda each: each.place.line)
            refuse(
                second.place,
                f"the concept set {second.name!r} is defined again (first in line "
                f"{first.place.line})",
                "Give one of them another name.",
            )
    return found
