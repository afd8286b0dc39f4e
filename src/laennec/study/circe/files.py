"""Files that ATLAS exported: cohort definitions (JSON) and concept sets (JSON, CSV).

They lie with the researcher. A hub takes a study, which holds every concept and criterion itself,
and never looks for another file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laennec.core.errors import StudyError
from laennec.study.circe.expression import Translated, translate
from laennec.study.circe.names import name_for
from laennec.study.circe.reader import Part, refuse
from laennec.study.circe.sets import concept_set
from laennec.study.circe.sets_csv import concept_sets_of
from laennec.study.circe.study import study_of
from laennec.study.files import read_json, read_study, read_text
from laennec.study.model import ConceptSet, Study

RECORD = frozenset(
    {
        "id",
        "name",
        "description",
        "expressionType",
        "expression",
        "createdBy",
        "createdDate",
        "modifiedBy",
        "modifiedDate",
        "hasWriteAccess",
        "hasReadAccess",
        "tags",
    }
)
"""What WebAPI writes about a definition, with the definition in ``expression``."""

TITLE = "Cohorts of ATLAS"

MAX_BYTES = 32_000_000
"""Largest file of ATLAS; it writes every concept out, so that published ones have 4 MB."""


@dataclass(frozen=True)
class Exported:
    """What files of ATLAS hold.

    Attributes:
        cohorts: Definitions, each with the name of its own.
        concept_sets: Sets that were exported by themselves, by name.
    """

    cohorts: tuple[Translated, ...]
    concept_sets: dict[str, ConceptSet]


def read_exported(paths: Iterable[Path]) -> Exported:
    """Read definitions and concept sets, in any order.

    A definition is named after its file, or as WebAPI names it; a concept set after its file, or as
    the CSV names it.

    Raises:
        StudyError: a file cannot be read or is neither; the file and the place in it are named.
    """
    cohorts: list[Translated] = []
    sets: dict[str, ConceptSet] = {}
    for path in paths:
        try:
            _add(path, cohorts, sets)
        except StudyError as error:
            if error.happened.startswith(str(path)):
                raise
            raise StudyError(f"{path}: {error.happened}", remedy=error.remedy) from None
    return Exported(tuple(cohorts), sets)


def _add(path: Path, cohorts: list[Translated], sets: dict[str, ConceptSet]) -> None:
    """Add what one file holds."""
    if path.suffix.lower() == ".csv":
        for name, one in concept_sets_of(read_text(path, max_bytes=MAX_BYTES), path.stem).items():
            sets[name_for(name, what="set", taken=sets)] = one
        return
    named, expression = _record(read_json(path, max_bytes=MAX_BYTES), path.stem)
    if isinstance(expression, dict) and "items" in expression:
        sets[name_for(named, what="set", taken=sets)] = concept_set(expression)
        return
    taken = {one.definition.name for one in cohorts}
    name = name_for(named, what="cohort", taken=taken)
    cohorts.append(translate(expression, name=name))


def read_study_or_definition(path: Path) -> tuple[Study, bool]:
    """Return the study in a file, and whether the file holds a definition of ATLAS.

    A definition becomes a study that counts who is in its cohort.

    Raises:
        StudyError: as ``read_study`` and ``read_exported``.
    """
    if path.suffix.lower() == ".json" and is_definition(read_json(path, max_bytes=MAX_BYTES)):
        found = read_exported([path]).cohorts
        return study_of(found, name=found[0].definition.name, title=TITLE), True
    return read_study(path), False


def is_definition(tree: Any) -> bool:
    """Return whether a tree is a definition of ATLAS, or WebAPI's record of one."""
    return isinstance(tree, dict) and ("PrimaryCriteria" in tree or "expressionType" in tree)


def _record(tree: Any, stem: str) -> tuple[str, Any]:
    """The name and the expression: those of WebAPI's record, else of the file."""
    if not isinstance(tree, dict) or "expression" not in tree:
        return stem, tree
    record = Part(tree, "", fields=RECORD)
    expression = record.raw("expression")
    if isinstance(expression, str):
        try:
            expression = json.loads(expression)
        except (ValueError, RecursionError):
            refuse("expression", "the text is not JSON", "Export the definition again.")
    return record.text("name") or stem, expression
