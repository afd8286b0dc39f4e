"""A whole study, put together from its results: what they name comes with them."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel

from laennec.study.language.cohorts import Cohort
from laennec.study.language.places import here, in_words, made, refuse
from laennec.study.language.values import NamedSet, Said, by_name
from laennec.study.model import Result, Study

Value = TypeVar("Value", bound=BaseModel)


@in_words
def study(
    name: str,
    title: str,
    *results: Said[Result],
    description: str = "",
    cohorts: Iterable[Cohort] = (),
) -> Study:
    """Put a study together: cohorts, strata and concept sets are those that its results name.

    Args:
        name: Lower-case letters, digits and underscores.
        title: One line.
        results: What is asked.
        description: Plain text.
        cohorts: Cohorts that no result names, whose attrition is wanted as well.

    Raises:
        StudyError: two cohorts, strata or results of one name differ, told at the later one; or the
            whole is no study.
    """
    asked = [one for result in results for one in result.cohorts]
    asked += [part for one in cohorts for part in (*one.cohorts, one)]
    ways = [way for result in results for way in result.strata]
    sets: list[NamedSet] = [one for part in (*asked, *ways, *results) for one in part.sets]
    named = by_name(sets)
    return made(
        Study,
        here(),
        name=name,
        title=title,
        description=description,
        concept_sets={name: one.concepts for name, one in named.items()},
        cohorts=_once(asked, "cohort", lambda one: str(one.name)),
        strata=_once(ways, "stratum", lambda one: one.label),
        results=_once(results, "result", lambda one: str(one.name)),
    )


def _once(
    parts: Iterable[Said[Value]], what: str, name_of: Callable[[Value], str]
) -> tuple[Value, ...]:
    found: dict[str, Said[Value]] = {}
    for one in parts:
        name = name_of(one.value)
        other = found.setdefault(name, one)
        if other.value != one.value:
            first, second = sorted((other, one), key=lambda each: each.place.line)
            refuse(
                second.place,
                f"the {what} {name!r} is defined again (first in line {first.place.line})",
                "Give one of them another name.",
            )
    return tuple(one.value for one in found.values())
