"""What is wrong with a study, in words that a reader of the file can act on.

Turns the first complaint of pydantic into a place (``cohorts[0].exit.days``), what is wrong there,
and what to do, with the nearest known name where a name is unknown.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from laennec.study.model import DEFAULT_KIND, Frozen, Study

GUIDE = "docs/reference/study-language.md describes every field."
NAME_RULE = (
    "a name has lower-case letters, digits and underscores, starts with a letter and has at most "
    "63 characters"
)

_SHOWN = 80
"""Characters that are shown of a field's name; longer than any that a study has."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong, what to do, and the place in the file as names and numbers."""

    happened: str
    remedy: str
    path: tuple[str | int, ...]


def complaint(error: ValidationError, tree: Any) -> Complaint:
    """Return what is wrong and what to do.

    Args:
        error: What pydantic found in ``tree`` for ``Study``.
        tree: The file's tables and lists.
    """
    details = _first(error)
    parts, table = _place(details, tree)
    happened, remedy = words(details, _fields(parts, table))
    more = len(error.errors()) - 1
    also = f" ({more} more like this)" if more else ""
    dotted = _dotted(parts, details)
    path = [int(n) if n else name for n, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", dotted)]
    if details["type"] == "extra_forbidden":
        path.append(str(details["loc"][-1]))
    return Complaint(f"{dotted}: {happened}{also}.", remedy, tuple(path))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the known names, the nearest one first if there is one."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    offered = f"Did you mean {close[0]!r}? " if close else ""
    return f"{offered}Known: {', '.join(names)}." if names else "None is defined."


def _first(error: ValidationError) -> ErrorDetails:
    """The complaint to tell: a misspelt field first, an echo last.

    A misspelt field is also a missing one, and a list is "too short" when an item of it is bad.
    """
    order = {"extra_forbidden": 0, "too_short": 2}
    return min(error.errors(), key=lambda one: order.get(one["type"], 1))


def _place(details: ErrorDetails, tree: Any) -> tuple[list[str | int], Any]:
    """The steps to the complaint in the file, and what the file has there.

    Pydantic names the kind of a table after its place, which is no step in the file; a complaint
    about a key ends in ``[key]``. A field that is missing or too many is no step either: the
    complaint is about the table.
    """
    loc = details["loc"]
    if details["type"] in ("extra_forbidden", "missing"):
        loc = loc[:-1]
    parts: list[str | int] = []
    node = tree
    arrived = False
    for part in loc:
        is_kind = arrived and isinstance(node, dict) and part == node.get("kind", DEFAULT_KIND)
        arrived = False
        if is_kind or part == "[key]":
            continue
        parts.append(part)
        node = _child(node, part)
        arrived = True
    return parts, node


def _dotted(parts: list[str | int], details: ErrorDetails) -> str:
    """The place as a reader writes it, such as ``cohorts[0].exit.days``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    within = details.get("ctx", {}).get("place")
    return (f"{text}.{within}" if within else text).removeprefix(".") or "the study"


def _child(node: Any, part: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    return node[part] if isinstance(part, int) and part < len(node) else None


def words(details: ErrorDetails, fields: list[str]) -> tuple[str, str]:
    """Return what is wrong, and what to do; ``fields`` are those that the table may have."""
    kind, context = details["type"], details.get("ctx", {})
    field = str(details["loc"][-1])[:_SHOWN] if details["loc"] else ""
    match kind:
        case "extra_forbidden":
            return f"there is no field {field!r} here", nearest(field, fields)
        case "missing":
            return f"the field {field!r} is missing", f"Add it; {GUIDE}"
        case "unknown_name":
            name = str(context["name"]).strip("'\"")
            return details["msg"], nearest(name, context["known"])
        case "union_tag_not_found":
            return "the field 'kind' is missing", f"Add it; {GUIDE}"
        case "union_tag_invalid":
            known = [one.strip("' ") for one in context["expected_tags"].split(",")]
            return f"there is no kind {context['tag']!r} here", nearest(context["tag"], known)
        case "string_pattern_mismatch" if field in ("title", "description"):
            return "the text holds a control character", "Write plain text; a title is one line."
        case "string_pattern_mismatch":
            return f"this is not a name: {NAME_RULE}", "Change the name, and where it is used."
        case "value_error":
            return str(context["error"]), f"Correct it; {GUIDE}"
    text = details["msg"]
    return text[0].lower() + text[1:], f"Correct it; {GUIDE}"


def _fields(parts: list[str | int], table: Any) -> list[str]:
    """The fields that the table at a place may have."""
    kind = table.get("kind") if isinstance(table, dict) else None
    for name in reversed(parts):
        for model in CLASSES.get(name, ()) if isinstance(name, str) else ():
            tag = model.model_fields.get("kind")
            if tag is None or tag.default == kind:
                return list(model.model_fields)
    return list(Study.model_fields)


def _classes(
    model: type[Frozen], within: tuple[type[Frozen], ...] = ()
) -> Iterator[tuple[str, type[Frozen]]]:
    """Yield every field that holds tables, with the class of them, from ``model`` down."""
    for name, info in model.model_fields.items():
        for found in _frozen_in(info.annotation):
            yield name, found
            if found not in within:
                yield from _classes(found, (*within, found))


def _frozen_in(annotation: Any) -> Iterator[type[Frozen]]:
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        yield annotation
    for argument in get_args(annotation):
        yield from _frozen_in(argument)


def _by_field() -> Mapping[str, tuple[type[Frozen], ...]]:
    found: dict[str, dict[type[Frozen], None]] = {}
    for name, model in _classes(Study):
        found.setdefault(name, {})[model] = None
    return {name: tuple(models) for name, models in found.items()}


CLASSES = _by_field()
"""Field name to the classes of the tables it may hold; no two fields of one name differ."""
