"""Concept sets of ATLAS: those of a definition, and one that was exported by itself."""

from typing import Any, NoReturn

from laennec.study.circe.names import name_for
from laennec.study.circe.reader import Part, made, refuse
from laennec.study.model_cohorts import MAX_ITEMS, ConceptItem, ConceptSet

CONCEPT = frozenset(
    {
        "CONCEPT_ID",
        "CONCEPT_NAME",
        "CONCEPT_CODE",
        "CONCEPT_CLASS_ID",
        "DOMAIN_ID",
        "VOCABULARY_ID",
        "STANDARD_CONCEPT",
        "STANDARD_CONCEPT_CAPTION",
        "INVALID_REASON",
        "INVALID_REASON_CAPTION",
        "VALID_START_DATE",
        "VALID_END_DATE",
    }
)
"""What ATLAS writes of a concept; the number alone says which it is, the rest describes it."""

FLAGS = ("isExcluded", "includeDescendants", "includeMapped")
LEAST, MOST = -(2**63), 2**63 - 1
_SET = frozenset({"id", "name", "expression"})


def concept_id(part: Part) -> int:
    """Return the number of a concept."""
    return part.needed("CONCEPT_ID", least=LEAST, most=MOST)


def concept_items(expression: Part) -> tuple[ConceptItem, ...]:
    """Return the items of ``{"items": [...]}``; there may be none."""
    found = []
    for item in expression.parts("items", {"concept", *FLAGS}, most=MAX_ITEMS):
        concept = item.part("concept", CONCEPT)
        if concept is None:
            refuse(item.at("concept"), "the concept is missing", "Write its CONCEPT_ID.")
        excluded, descendants, mapped = (item.truth(flag) or False for flag in FLAGS)
        found.append(
            ConceptItem(
                concept_id=concept_id(concept),
                descendants=descendants,
                mapped=mapped,
                exclude=excluded,
            )
        )
    return tuple(found)


def concept_set(tree: Any) -> ConceptSet:
    """Return the concept set that ATLAS exported as ``{"items": [...]}``.

    Raises:
        StudyError: it is none, or includes nothing; the place is named.
    """
    items = concept_items(Part(tree, "", fields={"items"}))
    return made(ConceptSet, "items", items=items)


class Sets:
    """The concept sets of a definition, by number; those that are asked for are kept.

    Attributes:
        used: Name to set of those asked for, in the order of their first use.
    """

    def __init__(self, whole: Part) -> None:
        """Read the concept sets of a definition.

        Raises:
            StudyError: one is not written as ATLAS writes it, or two have one number.
        """
        self.used: dict[str, ConceptSet] = {}
        self._known: dict[int, tuple[str, tuple[ConceptItem, ...]]] = {}
        names: set[str] = set()
        for part in whole.parts("ConceptSets", _SET):
            number = part.needed("id")
            if number in self._known:
                refuse(part.at("id"), "two concept sets have this number", "Change one of them.")
            name = name_for(part.text("name") or "", what=f"set_{abs(number)}", taken=names)
            names.add(name)
            expression = part.part("expression", {"items"})
            items = () if expression is None else concept_items(expression)
            self._known[number] = (name, items)

    def named(self, part: Part, field: str) -> str | None:
        """Return the name of the set that a field gives the number of, or None without one.

        Raises:
            StudyError: there is no such set, or nothing is in it.
        """
        number = part.whole(field)
        if number is None:
            return None
        name, items = self._known.get(number) or _no_set(part, field)
        if name not in self.used:
            self.used[name] = _whole_set(items, name, part.at(field))
        return name


def _no_set(part: Part, field: str) -> NoReturn:
    refuse(
        part.at(field),
        "the definition has no concept set of this number",
        "Choose a concept set in ATLAS and export the definition again.",
    )


def _whole_set(items: tuple[ConceptItem, ...], name: str, place: str) -> ConceptSet:
    if all(one.exclude for one in items):
        refuse(
            place,
            f"the concept set {name} includes no concept, so nothing is of it",
            "Put a concept into it, or take the criterion away.",
        )
    return made(ConceptSet, place, items=items)
