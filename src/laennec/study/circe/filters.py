"""One field of a criterion of ATLAS, as a filter of the model."""

from laennec.study.circe.fields import Asked
from laennec.study.circe.reader import Part, made, refuse
from laennec.study.circe.sets import CONCEPT, Sets, concept_id
from laennec.study.definition import (
    ConceptFilter,
    DateFilter,
    Filter,
    NumberFilter,
    SetFilter,
    TextFilter,
)

COMPARE = {
    "lt": "lt",
    "lte": "lte",
    "eq": "eq",
    "!eq": "ne",
    "gte": "gte",
    "gt": "gt",
    "bt": "between",
    "!bt": "not_between",
}
TEXT = {
    f"{no}{op}": (compare, bool(no))
    for op, compare in (
        ("eq", "equals"),
        ("startsWith", "starts_with"),
        ("endsWith", "ends_with"),
        ("contains", "contains"),
    )
    for no in ("", "!")
}
RANGE = frozenset({"Value", "Op", "Extent"})


def filter_of(part: Part, field: str, asked: Asked, sets: Sets, *, exclude: bool) -> Filter | None:
    """Return the filter that a field asks for, or None where it asks nothing (an empty list).

    Raises:
        StudyError: it is not written as ATLAS writes it; the place is named.
    """
    match asked.kind:
        case "date":
            return _date(_range(part, field, RANGE), asked.column)
        case "whole" | "decimal":
            decimals = asked.kind == "decimal"
            return _number(_range(part, field, RANGE), asked.column, decimals=decimals)
        case "text":
            return _text(_range(part, field, {"Text", "Op"}), asked.column)
        case "concepts":
            ids = tuple(concept_id(one) for one in part.parts(field, CONCEPT))
            if not ids:
                return None
            place = part.at(field)
            return made(ConceptFilter, place, column=asked.column, concepts=ids, negate=exclude)
        case "selection":
            chosen = _range(part, field, {"CodesetId", "IsExclusion"})
            return SetFilter(
                column=asked.column,
                concept_set=sets.named(chosen, "CodesetId"),
                negate=chosen.truth("IsExclusion") or False,
            )
        case "set":
            return SetFilter(column=asked.column, concept_set=sets.named(part, field))


def _range(part: Part, field: str, fields: frozenset[str] | set[str]) -> Part:
    found = part.part(field, fields)
    if found is None:
        refuse(part.at(field), "the filter is missing", "Export the definition again.")
    return found


def _date(asked: Part, column: str) -> DateFilter:
    compare = asked.one_of("Op", COMPARE)
    value, extent = asked.day("Value"), asked.day("Extent")
    if value is None:
        refuse(asked.at("Value"), "the day is missing", "Write it like 2020-01-31.")
    extent = extent if _ranges(compare) else None
    return made(DateFilter, asked.place, column=column, compare=compare, value=value, extent=extent)


def _number(asked: Part, column: str, *, decimals: bool) -> NumberFilter:
    compare = asked.one_of("Op", COMPARE)
    return made(
        NumberFilter,
        asked.place,
        column=column,
        compare=compare,
        value=asked.number("Value", decimals=decimals),
        extent=asked.number("Extent", decimals=decimals) if _ranges(compare) else None,
    )


def _ranges(compare: str) -> bool:
    return compare in ("between", "not_between")


def _text(asked: Part, column: str) -> TextFilter:
    compare, negate = asked.one_of("Op", TEXT)
    text = asked.text("Text")
    if text is None:
        refuse(asked.at("Text"), "the text is missing", "Write the text that is looked for.")
    if "%" in text or "_" in text:
        refuse(
            asked.at("Text"),
            "% and _ stand for any text and any character in ATLAS, and for themselves here",
            "Look for the parts of the text on either side, each with a filter of its own.",
        )
    return made(TextFilter, asked.place, column=column, compare=compare, text=text, negate=negate)
