"""Concept sets: written out, from a CSV file, or from ATLAS."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from laennec.core.errors import StudyError
from laennec.study import circe
from laennec.study.language.places import Place, here, in_words, made, refuse
from laennec.study.language.values import NamedSet
from laennec.study.model import ConceptItem, ConceptSet

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})
_FLAGS = ("descendants", "mapped", "exclude")


@in_words
def include(*concepts: int, descendants: bool = False, mapped: bool = False) -> list[ConceptItem]:
    """Take these concepts into a set.

    Args:
        concepts: OMOP concepts.
        descendants: Take everything below them as well.
        mapped: Take source concepts that map to them (and to their descendants) as well.
    """
    return _items(concepts, descendants=descendants, mapped=mapped, exclude=False)


@in_words
def exclude(*concepts: int, descendants: bool = False, mapped: bool = False) -> list[ConceptItem]:
    """Take these concepts out of a set; exclusion wins over inclusion."""
    return _items(concepts, descendants=descendants, mapped=mapped, exclude=True)


@in_words
def concept_set(name: str, *items: list[ConceptItem]) -> NamedSet:
    """Name a set of concepts that mean one thing in this study.

    Args:
        name: Lower-case letters, digits and underscores.
        items: What ``include`` and ``exclude`` return.
    """
    place = here()
    return _named(name, [one for part in items for one in part], place)


@in_words
def concept_set_from_csv(name: str, path: str | Path) -> NamedSet:
    """Read a concept set from a CSV file with a column ``concept_id``.

    Columns ``descendants``, ``mapped`` and ``exclude`` are true or false where they are there;
    others are not read.

    Raises:
        StudyError: the file cannot be read, or a line is wrong, which is named.
    """
    place = here()
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            items = list(_csv_items(csv.DictReader(file), str(path)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        refuse(place, f"{path} cannot be read ({type(error).__name__})", "Give the path of a CSV.")
    return _named(name, items, place)


@in_words
def concept_set_from_atlas(name: str, path: str | Path) -> NamedSet:
    """Read a concept set that ATLAS exported as JSON (``{"items": [...]}``).

    Raises:
        StudyError: the file cannot be read, or is no concept set; the place in it is named.
    """
    place = here()
    try:
        tree = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        refuse(place, f"{path} cannot be read ({type(error).__name__})", "Give the path of a JSON.")
    try:
        return _named(name, list(circe.concept_set(tree).items), place)
    except StudyError as error:
        refuse(place, f"{path}: {error.happened.rstrip('.')}", error.remedy)


def _items(concepts: tuple[int, ...], **flags: bool) -> list[ConceptItem]:
    place = here()
    return [made(ConceptItem, place, concept_id=one, **flags) for one in concepts]


def _named(name: str, items: list[ConceptItem], place: Place) -> NamedSet:
    return NamedSet(name, made(ConceptSet, place, items=tuple(items)), place)


def _csv_items(rows: "csv.DictReader[str]", path: str) -> Iterator[ConceptItem]:
    if "concept_id" not in (rows.fieldnames or ()):
        raise StudyError(
            f"{path}, line 1: there is no column concept_id.", remedy="Name the columns in line 1."
        )
    for row in rows:
        place = Place(path, rows.line_num)
        try:
            concept = int(row["concept_id"] or "")
            flags = {name: _truth(row.get(name) or "") for name in _FLAGS}
        except ValueError:
            refuse(place, "a value is no concept or no truth value", "Write 192671, true, false.")
        yield made(ConceptItem, place, concept_id=concept, **flags)


def _truth(text: str) -> bool:
    lower = text.strip().lower()
    if lower not in _TRUE | _FALSE:
        raise ValueError
    return lower in _TRUE
