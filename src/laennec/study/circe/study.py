"""A study of cohorts that were defined in ATLAS: their definitions, and the sets they share."""

from collections.abc import Iterable, Mapping
from typing import Any

from laennec.study.circe.expression import Translated
from laennec.study.circe.names import name_for
from laennec.study.circe.reader import made
from laennec.study.definition import Definition
from laennec.study.model import ConceptSet, Counts, Frozen, Study

_NAMING = frozenset({"concepts", "source_concepts", "concept_set"})
"""Fields that hold the name of a concept set."""


def study_of(
    cohorts: Iterable[Translated],
    *,
    name: str,
    title: str,
    concept_sets: Mapping[str, ConceptSet] | None = None,
) -> Study:
    """Return a study of cohorts, which counts the members of each.

    Args:
        cohorts: Definitions with their sets; each definition has a name of its own.
        name: Name of the study, or a text to make one of.
        title: Its title; a line of plain text.
        concept_sets: Sets that the study holds beside those of the definitions.

    Raises:
        StudyError: there are more cohorts or concept sets than a study may have, or no cohort.
    """
    sets = dict(concept_sets or {})
    definitions = merged(cohorts, sets)
    counts = Counts(name="counts", cohorts=tuple(one.name for one in definitions))
    return made(
        Study,
        "the study",
        name=name_for(name, what="study"),
        title=title,
        concept_sets=sets,
        cohorts=definitions,
        results=(counts,),
    )


def merged(cohorts: Iterable[Translated], sets: dict[str, ConceptSet]) -> tuple[Definition, ...]:
    """Put the sets of definitions together, and return the definitions with the names they got.

    Sets of the same items become one. Where two different sets have one name, the later gets a
    number after it.

    Args:
        cohorts: Definitions with their sets.
        sets: Sets by name, to which those of the definitions are added.
    """
    by_items = {one.items: name for name, one in sets.items()}
    found = []
    for cohort in cohorts:
        names: dict[str, str] = {}
        for name, one in cohort.concept_sets.items():
            known = by_items.get(one.items)
            if known is None:
                known = name_for(name, what="set", taken=sets)
                by_items[one.items] = known
                sets[known] = one
            names[name] = known
        found.append(_renamed(cohort.definition, names))
    return tuple(found)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A value with other names for the concept sets in it; the same value where none changes."""
    if isinstance(value, tuple):
        made_new = tuple(_renamed(one, names) for one in value)
        return value if all(map(_same, made_new, value)) else made_new
    if not isinstance(value, Frozen):
        return value
    changed: dict[str, Any] = {}
    for field, one in value:
        named = field in _NAMING and isinstance(one, str)
        new = names[one] if named else _renamed(one, names)
        if not _same(new, one):
            changed[field] = new
    return value.model_copy(update=changed) if changed else value


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, str) and one == other)
