"""Concept sets as CSV: those that WebAPI exports, and tables of ids and flags written by hand.

The header says what each column is. ``Concept ID`` (or ``concept_id``) is needed; ``Exclude``,
``Descendants`` and ``Mapped`` are no where they are left out; the name of the set is in
``concept_set_name``, or in ``Name`` beside ``Concept Set ID`` as WebAPI writes it. Other columns
describe the concepts and are known by name; an unknown one is refused, for it might be a condition.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from laennec.study.circe.names import name_for
from laennec.study.circe.reader import MANY_LISTED, made, refuse
from laennec.study.circe.sets import LEAST, MOST
from laennec.study.complaints import nearest
from laennec.study.model_cohorts import ConceptItem, ConceptSet

MEANINGS: Mapping[str, Sequence[str]] = {
    "concept_id": ("conceptid", "id"),
    "exclude": ("exclude", "excluded", "isexcluded"),
    "descendants": ("descendants", "includedescendants"),
    "mapped": ("mapped", "includemapped"),
    "set_id": ("conceptsetid",),
    "set_name": ("conceptsetname",),
    "name": ("name",),
    "other": (
        *(
            "conceptname",
            "code",
            "conceptcode",
            "domain",
            "domainid",
            "vocabulary",
            "vocabularyid",
            "class",
        ),
        *("conceptclassid", "standardconcept", "standardconceptcaption", "invalidreason"),
        *("invalidreasoncaption", "validstartdate", "validenddate"),
    ),
}
"""Meaning to the headings that have it, without spaces, underscores and capitals."""

_TRUTH = {"true": True, "t": True, "1": True, "yes": True}
_FALSE = frozenset({"false", "f", "0", "no", "", "na"})


def concept_sets_of(text: str, name: str) -> dict[str, ConceptSet]:
    """Return the concept sets of a CSV text by name.

    Args:
        text: With a header; separated by commas, semicolons or tabs.
        name: For a table that does not name its sets.

    Raises:
        StudyError: the header or a line is not understood; the line is named.
    """
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header, *rows = list(lines) or [[]]
    except csv.Error:
        refuse("the table", "this is not CSV, or a cell is too long", "Export it again.")
    place = _places(header)
    items: dict[str, list[ConceptItem]] = {}
    for number, line in enumerate(rows, 2):
        if not any(map(str.strip, line)):
            continue
        if len(line) != len(header):
            refuse(f"line {number}", "it has not as many cells as the header", "Correct the line.")
        cells = {meaning: line[at].strip() for meaning, at in place.items()}
        named = cells.get("set_name") or (cells.get("name") if "set_id" in cells else "") or name
        items.setdefault(named, []).append(_item(cells, f"line {number}"))
    if len(items) > MANY_LISTED:
        refuse("the table", f"it has more than {MANY_LISTED} concept sets", "Export fewer.")
    sets: dict[str, ConceptSet] = {}
    for named, found in items.items():
        key = name_for(named, what="set", taken=sets)
        sets[key] = made(ConceptSet, f"the set {key}", items=tuple(found))
    if not sets:
        refuse("the table", "it has no concepts", "Export the concept set again.")
    return sets


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    """The column of each meaning; only columns that describe concepts may be several."""
    place: dict[str, int] = {}
    for number, heading in enumerate(header):
        meaning = _meaning(heading)
        if meaning in place and meaning != "other":
            refuse("line 1", f"two columns say {meaning}", "Keep one of them.")
        place[meaning] = number
    if "concept_id" not in place:
        refuse("line 1", "there is no column of concept ids", "Name it concept_id.")
    return place


def _meaning(heading: str) -> str:
    plain = heading.strip().strip('"').lower().replace(" ", "").replace("_", "")
    known = {one: meaning for meaning, headings in MEANINGS.items() for one in headings}
    if plain not in known:
        refuse("line 1", "a column is not known", nearest(plain[:40], known))
    return known[plain]


def _item(cells: Mapping[str, str], place: str) -> ConceptItem:
    try:
        concept = int(cells["concept_id"])
    except ValueError:
        refuse(place, "the concept id is no whole number", "Correct the line.")
    if not LEAST <= concept <= MOST:
        refuse(place, "the concept id is out of range", "Correct the line.")
    flags = {
        flag: _flag(cells.get(flag, ""), place) for flag in ("exclude", "descendants", "mapped")
    }
    return ConceptItem(concept_id=concept, **flags)


def _flag(cell: str, place: str) -> bool:
    plain = cell.lower()
    if plain not in _FALSE and plain not in _TRUTH:
        refuse(place, "a flag is neither true nor false", "Write TRUE or FALSE.")
    return _TRUTH.get(plain, False)
